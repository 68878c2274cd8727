# SPDX-License-Identifier: Apache-2.0
"""What `npm pack` would put into the packages of a project.

By npm's manual: package.json, "files"; developers, "Keeping files out of your NpmPackage".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from callwell.readiness.files.globs import Patterns
from callwell.readiness.files.shipper import Shipper, below, folder_of, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

NEVER: Final = Patterns.of_git(
    (
        *(".*.swp", "._*", ".DS_Store", ".git", ".npmrc", ".hg", ".svn", "CVS", "*.orig", "config.gypi"),
        *("node_modules", "npm-debug.log", "package-lock.json", "pnpm-lock.yaml", "yarn.lock"),
    )
)
"""Files that npm always leaves out."""


class NpmPackage(msgspec.Struct):
    """The relevant fields of a `package.json`."""

    name: str = ""
    version: str = ""
    private: bool | str = False
    files: list[str] | None = None
    main: Any = None
    browser: Any = None
    bin: Any = None

    def entries(self) -> list[str]:
        """The files that are in the package even if they are ignored."""
        programs = self.bin.values() if isinstance(self.bin, dict) else [self.bin]
        return [one for one in (self.main, self.browser, *programs) if isinstance(one, str)]


def find_npm_shippers(root: Path, names: Iterable[str]) -> Iterator[Shipper]:
    """Every package that can be published.

    Args:
        root: the project's folder.
        names: the names of its files.
    """
    for name in names:
        if name.rpartition("/")[2] != "package.json":
            continue
        package = _read_package(root / name)
        if package is None or package.private or not package.name or not package.version:
            continue
        folder = folder_of(name)
        if package.entries():
            yield _make_shipper(name, folder, Patterns.of_git(package.entries(), anchored=True), Patterns(()))
        if package.files is not None:
            yield _make_shipper(name, folder, Patterns.of_git(package.files, anchored=True), Patterns(()))
            continue
        ignored = read_lines(root / folder / ".npmignore")
        if ignored is not None:  # without it, npm leaves out what git ignores
            yield _make_shipper(name, folder, Patterns.of_git(["*"]), Patterns.of_git(ignored))


def _make_shipper(name: str, folder: str, included: Patterns, ignored: Patterns) -> Shipper:
    def ships(file: str) -> bool:
        inner = below(folder, file)
        return inner is not None and included.match(inner) and not ignored.match(inner) and not NEVER.match(inner)

    return Shipper(origin=name, ships=ships)


def _read_package(path: Path) -> NpmPackage | None:
    lines = read_lines(path)
    if lines is None:
        return None
    try:
        return msgspec.json.decode("\n".join(lines), type=NpmPackage)
    except (msgspec.DecodeError, RecursionError):
        return None
