# SPDX-License-Identifier: Apache-2.0
"""Both sides do the same: for any script of responses, sync and async leave the same trace."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from callwell.core.rules.profile import QuotaRule, RetryRule
from callwell.errors import CallwellError
from callwell.keys import Key
from callwell.observe.notices import AttemptEnded, CallBegan, CallEnded, Waiting
from callwell.testing import Dice
from tests.client._async import scripted_client as asynchronous
from tests.client._sync import scripted_client as synchronous
from tests.client.acme import KEY, acme
from tests.client.world import (
    DEAD,
    LOST,
    REFUSED,
    ListSource,
    ScriptedProvider,
    count_held,
    make_error_response,
    make_response,
)

if TYPE_CHECKING:
    from callwell.transport.base import NoReply, Response

HEADERS = st.one_of(
    st.just({}),
    st.builds(
        lambda text: {"retry_after": text},
        st.one_of(
            st.sampled_from(["0", "3", "1.5", "500", "-1", "nan", "soon", "Tue, 14 Nov 2023 22:13:30 GMT", "9" * 12]),
            st.integers(0, 70).map(str),
        ),
    ),
)

REPLIES = st.one_of(
    st.sampled_from(
        [
            LOST,
            REFUSED,
            DEAD,
            make_response(200, b"{"),
            make_response(200),
            make_response(200, {"data": 1}, whole=False),
        ]
    ),
    st.builds(
        lambda status, name, headers, whole: replace(make_error_response(status, name, **headers), whole=whole),
        st.sampled_from([200, 201, 204, 302, 400, 401, 403, 404, 409, 410, 422, 429, 429, 500, 502, 503, 504]),
        st.sampled_from(["X", "DEAD", "NOT_DONE", ""]),
        HEADERS,
        st.booleans(),
    ),
    st.builds(lambda to: make_response(307, location=to), st.sampled_from(["/v1/x", "https://evil.test/", "//["])),
)

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("things.get", {"thing_id": "1"}),
    ("things.put", {"thing_id": "1", "name": "n"}),
    ("things.make", {"name": "n"}),
    ("things.remove", {"thing_id": "1"}),
]

OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "deadline_s": st.sampled_from([0.1, 5, 40, None]),
        "priority": st.sampled_from(["interactive", "batch"]),
        "retry_unsafe_5xx": st.booleans(),
    },
)

TEN = QuotaRule(limit=2, window_s=10)
PROVIDERS = {
    "no quota": acme({}),
    "ten": acme({"ten": TEN}),
    "two quotas": acme({"ten": TEN, "day": QuotaRule(limit=5, window_s=100)}, retry=RetryRule(attempts=3)),
    "even": acme({"even": QuotaRule(limit=3, window_s=6, shape="gcra")}),
}


def reported(error: CallwellError) -> tuple[object, ...]:
    """All that an error says."""
    return type(error), str(error), sorted((name, repr(value)) for name, value in vars(error).items())


def trace(world: ScriptedProvider, outcomes: list[object]) -> tuple[object, ...]:
    """All that a world has seen, its calls numbered from 0."""
    first = min((notice.call for notice in world.notices if isinstance(notice, CallBegan)), default=0)
    counted = CallBegan | AttemptEnded | Waiting | CallEnded
    notices = [replace(item, call=item.call - first) if isinstance(item, counted) else item for item in world.notices]
    return world.sent, notices, outcomes, world.clock.now()


def prepared(side: Any, replies: list[Response | NoReply], how: dict[str, Any]) -> tuple[ScriptedProvider, Any]:
    """A fresh world and a client in it."""
    world = ScriptedProvider(*replies, took=how["took"])
    source = ListSource(how["keys"], can_change=how["can_change"], marked=how["marked"])
    api = side.connect(world, provider=PROVIDERS[how["provider"]], source=source, **how["options"])
    api._engine.roll = Dice(how["rolls"])
    return world, api


def sync_trace(replies: list[Response | NoReply], calls: list[Any], how: dict[str, Any]) -> tuple[object, ...]:
    """What the calls leave, one after the other, on the sync side."""
    world, one = prepared(synchronous, replies, how)
    outcomes: list[object] = []
    for name, arguments in calls:
        try:
            outcomes.append(one.call(name, **arguments))
        except CallwellError as error:
            outcomes.append(reported(error))
        assert count_held(one) == 0
    return trace(world, outcomes)


def async_trace(replies: list[Response | NoReply], calls: list[Any], how: dict[str, Any]) -> tuple[object, ...]:
    """The same on the async side."""
    world, one = prepared(asynchronous, replies, how)
    outcomes: list[object] = []

    async def work() -> None:
        for name, arguments in calls:
            try:
                outcomes.append(await one.call(name, **arguments))
            except CallwellError as error:
                outcomes.append(reported(error))
            assert count_held(one) == 0

    asyncio.run(work())
    return trace(world, outcomes)


@given(
    replies=st.lists(REPLIES, min_size=1, max_size=12),
    calls=st.lists(st.sampled_from(CALLS), min_size=1, max_size=4),
    how=st.fixed_dictionaries(
        {
            "provider": st.sampled_from(sorted(PROVIDERS)),
            "took": st.sampled_from([0.0, 0.2, 7.0]),
            "keys": st.lists(st.sampled_from([KEY, "acme_second", "", "wrong"]), max_size=6).map(lambda k: [KEY, *k]),
            "can_change": st.booleans(),
            "marked": st.booleans(),
            "options": OPTIONS,
            "rolls": st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=5),
        }
    ),
)
def test_both_sides_leave_the_same_trace(
    replies: list[Response | NoReply], calls: list[Any], how: dict[str, Any]
) -> None:
    """Sends and their times, notices, waits, keys, results and errors are the same; nothing foreign escapes."""
    left = async_trace(replies, calls, how)
    assert left == sync_trace(replies, calls, how)
    sent = left[0]
    assert isinstance(sent, list)
    assert not any(KEY in str(outcome) for outcome in left[2])  # type: ignore[attr-defined] # a list of outcomes
    times = [item.at for item in sent if item.reply is not REFUSED]
    for quota in PROVIDERS[how["provider"]].profile.quotas.values():
        pairs = zip(times, times[quota.limit :], strict=False)
        assert quota.paced or all(later - earlier >= quota.window_s for earlier, later in pairs)


def test_a_key_is_compared_too() -> None:
    """The trace has teeth: another key leaves another one."""
    how = {"provider": "ten", "took": 0.0, "keys": [KEY], "can_change": False, "marked": False, "options": {}}
    first = sync_trace([make_response(200, {"data": 1})], CALLS[:1], how | {"rolls": [0.5]})
    second = sync_trace([make_response(200, {"data": 1})], CALLS[:1], how | {"rolls": [0.5], "keys": ["acme_other"]})
    assert first != second
    assert Key(KEY) != Key("acme_other")
