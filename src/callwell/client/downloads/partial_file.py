# SPDX-License-Identifier: Apache-2.0
"""Saves a file under a temporary name until it is complete.

::

    save(resume=False)   .NAME.<random>.part                 removed when the save fails
    save(resume=True)    .NAME.part  +  .NAME.part.json      stay, for the next save
                         bytes          which of them are on disk, their version and size

Bytes are synced before the record names them, so the record is true whenever the process is killed. A
version is identified by a strong ETag, or by a `Last-Modified` that is old enough to be strong (RFC 9110, section
8.8.2.2); without either, nothing is left to resume. The URL is signed, and therefore never stored.

The lock on the temporary file keeps two processes from saving the same file at the same time. The folder is held open,
and no link in it is followed (`folders`).
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from callwell.client.downloads.writer import FileWriter
from callwell.core import parallel_download
from callwell.core.download import Download
from callwell.core.ranges import ByteRange
from callwell.core.storage_head import FileVersion
from callwell.errors import DiskFull, FileProblem
from callwell.folders import Folder
from callwell.temporary_names import PART_SUFFIX, temporary_stem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO, Self

FULL_ERRNOS: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
"""The disk is full, or the user's disk quota is."""


class Saved(NamedTuple):
    """A file that was saved.

    Attributes:
        path: its path.
        size: its size in bytes.
        sha256: its checksum, in hexadecimal.
        type: the media type that the provider announced.
    """

    path: Path
    size: int
    sha256: str
    type: str | None


class ResumeRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The bytes of a file that are on disk; see the top of this file.

    Attributes:
        etag: the ETag of the file's version.
        last_modified: its `Last-Modified`, if that identifies the version.
        size: bytes of the complete file, if known.
        safe: the ranges on disk, in order, no two of them touching.
    """

    etag: str | None = None
    last_modified: str | None = None
    size: int | None
    safe: tuple[ByteRange, ...]

    @property
    def version(self) -> FileVersion:
        """The version of the file that these bytes belong to."""
        return FileVersion(self.etag, self.last_modified, has_strong_date=self.last_modified is not None)


class PartialFile:
    """The temporary file of one save. It exists inside `with`, and afterwards if the save can be resumed.

    Args:
        target: where the file goes when it is complete.
        resume: continue where an earlier save stopped, and keep the bytes for a later one.
        progress: called with the number of bytes written.
        folder: the target's folder, if it is open already.

    Attributes:
        writer: writes the file; only inside `with`.
        start: where the download begins; only inside `with`.
    """

    writer: FileWriter
    start: Download

    def __init__(
        self, target: Path, *, resume: bool, progress: Callable[[int], None] | None, folder: Folder | None = None
    ) -> None:
        self._target = target
        self._part_name = f".{temporary_stem(target.name)}{PART_SUFFIX}"
        self._record_name = f"{self._part_name}.json"
        self._resume = resume
        self._progress = progress
        self._open_folder = folder
        self._version: FileVersion | None = None
        self._size: int | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._folder = self._open_folder or stack.enter_context(Folder.at(self._target.parent))
            self._folder.check_replaceable(self._target.name)
            if self._resume:
                self._file: BinaryIO = self._folder.open_or_create(self._part_name)
            else:
                self._part_name, self._file = self._folder.create(self._target.name)
            stack.callback(self._file.close)
            self._lock()
            record = self._read_record() if self._resume else None
            safe = record.safe if record else ()
            self._file.truncate(safe[-1].stop if safe else 0)
            self.writer = FileWriter(
                self._file, self._progress, safe=safe, save_record=self._write_record if self._resume else None
            )
            self.start = Download()
            if record is not None:
                self.start = _resume_download(record)
                self._version = record.version
                self._size = record.size
            self._resources = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        with self._resources:
            if self._file.closed:
                return
            if self._resume and self._version is not None:
                self.writer.save_record()
                return
            for name in (self._part_name, self._record_name) if self._resume else (self._part_name,):
                with suppress(OSError):
                    self._folder.remove(name)

    def set_version(self, state: Download) -> None:
        """Record the version of the bytes that follow; called before they are written.

        Args:
            state: the state of the download.
        """
        self._version = state.version if state.version.is_provable and not state.codings else None
        self._size = state.size

    def publish(self) -> None:
        """Give the file its name: it is complete.

        Raises:
            FileProblem: another file took the place of the temporary one.
            OSError: it cannot be renamed.
        """
        self._file.flush()
        if not self._folder.is_same_file(self._part_name, self._file):
            raise FileProblem(f"{self._target}: another file took the place of {self._part_name}; save it again")
        self._folder.rename(self._part_name, self._target.name)
        self._file.close()
        if self._resume:
            self._folder.remove(self._record_name)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A process that completed the file between our open and our lock has renamed the file that we opened.
            is_ours = self._folder.is_same_file(self._part_name, self._file)
        except BlockingIOError:
            is_ours = False
        if not is_ours:
            raise FileProblem(f"{self._target}: another process is saving this file; wait until it has ended")

    def _read_record(self) -> ResumeRecord | None:
        """The record of an earlier save; None if that cannot be resumed."""
        try:
            record = msgspec.json.decode(self._folder.read(self._record_name, must_be_own=True), type=ResumeRecord)
        except (OSError, FileProblem, msgspec.MsgspecError):
            return None
        stop = record.safe[-1].stop if record.safe else 0
        file_size = self._file.seek(0, io.SEEK_END)
        is_sound = parallel_download.are_disjoint(record.safe) and stop <= min(file_size, record.size or file_size)
        return record if is_sound and stop and record.version.is_provable else None

    def _write_record(self, safe: tuple[ByteRange, ...]) -> None:
        if self._version is None:
            self._folder.remove(self._record_name)
            return
        self._file.flush()
        os.fsync(self._file.fileno())
        has_strong_etag = bool(self._version.strong_etag)
        record = ResumeRecord(
            etag=self._version.etag,
            last_modified=None if has_strong_etag else self._version.last_modified,
            size=self._size,
            safe=safe,
        )
        self._folder.write(self._record_name, [msgspec.json.encode(record)])


def to_file_error(target: Path, error: OSError) -> DiskFull | FileProblem:
    """The error to raise for a failed write.

    Args:
        target: the file.
        error: what the system reported.
    """
    if error.errno in FULL_ERRNOS:
        return DiskFull(f"{target}: the disk is full; make room and run the same again")
    return FileProblem(f"{target}: cannot be written: {error.strerror}")


def _resume_download(record: ResumeRecord) -> Download:
    """The download that continues from a record.

    If all bytes are on disk, the last one is fetched again so that the storage confirms the version.
    """
    offset = parallel_download.count_leading(record.safe)
    later_ranges = record.safe[1:] if offset else record.safe
    if offset == record.size:
        offset = max(0, offset - 1)
    return Download(
        offset=offset,
        size=record.size,
        version=record.version,
        high_water=sum(part.stop - part.start for part in record.safe),
        later_ranges=later_ranges,
    )
