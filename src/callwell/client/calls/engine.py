# SPDX-License-Identifier: Apache-2.0
"""The driver of calls: it carries out what the state machine in `core/call.py` decides.

Whatever happens to a call (an error, a cancelled task, Ctrl-C between any two lines), its permit and key are released
exactly once: by `AsyncEngine.release` after a request, or by `abandoned_calls` if the caller goes away first.

The path of a successful call is short on purpose, and `_send` is long: of the 45 microseconds that a call takes without
its transport, each additional coroutine costs 0.1, and the steps of the state machine would cost 9.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from callwell.client.calls import abandoned_calls, key_trials, nested, responses
from callwell.client.calls.binding import request_headers
from callwell.client.calls.context import begin
from callwell.client.calls.jitter import roll
from callwell.client.calls.retry_scope import announce_retries
from callwell.client.concurrency.primitives import sleep
from callwell.client.quota.queue import AsyncPermitQueues
from callwell.core import call as machine
from callwell.core.quota.permits import MAX_PAUSE_S
from callwell.core.quota.record import PLAIN_SUCCESS, SendEnd
from callwell.core.types import (
    Acquire,
    Answered,
    Denied,
    Fail,
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
from callwell.errors import CallwellError, ClosedError, KeyRefused, UsageError
from callwell.forks import reset_after_fork
from callwell.observe.logs import log_notice
from callwell.transport.base import NoReply, Request
from callwell.transport.default import AsyncDefaultTransport

if TYPE_CHECKING:
    from callwell.client.calls.context import CallContext, PreparedCall
    from callwell.client.calls.responses import Answer
    from callwell.client.keys.manager import AsyncKeyManager
    from callwell.client.quota.account import Account
    from callwell.client.quota.permit_batch import PermitBatcher
    from callwell.clock import Clock
    from callwell.core.rules.profile import Profile
    from callwell.core.types import Event
    from callwell.keys import Key
    from callwell.observe.hooks import Hooks
    from callwell.observe.notices import Notice
    from callwell.transport.base import AsyncTransport, Response

MIN_REQUEST_S: Final = 0.001
"""The shortest timeout, for a request at its deadline: transports take zero for "no limit"."""

PLAIN_SUCCESS_EVENT: Final = Answered(200)
"""The event of every successful request: the exact 2xx status makes no difference, and sharing one object saves
creating it."""


class AsyncEngine:
    """Makes the calls of one client.

    Args:
        profile: how the provider behaves.
        base_url: the environment's address, without a trailing slash.
        account: permits and retry budget.
        keys: the keys, or tokens in their place.
        transport: how requests are sent.
        clock: the source of all times.
        hooks: what observes the calls.
    """

    def __init__(
        self,
        profile: Profile,
        base_url: str,
        *,
        account: Account | PermitBatcher,
        keys: AsyncKeyManager,
        transport: AsyncTransport,
        clock: Clock,
        hooks: Hooks | None,
    ) -> None:
        self.profile = profile
        self.base_url = base_url
        self.account = account
        self.keys = keys
        self.transport = transport
        self.clock = clock
        self.roll = roll
        self.is_open = False  # `ensure_open` opens it for the first call
        self._is_stopped = False
        self.hooks = hooks
        self.queues = AsyncPermitQueues(account, clock)
        reset_after_fork(self)

    def after_fork(self) -> None:
        """A forked child may not be able to send: `ensure_open` checks that."""
        self.is_open = False

    async def run(self, prepared: PreparedCall) -> Answer:
        """Make a call.

        Raises:
            CallwellError: see `callwell.errors`.
        """
        bound = prepared.request
        if not self.is_open:
            await self.open(prepared.plan.operation)
        began = self.clock.now()
        deadline = began + prepared.options.deadline_s
        keys = self.keys.keyless if bound.keyless else self.keys
        url = bound.url or self.base_url + bound.target
        context = begin(prepared, url, self.profile.name, began, self.hooks, keys=keys)
        try:
            # The short path that most calls take: permit and key without waiting, one request, a success. It skips the
            # state machine, which would decide the same; if the first request fails, `in_flight` enters it.
            key = self._acquire_now(context, may_try=prepared.plan.tries_keys) if prepared.recorder is None else None
            if key is None:
                return await self._drive(context, Started(), self._initial_state(context, deadline))
            event = await self._send(context, 1, deadline)
            if event is PLAIN_SUCCESS_EVENT and context.answer is not None:
                if context.trace is not None:
                    context.call_ended(1, Outcome.DONE, self.clock.now())
                return context.answer
            traits = prepared.plan.traits
            rule = nested.retry_rule(self.profile.retry, prepared.options, bound.body)
            return await self._drive(context, event, machine.in_flight(traits, rule, deadline, key[0]))
        except KeyRefused as error:
            refused = error
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not hide what is known of the call
            return abandoned_calls.end_early(self, context, error)
        except KeyboardInterrupt:
            abandoned_calls.recover_interrupted(self, context)
            raise
        finally:
            if context.permit is not None or context.key is not None or context.trace is not None:
                abandoned_calls.release_all(self, context)
        if prepared.explain is None or bound.keyless:
            raise refused
        raise await prepared.explain(refused) from refused.__cause__

    def _initial_state(self, context: CallContext, deadline: float) -> machine.Call:
        prepared = context.prepared
        if prepared.recorder is not None:
            return prepared.recorder.state
        rule = nested.retry_rule(self.profile.retry, prepared.options, prepared.request.body)
        return machine.Call(traits=prepared.plan.traits, rule=rule, deadline_at=deadline)

    async def _drive(self, context: CallContext, event: Event, state: machine.Call) -> Answer:  # noqa: C901 - flat
        """Report events to the state machine and carry out its actions, until the call is done."""
        recorder = context.prepared.recorder
        context.state = state
        if recorder is not None:
            event = recorder.event
        while True:
            state, action = machine.advance(state, event, self.clock.now(), self.roll())
            context.state = state
            if recorder is not None:
                await recorder.record(state, action)
            if isinstance(action, Acquire):
                event = await self._acquire(context, action.until)
            elif isinstance(action, Send):
                event = await self._send(context, action.attempt, state.deadline_at)
            elif isinstance(action, Wait):
                event = await self._wait(context, action)
            elif isinstance(action, RenewKey):
                event = await self._renew_key(context, action.generation, action.until)
            elif isinstance(action, Finish):
                return context.finish(action, self.clock.now())
            elif isinstance(action, Fail):
                context.call_ended(action.attempts, action.outcome, self.clock.now())
                raise self.to_error(context, action)
            elif recorder is None:
                raise machine.IllegalEvent(f"no driver for {action}")
            else:
                event = await recorder.probe(context)

    async def open(self, operation: str) -> None:
        """Check that calls can be made; before the first one, look the key up in the state.

        Raises:
            CallwellError: see `ensure_open` and `AsyncKeyManager.open`.
        """
        if not self._is_stopped:
            await self.keys.open()
        self.ensure_open(operation)

    def ensure_open(self, operation: str) -> None:
        """Check that the client is not closed; before its first call, load the transport and the learner.

        Raises:
            ClosedError: it was closed.
            UsageError: this process was forked from one that has sent requests, so it cannot send.
        """
        if self._is_stopped:
            raise ClosedError(f"{self.profile.name} {operation}: the client was closed")
        if not self.is_open:
            if isinstance(self.transport, AsyncDefaultTransport):
                self.transport.check_fork()
            from callwell.client.quota.learner import Learner

            self.learner = Learner(self.profile, self.account, self.clock, self.notify)
            self._exchange = announce_retries(self.transport, to_server=self.profile.retry.announce_retries)
            self.is_open = True

    def stop(self) -> None:
        """Refuse to send from now on."""
        self._is_stopped = True
        self.is_open = False
        self.queues.close()

    def _acquire_now(self, context: CallContext, *, may_try: bool) -> tuple[int, Key] | None:
        """Get a permit and a key without waiting, as most calls can; a new key only if the call may try it."""
        permit = self.queues[context.prepared.plan.quotas].try_acquire(
            context.prepared.request.extra_time_s, retrying=context.attempts > 0
        )
        if permit is None:
            return None
        context.permit = permit
        context.key = context.keys.begin_use(may_try=may_try, after_refusal=context.key_refused)
        if context.key is None:
            abandoned_calls.release_acquired(self, context)
        return context.key

    async def _acquire(self, context: CallContext, until: float) -> Event:
        queue = self.queues[context.prepared.plan.quotas]
        priority = context.prepared.options.priority
        extra_s = context.prepared.request.extra_time_s
        on_wait = partial(context.wait_began, reason="quota")
        may_try = context.prepared.plan.tries_keys and context.tried_key is None
        self._acquire_now(context, may_try=may_try)
        while context.key is None:
            if context.permit is not None:
                # There is a permit but no key. Others may use the permit while this call waits for a key.
                abandoned_calls.release_acquired(self, context)
                await self._renew_key(context, -1, min(until, self.clock.now() + self.profile.retry.rekey_wait_s))
            permit = await queue.acquire(until, priority, extra_s, retrying=context.attempts > 0, on_wait=on_wait)
            if isinstance(permit, float):
                self.ensure_open(context.prepared.plan.operation)  # a closed client's queues turn callers away
                context.permit_denied = True
                return Denied(available_at=permit)
            context.permit = permit
            context.key = context.keys.begin_use(may_try=may_try, after_refusal=context.key_refused)
        return Granted(generation=context.key[0])

    async def _send(self, context: CallContext, attempt: int, deadline: float) -> Event:
        plan = context.prepared.plan
        bound = context.prepared.request
        key = context.key
        if not self.is_open:
            self.ensure_open(plan.operation)
        began = self.clock.now()
        if context.permit is None or key is None or began - context.permit.acquired_at > MAX_PAUSE_S:
            abandoned_calls.release_acquired(self, context)
            return Lost(Outcome.REFUSED)
        limit_s = min(self.profile.retry.attempt_s + bound.extra_time_s, max(MIN_REQUEST_S, deadline - began))
        keyless = bound.keyless or context.outside_base_path
        headers = request_headers(bound, self.profile.key, key[1], context.prepared.options.headers, keyless=keyless)
        if context.trace is not None:
            headers = context.attempt_began(context.trace, attempt, began, self.base_url, headers)
        after_lost = attempt > 1 and isinstance(context.last, NoReply) and context.last.outcome is Outcome.UNKNOWN
        request = Request(
            method=bound.method,
            url=context.url,
            headers=headers,
            body=bound.body,
            timeout_s=self.clock.real_s(limit_s),
            keep_status=not plan.traits.repeatable,
            new_connection=after_lost,
            on_abandoned=context.on_abandoned,
        )
        context.attempts = attempt
        context.status = 0
        context.hints = ()
        context.closes_at = began + limit_s
        context.sending = True  # until the permit is released: even if something raises from here on, it was used
        try:
            response = await self._exchange(request)
        except Exception as error:  # noqa: BLE001 - whatever a transport raises
            response = self._on_transport_error(context, error)
        now = self.clock.now()
        if isinstance(response, NoReply):
            return self._on_no_reply(context, response, attempt, now - began)
        context.status = response.status
        if now >= self.learner.due_at.get(plan.operation, now):
            context.hints = self.learner.observe(plan.operation, response, now, now - began)
        context.answer = responses.parse_success(response, plan)
        if context.answer is None:
            return self._on_error_response(context, response, attempt, now - began)
        end = replace(PLAIN_SUCCESS, hints=context.hints) if context.hints else PLAIN_SUCCESS
        self.release(context, end, accepted=not keyless)
        if context.trace is not None:
            context.attempt_ended(attempt, response.status, None, "", now - began)
        return PLAIN_SUCCESS_EVENT

    def _on_transport_error(self, context: CallContext, error: Exception) -> NoReply:
        """What is known after a transport raised an error. It should not, but the caller's body may."""
        body = context.prepared.request.body
        if body is not None and not isinstance(body, bytes):
            context.body_error = error
            raise error
        if isinstance(error, UsageError) and isinstance(self.transport, AsyncDefaultTransport):
            context.sending = False  # the default transport could not start: nothing was sent
            context.attempts -= 1
            raise error
        return NoReply(Outcome.UNKNOWN, f"the transport failed ({type(error).__name__})", error)

    def _on_no_reply(self, context: CallContext, reply: NoReply, attempt: int, seconds: float) -> Event:
        """Learn from a request without a response. If the caller cut it short, it does not count as a failure."""
        context.last = reply
        cut_short = context.was_cut_short(self.clock.now(), seconds)
        key_trials.examine_no_reply(context, reply)
        end = SendEnd(reply.outcome, inconclusive=cut_short, request_arrived=reply.headers_arrived)
        may_retry = self.release(context, end, accepted=False)
        context.attempt_ended(attempt, None, None, reply.reason, seconds)
        return Lost(outcome=reply.outcome, may_retry=may_retry, permanent=reply.permanent)

    def _on_error_response(self, context: CallContext, response: Response, attempt: int, seconds: float) -> Event:
        """Learn from an error response."""
        plan = context.prepared.plan
        if not context.hints:
            context.hints = self.learner.observe(plan.operation, response, self.clock.now(), seconds)
        parsed = responses.read_response(self, context, response, context.hints)
        context.last = parsed
        event, end = key_trials.examine(context, self.profile.errors, parsed)
        if event.is_redirect and parsed.moved_to is not None:
            context.url = parsed.moved_to
            is_inside = self.profile.key.whole_origin or responses.is_below(context.url, self.base_url)
            context.outside_base_path = not is_inside
        may_retry = self.release(context, end, accepted=False)
        context.attempt_ended(attempt, response.status, parsed.code, "", seconds)
        return event if may_retry else replace(event, may_retry=False)

    async def _wait(self, context: CallContext, action: Wait) -> Event:
        seconds = action.until - self.clock.now()
        context.wait_began(seconds, action.reason)
        await sleep(self.clock.real_s(seconds))
        return Woken()

    async def _renew_key(self, context: CallContext, generation: int, until: float) -> Event:
        context.wait_began(until - self.clock.now(), "key")
        return KeyRenewed(await context.keys.renew(generation, until))

    def release(self, context: CallContext, end: SendEnd, *, accepted: bool) -> bool:
        """Release permit and key after a request.

        Args:
            context: the call.
            end: how the request ended.
            accepted: the provider has accepted the key.

        Returns:
            whether the provider's retry budget allows another attempt.
        """
        permit = context.permit
        key = context.key
        context.permit = None
        context.key = None
        context.sending = False
        may_retry = True
        try:
            if permit is not None:
                may_retry = self.account.release(context.prepared.plan.quotas, permit, end)
        except Exception as error:  # noqa: BLE001 - whatever it is, the permit was used
            abandoned_calls.handle_unreleased(self, context, permit, end, error)
        if key is not None:
            context.keys.end_use(key[0], accepted=accepted)
        for queue in self.queues.all:
            if queue.waiters:
                queue.wake()
        if end.hints:
            self.learner.report()
        return may_retry

    def to_error(self, context: CallContext, fail: Fail) -> CallwellError:
        """The error that a failed call raises."""
        from callwell.client.calls.failures import explain  # loaded with the first failure

        return explain(self, context, fail)

    def notify(self, notice: Notice) -> None:
        """Log a notice that does not belong to a call, and pass it to the hooks."""
        log_notice(notice)
        if self.hooks is not None:
            self.hooks.notice(notice)
