# SPDX-License-Identifier: Apache-2.0
"""A file that is being saved, under a temporary name until it is whole.

That name is a random one, removed when the save fails; or, if the save may be resumed, `.NAME.part`, which stays.
Beside it, `.NAME.part.json` records which bytes are on disk, and of which version and size. The bytes are on disk
before the record says so: a process that is killed at any time leaves a record that holds. A version is identified by a
strong ETag or a `Last-Modified` that is old enough; without either, nothing is left. The URL is never stored.

The lock on the temporary file keeps two processes from saving the same file at once. The folder is held open, and no
link in it is followed (`folders`).
"""

from __future__ import annotations

import fcntl
import io
import os
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from callwell.client.downloads.writer import FileWriter
from callwell.core import parallel_download
from callwell.core.download import Download
from callwell.core.partial import Version
from callwell.core.ranges import ByteRange
from callwell.errors import DiskFull, FileProblem
from callwell.folders import PART, Folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO, Self

FULL_ERRNOS: Final = frozenset({28, 122})
"""ENOSPC and EDQUOT on Linux."""


class Saved(NamedTuple):
    """A file that was saved.

    Attributes:
        path: where it is.
        size: bytes.
        sha256: checksum, in hexadecimal.
        type: the media type that the provider announced.
    """

    path: Path
    size: int
    sha256: str
    type: str | None


class ResumeRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is on disk of a file; see above.

    Attributes:
        etag: the ETag of its version.
        modified: its `Last-Modified`, where that identifies the version.
        size: bytes of the whole, where known.
        safe: the ranges that are there, in order, no two of them touching.
    """

    etag: str | None = None
    last_modified: str | None = None
    size: int | None
    safe: tuple[ByteRange, ...]

    @property
    def version(self) -> Version:
        """Of the file."""
        return Version(self.etag, self.last_modified, has_strong_date=self.last_modified is not None)


class PartialFile:
    """The temporary file of one save. It exists inside `with`, and afterwards if the save may be resumed.

    Args:
        target: where the file goes when it is whole.
        resume: go on where an earlier save stopped, and leave what a later one can go on with.
        progress: called with the number of bytes that are safe on disk.
        folder: the target's folder, if it is held open already.

    Attributes:
        writer: writes it; inside `with`.
        start: where the download begins; inside `with`.
    """

    writer: FileWriter
    start: Download

    def __init__(
        self, target: Path, *, resume: bool, progress: Callable[[int], None] | None, folder: Folder | None = None
    ) -> None:
        self._target = target
        self._part = f".{target.name}{PART}"
        self._record = f"{self._part}.json"
        self._resume = resume
        self._progress = progress
        self._given = folder
        self._version: Version | None = None
        self._size: int | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._folder = self._given or stack.enter_context(Folder.at(self._target.parent))
            self._folder.check_replaceable(self._target.name)
            if self._resume:
                self._file: BinaryIO = self._folder.open_or_create(self._part)
            else:
                self._part, self._file = self._folder.create(self._target.name)
            stack.callback(self._file.close)
            self._lock()
            record = self._read_record() if self._resume else None
            safe = record.safe if record else ()
            self._file.truncate(safe[-1].stop if safe else 0)
            self.start = Download() if record is None else _resume_download(record)
            self.writer = FileWriter(
                self._file, self._progress, safe=safe, save_record=self._write_record if self._resume else None
            )
            self._version = None if record is None else record.version
            self._size = None if record is None else record.size
            self._open = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        with self._open:
            if self._file.closed:
                return
            if self._resume and self._version is not None:
                self.writer.save_record()
                return
            for name in (self._part, self._record) if self._resume else (self._part,):
                with suppress(OSError):
                    self._folder.remove(name)

    def set_version(self, state: Download) -> None:
        """Bytes of this version are about to be written.

        Args:
            state: where the download stands.
        """
        self._version = state.version if state.version.is_provable and not state.codings else None
        self._size = state.size

    def publish(self) -> None:
        """The file is whole: give it its name.

        Raises:
            FileProblem: the temporary file is gone.
            OSError: it cannot be renamed.
        """
        self._file.flush()
        if not self._folder.is_same_file(self._part, self._file):
            raise FileProblem(f"{self._target}: another file took the place of {self._part}; save it again")
        self._folder.rename(self._part, self._target.name)
        self._file.close()
        if self._resume:
            self._folder.remove(self._record)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = self._folder.is_same_file(self._part, self._file)
        except BlockingIOError:
            mine = False
        if not mine:
            raise FileProblem(f"{self._target}: another process is saving this file; wait until it has ended")

    def _read_record(self) -> ResumeRecord | None:
        """What an earlier save left, if it can be resumed."""
        try:
            record = msgspec.json.decode(self._folder.read(self._record, own=True), type=ResumeRecord)
        except (OSError, FileProblem, msgspec.MsgspecError):
            return None
        end = record.safe[-1].stop if record.safe else 0
        there = self._file.seek(0, io.SEEK_END)
        sound = parallel_download.are_disjoint(record.safe) and end <= min(there, record.size or there)
        return record if sound and end and record.version.is_provable else None

    def _write_record(self, safe: tuple[ByteRange, ...]) -> None:
        if self._version is None:
            self._folder.remove(self._record)
            return
        self._file.flush()
        os.fsync(self._file.fileno())
        strong = self._version.strong_etag
        record = ResumeRecord(
            etag=self._version.etag,
            last_modified=None if strong else self._version.last_modified,
            size=self._size,
            safe=safe,
        )
        self._folder.write(self._record, [msgspec.json.encode(record)])


def to_file_error(target: Path, error: OSError) -> DiskFull | FileProblem:
    """What a failed write means.

    Args:
        target: the file.
        error: how the system says it.
    """
    if error.errno in FULL_ERRNOS:
        return DiskFull(f"{target}: the disk is full; make room and run the same again")
    return FileProblem(f"{target}: cannot be written: {error.strerror}")


def _resume_download(record: ResumeRecord) -> Download:
    """A download that goes on; of a whole file the last byte comes again, so that the storage says its version."""
    offset = parallel_download.count_leading(record.safe)
    later_ranges = record.safe[1:] if offset else record.safe
    if offset == record.size:
        offset = max(0, offset - 1)
    return Download(
        offset=offset,
        size=record.size,
        version=record.version,
        high_water=sum(known.stop - known.start for known in record.safe),
        later_ranges=later_ranges,
    )
