# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_token_secrets.py by tools/unasync.py; do not edit
"""The values of tokens: shared through the state, which holds them encrypted, and never shown."""

from __future__ import annotations

import logging
import pickle
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from callwell.keys import Key
from tests.client._sync.scripted_client import connect
from tests.client.acme import KEY
from tests.client.mint import Mint, options
from tests.client.running import run
from tests.client.world import ScriptedProvider, make_error_response

if TYPE_CHECKING:
    from pathlib import Path

GET = {"thing_id": "1"}


def make_client(mint: Mint, world: ScriptedProvider, **more: Any) -> Any:
    """A client that shows tokens."""
    return connect(world, **options(mint, world, **more))


def get(one: Any) -> None:
    """A call that is done."""
    assert one.call("things.get", **GET) == {"id": "1"}


def test_a_shared_state_holds_no_token(tmp_path: Path) -> None:
    """Another client reads what the first one wrote, with the same key; in the file there is nothing to be read."""
    mint = Mint()
    world = ScriptedProvider(mint)
    where = f"sqlite:///{tmp_path / 'state'}"
    api = make_client(mint, world, state=where)
    other = make_client(mint, world, state=where)

    def work() -> None:
        get(api)
        get(other)
        world.clock.advance(550.0)
        get(other)
        get(api)
        api.close()
        other.close()

    run(work)
    assert mint.asked == ["key", "1", "1", "renew", "1", "1"]
    found = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"tokens:" in found
    assert not [text for text in {KEY, *mint.texts} if text.encode() in found]


def test_a_sealed_record_that_cannot_be_opened_is_no_token(tmp_path: Path) -> None:
    """Of another key, or damaged: then there are none yet."""
    mint = Mint()
    world = ScriptedProvider(mint)
    api = make_client(mint, world, state=f"sqlite:///{tmp_path / 'state'}")
    store = api._engine.keys._store
    key = Key(KEY)

    def work() -> None:
        get(api)
        spoiled = api.config.state.read(store._cell(key))
        api.config.state.update(store._cell(key), lambda _: (spoiled._replace(content=spoiled.content[::-1]), None))
        api._engine.keys._latest = None
        get(api)
        api.close()

    run(work)
    assert mint.asked == ["key", "1", "key", "1"]


def test_tokens_are_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    """Neither in errors and their tracebacks, nor in logs, `repr` and pickles."""
    mint = Mint()
    api = make_client(mint, ScriptedProvider(mint))
    mint.instead["1"] = lambda: make_error_response(401, "TOKEN_DEAD", x_request_id="access-2")
    with caplog.at_level(logging.DEBUG, "callwell"), pytest.raises(errors.KeyRefused) as caught:
        run(lambda: api.call("things.get", **GET))
    reported = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(vars(caught.value))
    reported += repr(vars(api._engine.keys)) + repr(api._engine.keys._store.observe(Key(KEY)))
    assert mint.texts
    assert not [text for text in {KEY, *mint.texts} if text in reported]
    with pytest.raises(TypeError):
        pickle.dumps(api._engine.keys._tokens)
