# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_key_trials.py by tools/unasync.py; do not edit
"""What a response says about a key: whether both keys get it, and whether the old key has died."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell import errors
from callwell.core import key_trial
from callwell.observe.notices import KeySetAside
from tests.client._sync.test_new_key import GET, NEW, refusing, rotating, shown
from tests.client.acme import KEY
from tests.client.running import run
from tests.client.world import DEAD, OK, ScriptedProvider, make_error_response, make_response

if TYPE_CHECKING:
    from callwell.transport.base import Response


def test_an_answer_that_both_keys_get_is_the_callers() -> None:
    """Each costs one request more, the first few times. The first success with the new key is its acceptance."""
    world = ScriptedProvider(
        lambda request: OK if request.url.endswith("/1") else make_error_response(404, "NO_SUCH_THING")
    )
    api = rotating(world, KEY, NEW, canary=False)
    world.clock.advance(1.1)

    def work() -> None:
        for _ in range(20):
            with pytest.raises(errors.NotFound):
                api.call("things.get", thing_id="2")
        tries = world.keys.count(NEW)
        assert (tries, len(world.sent)) == (key_trial.MAX_SAME_RESPONSES + 1, 20 + tries)
        world.clock.advance(key_trial.FIRST_RETRY_S)
        assert api.call("things.get", **GET) == {"id": "1"}

    run(work)
    assert world.keys[-1] == NEW
    assert not any(isinstance(notice, KeySetAside) for notice in world.notices)


def test_a_redirect_that_both_keys_get_is_followed() -> None:
    """Then it is the provider's way; where it leads, the new key is tried again."""
    world = ScriptedProvider(
        lambda request: make_response(302, location="/v1/moved") if request.url.endswith("/1") else OK
    )
    api = rotating(world, KEY, NEW, canary=False)
    world.clock.advance(1.1)
    assert run(lambda: api.call("things.get", **GET)) == {"id": "1"}
    assert world.keys == [NEW, KEY, KEY]
    assert world.urls[-1].endswith("/moved")


FOREIGN = {
    "plain text": make_response(401, b"Unauthorized", content_type="text/plain"),
    "empty through a gateway": make_response(401, via="1.1 edge"),
    "JSON of another shape": make_response(401, {"fault": {"faultstring": "Invalid ApiKey"}}),
    "a code that the profile does not know": make_error_response(401, "KEY_GONE"),
    "403 of a page": make_response(403, b"<html>no</html>", content_type="text/html"),
}


@pytest.mark.parametrize("canary", [False, True])
@pytest.mark.parametrize("operation", ["things.get", "things.make"])
@pytest.mark.parametrize("refusal", FOREIGN.values(), ids=FOREIGN)
def test_a_new_key_that_was_set_aside_follows_a_dead_one(refusal: Response, operation: str, *, canary: bool) -> None:
    """Whatever the refusal looks like: the old key may have died, so the call is sent with the new one."""
    alive = {KEY}
    world = ScriptedProvider(lambda request: OK if shown(request) in alive else refusal)
    api = rotating(world, KEY, NEW, canary=canary)
    arguments = GET if operation == "things.get" else {"name": "n"}

    def work() -> None:
        for _ in range(3):
            api.call("things.get", **GET)
            world.clock.advance(1.1)
        alive.symmetric_difference_update({KEY, NEW})
        for _ in range(10):
            assert api.call(operation, **arguments) == {"id": "1"}

    run(work)
    assert world.keys[-11:] == [KEY, *[NEW] * 10]


def test_a_refused_operation_tries_a_wrong_key_seldom() -> None:
    """A refusal may just as well mean the operation. The caller gets the old key's answer."""
    refusals = {KEY: make_error_response(403, "NOT_YOURS"), NEW: make_error_response(401, "WRONG")}
    known = refusing(DEAD, KEY)
    world = ScriptedProvider(lambda request: refusals[shown(request)] if request.url.endswith("/2") else known(request))
    api = rotating(world, KEY, NEW, canary=False)

    def work() -> None:
        for _ in range(3):
            api.call("things.get", **GET)
            world.clock.advance(1.1)
        before = len(world.sent)
        for _ in range(40):
            with pytest.raises(errors.Forbidden) as caught:
                api.call("things.get", thing_id="2")
            assert caught.value.code == "NOT_YOURS"
            world.clock.advance(0.5)
        assert len(world.sent) - before == 40 + 2 * 2

    run(work)


def test_a_documented_refusal_of_an_operation_tries_no_key() -> None:
    """The profile says what the code means."""
    refused = make_error_response(401, "KEY_REQUIRED")
    world = ScriptedProvider(lambda request: refused if request.url.endswith("/2") else refusing(DEAD, KEY)(request))
    api = rotating(world, KEY, NEW, canary=False)

    def work() -> None:
        for _ in range(3):
            api.call("things.get", **GET)
            world.clock.advance(1.1)
        with pytest.raises(errors.Unauthorized):
            api.call("things.get", thing_id="2")

    run(work)
    assert world.keys.count(NEW) == 1


def test_a_wrong_key_is_reported_once() -> None:
    """However often it is tried."""
    world = ScriptedProvider(refusing(DEAD, KEY))
    api = rotating(world, KEY, NEW, canary=False)

    def work() -> None:
        for _ in range(100):
            api.call("things.get", **GET)
            world.clock.advance(5.0)

    run(work)
    assert world.keys.count(NEW) > 2
    assert sum(isinstance(notice, KeySetAside) for notice in world.notices) == 1
