# SPDX-License-Identifier: Apache-2.0
"""Multipart forms as they stream in: fields are kept, files go to disk piece by piece, whatever their size.

The reader is fed pieces of any size and never holds more than one piece and a delimiter. Of a file beyond the bound
only the size is counted on. A form is whole when its closing delimiter has come.
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

MAX_FIELD_BYTES: Final = 1 << 20
MAX_HEAD_BYTES: Final = 16_384
MAX_FILE_BYTES: Final = 256 << 20
BOUNDARY: Final = re.compile(r'boundary=(?:"([^"]+)"|([^;,\s]+))', re.IGNORECASE)
PARAMETER: Final = re.compile(r'([\w-]+)="((?:\\.|[^"\\])*)"')


@dataclass(slots=True)
class FormFile:
    """One file of a form.

    Attributes:
        field: the field's name.
        name: the file's name as the sender says it.
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
        """All its bytes."""
        return self.path.read_bytes()


@dataclass(slots=True)
class Form:
    """One form.

    Attributes:
        fields: the values of the fields that are no files.
        files: the files in the order in which they came.
        whole: the closing delimiter has come.
    """

    fields: dict[str, str] = field(default_factory=dict)
    files: list[FormFile] = field(default_factory=list)
    complete: bool = False

    def digest(self, about: str) -> str:
        """What is the same of two forms with the same content, whatever their delimiters; `about` is digested too."""
        told = [about, *(f"{name}={value}" for name, value in sorted(self.fields.items()))]
        told += [f"{file.field}:{file.sha256}" for file in self.files]
        return sha256("\n".join(told).encode()).hexdigest()

    def discard(self) -> None:
        """Delete the files that nobody has moved."""
        for file in self.files:
            file.path.unlink(missing_ok=True)


class FormReader:
    """Reads one form.

    Args:
        content_type: the header, with the boundary.
        folder: where files go.
    """

    __slots__ = ("_buffer", "_delimiter", "_file", "_folder", "_hash", "_open", "_value", "form")

    def __init__(self, content_type: str, folder: Path) -> None:
        found = BOUNDARY.search(content_type)
        self._delimiter = b"\r\n--" + (found[1] or found[2] if found else "\r\n").encode("latin-1")
        self._folder = folder
        self._buffer = bytearray(b"\r\n")
        self._open: BinaryIO | None = None
        self._file: FormFile | None = None
        self._value: tuple[str, bytearray] | None = None
        self._hash = sha256()
        self.form = Form()

    def feed(self, chunk: bytes) -> None:
        """Take the next piece of the body."""
        self._buffer += chunk
        while not self.form.complete and self._step():
            pass

    def close(self) -> Form:
        """The form, as far as it came."""
        self._end_part()
        return self.form

    def _step(self) -> bool:
        """Take a delimiter and the head after it, or content; False if more is needed first."""
        at = self._buffer.find(self._delimiter)
        if at < 0:
            self._consume(len(self._buffer) - len(self._delimiter))
            return False
        self._consume(at)
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
        words = dict(PARAMETER.findall(lines[0])) if lines else {}
        if "filename" in words:
            self._file = FormFile(words.get("name", ""), words["filename"], self._folder / uuid.uuid4().hex)
            self._open, self._hash = self._file.path.open("wb"), sha256()
            self.form.files.append(self._file)
        else:
            self._value = (words.get("name", ""), bytearray())

    def _end_part(self) -> None:
        if self._file is not None and self._open is not None:
            self._open.close()
            self._file.sha256 = self._hash.hexdigest()
        if self._value is not None:
            self.form.fields[self._value[0]] = self._value[1].decode("utf-8", "replace")
        self._file = self._open = self._value = None
