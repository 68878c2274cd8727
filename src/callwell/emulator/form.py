# SPDX-License-Identifier: Apache-2.0
"""Multipart forms (RFC 7578), read as they stream in: fields are kept in memory, files go to disk.

The reader is fed chunks of any size and keeps what it cannot decide yet in one buffer:

    --boundary CRLF  head CRLF CRLF  content CRLF  --boundary CRLF  head … CRLF --boundary--
    └── delimiter ──┘                └ consumed up to the next delimiter        └ the form is complete

A delimiter may be cut anywhere between two chunks. So content is consumed only up to where a delimiter could begin, and
the buffer never holds more than one chunk and a delimiter, whatever the length of a file. Every form is read as if a
CRLF came before it, so that its first delimiter looks like the others.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

# A field holds an ID or a link; what is beyond 1 MiB is dropped, so that no request fills the memory.
MAX_FIELD_BYTES: Final = 1 << 20
# As much as most servers take for all headers of a request.
MAX_HEAD_BYTES: Final = 16_384
# More than the largest piece of an upload (200 MiB at api.video). Beyond it only the size is counted.
MAX_FILE_BYTES: Final = 256 << 20
BOUNDARY: Final = re.compile(r'boundary=(?:"([^"]+)"|([^;,\s]+))', re.IGNORECASE)
PARAMETER: Final = re.compile(r'([\w-]+)="((?:\\.|[^"\\])*)"')


@dataclass(slots=True)
class FormFile:
    """One file of a form.

    Attributes:
        field: the field's name.
        name: the file's name as the sender gave it.
        path: where its bytes are, until they are moved or discarded.
        size: how many bytes came.
        sha256: their digest in hex.
    """

    field: str
    name: str
    path: Path
    size: int = 0
    sha256: str = ""

    def read(self) -> bytes:
        """Return all its bytes."""
        return self.path.read_bytes()


@dataclass(slots=True)
class Form:
    """One form.

    Attributes:
        fields: the values of the fields that are not files.
        files: the files in the order in which they came.
        complete: the closing delimiter has come.
    """

    fields: dict[str, str] = field(default_factory=dict)
    files: list[FormFile] = field(default_factory=list)
    complete: bool = False

    def digest(self, extra: str) -> str:
        """Return a digest of the form's content and of `extra`; the delimiter makes no difference."""
        parts = [extra, *(f"{name}={value}" for name, value in sorted(self.fields.items()))]
        parts += [f"{file.field}:{file.sha256}" for file in self.files]
        return sha256("\n".join(parts).encode()).hexdigest()

    def discard(self) -> None:
        """Delete the files that were not moved elsewhere."""
        for file in self.files:
            file.path.unlink(missing_ok=True)


class FormReader:
    """Reads one form.

    Args:
        content_type: the value of Content-Type, with the boundary.
        folder: where files go.
    """

    __slots__ = ("_buffer", "_delimiter", "_file", "_folder", "_hash", "_open", "_value", "form")

    def __init__(self, content_type: str, folder: Path) -> None:
        found = BOUNDARY.search(content_type)
        # Without a boundary: one that cannot occur, so that the form is never complete.
        boundary = found[1] or found[2] if found else "\r\n"
        self._delimiter = b"\r\n--" + boundary.encode("latin-1")
        self._folder = folder
        self._buffer = bytearray(b"\r\n")
        self._open: BinaryIO | None = None
        self._file: FormFile | None = None
        self._value: tuple[str, bytearray] | None = None
        self._hash = sha256()
        self.form = Form()

    def feed(self, chunk: bytes) -> None:
        """Read the next chunk of the body."""
        self._buffer += chunk
        while not self.form.complete and self._step():
            pass

    def close(self) -> Form:
        """Return the form, as far as it came."""
        self._end_part()
        return self.form

    def _step(self) -> bool:
        """Consume content, or a delimiter and the head after it; return False if more must come first."""
        start = self._buffer.find(self._delimiter)
        if start < 0:
            # The end of the buffer may be the beginning of a delimiter.
            self._consume(len(self._buffer) - len(self._delimiter))
            return False
        self._consume(start)
        after = len(self._delimiter)
        if self._buffer[after : after + 2] == b"--":
            self._end_part()
            self.form.complete = True
            return False
        head_end = self._buffer.find(b"\r\n\r\n", after)
        if head_end < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                self._buffer.clear()
            return False
        self._end_part()
        self._begin_part(self._buffer[after:head_end].decode("utf-8", "replace"))
        del self._buffer[: head_end + 4]
        return True

    def _consume(self, count: int) -> None:
        """Move `count` bytes of the buffer to the part that is being read, if there is one."""
        if count <= 0:
            return
        content = bytes(self._buffer[:count])
        del self._buffer[:count]
        if self._file is not None and self._open is not None:
            if self._file.size <= MAX_FILE_BYTES:
                self._open.write(content)
                self._hash.update(content)
            self._file.size += count
        elif self._value is not None and len(self._value[1]) <= MAX_FIELD_BYTES:
            self._value[1].extend(content)

    def _begin_part(self, head: str) -> None:
        lines = [line for line in head.split("\r\n") if line.lower().startswith("content-disposition:")]
        parameters = dict(PARAMETER.findall(lines[0])) if lines else {}
        name = parameters.get("name", "")
        if "filename" in parameters:
            self._file = FormFile(field=name, name=parameters["filename"], path=self._folder / uuid.uuid4().hex)
            self._open = self._file.path.open("wb")
            self._hash = sha256()
            self.form.files.append(self._file)
        else:
            self._value = (name, bytearray())

    def _end_part(self) -> None:
        if self._file is not None and self._open is not None:
            self._open.close()
            self._file.sha256 = self._hash.hexdigest()
        if self._value is not None:
            name, content = self._value
            self.form.fields[name] = content.decode("utf-8", "replace")
        self._file = None
        self._open = None
        self._value = None
