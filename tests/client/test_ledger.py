# SPDX-License-Identifier: Apache-2.0
"""The outcome ledger as a record: who may write, what is forgotten, and what a file keeps."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from callwell.client.exactly_once.entry import Entry, Status
from callwell.client.exactly_once.holder import LIVE_HOLDERS, new_holder
from callwell.client.exactly_once.store import MAX_AGE_S, LedgerStore
from callwell.core.call import Call, Phase
from callwell.core.rules.profile import RetryRule
from callwell.core.types import Traits
from callwell.errors import NameTaken, UnknownName
from callwell.state import MemoryState, open_state
from callwell.testing import ManualClock
from tests.client.shop import dead_process

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = "acme:production:https-host-443:default"


def entry(clock: ManualClock, name: str = "order-1", **changes: object) -> Entry:
    """A named call that begins now."""
    result = Entry(
        name=name,
        named=True,
        digest="d",
        marker="m",
        holder=new_holder(),
        held_until_wall=clock.wall() + 60,
        began=clock.wall(),
        changed=clock.wall(),
    )
    return result._replace(**changes)  # type: ignore[arg-type] # by name


def test_a_file_keeps_all_of_it(tmp_path: Path) -> None:
    """What was written is read by another process, with the call's state."""
    clock = ManualClock()
    place = f"sqlite:///{tmp_path / 'state.db'}"
    call = Call(
        Traits(safe=False, repeatable=False, probe=True),
        RetryRule(),
        phase=Phase.IN_FLIGHT,
        attempts=1,
        dead_generations=(0, 1),
    )
    written = entry(clock, call=call, arguments={"a": [1, None, {"ä": 1.5}]})
    state = open_state(place)
    assert LedgerStore(ACCOUNT, state, clock).claim(written) == written
    state.close()
    state = open_state(place)
    assert LedgerStore(ACCOUNT, state, clock).entries() == (written,)
    state.close()


def test_only_the_holder_writes() -> None:
    """Another one finds that it is not the holder; once that is not at work any more, it may take the call up."""
    clock = ManualClock()
    ledger = LedgerStore(ACCOUNT, MemoryState(), clock)
    first = entry(clock)
    second = entry(clock)
    LIVE_HOLDERS.add(first.holder)
    assert ledger.claim(first).holder == first.holder
    assert ledger.claim(second).holder == first.holder
    assert not ledger.write(second)
    clock.advance(61)
    assert ledger.claim(second._replace(held_until_wall=clock.wall() + 60)).holder == first.holder
    LIVE_HOLDERS.discard(first.holder)
    assert ledger.claim(second._replace(held_until_wall=clock.wall() + 60)).holder == second.holder
    assert not ledger.write(first)
    assert ledger.write(first._replace(status=Status.DONE))


def test_a_dead_process_holds_nothing() -> None:
    """Its calls can be taken up at once; those of another machine only when their time is over."""
    clock = ManualClock()
    ledger = LedgerStore(ACCOUNT, MemoryState(), clock)
    child = dead_process()
    machine = new_holder().partition("|")[0]
    ledger.claim(entry(clock, "a", holder=f"{machine}|{child}|x"))
    ledger.claim(entry(clock, "b", holder=f"elsewhere|{child}|x"))
    ledger.claim(entry(clock, "c", holder=f"{machine}|{os.getpid()}|x"))
    taken = [entry(clock, name) for name in "abc"]
    assert [ledger.claim(item).holder == item.holder for item in taken] == [True, False, False]


def test_names_are_distinguished_by_their_account() -> None:
    """Accounts with names that begin alike have separate ledgers."""
    clock = ManualClock()
    state = MemoryState()
    LedgerStore(f"{ACCOUNT}:b", state, clock).claim(entry(clock))
    assert LedgerStore(ACCOUNT, state, clock).entries() == ()
    with pytest.raises(UnknownName, match="unknown entry 'order-1' of the ledger"):
        LedgerStore(ACCOUNT, state, clock).get("order-1")


def test_settled_calls_are_forgotten_in_time() -> None:
    """After 90 days, or when there are too many of them; what is not settled never is."""
    clock = ManualClock()
    state = MemoryState()
    ledger = LedgerStore(ACCOUNT, state, clock, max_settled=3)
    for number in range(6):
        clock.advance(60)
        begun = ledger.claim(entry(clock, f"order-{number}"))
        if number:
            ledger.end(begun._replace(status=Status.DONE, changed=clock.wall()))
    ledger.sweep()
    assert [item.name for item in ledger.entries()] == ["order-0", "order-3", "order-4", "order-5"]
    clock.advance(MAX_AGE_S - 30)
    ledger.sweep()
    assert [item.name for item in ledger.entries()] == ["order-0", "order-5"]
    assert len(state.keys("once")) == 3


def test_what_was_settled_again_is_kept() -> None:
    """A name that was refused, and done later, counts from the later time."""
    clock = ManualClock()
    ledger = LedgerStore(ACCOUNT, MemoryState(), clock)
    ledger.end(ledger.claim(entry(clock))._replace(status=Status.NOT_DONE))
    clock.advance(MAX_AGE_S - 10)
    ledger.end(ledger.claim(entry(clock))._replace(status=Status.DONE))
    clock.advance(20)
    ledger.sweep()
    assert ledger.get("order-1").status is Status.DONE


def test_a_call_that_is_not_there_cannot_be_resumed() -> None:
    """Whoever resumes a call that was settled meanwhile does not begin it."""
    clock = ManualClock()
    ledger = LedgerStore(ACCOUNT, MemoryState(), clock)
    with pytest.raises(NameTaken, match="settled in the meantime"):
        ledger.claim(entry(clock), may_begin=False)
    assert ledger.entries() == ()
