# SPDX-License-Identifier: Apache-2.0
"""A file that is being saved: under a temporary name until it is whole.

That name is a random one, which goes when the save fails; or, where the save is to be resumed, it is `.NAME.part`,
which stays. Beside it `.NAME.part.json` then says which bytes are on disk, of a file of which size and version. The
bytes are there before the record says so, so that a process that is killed at any time leaves a record that holds. A
version is identified by a strong ETag or a settled modification date; without either nothing is kept. The URL is never
written down.

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
"""ENOSPC and EDQUOT."""


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
    """What is on disk of a file.

    Attributes:
        etag: the ETag of its version.
        modified: its modification date, where that is needed to tell the version.
        size: bytes of the whole, where known.
        safe: the spans that are there, in order, no two of them adjacent.
    """

    etag: str | None = None
    modified: str | None = None
    size: int | None
    safe: tuple[ByteRange, ...]

    @property
    def version(self) -> Version:
        """Of the file."""
        return Version(self.etag, self.modified, settled=self.modified is not None)


class PartialFile:
    """The temporary file of one save. It is there inside `with`, and afterwards if it is to be resumed.

    Args:
        target: where the file goes when it is whole.
        resume: go on where another save stopped, and leave what another can go on with.
        progress: called with the number of bytes that are safe on disk.
        folder: the target's folder, if it is held open already.

    Attributes:
        growing: what has been written; inside `with`.
        start: where the download begins; inside `with`.
    """

    growing: FileWriter
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
            kept = self._kept() if self._resume else None
            safe = kept.safe if kept else ()
            self._file.truncate(safe[-1].stop if safe else 0)
            self.start = Download() if kept is None else _resume_download(kept)
            self.growing = FileWriter(self._file, self._progress, safe=safe, keep=self._keep if self._resume else None)
            self._version = None if kept is None else kept.version
            self._size = None if kept is None else kept.size
            self._open = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        with self._open:
            if self._file.closed:
                return
            if self._resume and self._version is not None:
                self.growing.keep()
                return
            for name in (self._part, self._record) if self._resume else (self._part,):
                with suppress(OSError):
                    self._folder.remove(name)

    def reading(self, state: Download) -> None:
        """Bytes of this version are about to be written.

        Args:
            state: where the download stands.
        """
        self._version = state.version if state.version.lasting and not state.coding else None
        self._size = state.size

    def finish(self) -> None:
        """The file is whole: it gets its name.

        Raises:
            FileProblem: it is not there any more.
            OSError: it cannot.
        """
        self._file.flush()
        if not self._folder.is_same_file(self._part, self._file):
            raise FileProblem(f"{self._target}: somebody has put another file in the place of {self._part}")
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
            raise FileProblem(f"{self._target}: another process is saving this file; wait for its end")

    def _kept(self) -> ResumeRecord | None:
        """What another save left, if it can be gone on with."""
        try:
            kept = msgspec.json.decode(self._folder.read(self._record, own=True), type=ResumeRecord)
        except (OSError, FileProblem, msgspec.MsgspecError):
            return None
        end = kept.safe[-1].stop if kept.safe else 0
        there = self._file.seek(0, io.SEEK_END)
        sound = parallel_download.are_disjoint(kept.safe) and end <= min(there, kept.size or there)
        return kept if sound and end and kept.version.lasting else None

    def _keep(self, safe: tuple[ByteRange, ...]) -> None:
        if self._version is None:
            self._folder.remove(self._record)
            return
        self._file.flush()
        os.fsync(self._file.fileno())
        strong = self._version.strong
        kept = ResumeRecord(
            etag=self._version.etag,
            modified=None if strong else self._version.modified,
            size=self._size,
            safe=safe,
        )
        self._folder.write(self._record, [msgspec.json.encode(kept)])


def to_file_error(target: Path, error: OSError) -> DiskFull | FileProblem:
    """What a failed write means.

    Args:
        target: the file.
        error: how the system says it.
    """
    if error.errno in FULL_ERRNOS:
        return DiskFull(f"{target}: the disk is full; make room and run the same again")
    return FileProblem(f"{target}: cannot be written: {error.strerror}")


def _resume_download(kept: ResumeRecord) -> Download:
    """A download that goes on; of a whole file the last byte comes again, so that storage says which version it has."""
    offset, count = parallel_download.leading_bytes(kept.safe), sum(span.stop - span.start for span in kept.safe)
    islands = kept.safe[1:] if offset else kept.safe
    if offset == kept.size:
        offset = max(0, offset - 1)
    return Download(offset=offset, size=kept.size, version=kept.version, best=count, islands=islands)
