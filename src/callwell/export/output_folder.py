# SPDX-License-Identifier: Apache-2.0
"""The folder of an export: what is in it, under which names, and how it is written.

::

    DIR/
    ├── callwell-export.json           whose export this is: by it the folder is known to be ours
    ├── manifest.json                  every file with size and SHA-256; written last
    ├── workspaces.jsonl               the scopes, one a line
    ├── gone.jsonl                     items that were deleted (410) or never found (404)
    └── <workspace>/
        ├── recordings.jsonl           the records, one a line, sorted by key
        └── recordings/<recording>/…   the assets

Where a provider has no scopes, records and assets are in the folder itself.

Every file appears under its name only when it is whole, and no link in the folder is followed. Nothing in the tree
tells when or how often the export ran, so that an export that was killed and run again ends with the same bytes as one
that was not.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from callwell.errors import DirectoryNotOurs, DiskFull, FileProblem
from callwell.folders import PART, Folder, open_unnamed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

MANIFEST: Final = "manifest.json"
GONE: Final = "gone.jsonl"
FORMAT: Final = 1

RESERVE: Final = 64 << 20
"""Bytes that an export leaves free on the disk."""

FULL: Final = frozenset({28, 122})
"""ENOSPC and EDQUOT."""

LONGEST: Final = 180
"""Bytes of a name; most file systems take 255, and a temporary name is longer than its file's."""

RESERVED: Final = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10))}
)
"""What Windows takes for devices, whatever follows after a dot."""


class OutputFolder:
    """The folder of one export.

    Args:
        folder: where it is.
        owner: what the marker says: provider, address and account.
        what: what is in it, in a word: it is in the marker's name.
        files: names by which a folder with a damaged marker is known, if it holds nothing else.
    """

    def __init__(self, folder: Path, owner: dict[str, str], *, what: str = "export", files: Iterable[str] = ()) -> None:
        self.folder = folder
        self._what = what
        self._marker_name = f"callwell-{what}.json"
        self._marker = {"format": FORMAT, **owner}
        self._files = {self._marker_name, *files}
        self._root: Folder | None = None

    def claim(self, *, ours: Callable[[], bool] = lambda: False) -> None:
        """Make the folder ours, or see that it is, and keep others out of it until `release`.

        Args:
            ours: whether something else shows that a folder with a damaged marker is ours.

        Raises:
            DirectoryNotOurs: it holds other things, or another account's.
            DiskFull: there is less room than is always needed.
            FileProblem: it cannot be made or read, or another process is at work in it.
        """
        try:
            self._root = Folder.at(self.folder, make=True, listed=True)
            if not self._root.lock():
                busy = f"{self.folder}: another {self._what} is at work in this folder; wait for its end"
                raise FileProblem(busy)
            found = self._found(ours)
        except OSError as error:
            raise FileProblem(f"{self.folder}: cannot be used as a folder: {error.strerror}") from error
        if found is not None and found != self._marker:
            whose = ", ".join(f"{key} {value}" for key, value in found.items() if self._marker.get(key) != value)
            raise DirectoryNotOurs(f"{self.folder} holds another {self._what} ({whose}); name another folder")
        self.need(0)
        with self._explained():
            self._sweep()
        if found is None:
            self.write(self._marker_name, [_pretty(self._marker)], sync=True)

    def release(self) -> None:
        """Let others into the folder."""
        if self._root is not None:
            self._root.close()
            self._root = None

    def need(self, size: int) -> None:
        """See that there is room for a file.

        Raises:
            DiskFull: there is not.
        """
        with self._explained():
            free = shutil.disk_usage(self.folder).free
        if free < size + RESERVE:
            missing = (size + RESERVE - free + (1 << 20) - 1) >> 20
            raise DiskFull(
                f"{self.folder}: {missing} MiB more are needed on this disk; make room and run the same again"
            )

    def folds_case(self) -> bool:
        """Whether the disk takes `A` for `a`."""
        return self._held.exists(self._marker_name.upper())

    @contextmanager
    def place(self, name: str) -> Iterator[tuple[Folder, str]]:
        """The folder in which a file goes, and its name there; folders above it are made.

        Args:
            name: its path below this folder.

        Raises:
            DiskFull: the disk is full.
            FileProblem: there can be no such folder.
        """
        parts = PurePosixPath(name).parts
        try:
            folder = self._held.subfolder(*parts[:-1], make=True)
        except OSError as error:
            raise _problem(self.folder / name, error) from error
        with folder:
            yield folder, parts[-1]

    @contextmanager
    def spool(self, name: str) -> Iterator[BinaryIO]:
        """A file without a name on this disk, for as long as it is open.

        Args:
            name: what it is for.

        Raises:
            FileProblem: it cannot be made.
        """
        with self.place(name) as (folder, file):
            try:
                opened = open_unnamed(folder, file)
                with opened as spool:
                    yield spool
            except OSError as error:
                raise _problem(self.folder / name, error) from error

    def write(self, name: str, pieces: Iterable[bytes], *, sync: bool = False) -> None:
        """Write a whole file in one step.

        Args:
            name: its path below this folder.
            pieces: what it is to hold.
            sync: it survives a loss of power, too.

        Raises:
            DiskFull: the disk is full; the old file is still there.
            FileProblem: it cannot be written.
        """
        with self.place(name) as (folder, file):
            try:
                folder.write(file, pieces, sync=sync)
            except OSError as error:
                raise _problem(self.folder / name, error) from error

    def lines(self, name: str) -> Iterator[Any]:
        """The records of a file of JSON lines; none if there is no such file.

        Raises:
            FileProblem: the file is damaged.
        """
        path = self.folder / name
        number = 0
        *above, last = PurePosixPath(name).parts
        try:
            with self._held.subfolder(*above) as folder, folder.open(last) as file:
                for line in file:
                    number += 1
                    yield msgspec.json.decode(line)
        except FileNotFoundError:
            return
        except OSError as error:
            raise FileProblem(f"{path}: cannot be read: {error.strerror}") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            what = f"{path}:{number}: damaged ({error})"
            raise FileProblem(f"{what}; delete the file to have it made again") from error

    def write_lines(self, name: str, lines: Iterable[bytes]) -> None:
        """Write records in JSON, one a line."""
        self.write(name, (line + b"\n" for line in lines))

    def has(self, name: str, size: int) -> bool:
        """Whether a file of that size is there."""
        *above, last = PurePosixPath(name).parts
        try:
            with self._held.subfolder(*above) as folder:
                return folder.size(last) == size
        except (OSError, FileProblem):
            return False

    def prune(self, name: str, kept: set[str]) -> None:
        """Remove the folders below `name` that nobody owns any more: what a killed run left of an item that is gone."""
        with suppress(OSError), self._held.subfolder(*PurePosixPath(name).parts) as folder:
            for found in folder.list_names():
                if found not in kept and folder.is_folder(found):
                    folder.remove_tree(found)

    def seal(self, files: dict[str, tuple[int, str]], counts: dict[str, Any]) -> None:
        """Write the manifest: the export is whole.

        Args:
            files: by path: size and SHA-256 of the assets; the files of records are added.
            counts: what else the manifest tells.
        """
        files = dict(files)
        with self._explained():
            for path, name, folder in self._held.walk():
                size = folder.size(name) if name.endswith(".jsonl") else None
                if size is not None:
                    with folder.open(name) as file:
                        files[path] = size, hashlib.file_digest(file, "sha256").hexdigest()
        listed = [{"path": path, "size": size, "sha256": digest} for path, (size, digest) in sorted(files.items())]
        self.write(MANIFEST, [_pretty({**self._marker, **counts, "files": listed})], sync=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _problem(self.folder, error) from error

    @property
    def _held(self) -> Folder:
        if self._root is None:
            raise FileProblem(f"{self.folder}: it is not claimed")
        return self._root

    def _found(self, ours: Callable[[], bool]) -> dict[str, Any] | None:
        """What the marker says; None where there is to be one, because the folder is empty or the marker was damaged.

        What an earlier run was writing when it was killed does not count.
        """
        names = [name for name in self._held.list_names() if not _temporary(name)]
        if self._marker_name not in names:
            if names:
                raise DirectoryNotOurs(
                    f"{self.folder} is not empty and no {self._what} of ours; name an empty or new folder"
                )
            return None
        try:
            return msgspec.json.decode(self._held.read(self._marker_name), type=dict[str, Any])
        except msgspec.ValidationError:
            known = False
        except (msgspec.DecodeError, UnicodeDecodeError):
            known = self._files.issuperset(names) or self._sealed() or ours()
        if not known:
            what = f"{self.folder / self._marker_name} is damaged, and nothing else says that this folder is ours"
            raise DirectoryNotOurs(f"{what}; name another folder")
        return None

    def _sealed(self) -> bool:
        """Whether the manifest says of the folder what the marker would."""
        try:
            found = msgspec.json.decode(self._held.read(MANIFEST), type=dict[str, Any])
        except (OSError, FileProblem, msgspec.MsgspecError, UnicodeDecodeError):
            return False
        return all(found.get(key) == value for key, value in self._marker.items())

    def _sweep(self) -> None:
        for _, name, folder in self._held.walk():
            if _temporary(name):
                with suppress(OSError):
                    folder.remove(name)


def safe(name: str) -> str:
    """A provider's key as the name of a file or folder: the same everywhere, and never a path."""
    quoted = quote(name, safe="", errors="surrogatepass")
    if quoted.startswith(".") or quoted.partition(".")[0].upper() in RESERVED:
        quoted = f"%{ord(quoted[0]):02X}{quoted[1:]}"
    if quoted.endswith("."):
        quoted = f"{quoted[:-1]}%2E"
    return shortened(quoted, name) or "%"


def shortened(name: str, of: str) -> str:
    """A name that every file system takes.

    Args:
        name: the name.
        of: what it stands for; its checksum keeps names apart that begin in the same way.
    """
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 17]}-{_digest(of)[:16]}"


def distinct(keys: Iterable[str]) -> dict[str, str]:
    """Names of the keys that differ from another one by case alone, so that every file system keeps them apart."""
    alike = dict[str, list[str]]()
    for key in keys:
        alike.setdefault(safe(key).casefold(), []).append(key)
    clashing = itertools.chain.from_iterable(group for group in alike.values() if len(group) > 1)
    return {key: f"{safe(key)[: LONGEST - 9]}~{_digest(key)[:8]}" for key in clashing}


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def _temporary(name: str) -> bool:
    """Whether a file was being written when its writer ended."""
    return name.startswith(".") and name.endswith(PART)


def below(scope: str) -> str:
    """What the paths of a scope's files begin with."""
    return f"{safe(scope)}/" if scope else ""


def _pretty(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def _problem(path: Path, error: OSError) -> DiskFull | FileProblem:
    if error.errno in FULL:
        return DiskFull(f"{path}: the disk is full; make room and run the same again")
    return FileProblem(f"{os.fspath(path)}: cannot be written: {error.strerror}")
