# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/calls/engine.py by tools/unasync.py; do not edit
"""The driver: it carries out what the core decides, and gives every permit and key back, also when it is cancelled."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Final

from callwell.client._sync.calls.retry_scope import announce_retries
from callwell.client._sync.concurrency.primitives import DefaultTransport, sleep
from callwell.client._sync.quota.queue import PermitQueues
from callwell.client.calls import departures, nested, responses
from callwell.client.calls.binding import request_headers
from callwell.client.calls.context import begun
from callwell.client.calls.failures import describe_scarcity, to_error
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
    KeyRenewed,
    Lost,
    Outcome,
    RenewKey,
    Send,
    Started,
    Wait,
    Woken,
)
from callwell.errors import CallError, CallwellError, ClosedError, KeyRefused, StateError, UsageError
from callwell.observe.logs import LOGGER, log_notice
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
        self._exchange = announce_retries(transport, tells=profile.retry.announce_retries)
        self.clock = clock
        self.roll = random.random
        self.closed = False
        self.hooks = hooks
        self.learner = Learner(profile, account, clock, self.notify)
        self.queues = PermitQueues(account, clock)

    def run(self, prepared: PreparedCall) -> Answer:
        """Make a call.

        Raises:
            CallwellError: see `callwell.errors`.
        """
        plan, bound, options, recorder = prepared.plan, prepared.bound, prepared.options, prepared.recorder
        if self.closed:
            self.check_open(plan.operation)
        began = self.clock.now()
        keys = self.keys.keyless if bound.keyless else self.keys
        context = begun(
            prepared, bound.url or self.base_url + bound.target, self.profile.name, began, self.hooks, keys=keys
        )
        deadline, event = began + options.deadline_s, STARTED
        try:
            held = self._lent(context) if recorder is None else None
            if held is not None:
                event = self._send(context, 1, deadline)
                if event is FINE_ANSWER and context.answer is not None:
                    if context.is_observed:
                        context.ended(1, Outcome.DONE, self.clock.now())
                    return context.answer
            return self._go_on(context, event, deadline, None if held is None else held[0])
        except KeyRefused as error:
            refused = error
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not hide what is known of the call
            return self._stopped(context, error)
        except KeyboardInterrupt:
            departures.recover_interrupted(self, context)
            raise
        finally:
            if context.permit is not None or context.key is not None or context.observer is not None:
                departures.leave(self, context)
        if prepared.explain is None or bound.keyless:
            raise refused
        raise prepared.explain(refused) from refused.__cause__

    def _go_on(self, context: CallContext, event: Event, deadline: float, generation: int | None) -> Answer:
        """Let the core decide: about a first request that did not go well, or from the beginning."""
        traits, recorder = context.prepared.plan.traits, context.prepared.recorder
        rule = nested.retry_rule(self.profile.retry, context.prepared.options)
        if generation is not None:
            context.state = machine.in_flight(traits, rule, deadline, generation)
        elif recorder is None:
            context.state = machine.Call(traits, rule, deadline)
        else:
            context.state = recorder.state
            event = recorder.event
        return context.finished(self._work(context, context.state, event), self.clock.now())

    def _work(self, context: CallContext, state: machine.Call, event: Event) -> Finish:
        """Show the call what happens, and do what it says, until it is done."""
        recorder = context.prepared.recorder
        while True:
            state, action = machine.advance(state, event, self.clock.now(), self.roll())
            context.state = state
            if recorder is not None:
                recorder.record(state, action)
            if isinstance(action, Acquire):
                event = self._acquire(context, state.deadline)
            elif isinstance(action, Send):
                event = self._send(context, action.attempt, state.deadline)
            elif isinstance(action, Wait):
                event = self._wait(context, action)
            elif isinstance(action, RenewKey):
                event = self._rekey(context, action.generation, action.until)
            elif isinstance(action, Finish):
                return action
            elif isinstance(action, Fail):
                context.ended(action.attempts, action.outcome, self.clock.now())
                raise self._error(context, action)
            elif recorder is None:
                raise machine.IllegalEvent(f"no driver for {action}")
            else:
                event = recorder.probe(context)

    def check_open(self, operation: str) -> None:
        """See that the client was not closed.

        Raises:
            ClosedError: it was.
        """
        if self.closed:
            raise ClosedError(f"{self.profile.name} {operation}: the client was closed")

    def _lent(self, context: CallContext) -> tuple[int, Key] | None:
        """What most calls get: a permit and a key without waiting."""
        permit = self.queues[context.prepared.plan.quotas].try_acquire(
            context.prepared.bound.extra_time_s, retrying=context.attempts > 0
        )
        if permit is None:
            return None
        context.permit = permit
        context.key = context.keys.begin_use()
        if context.key is None:
            departures.give_back(self, context)
        return context.key

    def _acquire(self, context: CallContext, until: float) -> Event:
        line, options = self.queues[context.prepared.plan.quotas], context.prepared.options
        extra_time_s = context.prepared.bound.extra_time_s
        self._lent(context)
        while context.key is None:
            if context.permit is not None:
                departures.give_back(self, context)
                self._rekey(context, -1, min(until, self.clock.now() + self.profile.retry.rekey_wait_s))
            on_wait = partial(context.waits, reason="quota")
            got = line.acquire(until, options.priority, extra_time_s, retrying=context.attempts > 0, on_wait=on_wait)
            if isinstance(got, float):
                context.denied = True
                return Denied(got)
            context.permit = got
            context.key = context.keys.begin_use()
        return Granted(context.key[0])

    def _send(self, context: CallContext, attempt: int, deadline: float) -> Event:
        permit, held, clock, prepared = context.permit, context.key, self.clock, context.prepared
        plan, bound = prepared.plan, prepared.bound
        if self.closed:
            self.check_open(plan.operation)
        began = clock.now()
        if permit is None or held is None or began - permit.acquired_at > MAX_PAUSE_S:
            departures.give_back(self, context)
            return Lost(Outcome.REFUSED)
        longest_s = self.profile.retry.attempt_s + bound.extra_time_s
        if deadline - began < longest_s:
            longest_s = max(LEAST_S, deadline - began)
        keyless = bound.keyless or context.astray
        shown = request_headers(bound, self.profile.key, held[1], prepared.options.headers, keyless=keyless)
        if context.observer is not None:
            shown = context.watched(attempt, began, self.base_url, shown)
        timeout_s = clock.real_s(longest_s)
        keep_status = not plan.traits.repeatable
        reconnect = attempt > 1 and isinstance(context.last, NoReply) and context.last.outcome is Outcome.UNKNOWN
        left = context.outlived
        request = Request(
            bound.method, context.url, shown, bound.body, timeout_s, keep_status, reconnect, on_abandoned=left
        )
        context.attempts = attempt
        context.status = 0
        context.hints = ()
        context.closes_at = began + longest_s
        context.sending = True  # until the permit is settled: whatever is raised from here on, it was used
        try:
            response = self._exchange(request)
        except Exception as error:  # noqa: BLE001 - whatever a transport raises
            response = self._raised(context, error)
        now = clock.now()
        if isinstance(response, NoReply):
            return self._unanswered(context, response, attempt, now - began)
        context.status = response.status
        if now >= self.learner.due_at.get(plan.operation, now):
            context.hints = self.learner.observe(plan.operation, response, now, now - began)
        context.answer = responses.parse_success(response, described=plan.template is not None)
        if context.answer is None:
            return self._learn(context, response, attempt, now - began)
        end = PLAIN_SUCCESS._replace(hints=context.hints) if context.hints else PLAIN_SUCCESS
        self.release(context, end, accepted=True)
        if context.is_observed:
            context.attempted(attempt, response.status, None, "", now - began)
        return FINE_ANSWER

    def _raised(self, context: CallContext, error: Exception) -> NoReply:
        """What is known after a transport has raised an error, which it should not unless a body that is read did."""
        body = context.prepared.bound.body
        if body is not None and not isinstance(body, bytes):
            context.callers = error
            raise error
        if isinstance(error, UsageError) and isinstance(self.transport, DefaultTransport):
            context.sending = False  # the default transport could not begin: nothing was sent
            context.attempts -= 1
            raise error
        return NoReply(Outcome.UNKNOWN, f"the transport failed ({type(error).__name__})", error)

    def _unanswered(self, context: CallContext, reply: NoReply, attempt: int, seconds: float) -> Event:
        """Learn from a request that got no answer: not from one that the caller gave too little time for it."""
        context.last = reply
        hasty = context.hasty(self.clock.now(), seconds)
        again = self.release(context, SendEnd(reply.outcome, blameless=hasty, arrived=reply.arrived), accepted=False)
        context.attempted(attempt, None, None, reply.reason, seconds)
        return Lost(reply.outcome, again, reply.permanent)

    def _learn(self, context: CallContext, response: Response, attempt: int, seconds: float) -> Event:
        """Learn from an answer that is no success."""
        plan, rule = context.prepared.plan, self.profile.errors
        key = context.key[1] if context.key is not None else None
        if not context.hints:
            context.hints = self.learner.observe(plan.operation, response, self.clock.now(), seconds)
        reset_s = self.learner.throttled_for_s(context.hints)
        wall = self.learner.provider_wall_s
        described = plan.template is not None
        try:
            reading = responses.parse_response(
                rule, response, context.url, wall, key, reset_s=reset_s, described=described, media=plan.media
            )
        except Exception:  # noqa: BLE001 - whatever headers and body make of their reader
            LOGGER.exception("%s %s: an answer could not be read", context.provider, plan.operation)
            reading = responses.unreadable_response(response)
        context.last = reading
        if reading.moved_to is not None:
            context.url = reading.moved_to
            context.astray = not (self.profile.key.whole_origin or responses.is_below(context.url, self.base_url))
        shown = responses.to_event(rule, reading)
        if (
            response.status in outcome.KEY_REFUSAL_STATUSES
            and context.key is not None
            and context.keys.is_on_trial(context.key[0])
        ):
            shown = shown._replace(dead_key=True)  # whatever its code: the old key is asked before the call fails
        end = SendEnd(Outcome.DONE, response.status, reading.wait_s, hints=context.hints)
        again = self.release(context, end, accepted=False)
        context.attempted(attempt, response.status, reading.code, "", seconds)
        return shown if again else shown._replace(may_retry=False)

    def _wait(self, context: CallContext, action: Wait) -> Event:
        seconds = action.until - self.clock.now()
        context.waits(seconds, action.reason)
        sleep(self.clock.real_s(seconds))
        return Woken()

    def _rekey(self, context: CallContext, generation: int, until: float) -> Event:
        context.waits(until - self.clock.now(), "key")
        return KeyRenewed(context.keys.renew(generation, until))

    def release(self, context: CallContext, end: SendEnd, *, accepted: bool) -> bool:
        """Put permit and key back after a Send; that it cannot be written down costs the caller nothing."""
        permit, held = context.permit, context.key
        context.permit = context.key = None
        context.sending = False
        again = True
        try:
            if permit is not None:
                again = self.account.release(context.prepared.plan.quotas, permit, end)
        except Exception as error:  # noqa: BLE001 - whatever it is, the permit was used
            departures.handle_unsettled(self, context, permit, end, error)
        try:
            if held is not None:
                context.keys.end_use(held[0], accepted=accepted)
        except StateError as error:
            LOGGER.warning("%s: it is not recorded that the key was accepted: %s", context.provider, error)
        for line in self.queues.all:
            if line.waiters:
                line.wake()
        if end.hints:
            self.learner.report()
        return again

    def _error(self, context: CallContext, fail: Fail) -> Exception:
        wait_s = fail.at - self.clock.now()
        at_wall = self.clock.wall() + wait_s
        scarce = describe_scarcity(self.account, context, wait_s)
        error = to_error(
            fail, context, at_wall=at_wall, wait_s=max(0.0, wait_s), where=self.keys.location, scarce=scarce
        )
        return nested.explain_single_attempt(error, context.prepared.options)

    def _stopped(self, context: CallContext, error: Exception) -> Answer:
        """End a call that has met an error: with what is known of it, if it was sent and the error does not say so.

        Returns:
            its answer, if it was done all the same.
        """
        if isinstance(error, CallError) or not context.attempts or error is context.callers:
            raise error
        if context.answer is not None:
            LOGGER.error("%s %s: done, and then: %r", context.provider, context.prepared.plan.operation, error)
            return context.answer
        fail = context.stopped()
        context.ended(fail.attempts, fail.outcome, self.clock.now())
        if fail.reason is FailReason.NO_ANSWER and isinstance(error, CallwellError):
            raise error  # nothing was done, or doing it again does no harm
        context.last = NoReply(Outcome.UNKNOWN, f"the call was stopped ({type(error).__name__}: {error})", error)
        raise self._error(context, fail) from error

    def notify(self, notice: Notice) -> None:
        """Log a notice that belongs to no call, and show it to the hooks."""
        log_notice(notice)
        if self.hooks is not None:
            self.hooks.notice(notice)
