# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_streamed_bodies.py by tools/unasync.py; do not edit
"""Bodies that are read while they are sent: again for each attempt if they can be, else once."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from callwell.description.model import WHOLE_BODY, Api, BodyType
from callwell.errors import CallwellError, FileChanged
from callwell.state import open_state
from tests.client._sync.scripted_client import connect
from tests.client.acme import acme, operation, parameter
from tests.client.arguments import MULTIPART
from tests.client.running import run
from tests.client.world import ScriptedProvider, make_response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from callwell.transport.base import Request, Response

CONTENT = replace(
    parameter("body", "body", {"type": "string", "format": "binary"}, required=True), wire_name=WHOLE_BODY
)
FILE = parameter("file", "body", {"type": "string", "format": "binary"}, required=True)
BYTES = (BodyType(media_type="application/octet-stream", kind="bytes"),)
LARGE = b"0123456789abcdef" * (100 << 10)


def provider() -> Any:
    """Acme, with operations that take a file."""
    put = replace(operation("files.put", "PUT", "/file", CONTENT), bodies=BYTES)
    post = replace(operation("files.add", "POST", "/files", CONTENT), bodies=BYTES)
    form = replace(operation("files.form", "PUT", "/form", FILE), bodies=(MULTIPART,))
    result = acme()
    return replace(result, api=Api(title="A", version="1", operations={item.name: item for item in (put, post, form)}))


def send(world: ScriptedProvider, name: str, /, arguments: dict[str, Any], **options: Any) -> Any:
    """Call one of them."""

    def work() -> Any:
        with connect(world, provider=provider(), **options) as api:
            return api.call(name, **arguments)

    return run(work)


class Receiver:
    """Keeps what arrives, and replies.

    Args:
        replies: in order.
    """

    def __init__(self, *replies: Response) -> None:
        self.arrived: list[bytes] = []
        self.world = ScriptedProvider(self.reply)
        self._replies = iter(replies)

    def reply(self, request: Request) -> Response:
        """The next reply."""
        assert isinstance(request.body, bytes)  # the scripted transport has read it
        self.arrived.append(request.body)
        return next(self._replies)

    @property
    def whole(self) -> list[bool]:
        """Whether the file was in each request."""
        return [LARGE in body for body in self.arrived]


def read_in_pieces(path: Path) -> Iterator[bytes]:
    """A file as an iterator."""
    with path.open("rb") as file:
        yield from iter(lambda: file.read(64 << 10), b"")


@pytest.mark.parametrize("give", [lambda path: path, str, lambda path: io.BytesIO(path.read_bytes())])
def test_what_can_be_read_again_is_sent_again(tmp_path: Path, give: Callable[[Path], Any]) -> None:
    """Each attempt gets the whole file, from a path or an open file."""
    path = tmp_path / "a.bin"
    path.write_bytes(LARGE)
    for name, argument in (("files.put", "body"), ("files.form", "file")):
        receiver = Receiver(make_response(503), make_response(429), make_response(200, {"data": 1}))
        assert send(receiver.world, name, {argument: give(path)}) == 1
        assert receiver.whole == [True, True, True]


@pytest.mark.parametrize(("name", "argument"), [("files.put", "body"), ("files.form", "file")])
def test_an_iterator_is_sent_once(tmp_path: Path, name: str, argument: str) -> None:
    """A failure is not tried again, although the operation could be, and the error says what would help."""
    path = tmp_path / "a.bin"
    path.write_bytes(LARGE)
    for reply in (make_response(503), make_response(429)):
        receiver = Receiver(reply, make_response(200, {"data": 1}))
        with pytest.raises(CallwellError, match="one attempt only, since its body can be read only once: pass bytes"):
            send(receiver.world, name, {argument: read_in_pieces(path)})
        assert receiver.whole == [True]
    receiver = Receiver(make_response(200, {"data": 1}))
    assert send(receiver.world, name, {argument: read_in_pieces(path)}) == 1
    assert receiver.whole == [True]


def test_a_file_that_changes_is_not_sent_on(tmp_path: Path) -> None:
    """The next attempt would send another file under the same call."""
    path = tmp_path / "a.bin"
    path.write_bytes(LARGE)

    def reply(request: Request) -> Response:
        """A failure, after which the file is longer."""
        assert request.body == LARGE
        path.write_bytes(LARGE + b"more")
        return make_response(503)

    with pytest.raises(FileChanged, match=r"a\.bin: it changed before it was sent"):
        send(ScriptedProvider(reply), "files.put", {"body": path})


def test_exactly_once(tmp_path: Path) -> None:
    """The content of a file belongs to the request; that of an iterator is left to be sent."""
    path = tmp_path / "a.bin"
    path.write_bytes(LARGE)
    state = open_state(f"sqlite:///{tmp_path / 'state.db'}")
    for name, give in (("one", lambda: path), ("two", lambda: read_in_pieces(path))):
        receiver = Receiver(make_response(200, {"data": 1}))
        assert send(receiver.world, "files.add", {"body": give()}, state=state, exactly_once=name) == 1
        assert receiver.whole == [True]
    path.write_bytes(b"other")
    with pytest.raises(CallwellError, match="one"):
        send(ScriptedProvider(make_response(200)), "files.add", {"body": path}, state=state, exactly_once="one")
    state.close()
