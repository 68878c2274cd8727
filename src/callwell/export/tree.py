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

Every file appears under its name only when it is whole. Nothing in the tree tells when or how often the export ran, so
that an export that was killed and run again ends with the same bytes as one that was not.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from callwell.errors import DirectoryNotOurs, DiskFull, FileProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MANIFEST: Final = "manifest.json"
GONE: Final = "gone.jsonl"
FORMAT: Final = 1

RESERVE: Final = 64 << 20
"""Bytes that an export leaves free on the disk."""

FULL: Final = frozenset({28, 122})
"""ENOSPC and EDQUOT."""

LONGEST: Final = 180
"""Bytes of a name; most file systems take 255, and a temporary name is longer than its file's."""


class Tree:
    """The folder of one export.

    Args:
        folder: where it is.
        owner: what the marker says: provider, address and account.
        what: what is in it, in a word: it is in the marker's name.
    """

    def __init__(self, folder: Path, owner: dict[str, str], *, what: str = "export") -> None:
        self.folder = folder
        self._what = what
        self._marker_name = f"callwell-{what}.json"
        self._marker = {"format": FORMAT, **owner}
        self._lock: int | None = None

    def claim(self) -> None:
        """Make the folder ours, or see that it is, and keep others out of it until `release`.

        Raises:
            DirectoryNotOurs: it holds other things, or another account's.
            DiskFull: there is less room than is always needed.
            FileProblem: it cannot be made or read, or another process is at work in it.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.folder, os.O_RDONLY)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found = self._read_marker()
            if found is None and any(self.folder.iterdir()):
                raise DirectoryNotOurs(
                    f"{self.folder} is not empty and no {self._what} of ours; name an empty or new folder"
                )
        except BlockingIOError as error:
            busy = f"{self.folder}: another {self._what} is at work in this folder; wait for its end"
            raise FileProblem(busy) from error
        except OSError as error:
            raise FileProblem(f"{self.folder}: cannot be used as a folder: {error.strerror}") from error
        if found is not None and found != self._marker:
            whose = ", ".join(f"{key} {value}" for key, value in found.items() if self._marker.get(key) != value)
            raise DirectoryNotOurs(f"{self.folder} holds another {self._what} ({whose}); name another folder")
        self.need(0)
        self._sweep()
        if found is None:
            self.write(self._marker_name, [_pretty(self._marker)])

    def release(self) -> None:
        """Let others into the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def need(self, size: int) -> None:
        """See that there is room for a file.

        Raises:
            DiskFull: there is not.
        """
        free = shutil.disk_usage(self.folder).free
        if free < size + RESERVE:
            missing = (size + RESERVE - free + (1 << 20) - 1) >> 20
            raise DiskFull(
                f"{self.folder}: {missing} MiB more are needed on this disk; make room and run the same again"
            )

    def path(self, *parts: str) -> Path:
        """Where a file goes; folders above it are made."""
        path = self.folder.joinpath(*parts)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _problem(path, error) from error
        return path

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        """Write a whole file in one step.

        Raises:
            DiskFull: the disk is full; the old file is still there.
            FileProblem: it cannot be written.
        """
        path = self.path(name)
        part = path.with_name(f".{path.name}.part")
        try:
            with part.open("wb") as file:
                file.writelines(pieces)
            part.replace(path)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise _problem(path, error) from error

    def lines(self, name: str) -> Iterator[Any]:
        """The records of a file of JSON lines; none if there is no such file.

        Raises:
            FileProblem: the file is damaged.
        """
        path, number = self.folder / name, 0
        try:
            with path.open("rb") as file:
                for line in file:
                    number += 1
                    yield msgspec.json.decode(line)
        except FileNotFoundError:
            return
        except OSError as error:
            raise FileProblem(f"{path}: cannot be read: {error.strerror}") from error
        except msgspec.DecodeError as error:
            what = f"{path}:{number}: damaged ({error})"
            raise FileProblem(f"{what}; delete the file to have it made again") from error

    def write_lines(self, name: str, lines: Iterable[bytes]) -> None:
        """Write records in JSON, one a line."""
        self.write(name, (line + b"\n" for line in lines))

    def has(self, name: str, size: int) -> bool:
        """Whether a file of that size is there."""
        try:
            return (self.folder / name).stat().st_size == size
        except OSError:
            return False

    def prune(self, name: str, kept: set[str]) -> None:
        """Remove the folders below `name` that nobody owns any more: what a killed run left of an item that is gone."""
        with suppress(FileNotFoundError):
            for found in (self.folder / name).iterdir():
                if found.is_dir() and found.name not in kept:
                    shutil.rmtree(found, ignore_errors=True)

    def seal(self, files: dict[str, tuple[int, str]], counts: dict[str, Any]) -> None:
        """Write the manifest: the export is whole.

        Args:
            files: by path: size and SHA-256 of the assets; the files of records are added.
            counts: what else the manifest tells.
        """
        files = dict(files)
        for path in sorted(self.folder.rglob("*.jsonl")):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            files[path.relative_to(self.folder).as_posix()] = path.stat().st_size, digest
        listed = [{"path": path, "size": size, "sha256": digest} for path, (size, digest) in sorted(files.items())]
        self.write(MANIFEST, [_pretty({**self._marker, **counts, "files": listed})])

    def _read_marker(self) -> dict[str, Any] | None:
        try:
            return msgspec.json.decode((self.folder / self._marker_name).read_bytes(), type=dict[str, Any])
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise DirectoryNotOurs(
                f"{self.folder / self._marker_name} is damaged; is this a folder of ours?"
            ) from error

    def _sweep(self) -> None:
        for path in self.folder.rglob(".*.part"):
            with suppress(OSError):
                path.unlink()


def safe(name: str) -> str:
    """A provider's key as the name of a file or folder: the same everywhere, and never a path."""
    quoted = quote(name, safe="")
    quoted = f"%2E{quoted[1:]}" if quoted.startswith(".") else quoted
    if len(quoted) > LONGEST:
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        return f"{quoted[: LONGEST - 17]}-{digest}"
    return quoted or "%"


def below(scope: str) -> str:
    """What the paths of a scope's files begin with."""
    return f"{safe(scope)}/" if scope else ""


def _pretty(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def _problem(path: Path, error: OSError) -> DiskFull | FileProblem:
    if error.errno in FULL:
        return DiskFull(f"{path}: the disk is full; make room and run the same again")
    return FileProblem(f"{os.fspath(path)}: cannot be written: {error.strerror}")
