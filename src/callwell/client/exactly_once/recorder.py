# SPDX-License-Identifier: Apache-2.0
"""Records each step of a call in the ledger before it is taken; `once` explains what is written when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from callwell.client.exactly_once.entry import Status
from callwell.core import call as machine
from callwell.core.call import Phase
from callwell.core.quota.permits import MAX_PAUSE_S
from callwell.core.types import Acquire, Fail, Finish, Interrupted, Lost, Outcome, RenewKey, Send, Started, Wait
from callwell.errors import NameTaken, StateError
from callwell.observe.logs import LOGGER

if TYPE_CHECKING:
    from callwell.client.exactly_once.entry import Entry
    from callwell.client.exactly_once.store import LedgerStore
    from callwell.clock import Clock
    from callwell.core.call import Call
    from callwell.core.types import Action, Event

LEASE_S: Final = 600.0
"""How long a call without a deadline holds its record after its next step is due, if its holder cannot be seen: ample
for an attempt, and waits are added."""


class BaseRecorder:
    """The part of `callwell.client.calls.context.StepRecorder` that both sides share: everything except waiting.

    Methods that write may run in the thread of the state, in order.

    Args:
        ledger: where the call is recorded.
        entry: the call as found in the ledger, or as it begins.
        begun: the call as it begins, with its traits, its rule and its deadline.
        clock: the source of all times.
    """

    def __init__(self, ledger: LedgerStore, entry: Entry, begun: Call, *, clock: Clock) -> None:
        self.name = entry.name
        self.is_named_by_caller = entry.named
        self.lookup_error: Exception | None = None
        self._ledger = ledger
        self._entry = entry
        self._clock = clock
        self._is_written = entry.named or entry.call is not None
        self._failure: Fail | None = None
        self._closes_at = 0.0
        if entry.call is None:
            self.event: Event = Started()
            self.state = begun
        else:
            self.event = Interrupted()
            self.state = self._restore(entry.call, begun)

    def needs_record(self, action: Action) -> bool:
        """Whether an action must be in the ledger before it is carried out.

        A call that was never sent needs no record: only a Send must be recorded before it happens.
        """
        if isinstance(action, Fail):
            self._failure = action
        return isinstance(action, Send) or (self._is_written and not isinstance(action, Fail | Finish | Acquire))

    def write_step(self, state: Call, action: Action) -> None:
        """Record the next action before it is taken.

        Args:
            state: the state of the call before that action.
            action: the next action.

        Raises:
            NameTaken: another process has taken the call over, so nothing is sent.
            StateError: it cannot be recorded, so nothing is sent.
        """
        now = self._clock.now()
        if isinstance(action, Send):
            self._closes_at = now + min(state.rule.attempt_s, max(0.0, state.deadline_at - now))
        is_ours = self._write(state, action.until if isinstance(action, Wait | RenewKey) else now)
        if isinstance(action, Send) and not is_ours:
            what = f"{self._entry.provider} {self._entry.operation}: {self.name!r}"
            text = f"{what} was settled, or is being made by another process: nothing was sent again"
            raise NameTaken(text, name=self.name)

    def end_done(self, object_key: str | None) -> None:
        """Record that the call was done.

        Args:
            object_key: the key of the object that it created.
        """
        self._end(Status.DONE, object_key)

    def end_unresolved(self) -> None:
        """End without a result. What is known about the call stays recorded, and others may continue it."""
        if not self._is_written:
            return
        outcome = self._outcome()
        if outcome is not Outcome.UNKNOWN:
            self._end(Status.DONE if outcome is Outcome.DONE else Status.NOT_DONE)
            return
        state = self.state
        if self._failure is None and state.phase is Phase.IN_FLIGHT and state.traits.probe:
            state, _ = machine.advance(state, Lost(Outcome.UNKNOWN), self._closes_at, 0.0)
        self._entry = self._to_entry(state)
        self._end(Status.UNKNOWN)

    def _outcome(self) -> Outcome:
        if self._failure is not None:
            return self._failure.outcome
        in_doubt = self.state.may_be_done or self.state.phase is Phase.IN_FLIGHT
        return Outcome.UNKNOWN if in_doubt else Outcome.REFUSED

    def _end(self, status: Status, object_key: str | None = None) -> None:
        ended = self._entry._replace(
            status=status, object_key=object_key, changed=self._clock.wall(), held_until_wall=0.0, held_until=0.0
        )
        try:
            self._ledger.end(ended)
        except StateError as error:  # the record stays open, and can be taken over since its holder is gone
            LOGGER.warning("%s: it is %s, which could not be recorded: %s", self.name, status, error)

    def _write(self, state: Call, due_at: float) -> bool:
        """Write the state of the call; false if another holder has taken it over.

        Args:
            state: its state.
            due_at: when its next step is due, in monotonic seconds.
        """
        # MAX_PAUSE_S extra: the holder must notice its own deadline before another process takes over.
        held_until = max(min(state.deadline_at, due_at + LEASE_S) + MAX_PAUSE_S, self._closes_at)
        entry = self._to_entry(state)
        self._entry = entry._replace(
            status=Status.OPEN,
            changed=self._clock.now() + entry.wall_offset_s,
            held_until_wall=held_until + entry.wall_offset_s,
            held_until=held_until,
        )
        is_ours = self._ledger.write(self._entry, first=not self._is_written)
        self._is_written = True
        return is_ours

    def _to_entry(self, state: Call) -> Entry:
        """The entry with the state of the call, with times in seconds since the epoch."""
        offset_s = self._clock.wall() - self._clock.now()
        stored = replace(
            state,
            deadline_at=float("inf"),
            wait_until=state.wait_until + offset_s,
            last_closed_at=state.last_closed_at + offset_s,
        )
        return self._entry._replace(call=stored, wall_offset_s=offset_s)

    def _restore(self, stored: Call, begun: Call) -> Call:
        """The stored call on this process's clock, with the current rule and this caller's deadline."""
        offset_s = self._entry.wall_offset_s
        latest = self._clock.now() + begun.rule.attempt_s
        return replace(
            stored,
            traits=begun.traits,
            rule=begun.rule,
            deadline_at=begun.deadline_at,
            wait_until=stored.wait_until - offset_s,
            last_closed_at=min(stored.last_closed_at - offset_s, latest),
        )
