# SPDX-License-Identifier: Apache-2.0
"""Callers that leave amid their request, cancelled or struck by Ctrl-C, and permits that cannot be settled."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from callwell.client.calls import responses
from callwell.core.quota.record import SendEnd
from callwell.core.types import Outcome
from callwell.errors import StateError
from callwell.observe.logs import LOGGER
from callwell.observe.notices import NotRecorded
from callwell.transport.base import NoReply

if TYPE_CHECKING:
    from callwell.client.calls.context import CallContext
    from callwell.core.quota.permits import Permit
    from callwell.transport.base import Response


def abandoned(trip: CallContext, now: float) -> SendEnd:
    """How a Send ended whose caller has gone, as far as that is known without its answer.

    Args:
        trip: the call.
        now: monotonic seconds.
    """
    if trip.status:
        return SendEnd(Outcome.DONE, trip.status)
    return SendEnd(Outcome.UNKNOWN, closes_in_s=max(0.0, trip.closes_at - now), blameless=True)


def follow(engine: Any, trip: CallContext) -> None:
    """Settle the permit of a request that goes on without its caller when that request ends.

    Args:
        engine: of either side.
        trip: the call.
    """
    permit = trip.permit
    trip.permit = None
    if permit is None:
        return
    try:
        left = engine.account.abandon(trip.order.plan.quotas, permit, trip.closes_at)
    except StateError as error:
        unsettled(engine, trip, permit, abandoned(trip, engine.clock.now()), error)
        return
    trip.ending.add_done_callback(partial(_ended, engine, trip, left))


def interrupted(engine: Any, trip: CallContext) -> None:
    """Put right what Ctrl-C has left, which strikes between any two lines: a permit may be in nobody's hand.

    Args:
        engine: of either side.
        trip: the call.
    """
    now = engine.clock.now()
    trip.permit = None
    closes_at = max(now, trip.closes_at) if trip.sending else now
    engine.account.recover_interrupted(sent=trip.sends > 0, closes_at=closes_at)
    engine.lines.wake()


def unsent(engine: Any, trip: CallContext, permit: Permit) -> None:
    """Give a permit back that was surely not used.

    Args:
        engine: of either side.
        trip: the call.
        permit: its permit.
    """
    try:
        engine.account.return_unused(trip.order.plan.quotas, permit)
    except StateError as error:
        unrecorded(engine, trip, error)
    trip.permit = None
    engine.lines.wake()


def unsettled(engine: Any, trip: CallContext, permit: Permit | None, end: SendEnd, error: Exception) -> None:
    """A permit could not be settled, by a failing state or an odd header: see that it counts as used.

    Args:
        engine: of either side.
        trip: the call.
        permit: its permit.
        end: how its Send ended.
        error: what was raised.
    """
    if isinstance(error, StateError):  # the record lapses: there the permit is held until the request is over
        unrecorded(engine, trip, error)
    elif permit is not None:
        LOGGER.error("%s: an answer's quota headers could not be used: %r", trip.provider, error)
        engine.account.release(trip.order.plan.quotas, permit, end._replace(hints=(), wait_s=None))


def unrecorded(engine: Any, trip: CallContext, error: StateError) -> None:
    """Say that the state could not be written after a request."""
    engine.notify(NotRecorded(trip.provider, trip.order.plan.operation, str(error)))


def _ended(engine: Any, trip: CallContext, permit: Permit, ending: Any) -> None:
    if ending.cancelled() or ending.exception() is not None:
        end = abandoned(trip, engine.clock.now())
    else:
        end = _end(engine, trip, permit, ending.result())
    try:
        engine.account.release(trip.order.plan.quotas, permit, end)
    except Exception as error:  # noqa: BLE001 - whatever it is, the permit was used
        unsettled(engine, trip, permit, end, error)
    engine.lines.wake()
    if end.hints:
        engine.learner.report()


def _end(engine: Any, trip: CallContext, permit: Permit, reply: Response | NoReply) -> SendEnd:
    if isinstance(reply, NoReply):
        return SendEnd(reply.outcome, arrived=reply.arrived, blameless=True)
    now = engine.clock.now()
    hints = engine.learner.observe(trip.order.plan.operation, reply, now, now - permit.acquired_at)
    reset_s = engine.learner.throttled_for_s(hints)
    rule = engine.profile.errors
    wall = engine.learner.provider_wall_s
    try:
        reading = responses.read(rule, reply, trip.url, wall, None, reset_s=reset_s, described=False)
    except Exception:  # noqa: BLE001 - whatever headers and body make of their reader
        reading = responses.unreadable(reply)
    return SendEnd(Outcome.DONE, reply.status, reading.wait_s, hints=hints)
