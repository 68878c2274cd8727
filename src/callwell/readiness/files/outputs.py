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
"""Output folder → prefixes of names in it that are not shipped, such as caches."""


def find_output(name: str) -> str | None:
    """The output folder that a file is in; None if it is in none.

    Args:
        name: the file's name relative to the project's root.
    """
    parts = name.split("/")
    for place, part in enumerate(parts[:-1]):
        if part in OUTPUTS and not parts[place + 1].startswith(BUILD_CACHES.get(part, ("\0",))):
            return "/".join(parts[: place + 1])
    return None
