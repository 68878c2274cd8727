# SPDX-License-Identifier: Apache-2.0
"""Two versions of a profile on one file: a rolling deployment keeps the stricter quota and goes on calling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from callwell.core.quota.permits import Permit
from callwell.core.quota.record import SendEnd
from callwell.core.rules.profile import QuotaRule
from callwell.core.types import Outcome
from callwell.state import open_state
from tests.client.acme import acme
from tests.integration.leased import Process
from tests.integration.test_account import HandClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from callwell.state.base import State

LONG_S = 100.0
"""For how long the calls go on."""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """A state in a file."""
    opened = open_state(f"sqlite:///{tmp_path / 'state.db'}")
    yield opened
    opened.close()


def version(state: State, clock: HandClock, quotas: dict[str, QuotaRule], transit_s: float = 60.0) -> Process:
    """An account as a process with that version of the profile sees it."""
    profile = acme(quotas).profile
    retry = replace(profile.retry, max_transit_s=transit_s)
    return Process(replace(profile, retry=retry), state, clock)


def join(both: Sequence[tuple[Process, tuple[str, ...]]]) -> None:
    """Let the record know all versions before anybody has permits, which would be held in the others' buckets too."""
    for one, _ in both:
        one.account.exchange({})


def calls(clock: HandClock, both: Sequence[tuple[Process, tuple[str, ...]]]) -> list[float]:
    """When calls went through: both make them in turn, each two a second."""
    began = clock.mono
    went = []
    while clock.mono < began + LONG_S:
        for one, names in both:
            permit = one.acquire(names)
            if isinstance(permit, Permit):
                went.append(clock.mono - began)
                one.release(names, permit, SendEnd(Outcome.DONE, 200))
        clock.mono += 0.5
        clock.time += 0.5
    return went


def minute(limit: int, window_s: float = 20.0, **more: Any) -> QuotaRule:
    """A quota."""
    return QuotaRule(limit=limit, window_s=window_s, **more)


@pytest.mark.parametrize(
    ("first", "second", "limit", "window_s", "least"),
    [
        ({"q": minute(10)}, {"q": minute(12)}, 10, 20.0, 40),
        ({"q": minute(12)}, {"q": minute(10)}, 10, 20.0, 40),
        ({"q": minute(10)}, {"q": minute(10, 30.0)}, 10, 30.0, 30),
        ({"q": minute(10)}, {"q": minute(10, window="fixed")}, 10, 20.0, 40),
        ({"q": minute(10)}, {"q": minute(10), "p": minute(12, 40.0)}, 12, 40.0, 24),
        ({"q": minute(10), "p": minute(12, 40.0)}, {"q": minute(10)}, 12, 40.0, 24),
        ({"q": minute(10)}, {"q": QuotaRule(adaptive=True)}, 10, 20.0, 40),
        ({"q": minute(10)}, {"p": minute(8)}, 8, 20.0, 32),
    ],
)
def test_the_stricter_rule_holds_and_calls_go_on(  # noqa: PLR0917 - a table
    state: State,
    first: dict[str, QuotaRule],
    second: dict[str, QuotaRule],
    limit: int,
    window_s: float,
    least: int,
) -> None:
    """No window of the stricter rule holds more, and both use it up."""
    clock = HandClock()
    both = [(version(state, clock, quotas), tuple(quotas)) for quotas in (first, second)]
    join(both)
    went = calls(clock, both)
    assert len(went) >= least
    assert min(b - a for a, b in zip(went, went[limit:], strict=False)) >= window_s


def test_another_transit_time_resets_nothing(state: State) -> None:
    """Versions that differ in D alone go on as one."""
    clock = HandClock()
    both = [(version(state, clock, {"q": minute(10)}, transit_s), ("q",)) for transit_s in (60.0, 120.0)]
    join(both)
    assert len(calls(clock, both)) >= 40


def test_a_version_that_is_gone_is_forgotten(state: State) -> None:
    """When none of its requests can be in flight, the limit of the version that is left holds."""
    clock = HandClock()
    old = version(state, clock, {"q": minute(2)})
    new = version(state, clock, {"q": minute(10)})
    assert len(calls(clock, [(old, ("q",)), (new, ("q",))])) <= 2 * 5
    clock.mono += 200.0
    assert len(calls(clock, [(new, ("q",))])) >= 40


def test_a_reboot_in_the_middle_moves_both(state: State) -> None:
    """What both have used is as old after it as the wall clock says."""
    clock = HandClock()
    names = ("q",)
    for limit in (10, 12):
        result = version(state, clock, {"q": minute(limit)})
        for _ in range(5):
            permit = result.acquire(names)
            assert isinstance(permit, Permit)
            result.release(names, permit, SendEnd(Outcome.DONE, 200))
        result.leave()
    later = HandClock(30.0, clock.time + 5.0)
    for limit in (10, 12):
        got = version(state, later, {"q": minute(limit)}).acquire(names)
        assert isinstance(got, float)
        assert got - later.mono == pytest.approx(15.0, abs=0.2)
