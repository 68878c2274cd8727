# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/exactly_once/once.py by tools/unasync.py; do not edit
"""Exactly-once calls: recorded before they are sent, marked where possible, and settled if in doubt.

What is recorded when, and what follows if it is the last record::

    the call                    the record says                        who may send
    ─────────────────────────   ────────────────────────────────────   ───────────────────────────────────────────
    named: claims its name      OPEN, the holder                       the holder only
    before its first byte       OPEN, the holder, phase FLIGHT         the holder only
    waits, probes, rekeys       OPEN, the holder, that phase           the holder only
      │
      ├─ answered: done         DONE, the object's key                 no one: the result is found by its marker
      ├─ certainly not done     NOT_DONE                               anyone, under the same name
      ├─ gives up in doubt      UNKNOWN, the phase                     any caller that resumes it, after a probe
      └─ ends without a record  (OPEN, the holder is gone)             any caller that notices it, after a probe

The first byte leaves only when FLIGHT is on disk. So a missing record proves that nothing was sent, and a record in
FLIGHT without a live holder means that the call may have been done. A **probe** settles that: it lists the objects with
the call's marker, again and again until the request can no longer commit. Where the provider stores no marker, a person
settles it (`callwell ledger settle`).

"Ends without a record" covers a killed process, but also a call in a live process: an error between Send and its
record, a full disk, a task of an event loop that was closed. In each of these cases `holder` detects that the call is
gone.

A call without a name from the caller is recorded from its first Send on, under its marker, and forgotten when it is
settled.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from msgspec.structs import replace

from callwell.client._sync.concurrency.primitives import post_to_state, sleep, use_state, when_loop_closes
from callwell.client.calls import nested
from callwell.client.calls.context import PreparedCall
from callwell.client.calls.options import MIN_DEADLINE_S
from callwell.client.calls.responses import ParsedResponse
from callwell.client.exactly_once import marker as markers
from callwell.client.exactly_once import store
from callwell.client.exactly_once.entry import Entry, Status
from callwell.client.exactly_once.marker import ObjectMarker
from callwell.client.exactly_once.recorder import LEASE_S, BaseRecorder
from callwell.core.call import Call
from callwell.core.quota.permits import MAX_PAUSE_S
from callwell.core.types import Fail, Finish, Probed
from callwell.core.verdict import End
from callwell.errors import CallwellError, InvalidOption, NameTaken, UnexpectedAnswer, WouldExceedDeadline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

    from callwell.client._sync.calls.engine import Engine
    from callwell.client._sync.concurrency.primitives import Find
    from callwell.client._sync.pages.pager import Pager
    from callwell.client.calls.binding import BoundRequest
    from callwell.client.calls.context import CallContext, CallPlan
    from callwell.client.calls.operations import OperationHandle
    from callwell.client.calls.options import CallOptions, ResolvedOptions
    from callwell.client.calls.responses import Answer
    from callwell.client.config import ClientConfig
    from callwell.client.exactly_once.store import LedgerStore
    from callwell.clock import Clock
    from callwell.core.types import Action, Event

POLL_S: Final = 0.5
"""Seconds between two checks of a call that another process or thread is making: few would notice half a second, and a
check costs one read of the state."""


class OnceCaller(Protocol):
    """What an exactly-once call needs from its caller: see `callwell.client._sync.calls.caller.Caller`."""

    @property
    def engine(self) -> Engine:
        """Sends the requests."""

    @property
    def config(self) -> ClientConfig:
        """The client's configuration."""

    @property
    def options(self) -> ResolvedOptions:
        """The call's options."""

    def with_options(self, options: CallOptions) -> Self:
        """A caller with other options, for probes."""

    def pages(self, operation: str, /, **arguments: object) -> Pager[Any]:
        """The items of a list operation, for probes."""


def call_exactly_once(
    caller: OnceCaller, operation: OperationHandle, prepared: PreparedCall, arguments: Mapping[str, object]
) -> Answer:
    """Make a call exactly once, if repeating it could do it twice.

    Pieces of a file need no record, since the provider says which have arrived. Nor can calls without the key be
    recorded: the token that they carry would have to be recorded too.

    Args:
        caller: makes it.
        operation: its operation.
        prepared: the call.
        arguments: its arguments, in snake case.
    """
    if operation.plan.traits.repeatable or operation.rule.upload or operation.binder.keyless:
        return caller.engine.run(prepared)
    marker = ObjectMarker.for_operation(caller.config.provider, operation.plan.operation, operation)
    return OnceCall(caller, prepared.plan, prepared.request, arguments, marker=marker).make()


def request_exactly_once(caller: OnceCaller, prepared: PreparedCall) -> Answer:
    """Make a request outside the description exactly once, if repeating it could do it twice.

    Args:
        caller: makes it.
        prepared: the request.
    """
    if prepared.plan.traits.repeatable:
        return caller.engine.run(prepared)
    return OnceCall(caller, prepared.plan, prepared.request, {}, marker=None).make()


class OnceCall:
    """One exactly-once call.

    Args:
        caller: makes it, with its options.
        plan: of its operation.
        bound: the request, without a marker.
        arguments: the call's arguments, in snake case.
        marker: marks the object that it creates, where the provider can store a marker.
    """

    def __init__(
        self,
        caller: OnceCaller,
        plan: CallPlan,
        bound: BoundRequest,
        arguments: Mapping[str, object],
        *,
        marker: ObjectMarker | None,
    ) -> None:
        self._caller = caller
        self._engine = caller.engine
        self._options = caller.options
        self._ledger = caller.config.ledger()
        self._plan = plan
        self._bound = bound
        self._arguments = arguments
        self._marker = marker
        self._deadline = self._engine.clock.now() + self._options.deadline_s

    def make(self) -> Answer:
        """Make it, or find the object that an earlier call of the same name created.

        Raises:
            NameTaken: its name belongs to another request, or the object that it created is gone.
            OutcomeUnknown: it may have been done; it stays in the ledger.
            CallwellError: see `callwell.errors`.
        """
        self._engine.open(self._plan.operation)
        with self._held() as holder:
            draft = self._draft(holder)
            return self._carry_out(self._claim(draft) if draft.named else draft)

    def resume(self, entry: Entry) -> Answer:
        """Find out whether it was done, and make it if it certainly was not.

        Args:
            entry: its record in the ledger.
        """
        with self._held() as holder:
            draft = self._draft(holder)._replace(name=entry.name, named=entry.named, digest=entry.digest)
            return self._carry_out(self._claim(draft, may_begin=False))

    @contextmanager
    def _held(self) -> Iterator[str]:
        """A holder for this call, until the call ends or its event loop is closed."""
        locks = self._ledger.locks
        with locks.hold() as holder, when_loop_closes(partial(locks.release, holder)):
            yield holder

    def _draft(self, holder: str) -> Entry:
        wall = self._engine.clock.wall()
        name = self._options.exactly_once
        new_marker = store.new_marker()
        return Entry(
            name=name if isinstance(name, str) else new_marker,
            named=isinstance(name, str),
            provider=self._caller.config.provider.name,
            environment=self._caller.config.environment,
            operation=self._plan.operation,
            sent=self._bound.method_and_path(),
            arguments=markers.recordable_arguments(self._arguments, whole=self._marker is not None),
            digest=markers.request_digest(self._bound),
            marker=None if self._marker is None else new_marker,
            began=wall,
            changed=wall,
            holder=holder,
            clock_name=self._ledger.clock_name,
            wall_offset_s=wall - self._engine.clock.now(),
        )

    def _claim(self, draft: Entry, *, may_begin: bool = True) -> Entry:
        """Claim the call's name as soon as no other call holds it; a finished call needs no claim."""
        clock = self._engine.clock
        while True:
            now = clock.now()
            wall = clock.wall()
            held_s = min(self._deadline - now, LEASE_S) + MAX_PAUSE_S
            wanted = draft._replace(
                changed=wall,
                held_until_wall=wall + held_s,
                held_until=now + held_s,
                wall_offset_s=wall - now,
            )
            try:
                entry = use_state(self._ledger.state, partial(self._ledger.claim, wanted, may_begin=may_begin))
            except BaseException:  # the caller may be cancelled; the thread still claims it
                post_to_state(self._ledger.state, partial(self._ledger.release, draft.name, draft.holder))
                raise
            if entry.status is Status.DONE or entry.holder == draft.holder:
                return entry
            if now >= self._deadline:
                raise WouldExceedDeadline(
                    f"{draft.provider} {draft.operation}: {draft.name!r} is being made by another process or thread, "
                    "which did not end before the deadline",
                    at=max(entry.held_until_wall, wall),
                    wait_s=max(0.0, entry.held_until_wall - wall),
                    provider=draft.provider,
                    operation=draft.operation,
                    attempts=0,
                    outcome="unknown",
                )
            sleep(clock.real_s(min(POLL_S, self._deadline - now)))

    def _carry_out(self, entry: Entry) -> Answer:
        if entry.status is Status.DONE:
            return self._find_result(entry)
        marker = self._marker if entry.marker else None
        value = entry.marker or ""
        plan = replace(self._plan, traits=replace(self._plan.traits, probe=marker is not None))
        rule = nested.retry_rule(self._engine.profile.retry, self._options, self._bound.body)
        # The record is held for as long as the request can take, which is longer for a large form.
        attempt_s = rule.attempt_s + self._bound.extra_time_s
        rule = replace(rule, unsafe_5xx=False, attempt_s=attempt_s)
        recorder = LedgerRecorder(
            self._ledger,
            entry,
            Call(traits=plan.traits, rule=rule, deadline_at=self._deadline),
            clock=self._engine.clock,
            find=partial(self._find, value),
        )
        try:
            bound = self._bound if marker is None else marker.bind(self._arguments, value)
            answer = self._engine.run(PreparedCall(plan=plan, request=bound, options=self._options, recorder=recorder))
        except Exception:
            use_state(self._ledger.state, recorder.end_unresolved)
            raise
        except BaseException:  # cancelled, or its loop was closed: it must not wait
            post_to_state(self._ledger.state, recorder.end_unresolved)
            raise
        object_key = None if marker is None else marker.object_key(answer)
        use_state(self._ledger.state, partial(recorder.end_done, object_key))
        return answer

    def _find_result(self, entry: Entry) -> Answer:
        """The response of a call that was done before, rebuilt from the object that it created."""
        found = self._find(entry.marker) if entry.marker else None
        if found is not None:
            return found
        what = f"{entry.provider} {entry.operation}: {entry.name!r} was made before"
        why = f"and {entry.object_key or 'its object'} is gone" if entry.marker else "and its result was not kept"
        raise NameTaken(
            f"{what}, {why}; to make another one, use another name", name=entry.name, object_key=entry.object_key
        )

    def _find(self, marker: str) -> Answer | None:
        """The object with a marker, or None if it is certain that there is none."""
        marking = self._marker
        if marking is None:
            raise InvalidOption("operation", self._plan.operation, "one that can mark the objects it creates")
        rule = marking.rule
        left_s = max(MIN_DEADLINE_S, self._deadline - self._engine.clock.now())
        deadline_s = None if left_s == float("inf") else left_s
        prober = self._caller.with_options({"exactly_once": False, "deadline_s": deadline_s})
        pager = prober.pages(rule.probe, **marking.probe_arguments(self._arguments, marker)).ahead(0)
        with closing(pager.__iter__()) as items:
            for item in items:
                if marking.is_on(item, marker):
                    return marking.to_answer(item, self._arguments)
        if pager.verdict.end is End.COMPLETE:
            return None
        raise UnexpectedAnswer(
            f"{self._engine.profile.name} {rule.probe}: the list changed while it was read, or was not read to its end "
            f"({pager.verdict.reason})",
            status=markers.OK_STATUS,
            provider=self._engine.profile.name,
            operation=rule.probe,
            attempts=1,
            outcome="done",
        )


class LedgerRecorder(BaseRecorder):
    """See `callwell.client.calls.context.StepRecorder`.

    Args:
        ledger: where the call is recorded.
        entry: the call as found in the ledger, or as it begins.
        begun: the call as it begins.
        clock: the source of all times.
        find: finds the object that the call created.
    """

    def __init__(self, ledger: LedgerStore, entry: Entry, begun: Call, *, clock: Clock, find: Find) -> None:
        super().__init__(ledger, entry, begun, clock=clock)
        self._find = find

    def record(self, state: Call, action: Action) -> None:
        """Record the next action before it is taken: see `write_step`.

        If the caller is cancelled meanwhile, the step was not taken and `state` stays unchanged.
        """
        if self.needs_record(action):
            use_state(self._ledger.state, partial(self.write_step, state, action))
        if not isinstance(action, Fail | Finish):
            self.state = state

    def probe(self, context: CallContext) -> Event:
        """Probe whether the call was done; the object that it created becomes the context's last response."""
        try:
            found = self._find()
        except CallwellError as error:
            self.lookup_error = error
            return Probed(found=None)
        if found is not None:
            context.last = ParsedResponse(found)
        return Probed(found is not None)
