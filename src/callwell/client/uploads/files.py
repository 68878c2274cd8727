# SPDX-License-Identifier: Apache-2.0
"""Files that can be read at any offset: in memory, on disk, open, and temporary ones.

They are read with `pread`, which does not use or move the file position that other readers depend on.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.errors import DiskFull, FileChanged, FileProblem, FileRejected

if TYPE_CHECKING:
    from typing import IO, Self

    from callwell.client.uploads.piece_reader import PieceSource

FINGERPRINT_BYTES: Final = 1 << 20
"""Bytes at the beginning that identify a file, together with its path, size and time: reading all of it would take
longer than sending the rest."""

READ_BYTES: Final = 1 << 20
"""Bytes per read for a checksum."""

DEFAULT_NAME: Final = "file"

_NATIVE: Final = frozenset("bBhHiIlLqQfdc?")
"""Formats of items that can be read as bytes without a copy."""


def byte_view(content: bytes | bytearray | memoryview) -> memoryview:
    """A buffer as single bytes, regardless of its item type; a copy if it is not contiguous."""
    view = memoryview(content)
    return view.cast("B") if view.c_contiguous and view.format in _NATIVE else memoryview(view.tobytes())


class MemoryFile:
    """Bytes in memory.

    Args:
        content: the bytes.
    """

    name = DEFAULT_NAME

    def __init__(self, content: bytes | bytearray | memoryview) -> None:
        self._view = byte_view(content)
        self._fingerprint: str | None = None
        self.size = len(self._view)

    def read(self, start: int, size: int) -> bytes:
        """Some bytes from an offset on."""
        return bytes(self._view[start : start + size])

    def check_unchanged(self) -> None:
        """Bytes in memory are compared once, at the end: see `check_sent`."""

    def check_sent(self) -> None:
        """Check that the bytes have not changed since the start, if their owner can change them.

        Raises:
            FileChanged: they have.
        """
        if not self._view.readonly and self._fingerprint not in (None, self._digest()):
            raise FileChanged(f"{self.name}: its bytes changed while they were sent; send it again from a copy")

    def checksum(self, kind: str) -> bytes:
        """Its digest, with the given algorithm."""
        return hashlib.new(kind, self._view, usedforsecurity=False).digest()

    def fingerprint(self) -> str:
        """Its identity when the upload is resumed."""
        self._fingerprint = self._digest()
        return self._fingerprint

    def _digest(self) -> str:
        return hashlib.sha256(self._view).hexdigest()


class FileView(io.RawIOBase):
    """A readable view of a file with its own position, so that the caller's file position does not move.

    Args:
        source: holds the bytes.
    """

    def __init__(self, source: PieceSource) -> None:
        self.name = source.name
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be read at any offset."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to another offset."""
        origins = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._source.size}
        self._position = offset + origins[whence]
        return self._position

    def tell(self) -> int:
        """The current offset."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read as much as fits and is available."""
        chunk = self._source.read(self._position, len(buffer))
        buffer[: len(chunk)] = chunk
        self._position += len(chunk)
        return len(chunk)


class FileStamp(NamedTuple):
    """The metadata that shows whether a file has changed."""

    device: int
    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def from_stat(cls, found: os.stat_result) -> FileStamp:
        """The stamp of a file."""
        return cls(device=found.st_dev, inode=found.st_ino, size=found.st_size, mtime_ns=found.st_mtime_ns)


class DiskFile:
    """A file on disk. It closes with its last reference, because a transport may still be reading a piece.

    Args:
        descriptor: of the open file; this object closes it.
        path: its path, if it has one.

    Raises:
        FileRejected: it is not a regular file.
    """

    def __init__(self, descriptor: int, path: Path | None) -> None:
        self._descriptor = descriptor
        self._path = path
        self.name = DEFAULT_NAME if path is None else path.name
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            what = "a folder; name the files in it" if stat.S_ISDIR(found.st_mode) else "not a regular file"
            raise FileRejected(f"{path or DEFAULT_NAME}: it is {what}")
        self._stamp = FileStamp.from_stat(found)
        self.size = found.st_size

    def __del__(self) -> None:
        os.close(self._descriptor)

    @classmethod
    def at(cls, path: Path) -> DiskFile:
        """The file at a path.

        Raises:
            FileProblem: it cannot be opened.
            FileRejected: it is not a regular file.
        """
        try:
            return cls(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), path)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise FileProblem(f"{path}: cannot be read: {reason}") from error

    def read(self, start: int, size: int) -> bytes:
        """Some bytes from an offset on."""
        try:
            return os.pread(self._descriptor, size, start)
        except OSError as error:
            raise FileProblem(f"{self.name}: cannot be read: {error.strerror}") from error

    def check_unchanged(self) -> None:
        """Check that it has not changed.

        Raises:
            FileChanged: it has.
        """
        if FileStamp.from_stat(os.fstat(self._descriptor)) != self._stamp:
            raise FileChanged(
                f"{self._path or self.name}: it changed while it was sent; send it again when it is finished"
            )
        if self._path is not None:
            try:
                stamp = FileStamp.from_stat(self._path.stat())
            except OSError as error:
                raise FileChanged(f"{self._path}: it vanished while it was sent") from error
            if stamp != self._stamp:
                raise FileChanged(f"{self._path}: another file took its place while it was sent")

    def check_sent(self) -> None:
        """It was compared before each piece, and may change after the last one."""

    def checksum(self, kind: str) -> bytes:
        """Its digest, with the given algorithm.

        Raises:
            FileChanged: it has changed.
        """
        digest = hashlib.new(kind, usedforsecurity=False)
        offset = 0
        while chunk := self.read(offset, READ_BYTES):
            digest.update(chunk)
            offset += len(chunk)
        self.check_unchanged()
        return digest.digest()

    def fingerprint(self) -> str:
        """Its identity when the upload is resumed: its path, size and time, and a digest of its beginning."""
        path = "" if self._path is None else str(self._path.absolute())
        head = hashlib.sha256(self.read(0, FINGERPRINT_BYTES)).hexdigest()
        return f"{path}|{self._stamp.size}|{self._stamp.mtime_ns}|{head}"


class TemporaryPiece:
    """A temporary file without a name for a piece of a stream. Use it as a context manager.

    Args:
        name: the stream's name, for messages.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> Self:
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile()
        except OSError as error:
            raise self._full(error) from error
        return self

    def __exit__(self, *exc: object) -> None:
        with suppress(OSError):  # write errors were already reported
            self._file.close()

    def write(self, chunk: bytes | memoryview) -> None:
        """Write some bytes.

        Raises:
            DiskFull: there is no room.
        """
        try:
            self._file.write(chunk)
        except OSError as error:
            raise self._full(error) from error

    def to_file(self) -> DiskFile:
        """The written bytes, for reading.

        Raises:
            DiskFull: there is no room.
        """
        try:
            self._file.flush()
        except OSError as error:
            raise self._full(error) from error
        file = DiskFile(os.dup(self._file.fileno()), None)
        file.name = self._name
        return file

    def _full(self, error: OSError) -> DiskFull:
        return DiskFull(
            f"{self._name}: no room in {tempfile.gettempdir()} for a piece of it: {error.strerror}; set TMPDIR"
        )


def open_source(file: object) -> MemoryFile | DiskFile | None:
    """A source that can be read at any offset; None for a stream.

    Args:
        file: bytes, a path, an open file, or something to iterate over.

    Raises:
        FileProblem: it cannot be opened.
        FileRejected: it is not a regular file.
    """
    if isinstance(file, bytes | bytearray | memoryview):
        return MemoryFile(file)
    if isinstance(file, str | os.PathLike):
        return DiskFile.at(Path(file))
    try:
        descriptor = file.fileno()  # type: ignore[attr-defined] # an open file, or no such method
    except (AttributeError, io.UnsupportedOperation):
        return None
    except (OSError, ValueError) as error:
        raise FileProblem(f"{getattr(file, 'name', DEFAULT_NAME)}: cannot be read: {error}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return None
    name = getattr(file, "name", None)
    return DiskFile(os.dup(descriptor), Path(name) if isinstance(name, str) else None)
