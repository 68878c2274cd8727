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
"""Folders that front ends and packages are built into, according to the manuals of Vite, Next.js, Nuxt, SvelteKit,
Angular, Expo, Django, Hugo, Jekyll, Sphinx, and of Python's `build`."""

NOT_SHIPPED: Final = {
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
    for index, part in enumerate(parts[:-1]):
        if part in OUTPUTS and _is_shipped(part, parts[index + 1 : -1]):
            return "/".join(parts[: index + 1])
    return None


def _is_shipped(output: str, below: list[str]) -> bool:
    """Whether a file in an output folder is shipped.

    It is not if its first folder there is in `NOT_SHIPPED`: by the whole name, or by all before its first dot.
    """
    left_out = NOT_SHIPPED.get(output, ())
    return not below or not any(below[0] == folder or below[0].startswith(f"{folder}.") for folder in left_out)
