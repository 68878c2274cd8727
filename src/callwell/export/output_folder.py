# SPDX-License-Identifier: Apache-2.0
"""The output folder of an export or an assessment: its owner, its contents, and how it is written.

::

    DIR/
    ├── callwell-export.json           the marker: provider, address and account of this export
    ├── manifest.json                  every file with size and SHA-256; written last
    ├── workspaces.jsonl               the scopes, one a line
    ├── gone.jsonl                     items that were deleted (410) or never found (404)
    └── <workspace>/
        ├── recordings.jsonl           the records, one a line, sorted by key
        └── recordings/<recording>/…   the assets

If the provider has no scopes, records and assets are in the folder itself.

Every file appears under its name only when it is complete, and no link inside the folder is followed. Nothing in the
folder depends on when or how often the export ran, so an export that was killed and resumed ends with the same bytes
as one that ran through.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import msgspec

from callwell.errors import DirectoryNotOurs, DiskFull, FileProblem
from callwell.folders import Folder, open_unnamed
from callwell.temporary_names import PART_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

MANIFEST: Final = "manifest.json"
GONE: Final = "gone.jsonl"
FORMAT: Final = 1
"""The version of the marker and the manifest."""

RESERVE: Final = 64 << 20
"""Bytes to leave free on the disk: a full disk breaks other programs, and often the state next to the folder."""

DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class OutputFolder:
    """The folder of one export or assessment.

    Args:
        folder: the folder.
        owner: the contents of the marker: provider, address and account.
        kind: `export` or `assessment`; part of the marker's name.
        files: names of result files. A folder with nothing else is ours even if the marker is damaged.
    """

    def __init__(self, folder: Path, owner: dict[str, str], *, kind: str = "export", files: Iterable[str] = ()) -> None:
        self.folder = folder
        self._kind = kind
        self._marker_name = f"callwell-{kind}.json"
        self._marker = {"format": FORMAT, **owner}
        self._files = {self._marker_name, *files}
        self._root: Folder | None = None

    def claim(self, *, is_ours: Callable[[], bool] = lambda: False) -> None:
        """Claim the folder, or check that it is ours, and lock out other processes until `release`.

        Args:
            is_ours: whether something else shows that a folder with a damaged marker is ours.

        Raises:
            DirectoryNotOurs: it has other files, or the results of another account.
            DiskFull: there is less free space than `RESERVE`.
            FileProblem: it cannot be created or read, or another process is using it.
        """
        try:
            self._root = Folder.at(self.folder, make=True, for_listing=True)
            if not self._root.lock():
                busy = f"{self.folder}: another {self._kind} is using this folder; wait until it has ended"
                raise FileProblem(busy)
            marker = self._read_marker(is_ours)
        except OSError as error:
            raise FileProblem(f"{self.folder}: cannot be used as a folder: {error.strerror}") from error
        if marker is not None and marker != self._marker:
            owner = ", ".join(f"{key} {value}" for key, value in marker.items() if self._marker.get(key) != value)
            raise DirectoryNotOurs(f"{self.folder} holds another {self._kind} ({owner}); choose another folder")
        self.ensure_space(0)
        with self._translate_errors():
            self._remove_temporary_files()
        if marker is None:
            self.write(self._marker_name, [_pretty_json(self._marker)], sync=True)

    def release(self) -> None:
        """Let other processes use the folder."""
        if self._root is not None:
            self._root.close()
            self._root = None

    def ensure_space(self, size: int) -> None:
        """Check that the disk has room for a file.

        Args:
            size: the size of the file in bytes.

        Raises:
            DiskFull: it does not.
        """
        with self._translate_errors():
            free = shutil.disk_usage(self.folder).free
        if free < size + RESERVE:
            missing = (size + RESERVE - free + (1 << 20) - 1) >> 20  # MiB, rounded up
            raise DiskFull(
                f"{self.folder}: {missing} MiB more are needed on this disk; make room and run the same again"
            )

    def ignores_case(self) -> bool:
        """Whether the file system treats `A` and `a` as the same name."""
        return self._opened.exists(self._marker_name.upper())

    @contextmanager
    def parent_of(self, name: str) -> Iterator[tuple[Folder, str]]:
        """The folder of a file, and the file's name in it. Missing folders are created.

        Args:
            name: the file's path below this folder.

        Raises:
            DiskFull: the disk is full.
            FileProblem: the folder cannot be created.
        """
        parts = PurePosixPath(name).parts
        try:
            folder = self._opened.subfolder(*parts[:-1], make=True)
        except OSError as error:
            raise _translate(self.folder / name, error) from error
        with folder:
            yield folder, parts[-1]

    @contextmanager
    def temporary_file(self, name: str) -> Iterator[BinaryIO]:
        """An unnamed file on this disk, which is gone once it is closed.

        Args:
            name: its purpose.

        Raises:
            FileProblem: it cannot be created.
        """
        with self.parent_of(name) as (folder, file):
            try:
                with open_unnamed(folder, file) as opened:
                    yield opened
            except OSError as error:
                raise _translate(self.folder / name, error) from error

    def write(self, name: str, chunks: Iterable[bytes], *, sync: bool = False) -> None:
        """Write a file that appears only when it is complete.

        Args:
            name: its path below this folder.
            chunks: its contents.
            sync: flush it to disk, so that it survives a power failure.

        Raises:
            DiskFull: the disk is full; the previous file is still there.
            FileProblem: it cannot be written.
        """
        with self.parent_of(name) as (folder, file):
            try:
                folder.write(file, chunks, sync=sync)
            except OSError as error:
                raise _translate(self.folder / name, error) from error

    def read_lines(self, name: str) -> Iterator[Any]:
        """The records of a JSON Lines file; none if there is no such file.

        Raises:
            FileProblem: the file is damaged.
        """
        path = self.folder / name
        number = 0
        *parents, file_name = PurePosixPath(name).parts
        try:
            with self._opened.subfolder(*parents) as folder, folder.open(file_name) as file:
                for line in file:
                    number += 1
                    yield msgspec.json.decode(line)
        except FileNotFoundError:
            return
        except OSError as error:
            raise FileProblem(f"{path}: cannot be read: {error.strerror}") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FileProblem(f"{path}:{number}: damaged ({error}); delete the file to export it again") from error

    def write_lines(self, name: str, lines: Iterable[bytes]) -> None:
        """Write records as JSON lines."""
        self.write(name, (line + b"\n" for line in lines))

    def has_file(self, name: str, size: int) -> bool:
        """Whether there is a file with this name and size."""
        *parents, file_name = PurePosixPath(name).parts
        try:
            with self._opened.subfolder(*parents) as folder:
                return folder.size(file_name) == size
        except (OSError, FileProblem):
            return False

    def prune(self, name: str, kept: set[str]) -> None:
        """Remove the folders of deleted items, which a killed run may have left below `name`."""
        with suppress(OSError), self._opened.subfolder(*PurePosixPath(name).parts) as folder:
            for child in folder.list_names():
                if child not in kept and folder.is_folder(child):
                    folder.remove_tree(child)

    def write_manifest(self, files: dict[str, tuple[int, str]], counts: dict[str, Any]) -> None:
        """Write the manifest: the export is complete.

        Args:
            files: size and SHA-256 of the assets, by path; the record files are added.
            counts: further fields of the manifest.
        """
        files = dict(files)
        with self._translate_errors():
            for path, name, folder in self._opened.walk():
                size = folder.size(name) if name.endswith(".jsonl") else None
                if size is not None:
                    with folder.open(name) as file:
                        files[path] = (size, hashlib.file_digest(file, "sha256").hexdigest())
        listed = [{"path": path, "size": size, "sha256": digest} for path, (size, digest) in sorted(files.items())]
        self.write(MANIFEST, [_pretty_json({**self._marker, **counts, "files": listed})], sync=True)

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _translate(self.folder, error) from error

    @property
    def _opened(self) -> Folder:
        if self._root is None:
            raise FileProblem(f"{self.folder}: this folder has not been claimed")
        return self._root

    def _read_marker(self, is_ours: Callable[[], bool]) -> dict[str, Any] | None:
        """The marker; None if it must be written, because the folder is empty or the marker was damaged.

        Temporary files of a killed run are ignored.
        """
        names = [name for name in self._opened.list_names() if not _is_temporary(name)]
        if self._marker_name not in names:
            if names:
                raise DirectoryNotOurs(
                    f"{self.folder} is not empty and has no Callwell {self._kind}; choose a new or empty folder"
                )
            return None
        try:
            return msgspec.json.decode(self._opened.read(self._marker_name), type=dict[str, Any])
        except msgspec.ValidationError:
            is_known = False
        except (msgspec.DecodeError, UnicodeDecodeError):
            is_known = self._files.issuperset(names) or self._manifest_is_ours() or is_ours()
        if not is_known:
            damaged = f"{self.folder / self._marker_name} is damaged, and nothing else shows that this folder is ours"
            raise DirectoryNotOurs(f"{damaged}; choose another folder")
        return None

    def _manifest_is_ours(self) -> bool:
        """Whether the manifest has the fields of the marker."""
        try:
            manifest = msgspec.json.decode(self._opened.read(MANIFEST), type=dict[str, Any])
        except (OSError, FileProblem, msgspec.MsgspecError, UnicodeDecodeError):
            return False
        return all(manifest.get(key) == value for key, value in self._marker.items())

    def _remove_temporary_files(self) -> None:
        for _, name, folder in self._opened.walk():
            if _is_temporary(name):
                with suppress(OSError):
                    folder.remove(name)


def _is_temporary(name: str) -> bool:
    """Whether a file was still being written when its process ended."""
    return name.startswith(".") and name.endswith(PART_SUFFIX)


def _pretty_json(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def _translate(path: Path, error: OSError) -> DiskFull | FileProblem:
    if error.errno in DISK_FULL:
        return DiskFull(f"{path}: the disk is full; make room and run the same again")
    return FileProblem(f"{os.fspath(path)}: cannot be written: {error.strerror}")
