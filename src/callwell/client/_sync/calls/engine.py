# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/calls/engine.py by tools/unasync.py; do not edit
"""The driver: it carries out what the core decides, and gives every permit and key back, also when it is cancelled."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from callwell.client._sync.calls.retry_scope import retried
from callwell.client._sync.concurrency.primitives import DefaultTransport, sleep
from callwell.client._sync.quota.queue import PermitQueues
from callwell.client.calls import departures, nested, responses
from callwell.client.calls.binding import headers
from callwell.client.calls.context import begun
from callwell.client.calls.failures import failure, scarcity
from callwell.client.quota.learner import Learner
from callwell.core import call as machine
from callwell.core import outcome
from callwell.core.quota.permits import MAX_PAUSE_S
from callwell.core.quota.record import PLAIN_SUCCESS, SendEnd
from callwell.core.types import (
    Acquire,
    Answered,
    Denied,
    Fail,
    FailReason,
    Finish,
    Granted,
    Lost,
    Outcome,
    Rekey,
    Rekeyed,
    Send,
    Started,
    Wait,
    Woken,
)
from callwell.errors import CallError, CallwellError, ClosedError, KeyRefused, StateError, UsageError
from callwell.observe.logs import LOGGER, log
from callwell.transport.base import NoReply, Request

if TYPE_CHECKING:
    from callwell.client._sync.keys.manager import KeyManager
    from callwell.client.calls.context import CallContext
    from callwell.client.calls.prepared import PreparedCall
    from callwell.client.calls.responses import Answer
    from callwell.client.quota.account import Account
    from callwell.client.quota.permit_batch import PermitBatcher
    from callwell.clock import Clock
    from callwell.core.rules.profile import Profile
    from callwell.core.types import Event
    from callwell.keys import Key
    from callwell.observe.hooks import Hooks
    from callwell.observe.notices import Notice
    from callwell.transport.base import Response, Transport

STARTED: Final[Event] = Started()
LEAST_S: Final = 0.001
"""The least time that a request is given."""

FINE_ANSWER: Final = Answered(200)
"""What a call is shown of a Send that went well: which of the 2xx it was changes nothing."""


class Engine:
    """Makes the calls of one client.

    Args:
        profile: how the provider behaves.
        base_url: the environment's address, without a slash at its end.
        account: permits and retry budget.
        keys: the keys; tokens can take their place.
        transport: how requests are sent.
        clock: whose seconds are meant.
        hooks: what watches the calls.
    """

    def __init__(
        self,
        profile: Profile,
        base_url: str,
        *,
        account: Account | PermitBatcher,
        keys: KeyManager,
        transport: Transport,
        clock: Clock,
        hooks: Hooks | None,
    ) -> None:
        self.profile = profile
        self.base_url = base_url
        self.account = account
        self.keys = keys
        self.transport = transport
        self._exchange = retried(transport, tells=profile.retry.tells)
        self.clock = clock
        self.roll = random.random
        self.closed = False
        self.hooks = hooks
        self.learner = Learner(profile, account, clock, self.notify)
        self.lines = PermitQueues(account, clock)

    def run(self, order: PreparedCall) -> Answer:
        """Make a call.

        Raises:
            CallwellError: see `callwell.errors`.
        """
        plan, bound, choices, guard = order.plan, order.bound, order.choices, order.guard
        if self.closed:
            self.check_open(plan.operation)
        began = self.clock.now()
        keys = self.keys.keyless if bound.keyless else self.keys
        trip = begun(order, bound.url or self.base_url + bound.target, self.profile.name, began, self.hooks, keys=keys)
        deadline, event = began + choices.deadline_s, STARTED
        try:
            held = self._lent(trip) if guard is None else None
            if held is not None:
                event = self._send(trip, 1, deadline)
                if event is FINE_ANSWER and trip.answer is not None:
                    if trip.told:
                        trip.ended(1, Outcome.DONE, self.clock.now())
                    return trip.answer
            return self._go_on(trip, event, deadline, None if held is None else held[0])
        except KeyRefused as error:
            refused = error
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not hide what is known of the call
            return self._stopped(trip, error)
        except KeyboardInterrupt:
            departures.interrupted(self, trip)
            raise
        finally:
            if trip.permit is not None or trip.key is not None or trip.watch is not None:
                self._leave(trip)
        if order.explain is None or bound.keyless:
            raise refused
        raise order.explain(refused) from refused.__cause__

    def _go_on(self, trip: CallContext, event: Event, deadline: float, generation: int | None) -> Answer:
        """Let the core decide: about a first request that did not go well, or from the beginning."""
        traits, guard = trip.order.plan.traits, trip.order.guard
        rule = nested.rule(self.profile.retry, trip.order.choices)
        if generation is not None:
            trip.state = machine.sent(traits, rule, deadline, generation)
        elif guard is None:
            trip.state = machine.Call(traits, rule, deadline)
        else:
            trip.state = guard.state
            event = guard.event
        return trip.finished(self._work(trip, trip.state, event), self.clock.now())

    def _work(self, trip: CallContext, state: machine.Call, event: Event) -> Finish:
        """Show the call what happens, and do what it says, until it is done."""
        guard = trip.order.guard
        while True:
            state, action = machine.advance(state, event, self.clock.now(), self.roll())
            trip.state = state
            if guard is not None:
                guard.note(state, action)
            if isinstance(action, Acquire):
                event = self._acquire(trip, state.deadline)
            elif isinstance(action, Send):
                event = self._send(trip, action.attempt, state.deadline)
            elif isinstance(action, Wait):
                event = self._wait(trip, action)
            elif isinstance(action, Rekey):
                event = self._rekey(trip, action.generation, action.until)
            elif isinstance(action, Finish):
                return action
            elif isinstance(action, Fail):
                trip.ended(action.attempts, action.outcome, self.clock.now())
                raise self._error(trip, action)
            elif guard is None:
                raise machine.IllegalEvent(f"no driver for {action}")
            else:
                event = guard.look(trip)

    def check_open(self, operation: str) -> None:
        """See that the client was not closed.

        Raises:
            ClosedError: it was.
        """
        if self.closed:
            raise ClosedError(f"{self.profile.name} {operation}: the client was closed")

    def _lent(self, trip: CallContext) -> tuple[int, Key] | None:
        """What most calls get: a permit and a key without waiting."""
        permit = self.lines[trip.order.plan.quotas].try_acquire(trip.order.bound.longer_s, retrying=trip.sends > 0)
        if permit is None:
            return None
        trip.permit = permit
        trip.key = trip.keys.begin_use()
        if trip.key is None:
            self._give_back(trip)
        return trip.key

    def _acquire(self, trip: CallContext, until: float) -> Event:
        line, choices = self.lines[trip.order.plan.quotas], trip.order.choices
        longer_s = trip.order.bound.longer_s
        self._lent(trip)
        while trip.key is None:
            if trip.permit is not None:
                self._give_back(trip)
                self._rekey(trip, -1, min(until, self.clock.now() + self.profile.retry.rekey_wait_s))
            got = line.acquire(
                until, choices.priority, longer_s, retrying=trip.sends > 0, on_wait=lambda s: trip.waits(s, "quota")
            )
            if isinstance(got, float):
                trip.denied = True
                return Denied(got)
            trip.permit = got
            trip.key = trip.keys.begin_use()
        return Granted(trip.key[0])

    def _send(self, trip: CallContext, attempt: int, deadline: float) -> Event:  # noqa: C901 - each frame costs calls
        permit, held, clock, order = trip.permit, trip.key, self.clock, trip.order
        plan, bound = order.plan, order.bound
        if self.closed:
            self.check_open(plan.operation)
        began = clock.now()
        if permit is None or held is None or began - permit.acquired_at > MAX_PAUSE_S:
            self._give_back(trip)
            return Lost(Outcome.REFUSED)
        longest_s = self.profile.retry.attempt_s + bound.longer_s
        if deadline - began < longest_s:
            longest_s = max(LEAST_S, deadline - began)
        keyless = bound.keyless or trip.astray
        shown = headers(bound, self.profile.key, held[1], order.choices.headers, keyless=keyless)
        if trip.watch is not None:
            shown = trip.watched(attempt, began, self.base_url, shown)
        timeout_s = clock.real_s(longest_s)
        keep_status = not plan.traits.repeatable
        reconnect = attempt > 1 and isinstance(trip.last, NoReply) and trip.last.outcome is Outcome.UNKNOWN
        request = Request(
            bound.method, trip.url, shown, bound.body, timeout_s, keep_status, reconnect, on_abandoned=trip.outlived
        )
        trip.sends = attempt
        trip.status = 0
        trip.hints = ()
        trip.closes_at = began + longest_s
        trip.sending = True  # until the permit is settled: whatever is raised from here on, it was used
        try:
            response = self._exchange(request)
        except Exception as error:  # noqa: BLE001 - whatever a transport raises
            response = self._raised(trip, error)
        now = clock.now()
        if isinstance(response, NoReply):
            return self._unanswered(trip, response, attempt, now - began)
        trip.status = response.status
        if now >= self.learner.due_at.get(plan.operation, now):
            trip.hints = self.learner.observe(plan.operation, response, now, now - began)
        try:
            trip.answer = responses.success(response, described=plan.template is not None)
        except Exception:  # noqa: BLE001 - whatever a body makes of its reader
            trip.answer = None
        if trip.answer is None:
            return self._learn(trip, response, attempt, now - began)
        self._settle(trip, PLAIN_SUCCESS._replace(hints=trip.hints) if trip.hints else PLAIN_SUCCESS, accepted=True)
        if trip.told:
            trip.attempted(attempt, response.status, None, "", now - began)
        return FINE_ANSWER

    def _raised(self, trip: CallContext, error: Exception) -> NoReply:
        """What is known after a transport has raised an error, which it should not unless a body that is read did."""
        body = trip.order.bound.body
        if body is not None and not isinstance(body, bytes):
            trip.callers = error
            raise error
        if isinstance(error, UsageError) and isinstance(self.transport, DefaultTransport):
            trip.sending = False  # the default transport could not begin: nothing was sent
            trip.sends -= 1
            raise error
        return NoReply(Outcome.UNKNOWN, f"the transport failed ({type(error).__name__})", error)

    def _unanswered(self, trip: CallContext, reply: NoReply, attempt: int, seconds: float) -> Event:
        """Learn from a request that got no answer: not from one that the caller gave too little time for it."""
        trip.last = reply
        hasty = trip.hasty(self.clock.now(), seconds)
        again = self._settle(trip, SendEnd(reply.outcome, blameless=hasty, arrived=reply.arrived), accepted=False)
        trip.attempted(attempt, None, None, reply.reason, seconds)
        return Lost(reply.outcome, again, reply.permanent)

    def _learn(self, trip: CallContext, response: Response, attempt: int, seconds: float) -> Event:
        """Learn from an answer that is no success."""
        plan, rule = trip.order.plan, self.profile.errors
        key = trip.key[1] if trip.key is not None else None
        if not trip.hints:
            trip.hints = self.learner.observe(plan.operation, response, self.clock.now(), seconds)
        reset_s = self.learner.throttled_for_s(trip.hints)
        wall = self.learner.provider_wall_s
        described = plan.template is not None
        try:
            reading = responses.read(
                rule, response, trip.url, wall, key, reset_s=reset_s, described=described, media=plan.media
            )
        except Exception:  # noqa: BLE001 - whatever headers and body make of their reader
            LOGGER.exception("%s %s: an answer could not be read", trip.provider, plan.operation)
            reading = responses.unreadable(response)
        trip.last = reading
        if reading.moved_to is not None:
            trip.url = reading.moved_to
            trip.astray = not (self.profile.key.whole_origin or responses.is_below(trip.url, self.base_url))
        shown = responses.event(rule, reading)
        if response.status in outcome.KEY_REFUSALS and trip.key is not None and trip.keys.is_on_trial(trip.key[0]):
            shown = shown._replace(dead_key=True)  # whatever its code: the old key is asked before the call fails
        end = SendEnd(Outcome.DONE, response.status, reading.wait_s, hints=trip.hints)
        again = self._settle(trip, end, accepted=False)
        trip.attempted(attempt, response.status, reading.code, "", seconds)
        return shown if again else shown._replace(retry=False)

    def _wait(self, trip: CallContext, action: Wait) -> Event:
        seconds = action.until - self.clock.now()
        trip.waits(seconds, action.why)
        sleep(self.clock.real_s(seconds))
        return Woken()

    def _rekey(self, trip: CallContext, generation: int, until: float) -> Event:
        trip.waits(until - self.clock.now(), "key")
        return Rekeyed(trip.keys.renew(generation, until))

    def _settle(self, trip: CallContext, end: SendEnd, *, accepted: bool) -> bool:
        """Put permit and key back after a Send; that it cannot be written down costs the caller nothing."""
        permit, held = trip.permit, trip.key
        trip.permit = trip.key = None
        trip.sending = False
        again = True
        try:
            if permit is not None:
                again = self.account.release(trip.order.plan.quotas, permit, end)
        except Exception as error:  # noqa: BLE001 - whatever it is, the permit was used
            departures.unsettled(self, trip, permit, end, error)
        try:
            if held is not None:
                trip.keys.end_use(held[0], accepted=accepted)
        except StateError as error:
            LOGGER.warning("%s: it is not recorded that the key was accepted: %s", trip.provider, error)
        for line in self.lines.all:
            if line.waiters:
                line.wake()
        if end.hints:
            self.learner.report()
        return again

    def _leave(self, trip: CallContext) -> None:
        try:
            if trip.permit is not None or trip.key is not None:
                self._give_back(trip)
            if trip.watch is not None:
                trip.left(self.clock.now())
        except KeyboardInterrupt:
            departures.interrupted(self, trip)
            raise

    def _give_back(self, trip: CallContext) -> None:
        if trip.sending:
            if trip.ending is None:
                self._settle(trip, departures.abandoned(trip, self.clock.now()), accepted=False)
            else:
                trip.sending = False
                departures.follow(self, trip)
        if trip.permit is not None:
            departures.unsent(self, trip, trip.permit)
        if trip.key is not None:
            trip.keys.end_use(trip.key[0], accepted=False)
            trip.key = None

    def _error(self, trip: CallContext, fail: Fail) -> Exception:
        wait_s = fail.at - self.clock.now()
        at_wall = self.clock.wall() + wait_s
        scarce = scarcity(self.account, trip, wait_s)
        error = failure(fail, trip, at_wall=at_wall, wait_s=max(0.0, wait_s), where=self.keys.location, scarce=scarce)
        return nested.explained(error, trip.order.choices)

    def _stopped(self, trip: CallContext, error: Exception) -> Answer:
        """End a call that has met an error: with what is known of it, if it was sent and the error does not say so.

        Returns:
            its answer, if it was done all the same.
        """
        if isinstance(error, CallError) or not trip.sends or error is trip.callers:
            raise error
        if trip.answer is not None:
            LOGGER.error("%s %s: done, and then: %r", trip.provider, trip.order.plan.operation, error)
            return trip.answer
        fail = trip.stopped()
        trip.ended(fail.attempts, fail.outcome, self.clock.now())
        if fail.why is FailReason.NO_ANSWER and isinstance(error, CallwellError):
            raise error  # nothing was done, or doing it again does no harm
        trip.last = NoReply(Outcome.UNKNOWN, f"the call was stopped ({type(error).__name__}: {error})", error)
        raise self._error(trip, fail) from error

    def notify(self, notice: Notice) -> None:
        """Log a notice that belongs to no call, and show it to the hooks."""
        log(notice)
        if self.hooks is not None:
            self.hooks.notice(notice)
