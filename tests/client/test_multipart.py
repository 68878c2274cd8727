# SPDX-License-Identifier: Apache-2.0
"""Forms: strings before files, the same bytes every time, and no name that can break out of its header."""

from __future__ import annotations

import email.parser
import email.policy
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from callwell.client.calls import multipart
from callwell.client.calls.binding import BoundRequest, request_headers
from callwell.client.calls.request_files import MIN_BYTES_PER_S
from callwell.client.uploads.files import MemoryFile
from callwell.client.uploads.piece_reader import PieceReader, ProgressMeter
from callwell.core.rules.profile import KeyRule
from callwell.description.model import Operation, Parameter
from callwell.errors import InvalidOption
from callwell.keys import Key
from tests.client.acme import bind
from tests.client.arguments import MULTIPART

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

TEXT: Final = {"type": "string"}
FILE: Final = {"type": "string", "format": "binary", "minLength": 1, "maxLength": 10}


def send(schemas: dict[str, dict[str, Any]], *, keyless: bool = False) -> Operation:
    """An operation that takes a form with these fields."""
    fields = tuple(
        Parameter(name=n, wire_name=n, location="body", required=False, schema=one) for n, one in schemas.items()
    )
    given = {"method": "POST", "path": "/x", "parameters": fields, "summary": "", "response_schema": {}}
    return Operation(name="things.send", bodies=(MULTIPART,), keyless=keyless, **given)  # type: ignore[arg-type] # a mapping


def read(bound: BoundRequest) -> list[tuple[str, str | None, str, bytes]]:
    """The parts as the standard library reads them: name, file name, media type and content."""
    body = bound.body or b""
    whole = f"Content-Type: {bound.media}\r\n\r\n".encode() + (body if isinstance(body, bytes) else b"".join(body))
    message: EmailMessage = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(whole)
    assert message.is_multipart()
    assert not message.defects
    found = []
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        found.append((str(name), part.get_filename(), part.get_content_type(), content))
    return found


def test_texts_come_before_files(tmp_path: Path) -> None:
    """Whatever the order of the fields: who reads the form as it comes knows what the file is for."""
    file = tmp_path / "a b.png"
    file.write_bytes(b"\x00picture")
    bound = bind(send({"file": FILE, "id": TEXT}), {"file": file, "id": "ü1"})
    assert read(bound) == [
        ("id", None, "text/plain", "ü1".encode()),
        ("file", "a b.png", "image/png", b"\x00picture"),
    ]
    assert bind(send({"file": FILE, "id": TEXT}), {"file": str(file), "id": "ü1"}) == bound


def test_bytes_lists_and_objects() -> None:
    """Bytes are a file without a name, a list is its items, an object is JSON, and a number is its digits."""
    schemas: dict[str, dict[str, Any]] = {
        "file": FILE,
        "tags": {"type": "array", "items": TEXT},
        "meta": {"type": "object"},
        "count": {"type": "integer"},
        "fine": {"type": "boolean"},
    }
    given = {"file": b"x", "tags": ["a", "b"], "meta": {"k": 1}, "count": 3, "fine": True}
    assert read(bind(send(schemas), given)) == [
        ("tags", None, "text/plain", b"a"),
        ("tags", None, "text/plain", b"b"),
        ("meta", None, "application/json", b'{"k":1}'),
        ("count", None, "text/plain", b"3"),
        ("fine", None, "text/plain", b"true"),
        ("file", "file", "application/octet-stream", b"x"),
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"", "file of 0 bytes': expected a file of 1 to 10 bytes"),
        (b"12345678901", "file of 11 bytes"),
        ("no such file", r"expected a file that can be read \(No such file"),
        ("nul\0", "expected a file that can be read"),
        ("{folder}", "expected a regular file"),
        ("{folder}/empty", "of 0 bytes': expected a file of 1 to 10 bytes"),
        ("{folder}/long", "of 11 bytes"),
        (3, "expected a file of 1 to 10 bytes, as its path or its bytes"),
    ],
)
def test_files_that_cannot_be_sent(tmp_path: Path, value: object, message: str) -> None:
    """A file that is missing, empty, too long or no file is reported before anything is sent."""
    (tmp_path / "empty").touch()
    (tmp_path / "long").write_bytes(b"12345678901")
    if isinstance(value, str):
        value = value.format(folder=tmp_path)
    with pytest.raises(InvalidOption, match=message):
        bind(send({"file": FILE}), {"file": value})


@given(st.text(max_size=20), st.binary(max_size=50))
def test_nothing_breaks_out(name: str, content: bytes) -> None:
    """Whatever a file is called and holds, there is one part, and its content comes out as it went in."""
    body, media = multipart.encode_form([multipart.Part("file", content, "text/plain", name)])
    assert isinstance(body, bytes)
    boundary = media.partition("boundary=")[2].encode()
    assert body.count(b"--" + boundary) == 2
    head, _, rest = body.partition(b"\r\n\r\n")
    assert head.count(b"\r\n") == 2
    assert rest == content + b"\r\n--" + boundary + b"--\r\n"


def test_the_same_form_is_the_same_bytes() -> None:
    """A form is made of its fields alone; other fields have another boundary."""
    one, two = ([multipart.Part("file", content, "", "f")] for content in (b"1", b"2"))
    assert multipart.encode_form(one) == multipart.encode_form(one)
    assert multipart.encode_form(one)[1] != multipart.encode_form(two)[1]


def test_a_keyless_operation_goes_without_the_key() -> None:
    """The key is not shown where it is not requested; the media type is that of the form."""
    rule = KeyRule(env="K", scheme="basic")
    key = Key("secret")
    bound = bind(send({"id": TEXT}, keyless=True), {"id": "1"})
    assert dict(request_headers(bound, rule, key)) == {"accept": "application/json", "content-type": bound.media}
    assert "authorization" in dict(request_headers(replace(bound, keyless=False), rule, key))


def test_a_piece_of_a_large_file_is_read_while_it_is_sent() -> None:
    """It has its length beforehand, comes out as it went in, as often as it is requested, and counts as a file."""
    operation = send({"file": FILE, "note": TEXT})
    region = PieceReader(MemoryFile(b"0123456789"), 2, 5, ProgressMeter(None))
    bound = bind(operation, {"file": region, "note": "n"})
    assert not isinstance(bound.body, bytes | None)
    assert len({b"".join(bound.body), b"".join(bound.body)}) == 1
    assert bound.body.size == len(b"".join(bound.body))
    assert read(bound) == [
        ("note", None, "text/plain", b"n"),
        ("file", "file", "application/octet-stream", b"23456"),
    ]
    assert bound.extra_time_s == bound.body.size / MIN_BYTES_PER_S
    for size in (0, 11):
        with pytest.raises(InvalidOption):
            bind(operation, {"file": PieceReader(MemoryFile(bytes(20)), 0, size, ProgressMeter(None))})
