# SPDX-License-Identifier: Apache-2.0
"""Folders that builds write: front ends with their source maps, wheels and packages."""

from __future__ import annotations

from typing import Final

OUTPUTS: Final = frozenset(
    {
        "dist",
        "build",
        "out",
        "public",
        "www",
        "_site",
        ".next",
        ".nuxt",
        ".output",
        ".svelte-kit",
        ".vercel",
        ".netlify",
    }
    | {"storybook-static", "wwwroot", "web-build", "staticfiles", "_build"}
)
"""Folders that front ends and packages are built into, by the manuals of Vite, Next.js, Nuxt, SvelteKit, Angular, Expo,
Django, Hugo, Jekyll, Sphinx, and of Python's `build`."""

BUILD_CACHES: Final = {
    ".next": ("cache",),
    "build": ("lib", "bdist", "temp", "intermediates", "tmp", "CMakeFiles"),
    ".svelte-kit": ("types",),
}
"""Output folder → folders in it that are not shipped, such as caches; `lib` is also `lib.linux-x86_64-cpython-313`."""


def find_output(name: str) -> str | None:
    """The output folder that a file is in; None if it is in none.

    Args:
        name: the file's name relative to the project's root.
    """
    parts = name.split("/")
    for place, part in enumerate(parts[:-1]):
        if part in OUTPUTS and not _is_cache(part, parts[place + 1 : -1]):
            return "/".join(parts[: place + 1])
    return None


def _is_cache(output: str, below: list[str]) -> bool:
    """Whether the first folder below an output folder is a cache: the whole name, or all before its first dot."""
    caches = BUILD_CACHES.get(output, ())
    return bool(below) and any(below[0] == cache or below[0].startswith(f"{cache}.") for cache in caches)
