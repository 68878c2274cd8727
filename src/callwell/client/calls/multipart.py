# SPDX-License-Identifier: Apache-2.0
"""Forms (`multipart/form-data`, RFC 7578): texts first, then files.

The boundary is a digest of the content, so the same form always has the same bytes, and no file can contain its own
boundary. A form with a piece of a large file is read while it is sent; its boundary is random. Names are escaped as
browsers escape them (WHATWG HTML, multipart/form-data encoding algorithm).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from callwell.client.calls.validation import describe_schema, is_file_schema
from callwell.client.calls.wire_values import JSON_ENCODER
from callwell.client.uploads.piece_reader import PieceReader
from callwell.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from callwell.transport.base import StreamedBody

FileContent: TypeAlias = bytes | str | os.PathLike[str]
"""A file to send: its bytes or its path."""

DEFAULT_FILE_NAME: Final = "file"
"""The file name of content that is given as bytes."""

ESCAPES: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class Part(NamedTuple):
    """One part of a form.

    Attributes:
        name: the field's name.
        content: its bytes, or a piece of a file to read them from.
        type: its media type; empty for a text.
        file: the file's name; None if it is not a file.
    """

    name: str
    content: bytes | PieceReader
    type: str = ""
    file: str | None = None


def encode_field(name: str, wire: str, schema: Mapping[str, Any], value: object) -> Iterator[Part]:
    """The parts of one field: one, or one for each item of a list.

    Args:
        name: the field's name in messages.
        wire: its name on the wire.
        schema: its schema; the value was checked against it.
        value: the value.

    Raises:
        InvalidOption: a file that cannot be read or is too large or too small, or a value that JSON cannot hold.
    """
    if is_file_schema(schema):
        yield _file_part(name, wire, schema, value)
    elif isinstance(value, str):
        yield Part(wire, value.encode())
    elif value is None:
        raise InvalidOption(name, value, "a value: a form has no null")
    elif isinstance(value, Sequence):
        for item in value:
            yield from encode_field(name, wire, schema.get("items", {}), item)
    else:
        try:
            yield Part(wire, JSON_ENCODER.encode(value), "application/json" if isinstance(value, Mapping) else "")
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidOption(name, type(value).__name__, f"what JSON can hold ({error})") from error


class StreamedForm:
    """A form that is read while it is sent.

    Args:
        pieces: the parts of its body in order; at least one is a piece of a file.
    """

    def __init__(self, pieces: Sequence[bytes | PieceReader]) -> None:
        self.size = sum(piece.size if isinstance(piece, PieceReader) else len(piece) for piece in pieces)
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        """The form in chunks."""
        return chain.from_iterable(piece if isinstance(piece, PieceReader) else (piece,) for piece in self._pieces)


def encode_form(parts: Iterable[Part]) -> tuple[bytes | StreamedForm, str]:
    """A form, as bytes or as an iterable of them, and its media type with the boundary.

    Args:
        parts: the fields, in any order.
    """
    ordered = sorted(parts, key=lambda part: part.file is not None)
    streamed = any(isinstance(part.content, PieceReader) for part in ordered)
    digest = hashlib.blake2b(os.urandom(32) if streamed else b"", digest_size=16)
    for part in ordered:
        if isinstance(part.content, bytes):
            digest.update(repr((part.name, part.file, len(part.content))).encode("utf-8", "backslashreplace"))
            digest.update(part.content)
    boundary = f"callwell-{digest.hexdigest()}"
    pieces = [piece for part in ordered for piece in (_part_header(boundary, part), part.content, b"\r\n")]
    pieces.append(f"--{boundary}--\r\n".encode())
    body = StreamedForm(pieces) if streamed else b"".join(piece for piece in pieces if isinstance(piece, bytes))
    return body, f"multipart/form-data; boundary={boundary}"


def body_size(body: bytes | StreamedBody) -> int:
    """The number of bytes of a body."""
    return len(body) if isinstance(body, bytes) else body.size


def _part_header(boundary: str, part: Part) -> bytes:
    file = "" if part.file is None else f'; filename="{part.file.translate(ESCAPES)}"'
    type_ = f"Content-Type: {part.type}\r\n" if part.type else ""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{part.name.translate(ESCAPES)}"{file}\r\n{type_}\r\n'
    return head.encode("utf-8", "replace")


def _file_part(name: str, wire: str, schema: Mapping[str, Any], value: Any) -> Part:
    content: bytes | PieceReader
    if isinstance(value, bytes | bytearray):
        file = DEFAULT_FILE_NAME
        content = bytes(value)
    elif isinstance(value, PieceReader):
        file = value.name
        content = value
    else:
        path = Path(value)
        try:
            length = path.stat().st_size
            regular = path.is_file()
            content = path.read_bytes() if regular and _fits(schema, length) else b""
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise InvalidOption(name, str(path), f"a file that can be read ({reason})") from error
        if not regular:
            raise InvalidOption(name, str(path), "a regular file")
        if not _fits(schema, length):
            raise InvalidOption(name, f"{path} of {length} bytes", describe_schema(schema))
        file = path.name
    count = content.size if isinstance(content, PieceReader) else len(content)
    if not _fits(schema, count):
        raise InvalidOption(name, f"{file} of {count} bytes", describe_schema(schema))
    import mimetypes  # only forms with files need it

    return Part(wire, content, mimetypes.guess_type(file)[0] or "application/octet-stream", file)


def _fits(schema: Mapping[str, Any], size: int) -> bool:
    return bool(schema.get("minLength", 0) <= size <= schema.get("maxLength", size))
