# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_learning.py by tools/unasync.py; do not edit
"""What answers say beside their result changes what a client does next, and a person gets one notice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callwell.client.quota import learner
from callwell.core.rules.profile import QuotaHeaderRule, QuotaRule
from callwell.observe.logs import advice as advice_of
from callwell.observe.notices import ClockDiffers, Deprecated, ForeignSpending, LimitLowered
from callwell.state import MemoryState
from tests.client._sync.scripted_client import connect
from tests.client.acme import acme
from tests.client.running import run
from tests.client.world import ScriptedProvider, make_response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.transport.base import Request, Response

ADVICE = ForeignSpending | LimitLowered | ClockDiffers | Deprecated


@pytest.fixture(autouse=True)
def untold() -> Iterator[None]:
    """Nothing was reported before."""
    learner.DEPRECATED.clear()
    yield
    learner.DEPRECATED.clear()


def advice(world: ScriptedProvider) -> list[Any]:
    """What was reported."""
    return [notice for notice in world.notices if isinstance(notice, ADVICE)]


def get(one: Any, times: int = 1, pause_s: float = 1.0, world: ScriptedProvider | None = None) -> None:
    """Make calls."""
    for _ in range(times):
        run(lambda: one.call("things.get", thing_id="1"))
        if world is not None:
            world.clock.advance(pause_s)


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize(
    "form",
    [
        {"x_ratelimit_limit": "100", "x_ratelimit_remaining": "{}", "x_ratelimit_reset": "30"},
        {"ratelimit": '"minute";r={};t=30'},
        {"ratelimit": '"x";r={};t=30', "ratelimit_policy": '"x";q=100;w=60'},
    ],
)
def test_what_others_spend_is_left_to_them_and_reported(alone: bool, form: dict[str, str]) -> None:  # noqa: FBT001 - a table
    """Of a hundred forty are gone after the first call: as many are set aside, and that is reported once."""
    headers_left = {"left": 59}

    def reply(_: Request) -> Response:
        headers_left["left"] -= 1
        headers: dict[str, Any] = {name: text.format(headers_left["left"]) for name, text in form.items()}
        return make_response(200, {"data": {}}, **headers)

    world = ScriptedProvider(reply)
    api = connect(world, state="memory:" if alone else MemoryState())
    get(api, 5, world=world)
    spent, limit = api.spent()["minute"]
    assert limit == 100
    assert spent >= 100 - 54
    assert [type(notice) for notice in advice(world)] == [ForeignSpending]
    world.clock.advance(200.0)
    assert api.spent()["minute"] == (0, 100)


def test_without_headers_nothing_is_parked() -> None:
    """And nothing is reported."""
    world = ScriptedProvider()
    api = connect(world)
    get(api, 20, world=world)
    assert api.spent()["minute"] == (20, 100)
    assert advice(world) == []


def test_the_end_of_a_fixed_window_brings_permits_back() -> None:
    """They come back where the provider says that the window ends, and not a minute after each response."""
    world = ScriptedProvider(
        *[make_response(200, {"data": {}}, x_left="9", x_ends="7")] * 4, make_response(200, {"data": {}}, x_ends="3")
    )
    provider = acme(
        {"minute": QuotaRule(limit=10, window_s=60.0, window="fixed")},
        quota_headers=QuotaHeaderRule(remaining="x-left", reset="x-ends"),
    )
    api = connect(world, provider=provider)
    get(api, 4)
    world.clock.advance(4.0)
    get(api)
    assert api.spent()["minute"] == (5, 10)
    world.clock.advance(4.2)
    assert api.spent()["minute"] == (0, 10)


def test_a_constant_reset_brings_nothing_back() -> None:
    """A provider that says the same whenever it is asked does not know when its window ends."""
    world = ScriptedProvider(make_response(200, {"data": {}}, x_left="9", x_ends="1"))
    provider = acme(
        {"minute": QuotaRule(limit=10, window_s=60.0, window="fixed")},
        quota_headers=QuotaHeaderRule(remaining="x-left", reset="x-ends"),
    )
    api = connect(world, provider=provider)
    get(api, 10, pause_s=1.0, world=world)
    world.clock.advance(20.0)
    assert api.spent()["minute"] == (10, 10)


def test_a_lower_limit_is_obeyed_and_reported_once() -> None:
    """A profile that promises too much is corrected."""
    world = ScriptedProvider(make_response(200, {"data": {}}, x_ratelimit_limit="60", x_ratelimit_remaining="59"))
    api = connect(world)
    get(api, 3, pause_s=70.0, world=world)
    assert api.spent()["minute"] == (40, 100)
    assert advice(world) == [LimitLowered("acme", "minute", 60, 100)]


def test_a_clock_that_is_far_off_is_reported_once() -> None:
    """The provider's time of day is an hour ahead of ours."""
    world = ScriptedProvider(make_response(200, {"data": {}}, date="Tue, 14 Nov 2023 23:13:20 GMT"))
    world.clock._wall = 1_700_000_000.0
    api = connect(world)
    get(api, 2, pause_s=0.0, world=world)
    [notice] = advice(world)
    assert notice.seconds == pytest.approx(3600.0, abs=2.0)
    assert "behind" in advice_of(notice)


def test_what_will_go_away_is_reported_once_in_a_process() -> None:
    """With both dates, whichever client calls it."""
    headers: dict[str, Any] = {"deprecation": "@1700000000", "sunset": "Fri, 15 Jan 2027 08:00:00 GMT"}
    world = ScriptedProvider(make_response(200, {"data": {}}, **headers))
    get(connect(world), 2)
    get(connect(world))
    [notice] = advice(world)
    assert advice_of(notice) == (
        "acme things.get is deprecated since 2023-11-14; it will stop responding on 2027-01-15"
    )


def test_a_quota_that_nobody_documents_is_paced() -> None:
    """Requests go out one after the other, and the slot is free again after the response."""
    world = ScriptedProvider(took=0.01)
    api = connect(world, provider=acme({"any": QuotaRule(adaptive=True)}))
    get(api, 20)
    assert api.spent()["any"][0] == 0
    gaps = [b - a for a, b in zip(world.times, world.times[1:], strict=False)]
    assert min(gaps[6:]) >= 0.05
    busy = ScriptedProvider(*[make_response(429, {"error": "SLOW"}, retry_after="7")], make_response(200, {"data": {}}))
    get(connect(busy, provider=acme({"any": QuotaRule(adaptive=True)})))
    assert busy.times[1] - busy.times[0] >= 7.0
