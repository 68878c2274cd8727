# SPDX-License-Identifier: Apache-2.0
"""Folders that builds write: front ends with their source maps, wheels and packages."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from callwell.readiness.files.shipper import Shipper

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    | {"storybook-static", "wwwroot"}
)
"""Folders that front ends and packages are built into, by the manuals of Vite, Next.js, Nuxt, SvelteKit, Angular, Hugo,
Jekyll, and of Python's `build`."""

SCRATCH: Final = {
    ".next": ("cache",),
    "build": ("lib", "bdist", "temp", "intermediates", "tmp", "CMakeFiles"),
    ".svelte-kit": ("types",),
}
"""Output folder → beginnings of names in it that stay on the machine of the build."""


def find_output(name: str) -> str | None:
    """The output folder that a file is in; None if it is in none.

    Args:
        name: the file's name relative to the project's root.
    """
    parts = name.split("/")
    for place, part in enumerate(parts[:-1]):
        if part in OUTPUTS and not parts[place + 1].startswith(SCRATCH.get(part, ("\0",))):
            return "/".join(parts[: place + 1])
    return None


def find_output_shippers(names: set[str]) -> Iterator[Shipper]:
    """Every output folder among names.

    Args:
        names: names of files that git ignores.
    """
    for folder in sorted({folder for name in names if (folder := find_output(name)) is not None}):
        yield Shipper(origin=f"{folder}/", ships=partial(_is_in_output, folder))


def _is_in_output(folder: str, name: str) -> bool:
    return find_output(name) == folder
