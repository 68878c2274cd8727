# SPDX-License-Identifier: Apache-2.0
"""Failed calls become errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Unpack

from callwell import errors
from callwell.client import problems, unsure
from callwell.client.answers import REDIRECTS, Reading
from callwell.core import outcome
from callwell.core.types import Why
from callwell.transport.base import NoReply

if TYPE_CHECKING:
    from callwell.client.order import Order
    from callwell.core.types import Fail

CLASSES: Final[dict[int, type[errors.ApiError]]] = {
    400: errors.BadRequest,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    410: errors.Gone,
    422: errors.BadRequest,
    429: errors.RateLimited,
}


def failure(
    fail: Fail, order: Order, *, provider: str, last: Reading | NoReply | None, at_wall: float, where: str
) -> errors.CallwellError:
    """The error that a failed call raises.

    Args:
        fail: how it failed.
        order: the call.
        provider: the provider's name.
        last: the last answer, or why there was none.
        at_wall: for waits that do not fit: seconds since the epoch at which the call could go on.
        where: the place of the key, for people.
    """
    facts = errors.CallFacts(
        provider=provider,
        operation=order.plan.operation,
        attempts=fail.attempts,
        outcome=str(fail.outcome),
        possibly_billed=fail.possibly_billed,
    )
    if fail.why is Why.UNKNOWN:
        error = _unknown(order, facts, last, sure_at=at_wall if fail.at else 0.0)
    else:
        error = _error(fail, facts, last, at_wall=at_wall, where=where)
    if isinstance(last, NoReply):
        error.__cause__ = last.cause
    return error


def _unknown(
    order: Order, call: errors.CallFacts, last: Reading | NoReply | None, *, sure_at: float
) -> errors.CallwellError:
    reading = last if isinstance(last, Reading) else None
    status, code = (reading.answer.status, reading.code) if reading else (None, None)
    happened = f"{status} {code or ''}".strip() if status else last.reason if isinstance(last, NoReply) else ""
    return errors.OutcomeUnknown(
        unsure.words(call, order, happened or "its answer never came", sure_at),
        status=status,
        code=code,
        sent=unsure.sent(order.bound),
        entry=order.guard.name if order.guard else None,
        at=sure_at,
        **call,
    )


def _error(
    fail: Fail, call: errors.CallFacts, last: Reading | NoReply | None, *, at_wall: float, where: str
) -> errors.CallwellError:
    what = f"{call['provider']} {call['operation']}"
    tries = f"after {fail.attempts} attempt{'s' * (fail.attempts != 1)}"
    if fail.possibly_billed:
        tries += f", of which {fail.possibly_billed} may have been billed"
    reading = last if isinstance(last, Reading) else None
    reason = last.reason if isinstance(last, NoReply) else ""
    match fail.why:
        case Why.DEADLINE:
            return errors.DeadlineExceeded(f"{what}: the deadline passed {tries}", **call)
        case Why.WOULD_EXCEED:
            text = f"{what}: the deadline does not leave time for the wait that is needed {tries}"
            return errors.WouldExceedDeadline(text, at=at_wall, **call)
        case Why.NO_CONNECTION:
            return errors.ConnectFailed(f"{what}: {reason} {tries}; is the network up and the address right?", **call)
        case Why.NO_ANSWER:
            return errors.ConnectionLost(f"{what}: {reason} {tries}", **call)
        case Why.KEY:
            code = reading.code if reading else None
            text = f"{what}: the provider refuses the key ({code or 'no code'}); put a valid one at {where}"
            return errors.KeyRefused(text, code=code)
    if reading is None:
        return errors.ConnectionLost(f"{what}: {reason} {tries}", **call)
    return api_error(reading, what=what, lost=fail.why is Why.RESULT_LOST, **call)


def api_error(reading: Reading, *, what: str, lost: bool = False, **call: Unpack[errors.CallFacts]) -> errors.ApiError:
    """The error that an answer stands for.

    Args:
        reading: what the answer says.
        what: the provider and operation, for the message.
        lost: the call was done, but its result did not arrive whole.
        call: what every failed call has in common.
    """
    status = reading.answer.status
    cls = errors.UnexpectedAnswer if lost else CLASSES.get(status) or _by_hundred(status)
    said = problems.words(errors.Problem(reading.message, reading.code, reading.parameter), reading.problems)
    words = "it was done, but the answer with the result was lost" if lost else said
    if status in REDIRECTS:
        words = words or "a redirect that is not followed, since the key stays with the provider's own address"
    elif status in outcome.OK and not lost:
        words = "the answer is not whole or not what the description says"
    text = f"{what}: {status}{f' {reading.code}' if reading.code else ''}{f': {words}' if words else ''}"
    return cls(
        text,
        status=status,
        code=reading.code,
        message=reading.message,
        request_id=reading.request_id,
        problems=reading.problems,
        **call,
    )


def _by_hundred(status: int) -> type[errors.ApiError]:
    if status in outcome.SERVER_ERRORS:
        return errors.ServerError
    return errors.BadRequest if status in range(400, 500) else errors.UnexpectedAnswer
