# SPDX-License-Identifier: Apache-2.0
"""Who works on a call that is made exactly once: as long as a holder lives no other takes over, whatever clocks say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from callwell.client.exactly_once.entry import Entry
from callwell.client.exactly_once.holder import LIVE_HOLDERS, CallLocks, new_holder
from callwell.client.exactly_once.store import LedgerStore
from callwell.state import MemoryState
from callwell.testing import ManualClock
from tests.client._sync.scripted_client import connect
from tests.client.shop import DyingState, Killed, Shop, bury, provider

if TYPE_CHECKING:
    from collections.abc import Iterator

HOLD = "from callwell.client.exactly_once.holder import new_holder; print(new_holder(), flush=True); input()"
DAY_S = 86_400.0


@contextmanager
def elsewhere() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that works on a call, and its name as a holder."""
    command = [sys.executable, "-c", HOLD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def entry(clock: ManualClock, ledger: LedgerStore, holder: str) -> Entry:
    """A call that a holder begins now, for a minute."""
    return Entry(
        name="order-1",
        named=True,
        digest="d",
        holder=holder,
        held_until_wall=clock.wall() + 60,
        held_until=clock.now() + 60,
        began=clock.wall(),
        changed=clock.wall(),
        clock_name=ledger.clock_name,
        wall_offset_s=clock.wall() - clock.now(),
    )


def step(clock: Any, seconds: float) -> None:
    """Somebody sets the time of day."""
    clock._wall += seconds


@pytest.mark.parametrize("step_s", [DAY_S, -DAY_S])
def test_a_living_process_keeps_its_call(step_s: float) -> None:
    """Whatever the time of day does and however long it takes, stopped or not; when the process is dead it is free."""
    clock = ManualClock(now=1000.0)
    ledger = LedgerStore("a", MemoryState(), clock)
    with elsewhere() as (process, other):
        ledger.claim(entry(clock, ledger, other))
        mine = new_holder()
        step(clock, step_s)
        assert ledger.claim(entry(clock, ledger, mine)).holder == other
        clock.advance(10 * DAY_S)
        process.send_signal(signal.SIGSTOP)
        assert ledger.claim(entry(clock, ledger, mine)).holder == other
        with pytest.raises(errors.NameTaken, match="being made at the moment"):
            ledger.settle("order-1", done=False)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and its parent has not asked yet
        assert ledger.claim(entry(clock, ledger, mine)).holder == mine


def test_a_number_that_was_given_out_again_is_another_process() -> None:
    """A living process with the number of a dead holder is not that holder."""
    with elsewhere() as (_, other):
        machine, number, began, rest = other.split("|")
        assert CallLocks(None).is_alive(other) is True
        assert CallLocks(None).is_alive(f"{machine}|{number}|{int(began) - 1}|{rest}") is False


def test_a_holder_of_this_process_says_itself_whether_it_works() -> None:
    """Another thread's call is at work until it has ended, and not as long as the process lives."""
    holder = new_holder()
    assert CallLocks(None).is_alive(holder) is False
    LIVE_HOLDERS.add(holder)
    assert CallLocks(None).is_alive(holder) is True
    LIVE_HOLDERS.discard(holder)


@pytest.mark.parametrize("step_s", [DAY_S, -DAY_S, 0.0])
def test_where_nothing_can_be_seen_the_monotonic_clock_decides(step_s: float) -> None:
    """A container with process numbers of its own, on the same boot: its time is a minute, whatever is set."""
    clock = ManualClock(now=1000.0)
    ledger = LedgerStore("a", MemoryState(), clock)
    ledger.claim(entry(clock, ledger, "container|1|2|x"))
    step(clock, step_s)
    clock.advance(59)
    mine = new_holder()
    assert ledger.claim(entry(clock, ledger, mine)).holder == "container|1|2|x"
    clock.advance(2)
    assert ledger.claim(entry(clock, ledger, mine)).holder == mine


def test_another_machine_is_known_by_the_time_of_day() -> None:
    """With another boot nothing else is left."""
    clock = ManualClock(now=1000.0)
    ledger = LedgerStore("a", MemoryState(), clock)
    far = entry(clock, ledger, "far|1|2|x")._replace(clock_name="another boot", held_until=0.0)
    ledger.claim(far)
    mine = new_holder()
    assert ledger.claim(entry(clock, ledger, mine)).holder == "far|1|2|x"
    clock.advance(61)
    assert ledger.claim(entry(clock, ledger, mine)).holder == mine


def test_names_of_earlier_versions() -> None:
    """A holder that does not say when its process began is dead if that is gone; else its time decides."""
    with elsewhere() as (process, other):
        machine, number, _, rest = other.split("|")
        old = f"{machine}|{number}|{rest}"
        assert CallLocks(None).is_alive(old) is None
        process.kill()
        process.wait()
        assert CallLocks(None).is_alive(old) is False


@pytest.mark.parametrize("step_s", [DAY_S, -DAY_S, 3600.0])
@pytest.mark.parametrize("last", range(1, 7))
def test_a_step_of_the_clock_shortens_no_wait(step_s: float, last: int) -> None:
    """A request that a dead process has sent is waited for as long as it can be carried out, by the monotonic clock."""
    shop = Shop(("late",), late_s=80.0)
    state = MemoryState()
    first = make_client(shop, state=DyingState(state, last, before=False))
    with pytest.raises(Killed):
        first.call("goods.make", title="t")
    bury(state)
    step(shop.clock, step_s)
    second = make_client(shop, state=state)
    again = _given(partial(second.call, "goods.make", title="t"))
    if isinstance(again, errors.CallwellError):
        again = _given(partial(second.call, "goods.make", title="t"))
    assert shop.ever == [again]


def make_client(shop: Shop, **options: Any) -> Any:
    """A client of the shop that makes one thing under a name."""
    return connect(shop, provider=provider(), **options).with_options(exactly_once="order-1", deadline_s=None)


def _given(call: Any) -> Any:
    try:
        return call()
    except errors.CallwellError as error:
        return error
