# SPDX-License-Identifier: Apache-2.0
"""The keeper: processes share a quota by exchanges in its thread, hear of refusals, and give everything back."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

import pytest
from msgspec.structs import replace

from callwell.client.quota.leases.account import LeasedAccount
from callwell.client.quota.leases.keeper import LeaseKeeper
from callwell.client.quota.permit_batch import PermitBatcher
from callwell.clock import SystemClock
from callwell.core.quota.permits import Permit
from callwell.core.quota.record import SendEnd
from callwell.core.rules.profile import QuotaRule
from callwell.core.types import Outcome
from callwell.errors import StateError
from callwell.providers import load
from callwell.state import MemoryState
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from callwell.core.quota.lease_records import FleetRecord
    from callwell.state.base import Cell

T = TypeVar("T")
R = TypeVar("R")

NAMES = ("minute", "day")
LIMIT = 7
QUOTAS = {"minute": QuotaRule(limit=LIMIT, window_s=60.0), "day": QuotaRule(limit=1000, window_s=86400.0)}
PROFILE = replace(load("userplane").profile, quotas=QUOTAS)
REFUSED = SendEnd(Outcome.DONE, 429, wait_s=30.0)


class Member:
    """One process of a fleet, as far as the state can tell: an account with a keeper of its own."""

    names = NAMES

    def __init__(self, state: MemoryState) -> None:
        clock = SystemClock()
        self.waiting = 0
        self.arrived = threading.Event()
        self.keeper = LeaseKeeper(state, clock)
        self.account = LeasedAccount(PROFILE, "x", state, clock, self.keeper.wake)
        self.account.add_queue(self)
        self.keeper.add(self.account)

    def count_waiting(self) -> int:
        """How many callers wait."""
        return self.waiting

    def wake_first(self) -> None:
        """Permits may have arrived."""
        self.arrived.set()

    def take(self, waiting: int = 1) -> Permit:
        """A permit, as soon as there is one; so many callers wait for one."""
        self.waiting = waiting
        while True:
            self.arrived.clear()
            permit = self.account.acquire(NAMES, retrying=False)
            if isinstance(permit, Permit):
                self.waiting = 0
                return permit
            assert self.arrived.wait(PATIENCE_S)

    def await_answer(self, is_seen: Callable[[], bool]) -> None:
        """Wait for an exchange after which this is so."""
        while not is_seen():
            assert self.arrived.wait(PATIENCE_S)
            self.arrived.clear()


class LockedState(MemoryState):
    """A state that can be out of reach."""

    locked = False

    def update(self, cell: Cell[T], change: Callable[[T], tuple[T, R]]) -> R:
        """As any state, or it fails."""
        if self.locked:
            raise StateError("cannot write the state: locked; try again")
        return super().update(cell, change)


class SleepyClock(SystemClock):
    """The machine's clock, on a machine that can sleep."""

    asleep_s = 0.0

    def through_sleep(self) -> float:
        """The time that goes on while the machine sleeps."""
        return self.now() + self.asleep_s


@pytest.fixture
def state() -> LockedState:
    """The store of the fleet."""
    return LockedState()


@pytest.fixture
def both(state: LockedState) -> Iterator[tuple[Member, Member]]:
    """Two processes."""
    members = (Member(state), Member(state))
    yield members
    state.locked = False
    for member in members:
        member.keeper.close()


def pool(state: MemoryState, cell: Cell[FleetRecord]) -> FleetRecord:
    """What the store has."""
    return state.read(cell)


def test_two_processes_use_all_permits_and_no_more(both: tuple[Member, Member]) -> None:
    """Whoever wants more gets more, up to the limit of the quota; then no one gets any."""
    first, second = both
    permits = [second.take(), *[first.take(LIMIT) for _ in range(LIMIT - 1)]]
    assert len(permits) == LIMIT
    for member in both:
        assert not isinstance(member.account.acquire(NAMES, retrying=False), Permit)


def test_a_refusal_is_heard_by_the_other(both: tuple[Member, Member]) -> None:
    """The other process has permits, and uses none of them once it has heard."""
    first, second = both
    second.account.return_unused(NAMES, second.take())
    first.account.release(NAMES, first.take(), REFUSED)
    second.await_answer(lambda: not isinstance(second.account.acquire(NAMES, retrying=False), Permit))
    assert second.account.spent()["minute"][1] == LIMIT


def test_a_process_that_ends_gives_everything_back(state: LockedState, both: tuple[Member, Member]) -> None:
    """A permit that was not used is available again, and no lease is left."""
    first, _ = both
    first.account.return_unused(NAMES, first.take())
    assert pool(state, first.account.cell).leases
    first.keeper.close()
    left = pool(state, first.account.cell)
    assert not left.leases
    limits = {key: rule.quota.limit for key, rule in left.account.rules.items()}
    assert {key: bucket.available for key, bucket in left.account.buckets.items()} == limits


def test_an_account_that_is_removed_gives_everything_back(state: LockedState, both: tuple[Member, Member]) -> None:
    """The last client of it was closed, and the process goes on."""
    first, _ = both
    first.account.return_unused(NAMES, first.take())
    first.keeper.remove(first.account)
    assert not pool(state, first.account.cell).leases


def test_permits_in_hand_outlast_the_store(state: LockedState, both: tuple[Member, Member]) -> None:
    """Without the store a process uses what it holds; then its callers get the store's error, until it is back."""
    first, _ = both
    first.take()
    state.locked = True
    with pytest.raises(StateError, match="locked; try again"):  # noqa: PT012 - as many as it holds
        while True:
            first.take()
    state.locked = False
    first.await_answer(lambda: first.account.error is None)
    assert isinstance(first.take(), Permit)


def test_no_thread_until_a_permit_is_wanted(both: tuple[Member, Member]) -> None:
    """A client that makes no call costs no thread, and the thread does not keep the interpreter alive."""
    first, _ = both
    before = {thread.ident for thread in threading.enumerate()}
    first.take()
    begun = [thread for thread in threading.enumerate() if thread.ident not in before]
    assert [(thread.name, thread.daemon) for thread in begun] == [("callwell-keeper", True)]


def test_a_forked_child_begins_with_nothing(both: tuple[Member, Member]) -> None:
    """It has another name in the record, no permit of its parent's, and a thread of its own when it needs one."""
    first, _ = both
    first.account.return_unused(NAMES, first.take())
    first.account.after_fork()
    assert not isinstance(first.account.acquire(NAMES, retrying=False), Permit)
    assert isinstance(first.take(), Permit)


def test_a_machine_that_slept_uses_no_permit_of_its_lease() -> None:
    """Others may have them by now; neither those acquired ahead nor others are used before the next exchange."""
    clock = SleepyClock()
    account = LeasedAccount(PROFILE, "x", MemoryState(), clock, lambda: None)
    batcher = PermitBatcher(account, clock)
    account.exchange({NAMES: LIMIT})
    assert isinstance(account.acquire(NAMES, retrying=False), Permit)
    assert isinstance(batcher.acquire(NAMES, retrying=False), Permit)
    assert account.due_at() > clock.now()
    clock.asleep_s = 3600.0
    assert not isinstance(account.acquire(NAMES, retrying=False), Permit)
    assert not isinstance(batcher.acquire(NAMES, retrying=False), Permit)
    assert account.due_at() <= clock.now()
    account.exchange({NAMES: 1})
    assert account.due_at() > clock.now()
    assert isinstance(batcher.acquire(NAMES, retrying=False), Permit)
