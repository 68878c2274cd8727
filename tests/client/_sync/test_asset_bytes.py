# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_asset_bytes.py by tools/unasync.py; do not edit
"""Files behind signed URLs, read and not saved."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from tests.client._sync.scripted_client import connect
from tests.client.running import run
from tests.client.storage import CONTENT, Storage
from tests.client.world import PIECE, ScriptedProvider, make_response

if TYPE_CHECKING:
    from callwell.transport.base import Request, Response


def test_bytes_are_read_through_breaks() -> None:
    """A reader sees one whole file, whatever happens underneath."""
    storage = Storage()
    storage.spoil = [storage.cut(100), make_response(403), lambda _: storage.right(storage.fetches[0], cut=PIECE + 5)]
    api = connect(ScriptedProvider(storage))
    assert run(lambda: api.asset("things.file", thing_id="1").read()) == CONTENT


def test_a_file_that_changes_under_a_reader_is_reported() -> None:
    """What was given out cannot be taken back."""
    storage = Storage()

    def change(request: Request) -> Response:
        broken = storage.right(request, cut=PIECE)
        storage.content = CONTENT + b"more"
        storage.etag = '"two"'
        return broken

    storage.spoil = [change]
    api = connect(ScriptedProvider(storage))
    with pytest.raises(errors.AssetDamaged):
        run(lambda: api.asset("things.file", thing_id="1").read())


def test_a_file_is_read_as_it_is_needed() -> None:
    """Reading a little asks for little, and leaving the rest unread closes the response."""
    storage = Storage()
    api = connect(ScriptedProvider(storage))

    def work() -> list[bytes]:
        with api.asset("things.file", thing_id="1").open() as file:
            parts = [file.read(3), file.read(0), file.read(PIECE)]
        with api.asset("things.file", thing_id="1").open() as file:
            return [*parts, file.read(), file.read()]

    assert run(work) == [CONTENT[:3], b"", CONTENT[3 : PIECE + 3], CONTENT, b""]
    assert api._engine.transport.streams == 0


def test_stopping_early_closes_the_answer() -> None:
    """Leaving a loop over the bytes leaves nothing open."""
    api = connect(ScriptedProvider(Storage()))

    def work() -> Any:
        for piece in api.asset("things.file", thing_id="1").iter_bytes():
            return piece
        return None

    assert run(work) == CONTENT[:PIECE]
    gc.collect()
    assert api._engine.transport.streams == 0
