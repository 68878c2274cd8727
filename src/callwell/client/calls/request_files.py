# SPDX-License-Identifier: Apache-2.0
"""Files that become a body, or a part of a form.

| given | read | sent again after a failure |
| --- | --- | --- |
| bytes | | yes |
| a path to a file of at most 1 MiB | immediately | yes | | a path to a larger file | while it is sent, once per attempt
| yes; a file that has changed is refused | | an open seekable file | while it is sent, from its current position | yes
| | any other open file, an iterator of bytes | while it is sent, once | no | | a piece of an upload | see
`piece_reader` | yes |

Content that can be read only once is sent once: a call with such a body makes one attempt.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from callwell.client.calls.validation import describe_schema
from callwell.client.uploads.piece_reader import PieceReader
from callwell.errors import FileChanged, InvalidOption

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from callwell.transport.base import StreamedBody

STREAMED_BYTES: Final = 1 << 20
"""A larger file is read while it is sent. A smaller one is cheaper to hold than to open twice."""

READ_BYTES: Final = 256 << 10
"""Bytes per read of a file."""

DEFAULT_FILE_NAME: Final = "file"
"""The file name of content that has none."""

MIN_BYTES_PER_S: Final = 128 << 10
"""Bytes per second (1 Mbit/s): a file gets the time that it needs at this rate; a slower connection counts as
stalled."""

UNKNOWN_SIZE_S: Final = 600.0
"""Seconds that a body without a known size gets: 75 MiB at `MIN_BYTES_PER_S`."""


class ReplayedFile:
    """A file that is read again for each attempt.

    Args:
        name: its name.
        size: its bytes.
        begin: opens it, or seeks back to its start.
        end: called with the result of `begin` after it was read.
    """

    one_time = False

    def __init__(self, name: str, size: int, begin: Callable[[], IO[bytes]], end: Callable[[IO[bytes]], None]) -> None:
        self.name = name
        self.size = size
        self._begin = begin
        self._end = end

    def __iter__(self) -> Iterator[bytes]:
        """The chunks.

        Raises:
            FileChanged: the file no longer has the same size.
        """
        file = self._begin()
        try:
            left = self.size
            while left:
                chunk = file.read(min(READ_BYTES, left))
                if not chunk:
                    raise FileChanged(
                        f"{self.name}: it became shorter while it was sent; send it again when it is whole"
                    )
                left -= len(chunk)
                yield chunk
        finally:
            self._end(file)


class OneTimeContent:
    """Chunks that can be read only once.

    Args:
        name: of the file.
        chunks: their source.

    Attributes:
        size: unknown.
    """

    one_time = True
    size = None

    def __init__(self, name: str, chunks: Iterator[Any]) -> None:
        self.name = name
        self._chunks = chunks
        self._is_read = False

    def __iter__(self) -> Iterator[bytes]:
        """The chunks.

        Raises:
            InvalidOption: they were read before, or are not bytes.
        """
        if self._is_read:
            expected = "bytes, a path or an open file: an iterator cannot be sent a second time"
            raise InvalidOption(self.name, type(self._chunks).__name__, expected)
        self._is_read = True
        return self._read()

    def _read(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            if not isinstance(chunk, bytes | bytearray | memoryview):
                raise InvalidOption(self.name, type(chunk).__name__, "an iterator of bytes")
            if chunk:
                yield bytes(chunk)


def open_content(argument_name: str, schema: Mapping[str, Any], value: Any) -> tuple[str, bytes | StreamedBody]:
    """A file's name and content.

    Args:
        argument_name: the argument, for messages.
        schema: its schema, which may bound the number of bytes.
        value: what was given.

    Raises:
        InvalidOption: it cannot be read, or is too large or too small.
    """
    content: bytes | StreamedBody
    if isinstance(value, bytes | bytearray | memoryview):
        name = DEFAULT_FILE_NAME
        content = bytes(value)
    elif isinstance(value, PieceReader):
        name = value.name
        content = value
    elif isinstance(value, str | os.PathLike):
        path = Path(value)
        name = path.name
        content = _open_path(argument_name, schema, path)
    else:
        name, content = _open_stream(argument_name, value)
    size = content_size(content)
    if size is not None and not _fits(schema, size):
        raise InvalidOption(argument_name, f"{name} of {size} bytes", describe_schema(schema))
    return name, content


def content_size(content: bytes | StreamedBody) -> int | None:
    """The size of content in bytes; None if it is unknown before it is read."""
    return len(content) if isinstance(content, bytes) else content.size


def extra_time_s(content: bytes | StreamedBody) -> float:
    """The extra seconds that a request gets for the bytes of its files."""
    size = content_size(content)
    return UNKNOWN_SIZE_S if size is None else size / MIN_BYTES_PER_S


def guess_type(name: str) -> str:
    """The media type of a file, by its name."""
    import mimetypes  # only files need it

    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _open_path(argument_name: str, schema: Mapping[str, Any], path: Path) -> bytes | StreamedBody:
    try:
        status = path.stat()
        is_regular = path.is_file()
        fits = _fits(schema, status.st_size)
        content = path.read_bytes() if is_regular and fits and status.st_size <= STREAMED_BYTES else b""
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InvalidOption(argument_name, str(path), f"a file that can be read ({reason})") from error
    if not is_regular:
        raise InvalidOption(argument_name, str(path), "a regular file")
    if not fits:
        raise InvalidOption(argument_name, f"{path} of {status.st_size} bytes", describe_schema(schema))
    if status.st_size <= STREAMED_BYTES:
        return content

    def begin() -> IO[bytes]:
        """The file, if it is unchanged."""
        file = path.open("rb")
        now = os.fstat(file.fileno())
        if (now.st_size, now.st_mtime_ns) != (status.st_size, status.st_mtime_ns):
            file.close()
            raise FileChanged(f"{path.name}: it changed before it was sent; send it again when it is whole")
        return file

    return ReplayedFile(path.name, status.st_size, begin, lambda file: file.close())


def _open_stream(argument_name: str, value: Any) -> tuple[str, StreamedBody]:
    """The content of an open file or an iterator."""
    name = getattr(value, "name", None)
    name = Path(name).name if isinstance(name, str) and name else DEFAULT_FILE_NAME
    if not hasattr(value, "read"):
        return name, OneTimeContent(name, iter(value))
    try:
        return name, _open_file(argument_name, name, value)
    except (OSError, ValueError) as error:  # a ValueError means that it is closed
        raise InvalidOption(argument_name, type(value).__name__, f"a file that can be read ({error})") from error


def _open_file(argument_name: str, name: str, value: Any) -> StreamedBody:
    """A body that reads an open file from its current position."""
    if isinstance(value.read(0), str):
        raise InvalidOption(argument_name, type(value).__name__, "a file that was opened for bytes: open(path, 'rb')")
    if not (hasattr(value, "seekable") and value.seekable()):
        return OneTimeContent(name, iter(lambda: value.read(READ_BYTES), b""))
    start = value.tell()
    size = value.seek(0, os.SEEK_END) - start
    value.seek(start)

    def begin() -> IO[bytes]:
        """The file at its beginning."""
        value.seek(start)
        file: IO[bytes] = value
        return file

    return ReplayedFile(name, size, begin, lambda _file: None)


def _fits(schema: Mapping[str, Any], size: int) -> bool:
    return bool(schema.get("minLength", 0) <= size <= schema.get("maxLength", size))
