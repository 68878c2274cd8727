# SPDX-License-Identifier: Apache-2.0
"""Headers that come on several lines are one list: no coding is overlooked, and no version is proved by one of two."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from callwell import errors
from callwell.transport.base import Response
from tests.contract.raw_storage import CONTENT, RawStorage, reply, save, wanted
from tests.contract.senders import get

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.raw_server import Servers
    from tests.contract.senders import Sender

TWICE = gzip.compress(gzip.compress(CONTENT, mtime=0), mtime=0)
CODINGS = [
    ("content-encoding: gzip", "content-encoding: gzip"),
    ("Content-Encoding: gzip", "content-encoding: x-gzip"),
    ("content-encoding: identity, gzip", "content-encoding: gzip"),
]


@pytest.fixture(params=["sync", "async"])
def side(request: pytest.FixtureRequest) -> str:
    """Of which side the client is."""
    return str(request.param)


@pytest.fixture
def storages() -> Iterator[list[RawStorage]]:
    """Those that are put in are closed in the end."""
    running: list[RawStorage] = []
    yield running
    for item in running:
        item.server.close()


@pytest.mark.parametrize("codings", CODINGS)
@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_a_file_coded_twice_is_decoded_twice(
    tmp_path: Path, side: str, storages: list[RawStorage], codings: tuple[str, ...], size: int | None
) -> None:
    """Also where no size is announced that would show it."""
    storages.append(RawStorage(lambda _n, _h: reply(200, TWICE, *codings), size=size))
    save(side, storages[0].url, tmp_path / "f", resume=True)
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_an_unknown_coding_on_the_second_line_is_refused(tmp_path: Path, side: str, storages: list[RawStorage]) -> None:
    """Coded bytes are not saved as the file."""
    lines = ("content-encoding: gzip", "content-encoding: br")
    storages.append(RawStorage(lambda _n, _h: reply(200, TWICE, *lines), size=None))
    with pytest.raises(errors.AssetError, match=r"unsupported content coding \(gzip, br\)"):
        save(side, storages[0].url, tmp_path / "f", resume=True)
    assert not (tmp_path / "f").exists()


def test_two_etags_prove_no_version(tmp_path: Path, side: str, storages: list[RawStorage]) -> None:
    """A part that names another version beside ours is not appended to what is there."""
    other = CONTENT[::-1]

    def answer(number: int, headers: dict[str, str]) -> bytes:
        place = wanted(headers)
        if not number:
            return reply(200, CONTENT[:4000], 'etag: "one"', announced=len(CONTENT))
        if place is None:
            return reply(200, other, 'etag: "two"')
        body = other[place[0] :]
        span = f"content-range: bytes {place[0]}-{len(other) - 1}/{len(other)}"
        return reply(206, body, span, 'etag: "one"', 'etag: "two"')

    storages.append(RawStorage(answer, size=len(CONTENT)))
    save(side, storages[0].url, tmp_path / "f", resume=True)
    assert (tmp_path / "f").read_bytes() == other


def test_json_coded_twice_is_decoded_twice(serve: Servers, sender: Sender) -> None:
    """A response to a call is read in the same way."""
    body = gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0)
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-encoding: gzip\r\n"
    server = serve(lambda c: c.send(head + b"content-length: %d\r\n\r\n" % len(body) + body))
    answered = sender.send(get(server.url))
    assert isinstance(answered, Response)
    assert answered.body == b"{}"
