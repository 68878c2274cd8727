# SPDX-License-Identifier: Apache-2.0
"""The files that checks examine."""

from __future__ import annotations

import shutil
import stat
import tempfile
import weakref
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.readiness.files.docker import find_docker_shippers
from callwell.readiness.files.listing import list_files, printable
from callwell.readiness.files.logs import is_log
from callwell.readiness.files.npm import find_npm_shippers
from callwell.readiness.files.outputs import find_output
from callwell.readiness.files.python_builds import find_python_shippers
from callwell.readiness.files.staged import copy_staged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from callwell.readiness.files.listing import FileListing
    from callwell.readiness.files.shipper import Shipper
    from callwell.readiness.findings import Unchecked


NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class ProjectFile(NamedTuple):
    """One file.

    Attributes:
        path: where it is; a copy, if the staged content is checked.
        name: relative to the project's root, with `/`.
        shipped_by: for a file that git ignores: what would ship it all the same, such as `Dockerfile` or `dist/`; for a
            file in a folder without git: the build's output folder that it is in. Else empty.
    """

    path: Path
    name: str
    shipped_by: str = ""


class ProjectFiles:
    """The files of a project in the order of their names, with links that lead out of it or nowhere.

    A link within the project is left out, because the file has its own name.

    Args:
        root: the project's folder.
        staged: only the files with staged changes, as they are staged.
    """

    def __init__(self, root: Path, *, staged: bool = False) -> None:
        self.root = root
        self.staged = staged

    def __iter__(self) -> Iterator[ProjectFile]:
        """All files that git keeps or would add, and the ignored ones that a build would ship.

        Raises:
            CannotCheck: it is a bare repository; or there are no staged changes, because there is no git repository.
        """
        return iter(self._staged_files if self.staged else self._files)

    def with_suffix(self, *suffixes: str) -> Iterator[ProjectFile]:
        """The files with one of these suffixes, such as `.py`."""
        return (file for file in self if file.name.endswith(suffixes))

    def ignored_logs(self) -> Iterator[ProjectFile]:
        """Logs and cassettes that git ignores; none if only staged changes are checked."""
        if not self.staged:
            yield from _make_files(self.root, filter(is_log, self._listing.ignored))

    def problems(self) -> tuple[Unchecked, ...]:
        """What could not be listed."""
        return () if self.staged else tuple(self._listing.problems)

    @cached_property
    def _listing(self) -> FileListing:
        return list_files(self.root)

    @cached_property
    def _files(self) -> tuple[ProjectFile, ...]:
        listing = self._listing
        if listing.by_git:
            shipped = {name: origin for name in listing.ignored if (origin := self._find_shipper(name))}
        else:
            shipped = {name: origin for name in listing.kept if (origin := _output_of(name))}
        return tuple(_make_files(self.root, sorted({*listing.kept, *shipped}), shipped))

    @cached_property
    def _shippers(self) -> tuple[Shipper, ...]:
        names = {*self._listing.kept, *self._listing.ignored}
        return (
            *find_docker_shippers(self.root, names),
            *find_npm_shippers(self.root, names),
            *find_python_shippers(self.root, names),
        )

    def _find_shipper(self, name: str) -> str:
        """What ships a file: an output folder, or else the first build that does."""
        origins = (shipper.origin for shipper in self._shippers if shipper.ships(name))
        return _output_of(name) or next(origins, "")

    @cached_property
    def _staged_files(self) -> tuple[ProjectFile, ...]:
        folder = Path(tempfile.mkdtemp(prefix="callwell-staged-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return tuple(_make_files(folder, copy_staged(self.root, folder)))


def _output_of(name: str) -> str:
    folder = find_output(name)
    return "" if folder is None else f"{folder}/"


def _make_files(folder: Path, names: Iterable[str], shipped: Mapping[str, str] = NOTHING) -> Iterator[ProjectFile]:
    """Yield the files that checks read. Unreadable ones are among them, so that a check can report them."""
    for name in names:
        path = folder / name
        try:
            mode = path.lstat().st_mode
            wanted = _leads_out(folder, path) if stat.S_ISLNK(mode) else stat.S_ISREG(mode)
        except (FileNotFoundError, NotADirectoryError):  # removed, and git still has it
            continue
        except OSError:
            wanted = True
        if wanted:
            yield ProjectFile(path=path, name=printable(name), shipped_by=shipped.get(name, ""))


def _leads_out(folder: Path, link: Path) -> bool:
    """Whether a link leads to a file outside, or nowhere. A file inside has its own name."""
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):  # a loop is a RuntimeError up to Python 3.12
        return True
    return target.is_file() and not target.is_relative_to(folder.resolve())
