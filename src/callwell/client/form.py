# SPDX-License-Identifier: Apache-2.0
"""Forms (`multipart/form-data`, RFC 7578) that are sent whole: texts first, then files.

The boundary is made of a digest of what it bounds, so that one body has the same bytes whenever it is made, and no file
can hold it on purpose. Names in headers are escaped as browsers escape them.
"""

from __future__ import annotations

import hashlib
import mimetypes
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import msgspec

from callwell.client.fit import describe, is_file
from callwell.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

FileContent: TypeAlias = bytes | str | os.PathLike[str]
"""A file to be sent: its bytes, or its path."""

NAMELESS: Final = "file"
"""What a file is called of which there are only the bytes."""

ESCAPES: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class Part(NamedTuple):
    """One part of a form.

    Attributes:
        name: of the field.
        content: its bytes.
        type: its media type; none for a text.
        file: the file's name; none for what is no file.
    """

    name: str
    content: bytes
    type: str = ""
    file: str | None = None


def field(name: str, wire: str, schema: Mapping[str, Any], value: object) -> Iterator[Part]:
    """The parts of one field: one, or one for each item of a list.

    Args:
        name: how messages name the field.
        wire: its name on the wire.
        schema: what it takes, to which the value has been held.
        value: the value.

    Raises:
        InvalidOption: a file that cannot be read or has not the size that the schema takes, or what JSON cannot hold.
    """
    if is_file(schema):
        yield _file(name, wire, schema, value)
    elif isinstance(value, str):
        yield Part(wire, value.encode())
    elif isinstance(value, Sequence):
        for item in value:
            yield from field(name, wire, schema.get("items", {}), item)
    else:
        try:
            yield Part(wire, msgspec.json.encode(value), "application/json" if isinstance(value, Mapping) else "")
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidOption(name, type(value).__name__, f"what JSON can hold ({error})") from error


def encode(parts: Iterable[Part]) -> tuple[bytes, str]:
    """A form as bytes, and its media type with the boundary.

    Args:
        parts: the fields, in any order.
    """
    ordered = sorted(parts, key=lambda part: part.file is not None)
    digest = hashlib.blake2b(digest_size=16)
    for part in ordered:
        digest.update(repr((part.name, part.file, len(part.content))).encode("utf-8", "backslashreplace"))
        digest.update(part.content)
    boundary = f"callwell-{digest.hexdigest()}"
    pieces = [piece for part in ordered for piece in (_head(boundary, part), part.content, b"\r\n")]
    return b"".join([*pieces, f"--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"


def _head(boundary: str, part: Part) -> bytes:
    file = "" if part.file is None else f'; filename="{part.file.translate(ESCAPES)}"'
    type_ = f"Content-Type: {part.type}\r\n" if part.type else ""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{part.name.translate(ESCAPES)}"{file}\r\n{type_}\r\n'
    return head.encode("utf-8", "replace")


def _file(name: str, wire: str, schema: Mapping[str, Any], value: Any) -> Part:
    if isinstance(value, bytes | bytearray):
        file, content = NAMELESS, bytes(value)
    else:
        path = Path(value)
        try:
            size, regular = path.stat().st_size, path.is_file()
            content = path.read_bytes() if regular and _right(schema, size) else b""
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise InvalidOption(name, str(path), f"a file that can be read ({reason})") from error
        if not regular:
            raise InvalidOption(name, str(path), "a file, and nothing else that has a path")
        if not _right(schema, size):
            raise InvalidOption(name, f"{path} of {size} bytes", describe(schema))
        file = path.name
    if not _right(schema, len(content)):
        raise InvalidOption(name, f"{file} of {len(content)} bytes", describe(schema))
    return Part(wire, content, mimetypes.guess_type(file)[0] or "application/octet-stream", file)


def _right(schema: Mapping[str, Any], size: int) -> bool:
    return bool(schema.get("minLength", 0) <= size <= schema.get("maxLength", size))
