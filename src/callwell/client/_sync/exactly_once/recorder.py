# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/exactly_once/recorder.py by tools/unasync.py; do not edit
"""What sees that one call is done exactly once: it writes down each step before it is taken, and looks for the mark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.client.calls.responses import ParsedResponse
from callwell.client.exactly_once.entry import Status
from callwell.core import call as machine
from callwell.core.call import Phase
from callwell.core.quota.permits import MAX_PAUSE_S
from callwell.core.types import Acquire, Fail, Finish, Interrupted, Lost, Outcome, Probed, RenewKey, Send, Started, Wait
from callwell.errors import CallwellError, NameTaken, StateError
from callwell.observe.logs import LOGGER

if TYPE_CHECKING:
    from callwell.client._sync.concurrency.primitives import Find
    from callwell.client.calls.context import CallContext
    from callwell.client.exactly_once.entry import Entry
    from callwell.client.exactly_once.store import LedgerStore
    from callwell.clock import Clock
    from callwell.core.call import Call
    from callwell.core.types import Action, Event

LEASE_S: Final = 600.0
"""How long a call without a deadline holds its record from one step to the next."""


class LedgerRecorder:
    """See `callwell.client.calls.prepared.Guard`.

    Args:
        ledger: where the call is written down.
        entry: the call as it was found there, or as it begins.
        begun: the call as it begins, should it not have been sent yet: with its traits, its rule and its deadline.
        clock: whose seconds are meant.
        find: looks for what the call has made.
    """

    def __init__(
        self,
        ledger: LedgerStore,
        entry: Entry,
        begun: Call,
        *,
        clock: Clock,
        find: Find,
    ) -> None:
        self.name = entry.name
        self.has_given_name = entry.named
        self.lookup_error: Exception | None = None
        self._ledger = ledger
        self._entry = entry
        self._clock = clock
        self._find = find
        self._written = entry.named or entry.call is not None
        self._end: Fail | None = None
        self._closes_at = 0.0
        self.event: Event = Started() if entry.call is None else Interrupted()
        self.state = begun if entry.call is None else self._restored(entry.call, begun)

    def record(self, state: Call, action: Action) -> None:
        """Write down what will be done next, before it is.

        Raises:
            NameTaken: another process has taken the call over, so that nothing is sent.
            StateError: it cannot be written down, so that nothing is sent.
        """
        if isinstance(action, Fail):
            self._end = action
        if isinstance(action, Fail | Finish):
            return
        self.state, now = state, self._clock.now()
        if isinstance(action, Send):
            self._closes_at = now + min(state.rule.attempt_s, max(0.0, state.deadline - now))
        if isinstance(action, Send) or (self._written and not isinstance(action, Acquire)):
            ours = self._write(state, action.until if isinstance(action, Wait | RenewKey) else now)
            if isinstance(action, Send) and not ours:
                what = f"{self._entry.provider} {self._entry.operation}: {self.name!r}"
                raise NameTaken(f"{what} is settled, or being made elsewhere: nothing was sent again", name=self.name)

    def probe(self, context: CallContext) -> Event:
        """Look up whether the call was done; what it made, if anything, is the context's last answer."""
        try:
            found = self._find()
        except CallwellError as error:
            self.lookup_error = error
            return Probed(found=None)
        if found is not None:
            context.last = ParsedResponse(found)
        return Probed(found is not None)

    def done(self, made: str | None) -> None:
        """The call was done.

        Args:
            made: what names the object that it made.
        """
        self._settle(Status.DONE, made)

    def left(self) -> None:
        """The caller goes without a result: what is known of the call stays, and others may take it up."""
        unsure = self.state.may_be_done or self.state.phase is Phase.FLIGHT
        outcome = self._end.outcome if self._end else Outcome.UNKNOWN if unsure else Outcome.REFUSED
        if not self._written:
            return
        if outcome is not Outcome.UNKNOWN:
            self._settle(Status.DONE if outcome is Outcome.DONE else Status.NOT_DONE)
            return
        state = self.state
        if self._end is None and state.phase is Phase.FLIGHT and state.traits.probe:
            state, _ = machine.advance(state, Lost(Outcome.UNKNOWN), self._closes_at, 0.0)
        self._entry = self._storing(state)
        self._settle(Status.UNKNOWN)

    def _settle(self, status: Status, made: str | None = None) -> None:
        ended = self._entry._replace(status=status, made=made, changed=self._clock.wall(), until=0.0, until_s=0.0)
        try:
            self._ledger.end(ended)
        except StateError as error:
            LOGGER.warning("%s: it is %s, which could not be noted: %s", self.name, status, error)

    def _write(self, state: Call, ahead: float) -> bool:
        now = self._clock.now()
        until_s = max(min(state.deadline, ahead + LEASE_S) + MAX_PAUSE_S, self._closes_at)
        entry = self._storing(state)
        changed = now + entry.offset
        self._entry = entry._replace(status=Status.OPEN, changed=changed, until=until_s + entry.offset, until_s=until_s)
        ours = self._ledger.write(self._entry, first=not self._written)
        self._written = True
        return ours

    def _storing(self, state: Call) -> Entry:
        """The entry with where the call stands, its times in seconds since the epoch."""
        by = self._clock.wall() - self._clock.now()
        call = state._replace(
            deadline=float("inf"), wait_until=state.wait_until + by, last_closed_at=state.last_closed_at + by
        )
        return self._entry._replace(call=call, offset=by)

    def _restored(self, stored: Call, begun: Call) -> Call:
        by = -self._entry.offset
        latest = self._clock.now() + begun.rule.attempt_s
        until = stored.wait_until + by
        closed_at = min(stored.last_closed_at + by, latest)
        return stored._replace(
            traits=begun.traits, rule=begun.rule, deadline=begun.deadline, wait_until=until, last_closed_at=closed_at
        )
