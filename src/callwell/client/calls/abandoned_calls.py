# SPDX-License-Identifier: Apache-2.0
"""Ends calls whose caller was cancelled or interrupted in mid-request, and handles permits that cannot be released."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from callwell.client.calls import responses
from callwell.core.quota.record import SendEnd
from callwell.core.types import FailReason, Outcome
from callwell.errors import CallError, CallwellError
from callwell.observe.logs import LOGGER
from callwell.transport.base import NoReply

if TYPE_CHECKING:
    from callwell.client.calls.context import CallContext
    from callwell.client.calls.responses import Answer
    from callwell.core.quota.permits import Permit
    from callwell.transport.base import Response


def end_early(engine: Any, context: CallContext, error: Exception) -> Answer:
    """End a call after an error; if a request was sent, the error that is raised says what is known about it.

    Args:
        engine: the engine, of either side.
        context: the call.
        error: what was raised.

    Returns:
        its response, if the call was done despite the error.

    Raises:
        CallwellError: with what is known about the call.
    """
    if isinstance(error, CallError) or not context.attempts or error is context.body_error:
        raise error
    if context.answer is not None:
        LOGGER.error("%s %s: done, and then: %r", context.provider, context.prepared.plan.operation, error)
        return context.answer
    fail = context.fail_now()
    context.call_ended(fail.attempts, fail.outcome, engine.clock.now())
    if fail.reason is FailReason.NO_ANSWER and isinstance(error, CallwellError):
        raise error  # nothing was done, or doing it again does no harm
    context.last = NoReply(Outcome.UNKNOWN, f"the call was stopped ({type(error).__name__}: {error})", error)
    raise engine.to_error(context, fail) from error


def release_all(engine: Any, context: CallContext) -> None:
    """End a call when its caller returns or is cancelled: release everything that it acquired.

    Args:
        engine: the engine, of either side.
        context: the call.
    """
    try:
        if context.permit is not None or context.key is not None:
            release_acquired(engine, context)
        if context.trace is not None:
            context.trace.end_unfinished(context.attempts, engine.clock.now(), may_be_done=context.may_be_done)
    except KeyboardInterrupt:
        recover_interrupted(engine, context)
        raise


def release_acquired(engine: Any, context: CallContext) -> None:
    """Release permit and key, or return them as unused if nothing was sent.

    Args:
        engine: the engine, of either side.
        context: the call.
    """
    if context.sending:
        if context.late_response is None:
            engine.release(context, abandoned_end(context, engine.clock.now()), accepted=False)
        else:
            context.sending = False
            release_later(engine, context)
    if context.permit is not None:
        return_unused(engine, context, context.permit)
    if context.key is not None:
        context.keys.end_use(context.key[0], accepted=False)
        context.key = None


def abandoned_end(context: CallContext, now: float) -> SendEnd:
    """How the Send of a cancelled caller ended, as far as is known without its response.

    Args:
        context: the call.
        now: monotonic seconds.
    """
    if context.status:
        return SendEnd(Outcome.DONE, context.status)
    return SendEnd(Outcome.UNKNOWN, closes_in_s=max(0.0, context.closes_at - now), inconclusive=True)


def release_later(engine: Any, context: CallContext) -> None:
    """Release the permit of a request that continues without its caller, as soon as that request ends.

    Args:
        engine: the engine, of either side.
        context: the call.
    """
    permit = context.permit
    context.permit = None
    if permit is None:
        return
    abandoned = engine.account.abandon(context.prepared.plan.quotas, permit, context.closes_at)
    context.late_response.add_done_callback(partial(_ended, engine, context, abandoned))


def recover_interrupted(engine: Any, context: CallContext) -> None:
    """Reconcile permits after Ctrl-C, which can strike between any two lines and leave a permit without a holder.

    Args:
        engine: the engine, of either side.
        context: the call.
    """
    now = engine.clock.now()
    context.permit = None
    closes_at = max(now, context.closes_at) if context.sending else now
    engine.account.recover_interrupted(sent=context.attempts > 0, closes_at=closes_at)
    engine.queues.wake()


def return_unused(engine: Any, context: CallContext, permit: Permit) -> None:
    """Return a permit that was certainly not used.

    Args:
        engine: the engine, of either side.
        context: the call.
        permit: its permit.
    """
    engine.account.return_unused(context.prepared.plan.quotas, permit)
    context.permit = None
    engine.queues.wake()


def handle_unreleased(engine: Any, context: CallContext, permit: Permit | None, end: SendEnd, error: Exception) -> None:
    """Count a permit as used if a malformed header kept it from being released.

    Args:
        engine: the engine, of either side.
        context: the call.
        permit: its permit.
        end: how its Send ended.
        error: what was raised.
    """
    if permit is not None:
        LOGGER.error("%s: a response's quota headers could not be used: %r", context.provider, error)
        engine.account.release(context.prepared.plan.quotas, permit, replace(end, hints=(), wait_s=None))


def _ended(engine: Any, context: CallContext, permit: Permit, ending: Any) -> None:
    if ending.cancelled() or ending.exception() is not None:
        end = abandoned_end(context, engine.clock.now())
    else:
        end = _end(engine, context, permit, ending.result())
    try:
        engine.account.release(context.prepared.plan.quotas, permit, end)
    except Exception as error:  # noqa: BLE001 - whatever it is, the permit was used
        handle_unreleased(engine, context, permit, end, error)
    engine.queues.wake()
    if end.hints:
        engine.learner.report()


def _end(engine: Any, context: CallContext, permit: Permit, reply: Response | NoReply) -> SendEnd:
    if isinstance(reply, NoReply):
        return SendEnd(reply.outcome, request_arrived=reply.headers_arrived, inconclusive=True)
    now = engine.clock.now()
    hints = engine.learner.observe(context.prepared.plan.operation, reply, now, now - permit.acquired_at)
    parsed = responses.read_response(engine, context, reply, hints)
    return SendEnd(Outcome.DONE, reply.status, parsed.wait_s, hints=hints)
