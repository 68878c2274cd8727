# SPDX-License-Identifier: Apache-2.0
"""Permits in batches keep all that the account promises: nothing is lent twice, early or for ever."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, TypeVar

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from callwell.client.quota.account import Account
from callwell.client.quota.permit_batch import BATCH_S, MAX_BATCH, PermitBatcher
from callwell.core.quota.permits import Permit
from callwell.core.quota.record import SendEnd
from callwell.core.rules.environments import EnvironmentRule
from callwell.core.rules.profile import KeyRule, Profile, QuotaRule
from callwell.core.types import Outcome
from callwell.state import MemoryState
from callwell.testing import ManualClock
from tests.core.permit_world import tightest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.state.base import Cell

T = TypeVar("T")
R = TypeVar("R")

WINDOW_S = 10.0
LIMIT = 512
BOTH = ("short", "long")
SHORT = ("short",)
SUCCEEDED = SendEnd(Outcome.DONE, 200)
FAILED = SendEnd(Outcome.DONE, 503)
THROTTLED = SendEnd(Outcome.DONE, 429, wait_s=2.0)


def profile(limit: int = LIMIT, **more: float) -> Profile:
    """A provider with two quotas."""
    short = replace(QuotaRule(limit=limit, window_s=WINDOW_S), **more)
    return Profile(
        name="acme",
        title="Acme",
        environments={"production": EnvironmentRule(base_url="https://api.acme.test")},
        key=KeyRule(env="ACME_KEY"),
        quotas={"short": short, "long": QuotaRule(limit=100_000, window_s=3600.0)},
    )


class Counting(MemoryState):
    """Counts how often a record is changed."""

    changes = 0

    def update(self, cell: Cell[T], change: Callable[[T], tuple[T, R]]) -> R:
        """As it is, and counted."""
        self.changes += 1
        return super().update(cell, change)


def batcher(rules: Profile | None = None) -> tuple[PermitBatcher, ManualClock, Counting]:
    """A batcher, its clock, and its state."""
    clock = ManualClock(1_000.0)
    state = Counting()
    return PermitBatcher(Account(rules or profile(), "x", state, clock), clock), clock, state


def acquired(one: PermitBatcher) -> Permit:
    """A permit of both quotas, which is there."""
    got = one.acquire(BOTH, retrying=False)
    assert isinstance(got, Permit)
    return got


def left(spent: Mapping[str, tuple[int, int]]) -> int:
    """Permits of the short quota that can be had."""
    return spent["short"][1] - spent["short"][0]


@given(seed=st.integers(0, 2**32), failing=st.sampled_from([0.0, 0.02, 0.3]), pace=st.sampled_from([1e-4, 1e-3, 0.02]))
def test_no_window_holds_more_than_the_limit(seed: int, failing: float, pace: float) -> None:
    """Whatever comes between, no two uses of one permit arrive within a window of each other."""
    dice = random.Random(seed)
    one, clock, _ = batcher(profile(128))
    arrivals: list[float] = []
    out: list[tuple[tuple[str, ...], Permit, float]] = []
    for _ in range(1_200):
        clock.advance(dice.random() * pace * (200 if dice.random() < 0.01 else 1))
        if out and (dice.random() < 0.5 or len(out) > 24):
            names, permit, sent_at = out.pop(dice.randrange(len(out)))
            arrivals.append(dice.uniform(sent_at, clock.now()))
            end = SUCCEEDED if dice.random() >= failing else dice.choice([FAILED, THROTTLED])
            one.release(names, permit, end)
            continue
        names = dice.choice([BOTH, SHORT])
        got = one.acquire(names, retrying=dice.random() < failing)
        if isinstance(got, Permit):
            if dice.random() < failing / 4:
                one.return_unused(names, got)
            else:
                out.append((names, got, clock.now()))
        elif got < float("inf"):
            clock.advance(max(0.0, got - clock.now()))
    arrivals.sort()
    assert tightest(arrivals, 128) >= WINDOW_S
    assert left(one.spent()) >= 0


def test_all_permits_come_back() -> None:
    """After a window of rest, everything can be had again."""
    one, clock, _ = batcher()
    for _ in range(5):
        held = [acquired(one) for _ in range(60)]
        for permit in held:
            clock.advance(1e-4)
            one.release(BOTH, permit, SUCCEEDED)
        clock.advance(1.0)
    assert left(one.spent()) == LIMIT - 300
    clock.advance(WINDOW_S + 1.0)
    assert left(one.spent()) == LIMIT


def test_the_last_permit_is_lent() -> None:
    """What one batch has left is not kept from calls with other quotas."""
    one, _, _ = batcher()
    for number in range(LIMIT):
        assert isinstance(one.acquire(BOTH if number % 2 else SHORT, retrying=False), Permit)
    assert one.acquire(BOTH, retrying=False) == float("inf")


def test_an_answer_that_was_put_off_is_released_when_permits_are_short() -> None:
    """A call that waits for permits gets a time, and need not wait for a response that came long ago."""
    one, clock, _ = batcher()
    held = [acquired(one) for _ in range(LIMIT)]
    for permit in held:
        one.release(BOTH, permit, SUCCEEDED)
    ready_at = one.acquire(BOTH, retrying=False)
    assert isinstance(ready_at, float)
    assert WINDOW_S <= ready_at - clock.now() <= WINDOW_S * 1.01


def test_busy_callers_change_the_record_seldom() -> None:
    """With plenty of permits a batch grows to its full size, and both its ends are one change each."""
    one, clock, state = batcher(profile(1_000_000))
    for _ in range(100 * MAX_BATCH):
        permit = acquired(one)
        clock.advance(1e-5)
        one.release(BOTH, permit, SUCCEEDED)
    assert state.changes < 2 * 100 + 50
    before = state.changes
    for _ in range(100):
        clock.advance(2 * BATCH_S)
        one.release(BOTH, acquired(one), SUCCEEDED)
    assert state.changes >= before + 200, "one caller now and then takes nothing ahead"


def test_scarce_permits_are_taken_singly() -> None:
    """Permits of a small quota are never acquired ahead: others could want them."""
    one, _, _ = batcher(profile(60))
    for number in range(1, 11):
        acquired(one)
        assert left(one._account.spent()) == 60 - number


def test_a_failure_is_seen_at_once() -> None:
    """After a 429 no permit that was acquired ahead is used before the wait is over."""
    one, clock, _ = batcher()
    held = [acquired(one) for _ in range(20)]
    one.release(BOTH, held.pop(), THROTTLED)
    assert one.acquire(BOTH, retrying=False) == clock.now() + 2.0
    assert one.acquire(SHORT, retrying=False) == clock.now() + 2.0


def test_the_retry_budget_is_paid_for_every_call() -> None:
    """Calls from a batch pay in like all others, and their responses count as attempts."""
    one, clock, _ = batcher()
    direct = Account(profile(), "x", MemoryState(), clock)
    for account in (one, direct):
        for status in (*[503] * 9, *[200] * 70, *[503] * 5):
            account.release(BOTH, account.acquire(BOTH, retrying=False), SendEnd(Outcome.DONE, status))  # type: ignore[arg-type]
        account.spent()
    ours, theirs = (account._state.read(account._cell) for account in (one._account, direct))  # type: ignore[union-attr]
    assert ours.budget.failures == theirs.budget.failures
    assert abs(ours.budget.tokens - theirs.budget.tokens) < 1e-9
    assert ours.breaker == theirs.breaker
