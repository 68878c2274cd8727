# SPDX-License-Identifier: Apache-2.0
"""Remembered results: the same request is not sent again, unless the caller insists."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from callwell import errors
from callwell.client import result_cache
from callwell.client.calls.responses import Answer
from callwell.core.rules.environments import EndUserRule
from callwell.core.rules.operations import OperationRule
from callwell.keys import Key
from callwell.state import MemoryState
from callwell.testing import ManualClock
from tests.client._async.scripted_client import connect
from tests.client.acme import acme
from tests.client.running import run
from tests.client.world import LOST, ScriptedProvider, count_held, make_response

THING = make_response(body={"data": {"id": "t1"}})
MAKE = "things.make"


def described() -> Any:
    """Acme, with things that follow from the request, and with end users."""
    rule = OperationRule(repeatable=True, remember=True)
    return acme(operations={MAKE: rule}, end_user=EndUserRule(header="x-user"))


def remembering(world: ScriptedProvider, **options: Any) -> Any:
    """A client that remembers."""
    secret = Key("0123456789abcdef")
    return connect(world, provider=described(), **{"remember": True, "user_secret": secret, **options})


async def called(one: Any, **arguments: Any) -> Any:
    """The whole response of a call; afterwards nothing is lent to anybody."""
    try:
        return await one.call_raw(MAKE, **{"name": "n", **arguments})
    finally:
        assert count_held(one) == 0


def test_the_same_request_is_sent_once() -> None:
    """The second answer says the same, took no attempt, and comes for another user as well."""
    world = ScriptedProvider(THING)
    api = remembering(world)
    first = run(lambda: called(api.with_options(for_user="ann")))
    second = run(lambda: called(api.with_options(for_user="bob")))
    assert (first.json, first.body, first.attempts) == (second.json, second.body, 1)
    assert (second.attempts, second.possibly_billed, len(world.sent)) == (0, 0, 1)
    assert list(api.config.end_users.monthly_counts().values()) == [1]


@pytest.mark.parametrize("changed", [{"name": "o"}, {"count": 2}, {"trace": "x"}, {"note": None}])
def test_another_request_is_sent(changed: dict[str, Any]) -> None:
    """Whatever is sent makes the difference, the operation's own headers too."""
    world = ScriptedProvider(THING)
    api = remembering(world)
    run(lambda: called(api))
    run(lambda: called(api, **changed))
    assert len(world.sent) == 2


def test_who_insists_is_served() -> None:
    """With `force` it is sent, and the new result is the one that is remembered."""
    world = ScriptedProvider(THING, make_response(body={"data": {"id": "t2"}}))
    api = remembering(world)
    reported = [run(partial(called, api.with_options(force=forced))) for forced in (False, True, False)]
    assert [item.json["data"]["id"] for item in reported] == ["t1", "t2", "t2"]
    assert [item.attempts for item in reported] == [1, 1, 0]


def test_only_results_are_remembered() -> None:
    """An error is not, nor is a call without the option."""
    world = ScriptedProvider(make_response(400, {"error": "BAD"}), THING)
    api = remembering(world)
    with pytest.raises(errors.BadRequest):
        run(lambda: called(api))
    run(lambda: called(api.with_options(remember=False)))
    assert run(lambda: called(api)).attempts == 1
    assert len(world.sent) == 3


def test_a_lost_answer_is_counted_once() -> None:
    """What may have been billed twice is reported with the call that was made, not with what is remembered of it."""
    world = ScriptedProvider(LOST, THING)
    api = remembering(world)
    assert [run(lambda: called(api)).attempts for _ in range(2)] == [2, 0]


def test_other_operations_are_refused() -> None:
    """Results that may change are not taken from the cache, and nothing is sent."""
    world = ScriptedProvider(THING)
    with pytest.raises(errors.UsageError, match=r"acme things\.get: its results cannot be cached"):
        run(lambda: remembering(world).call_raw("things.get", thing_id="t1"))
    assert world.sent == []


def test_no_user_is_in_the_state() -> None:
    """Two accounts share a state, and nothing; no raw id is in it."""
    world = ScriptedProvider(THING)
    state = MemoryState()
    for account in ("a", "b"):
        api = remembering(world, state=state, account=account)
        run(partial(called, api.with_options(for_user="ann@example.org")))
    assert len(world.sent) == 2
    assert not any("ann" in key for key in state.keys(""))


def test_values_that_cannot_be_are_reported() -> None:
    """Both options are true or false."""
    for name in ("remember", "force"):
        with pytest.raises(errors.InvalidOption, match=f"{name} cannot be 'yes': expected True or False"):
            remembering(ScriptedProvider(), **{name: "yes"})


def test_results_are_forgotten_in_time() -> None:
    """After 90 days, or when there are too many of them."""
    clock = ManualClock()
    state = MemoryState()
    memory = result_cache.ResultCache("acme:x", state, clock, max_results=2)
    got = Answer(200, {}, b'{"id": 1}', {"id": 1})
    for mark in ("1a", "2a", "3a"):
        clock.advance(60)
        memory.put(mark, got)
    memory.sweep()
    assert [memory.get(mark) is not None for mark in ("1a", "2a", "3a")] == [False, True, True]
    clock.advance(result_cache.MAX_AGE_S - 30)
    assert [memory.get(mark) is not None for mark in ("2a", "3a")] == [False, True]
    memory.sweep()
    assert len(state.keys("remember")) == 2
