# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_revoked_key.py by tools/unasync.py; do not edit
"""A key that was marked as revoked is not sent; a new one at its source is used at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from callwell.client.keys.usage import KeyUseLog
from callwell.keys import Key
from callwell.state import MemoryState, open_state
from tests.client._sync.scripted_client import connect
from tests.client._sync.test_tokens import sourced
from tests.client.acme import KEY
from tests.client.mint import Mint
from tests.client.running import run
from tests.client.world import DEAD, OK, ListSource, ScriptedProvider, count_held, tried

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.transport.base import Request, Response

GET = {"thing_id": "1"}
NEW = "acme_second"
FINGERPRINT = Key(KEY).fingerprint


def mark(uses: KeyUseLog, text: str = KEY, *, revoked: bool = True) -> None:
    """Mark a key, or take that back."""
    assert uses.set_revoked(Key(text).fingerprint, revoked=revoked)


def get(api: Any) -> None:
    """Make a call that is done."""
    assert api.call("things.get", **GET) == {"id": "1"}


def get_none(api: Any) -> errors.KeyRevoked:
    """Make a call that ends because the key is revoked, and give its error."""
    with pytest.raises(errors.KeyRevoked) as caught:
        api.call("things.get", **GET)
    assert count_held(api) == 0
    return caught.value


def test_a_call_waits_for_a_new_key_and_then_says_what_to_do() -> None:
    """As after a refusal by the provider: 30 seconds, within which a new key at the source would be used."""
    uses = tried(KEY)
    world = ScriptedProvider()
    api = connect(world, source=ListSource([KEY]), uses=uses)

    def work() -> None:
        get(api)
        mark(uses)
        world.clock.advance(1.1)
        began = world.clock.now()
        error = get_none(api)
        assert world.clock.now() - began == pytest.approx(30.0, abs=0.3)
        assert (error.exit_code, error.fingerprint, error.location) == (3, FINGERPRINT, "list:keys")
        assert f"{FINGERPRINT} (list:keys) was marked as revoked at " in str(error)
        assert f"callwell keys revoked {FINGERPRINT} --undo" in str(error)

    run(work)
    assert world.keys == [KEY]


@pytest.mark.parametrize("readings", [[KEY, NEW], [KEY, KEY, KEY, NEW]])
def test_a_new_key_is_used_in_its_place(readings: list[str]) -> None:
    """Whether it is there already, or comes while the call waits."""
    uses = tried(KEY)
    world = ScriptedProvider()
    api = connect(world, source=ListSource(readings), uses=uses)

    def work() -> None:
        get(api)
        mark(uses)
        world.clock.advance(1.1)
        get(api)

    run(work)
    assert world.keys == [KEY, NEW]


def test_a_key_that_cannot_change_is_not_waited_for(tmp_path: Path) -> None:
    """The mark comes through the state from another process, and can be taken back."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    world = ScriptedProvider()
    api = connect(world, state=url)
    other = KeyUseLog("acme:production:elsewhere:other", open_state(url), world.clock)

    def work() -> None:
        get(api)
        mark(other)
        api._engine.keys.poller.poll()  # as the state's signal makes it
        began = world.clock.now()
        get_none(api)
        assert world.clock.now() - began < 1.0
        get_none(api)
        mark(other, revoked=False)
        api._engine.keys.poller.poll()
        get(api)

    run(work)
    assert world.keys == [KEY] * 2
    mark(other)
    with pytest.raises(errors.KeyRevoked, match=FINGERPRINT):
        connect(ScriptedProvider(), state=url)


def test_the_other_key_goes_on() -> None:
    """A revoked new key is tried no more, and a revoked old one is followed by the new one that was set aside."""
    for revoked, used in ((NEW, KEY), (KEY, NEW)):
        uses = tried(KEY)
        world = ScriptedProvider(OK)
        api = connect(world, source=ListSource([KEY, NEW], marked=True), uses=uses)

        def work(
            api: Any = api, uses: KeyUseLog = uses, world: ScriptedProvider = world, revoked: str = revoked
        ) -> None:
            mark(uses, revoked)
            world.clock.advance(1.1)
            get(api)
            get(api)

        run(work)
        assert world.keys == [used] * 2


def test_a_key_that_was_refused_first_says_the_mark() -> None:
    """The provider may know of the revocation before the state does; then the error names the mark as well."""
    uses = tried(KEY)

    def refuse(_: Request) -> Response:
        uses.set_revoked(FINGERPRINT, revoked=True)
        return DEAD

    world = ScriptedProvider(refuse)
    api = connect(world, source=ListSource([KEY], can_change=False), uses=uses)
    run(lambda: get_none(api))
    assert world.keys == [KEY]


def test_tokens_of_a_revoked_key_are_not_sent() -> None:
    """Tokens are as good as the key that they were obtained with."""
    mint = Mint()
    api, world = sourced(mint, KEY)

    def work() -> None:
        get(api)
        shown = list(mint.shown)
        mark(api.config.key_uses())
        world.clock.advance(1.1)
        with pytest.raises(errors.KeyRevoked):
            get(api)
        assert mint.shown == shown

    run(work)


def test_an_exactly_once_call_can_be_made_again_later() -> None:
    """Nothing was sent, so its name is free once the key works again."""
    state = MemoryState()
    world = ScriptedProvider()
    api = connect(world, source=ListSource([KEY]), state=state, exactly_once=True)
    uses = api._engine.keys._uses

    def work() -> None:
        mark(uses)
        world.clock.advance(1.1)
        with pytest.raises(errors.KeyRevoked):
            api.call("things.make", name="n")
        mark(uses, revoked=False)
        world.clock.advance(1.1)
        assert api.call("things.make", name="n") == {"id": "1"}

    run(work)
    assert world.keys == [KEY]
