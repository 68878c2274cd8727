# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/exactly_once/once.py by tools/unasync.py; do not edit
"""Calls that are made exactly once: written down first, marked where that is possible, and settled if in doubt."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from callwell.client._sync.concurrency.primitives import sleep
from callwell.client._sync.exactly_once.recorder import LEASE_S, LedgerRecorder
from callwell.client.calls import nested, unknown
from callwell.client.calls.prepared import PreparedCall
from callwell.client.exactly_once import marker as markers
from callwell.client.exactly_once import store
from callwell.client.exactly_once.entry import Entry, Status
from callwell.client.exactly_once.holder import LIVE_HOLDERS, new_holder
from callwell.client.exactly_once.marker import ObjectMarker
from callwell.core.call import Call
from callwell.core.quota.permits import MAX_PAUSE_S
from callwell.core.verdict import End
from callwell.errors import InvalidOption, NameTaken, UnexpectedAnswer, WouldExceedDeadline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.client._sync.calls.caller import Caller
    from callwell.client.calls.binding import BoundRequest
    from callwell.client.calls.operations import OperationHandle
    from callwell.client.calls.responses import Answer

POLL_S: Final = 0.5
"""How often a call that somebody else is making is looked at."""


def make_once(
    caller: Caller, found: OperationHandle, prepared: PreparedCall, arguments: Mapping[str, object]
) -> Answer:
    """Make a call exactly once, if it is one that could be done twice.

    A file in pieces is not: the provider says what has arrived of it. Nor is what is sent without the key: a token is
    in its place, which would have to be written down.

    Args:
        caller: which makes it.
        found: its operation.
        prepared: the call.
        arguments: what it was given.
    """
    if found.plan.traits.repeatable or found.rule.upload or found.binder.keyless:
        return caller.engine.run(prepared)
    return OnceCall(caller, found, prepared.bound, arguments).make()


class OnceCall:
    """One call that is made exactly once.

    Args:
        caller: which makes it, with its choices.
        found: its operation.
        bound: what is sent, without a mark.
        arguments: what it was given.
    """

    def __init__(
        self, caller: Caller, found: OperationHandle, bound: BoundRequest, arguments: Mapping[str, object]
    ) -> None:
        self._caller = caller
        self._engine = caller.engine
        self._choices = caller.options
        self._ledger = caller.config.ledger()
        self._plan = found.plan
        self._bound = bound
        self._arguments = arguments
        self._marking = ObjectMarker.of(caller.config.provider, found.plan.operation, found)
        self._deadline = self._engine.clock.now() + self._choices.deadline_s

    def make(self) -> Answer:
        """Make it, or find what an earlier call of its name has made.

        Raises:
            NameTaken: its name belongs to something else, or what it made is not to be had again.
            OutcomeUnknown: it may have been done; it stays in the ledger.
            CallwellError: see `callwell.errors`.
        """
        self._engine.check_open(self._plan.operation)
        draft = self._draft()
        LIVE_HOLDERS.add(draft.holder)
        try:
            return self._carry_out(self._taken_up(draft) if draft.named else draft)
        finally:
            LIVE_HOLDERS.discard(draft.holder)

    def resume(self, entry: Entry) -> Answer:
        """Find out whether it was done, and do it if it surely was not.

        Args:
            entry: it, as it is in the ledger.
        """
        draft = self._draft()._replace(name=entry.name, named=entry.named, digest=entry.digest)
        LIVE_HOLDERS.add(draft.holder)
        try:
            return self._carry_out(self._taken_up(draft, anew=False))
        finally:
            LIVE_HOLDERS.discard(draft.holder)

    def _draft(self) -> Entry:
        wish, config, marking_ = self._choices.exactly_once, self._caller.config, self._marking
        wall, marker = self._engine.clock.wall(), store.new_marker()
        return Entry(
            name=wish if isinstance(wish, str) else marker,
            named=isinstance(wish, str),
            provider=config.provider.name,
            environment=config.environment,
            operation=self._plan.operation,
            sent=unknown.describe_request(self._bound),
            arguments=markers.recordable_arguments(self._arguments, whole=marking_ is not None),
            digest=markers.request_digest(self._bound),
            marker=None if marking_ is None else marker,
            began=wall,
            changed=wall,
            holder=new_holder(),
            clock=self._ledger.clock_name,
            offset=wall - self._engine.clock.now(),
        )

    def _taken_up(self, draft: Entry, *, anew: bool = True) -> Entry:
        clock = self._engine.clock
        while True:
            now, wall = clock.now(), clock.wall()
            held_s = min(self._deadline - now, LEASE_S) + MAX_PAUSE_S
            wanted = draft._replace(changed=wall, until=wall + held_s, until_s=now + held_s, offset=wall - now)
            entry = self._ledger.begin(wanted, anew=anew)
            if entry.status is Status.DONE or entry.holder == draft.holder:
                return entry
            if now >= self._deadline:
                raise WouldExceedDeadline(
                    f"{draft.provider} {draft.operation}: {draft.name!r} is being made by another process or thread",
                    at=max(entry.until, wall),
                    wait_s=max(0.0, entry.until - wall),
                    provider=draft.provider,
                    operation=draft.operation,
                    attempts=0,
                    outcome="unknown",
                )
            sleep(clock.real_s(min(POLL_S, self._deadline - now)))

    def _carry_out(self, entry: Entry) -> Answer:
        if entry.status is Status.DONE:
            return self._made_before(entry)
        marking_, bound, marker = self._marking if entry.marker else None, self._bound, entry.marker or ""
        plan = self._plan._replace(traits=self._plan.traits._replace(probe=marking_ is not None))
        rule = nested.retry_rule(self._engine.profile.retry, self._choices)
        # The record is held for as long as the request may take, which is longer for a form with much in it.
        attempt_s = rule.attempt_s + self._bound.extra_time_s
        rule = dataclasses.replace(rule, unsafe_5xx=False, attempt_s=attempt_s)
        recorder = LedgerRecorder(
            self._ledger,
            entry,
            Call(plan.traits, rule, self._deadline),
            clock=self._engine.clock,
            find=partial(self._find, marker),
        )
        try:
            if marking_ is not None:
                bound = marking_.bind(self._arguments, marker)
            answer = self._engine.run(PreparedCall(plan, bound, self._choices, recorder))
        except BaseException:
            recorder.left()
            raise
        recorder.done(None if marking_ is None else marking_.made(answer))
        return answer

    def _made_before(self, entry: Entry) -> Answer:
        found = self._find(entry.marker) if entry.marker else None
        if found is not None:
            return found
        what = f"{entry.provider} {entry.operation}: {entry.name!r} was made before"
        why = f"and {entry.made or 'it'} is not there any more" if entry.marker else "and its result was not kept"
        raise NameTaken(f"{what}, {why}; to make another one, give it another name", name=entry.name, made=entry.made)

    def _find(self, marker: str) -> Answer | None:
        """The object with a mark, or None if there surely is none now."""
        marking_ = self._marking
        if marking_ is None:
            raise InvalidOption("operation", self._plan.operation, "one whose objects can be marked")
        rule, left_s = marking_.rule, max(0.001, self._deadline - self._engine.clock.now())
        asking = self._caller.with_options(
            {"exactly_once": False, "deadline_s": None if left_s == float("inf") else left_s}
        )
        filters: dict[str, Any] = {rule.filter: {rule.name: marker}}
        pager = asking.pages(rule.probe, **filters).ahead(0)
        with closing(pager.__iter__()) as items:
            for item in items:
                if marking_.shows(item, marker):
                    return marking_.answer(item)
        if pager.verdict.end is End.COMPLETE:
            return None
        raise UnexpectedAnswer(
            f"{self._engine.profile.name} {rule.probe}: the list moved while it was read, or did not come to its end",
            status=markers.OK_STATUS,
            provider=self._engine.profile.name,
            operation=rule.probe,
            attempts=1,
            outcome="done",
        )
