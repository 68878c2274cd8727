# SPDX-License-Identifier: Apache-2.0
"""Forms (`multipart/form-data`, RFC 7578): strings first, then files.

The boundary is a digest of the content, so the same form always has the same bytes, and no file can contain its own
boundary. A form with a piece of a large file is read while it is sent; its boundary is random. Names are escaped as
browsers escape them (WHATWG HTML, multipart/form-data encoding algorithm).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from callwell.client.calls.nested import is_one_time
from callwell.client.calls.parameter_styles import flatten, nested_pairs
from callwell.client.calls.request_files import content_size, guess_type, open_content
from callwell.client.calls.validation import is_file_value
from callwell.client.calls.wire_values import encode_json
from callwell.description import schemas
from callwell.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.description.model import Parameter
    from callwell.transport.base import StreamedBody

FileContent: TypeAlias = bytes | str | os.PathLike[str] | IO[bytes] | Iterable[bytes]
"""A file to send: its bytes, its path, an open file, or an iterator of bytes."""

ESCAPES: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class Part(NamedTuple):
    """One part of a form.

    Attributes:
        name: the field's name.
        content: its bytes, or the source that they are read from.
        type: its media type; empty for a string.
        file: the file's name; None if it is not a file.
    """

    name: str
    content: bytes | StreamedBody
    type: str = ""
    file: str | None = None


def encode_field(argument_name: str, field: Parameter, value: object) -> Iterator[Part]:
    """The parts of one field: a single part, or one for each item of a list.

    A field with a style, as OpenAPI 3.1 allows, is written as in a query, one part for each pair.

    Args:
        argument_name: the field's name in messages.
        field: the field; the value was checked against its schema.
        value: the value.

    Raises:
        InvalidOption: a file that cannot be read or is too large or too small, or a value that JSON cannot hold.
    """
    wire = field.wire_name
    if field.style and isinstance(value, dict | list):
        pairs = (
            nested_pairs(argument_name, wire, value)
            if field.style == "deepObject"
            else [(wire, ",".join(flatten(argument_name, value)))]
        )
        yield from (Part(name, text.encode()) for name, text in pairs)
    else:
        yield from _encode_value(argument_name, field, field.schema, value)


def _encode_value(argument_name: str, field: Parameter, schema: Mapping[str, Any], value: object) -> Iterator[Part]:
    wire = field.wire_name
    file = _file_schema(schema, value)
    if file is not None:
        name, content = open_content(argument_name, file, value)
        yield Part(wire, content, _choose_type(field.content, guess_type(name)), name)
    elif isinstance(value, str):
        yield Part(wire, value.encode(), field.content)
    elif value is None:
        raise InvalidOption(argument_name, value, "a value: a form has no null")
    elif isinstance(value, Sequence):
        items = _item_schema(schema)
        for item in value:
            yield from _encode_value(argument_name, field, items, item)
    else:
        default = "application/json" if isinstance(value, Mapping) else ""
        yield Part(wire, encode_json(argument_name, value), field.content or default)


def _item_schema(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of the items of a list."""
    for part in schemas.alternatives(schema):
        items = part.get("items")
        if isinstance(items, Mapping):
            return items
    return {}


def _file_schema(schema: Mapping[str, Any], value: object) -> Mapping[str, Any] | None:
    """The schema of a file, if the value is one; a string is a file only if the schema allows no other string."""
    file = next((part for part in schemas.alternatives(schema) if schemas.is_file(part)), None)
    if is_file_value(value):
        return file or {"type": "string", "format": "binary"}
    takes_text = any("string" in schemas.type_names(part) and part is not file for part in schemas.alternatives(schema))
    return file if isinstance(value, str) and not takes_text else None


def _choose_type(declared: str, guessed: str) -> str:
    """The media type of a file: if several are declared, the one that matches its name, otherwise the first."""
    known = [media_type.strip() for media_type in declared.split(",") if media_type.strip() and "*" not in media_type]
    return guessed if not known or guessed in known else known[0]


class StreamedForm:
    """A form that is read while it is sent.

    Args:
        pieces: the parts of its body in order; at least one is read while it is sent.

    Attributes:
        size: its bytes; None if the size of a part is unknown.
        one_time: a part can be read only once.
    """

    def __init__(self, pieces: Sequence[bytes | StreamedBody]) -> None:
        sizes = [content_size(piece) for piece in pieces]
        self.size = None if None in sizes else sum(size or 0 for size in sizes)
        self.one_time = any(map(is_one_time, pieces))
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        """The form in chunks."""
        return chain.from_iterable((piece,) if isinstance(piece, bytes) else piece for piece in self._pieces)


def encode_form(parts: Iterable[Part]) -> tuple[bytes | StreamedForm, str]:
    """A form, as bytes or as an iterable of them, and its media type with the boundary.

    Args:
        parts: the fields, in any order.
    """
    ordered = sorted(parts, key=lambda part: part.file is not None)
    streamed = any(not isinstance(part.content, bytes) for part in ordered)
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


def _part_header(boundary: str, part: Part) -> bytes:
    file = "" if part.file is None else f'; filename="{part.file.translate(ESCAPES)}"'
    type_ = f"Content-Type: {part.type}\r\n" if part.type else ""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{part.name.translate(ESCAPES)}"{file}\r\n{type_}\r\n'
    return head.encode("utf-8", "replace")
