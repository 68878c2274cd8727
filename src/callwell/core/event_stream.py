# SPDX-License-Identifier: Apache-2.0
"""Parses server-sent events, as the WHATWG HTML standard describes them in "Server-sent events".

A stream arrives in chunks that end anywhere, even inside a character or between CR and LF. Any split gives the same
events. An event counts when the empty line after it has come; what follows the last empty line is dropped, because it
may be half an event.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

LINE_END: Final = re.compile(rb"\r\n|\r|\n")
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class StreamTooLarge(ValueError):
    """One event, or one line, has more bytes than allowed."""


class ServerSentEvent(NamedTuple):
    """One event of a stream.

    Attributes:
        data: the decoded value if `text` is JSON, else `text`.
        event: its type; `message` if it names none.
        id: the last ID that the stream named so far; empty if it named none.
        text: its data as it came, several lines joined by line feeds.
    """

    data: Any
    event: str = "message"
    id: str = ""
    text: str = ""


class LineSplitter:
    """Splits a stream of bytes into lines that end with CR LF, CR or LF.

    Args:
        max_bytes: the most bytes of a line.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._parts: list[bytes] = []
        self._size = 0
        self._ended_with_cr = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that a chunk completes, without their ends.

        Raises:
            StreamTooLarge: the line that begins is too long.
        """
        if self._ended_with_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._ended_with_cr = False
        if not chunk:
            return []
        self._ended_with_cr = chunk.endswith(b"\r")
        *lines, rest = LINE_END.split(chunk)
        if lines:
            lines[0] = b"".join([*self._parts, lines[0]])
            self._parts = []
            self._size = 0
        self._parts.append(rest)
        self._size += len(rest)
        if max(self._size, *map(len, lines), 0) > self._max_bytes:
            raise StreamTooLarge
        return lines

    def rest(self) -> bytes:
        """What came after the last line end."""
        return b"".join(self._parts)


class EventParser:
    """Parses one stream of events.

    Args:
        max_bytes: the most bytes of an event.
        last_id: the last ID of an earlier stream that this one continues.

    Attributes:
        last_id: the last ID that was named.
        retry_s: seconds to wait before the stream is opened again, if it says so.
    """

    def __init__(self, max_bytes: int, last_id: str = "") -> None:
        self.last_id = last_id
        self.retry_s: float | None = None
        self._max_bytes = max_bytes
        self._lines = LineSplitter(max_bytes)
        self._is_first = True
        self._id = last_id
        self._event = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that a chunk completes; their data is not decoded yet.

        Raises:
            StreamTooLarge: an event is too large.
        """
        found = [self._add_line(line) for line in self._lines.feed(chunk)]
        return [event for event in found if event is not None]

    def _add_line(self, line: bytes) -> ServerSentEvent | None:
        if self._is_first:
            line = line.removeprefix(BYTE_ORDER_MARK)
            self._is_first = False
        if not line:
            return self._end_event()
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            self._size += len(line)
            if self._size > self._max_bytes:
                raise StreamTooLarge
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdecimal():
            self.retry_s = int(value[:9]) / 1000
        return None

    def _end_event(self) -> ServerSentEvent | None:
        self.last_id = self._id
        lines = self._data
        event = self._event
        self._data = []
        self._event = ""
        self._size = 0
        if not lines:
            return None
        text = "\n".join(lines)
        return ServerSentEvent(text, event or "message", self.last_id, text)
