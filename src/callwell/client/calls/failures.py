# SPDX-License-Identifier: Apache-2.0
"""Failed calls become errors."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final, Unpack

from callwell import errors
from callwell.client.calls import error_body, gateways, unknown
from callwell.client.calls.responses import REDIRECTS, ParsedResponse, origin
from callwell.core import outcome
from callwell.core.types import FailReason, Outcome
from callwell.keys.source import describe_refusal
from callwell.observe.redact import redact
from callwell.transport.base import NoReply

if TYPE_CHECKING:
    from callwell.client.calls.context import CallContext
    from callwell.client.calls.prepared import PreparedCall
    from callwell.client.quota.account import Account
    from callwell.client.quota.permit_batch import PermitBatcher
    from callwell.core.types import Fail

OUT_OF_TIME: Final = frozenset({FailReason.DEADLINE, FailReason.WOULD_EXCEED})

CONNECTING: Final = "no connection: "
"""How a transport begins the reason why none could be made."""

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

TOO_LARGE: Final = "it has more bytes than max_answer_bytes allows"


def to_error(
    fail: Fail, context: CallContext, *, at_wall: float, wait_s: float, where: str, scarce: str
) -> errors.CallwellError:
    """The error that a failed call raises.

    Args:
        fail: how it failed.
        context: the call, and its last answer.
        at_wall: for waits that do not fit: seconds since the epoch at which the call could go on.
        wait_s: the same as seconds from now.
        where: the place of the key, for people.
        scarce: what the call waited for, see `describe_scarcity`.
    """
    prepared, last = context.prepared, context.last
    facts = errors.CallFacts(
        provider=context.provider,
        operation=prepared.plan.operation,
        attempts=fail.attempts,
        outcome=str(fail.outcome),
        possibly_billed=fail.possibly_billed,
    )
    doubtful = fail.outcome is Outcome.UNKNOWN and not prepared.plan.traits.repeatable
    if fail.reason is FailReason.UNKNOWN or (fail.reason is FailReason.KEY and doubtful):
        error = _outcome_unknown(prepared, facts, last, sure_at=at_wall if fail.at else 0.0)
    elif fail.reason in OUT_OF_TIME:
        causes = [f"last: {told}"] if (told := _describe_last(last, context.url)) else []
        causes += [scarce] if scarce else []
        error = _out_of_time(fail, facts, causes="; ".join(causes), at_wall=at_wall, wait_s=wait_s)
    else:
        error = _other_error(fail, facts, last, where=where)
    if isinstance(last, NoReply):
        error.__cause__ = last.cause
    return error


def _outcome_unknown(
    prepared: PreparedCall, call: errors.CallFacts, last: ParsedResponse | NoReply | None, *, sure_at: float
) -> errors.CallwellError:
    reading = last if isinstance(last, ParsedResponse) else None
    status, code = (reading.answer.status, reading.code) if reading else (None, None)
    happened = last.reason if isinstance(last, NoReply) else ""
    if reading is not None:
        happened = f"{status} {code or ''}".strip()
        if reading.from_gateway:
            happened += f", {gateways.describe(reading.answer.status, reading.answer.headers, reading.answer.body)}"
    return errors.OutcomeUnknown(
        unknown.outcome_unknown_message(call, prepared, happened or "its answer never came", sure_at),
        status=status,
        code=code,
        sent=unknown.describe_request(prepared.bound),
        entry=prepared.recorder.name if prepared.recorder else None,
        at=sure_at,
        **call,
    )


def describe_scarcity(account: Account | PermitBatcher, context: CallContext, wait_s: float) -> str:
    """What keeps a call from being sent that got no permit before its deadline: for people, and only then looked up.

    Args:
        account: whose permits they are.
        context: the call.
        wait_s: when it could go on, in seconds from now.
    """
    if not context.denied:
        return ""
    free = f"free in {_format_seconds(wait_s)}" if wait_s > 0 else "free when a call under way has ended"
    try:
        resting_s = account.breaker_open_s()
        if resting_s > 0:
            return f"the provider has failed many times in a row, and is left alone for {_format_seconds(resting_s)}"
        used = account.spent()
    except errors.StateError:
        return f"no permit, {free}"
    quotas = [(name, *used[name]) for name in context.prepared.plan.quotas if name in used]
    full = [f"quota `{name}`: {spent} of {limit} used" for name, spent, limit in quotas if spent >= limit]
    names = ", ".join(f"`{name}`" for name, _, _ in quotas)
    return f"{'; '.join(full) or f'quota {names}: paced after a refusal'}, {free}"


def _format_seconds(seconds: float) -> str:
    """Seconds for people, never fewer than they are."""
    return f"{ceil(seconds)} s" if seconds >= 10 else f"{ceil(seconds * 10) / 10:g} s"  # noqa: PLR2004 - two digits


def _describe_last(last: ParsedResponse | NoReply | None, url: str) -> str:
    """How the last attempt of a call ended, in words."""
    if isinstance(last, ParsedResponse) and last.answer.status in outcome.OK:
        return f"{last.answer.status}: {_describe_flaw(last)}"
    if isinstance(last, ParsedResponse):
        return f"{last.answer.status} {last.code or ''}".strip()
    if last is None:
        return ""
    if last.outcome is not Outcome.REFUSED:
        return last.reason
    _, host, port = origin(url)
    reason = last.reason.removeprefix(CONNECTING)
    return f"{reason} to {host}:{port}" if reason == "connection refused" else f"{reason} ({host}:{port})"


def _describe_flaw(last: ParsedResponse) -> str:
    """Why a success is none, in words."""
    if last.too_large:
        return TOO_LARGE
    if last.from_gateway:
        return gateways.describe(last.answer.status, last.answer.headers, last.answer.body)
    return last.message or "the answer is not whole, or no JSON"


def _describe_attempts(fail: Fail) -> str:
    if not fail.attempts:
        return "before the first attempt"
    tries = f"after {fail.attempts} attempt{'s' * (fail.attempts != 1)}"
    if fail.possibly_billed:
        tries += f", of which {fail.possibly_billed} may have been billed"
    return tries


def _out_of_time(
    fail: Fail, call: errors.CallFacts, *, causes: str, at_wall: float, wait_s: float
) -> errors.CallwellError:
    what = f"{call['provider']} {call['operation']}"
    known = f" ({causes})" if causes else ""
    if fail.reason is FailReason.DEADLINE:
        return errors.DeadlineExceeded(
            f"{what}: the deadline passed {_describe_attempts(fail)}{known}", last_error=causes or None, **call
        )
    would = "a permit would come" if not fail.attempts else "the next attempt would start"
    tries = f", {_describe_attempts(fail)}" if fail.attempts else ""
    text = f"{what}: {would} after the deadline{tries}{known}"
    return errors.WouldExceedDeadline(text, at=at_wall, wait_s=wait_s, last_error=causes or None, **call)


def _other_error(
    fail: Fail, call: errors.CallFacts, last: ParsedResponse | NoReply | None, *, where: str
) -> errors.CallwellError:
    what = f"{call['provider']} {call['operation']}"
    tries = _describe_attempts(fail)
    reading = last if isinstance(last, ParsedResponse) else None
    reason = last.reason if isinstance(last, NoReply) else ""
    match fail.reason:
        case FailReason.NO_CONNECTION:
            return errors.ConnectFailed(f"{what}: {reason} {tries}; is the network up and the address right?", **call)
        case FailReason.NO_ANSWER:
            return errors.ConnectionLost(f"{what}: {reason} {tries}", **call)
        case FailReason.KEY:
            code = reading.code if reading else None
            return errors.KeyRefused(f"{what}: {describe_refusal(where, code)}", code=code)
    if reading is None:
        return errors.ConnectionLost(f"{what}: {reason} {tries}", **call)
    if reading.answer.status == outcome.PROXY_AUTHENTICATION_REQUIRED:
        return errors.ConnectFailed(
            f"{what}: 407: {gateways.describe(outcome.PROXY_AUTHENTICATION_REQUIRED, {}, b'')}", **call
        )
    return api_error(reading, what=what, lost=fail.reason is FailReason.RESULT_LOST, **call)


def api_error(
    reading: ParsedResponse, *, what: str, lost: bool = False, **call: Unpack[errors.CallFacts]
) -> errors.ApiError:
    """The error that an answer stands for.

    Args:
        reading: what the answer says.
        what: the provider and operation, for the message.
        lost: the call was done, but its result did not arrive whole.
        call: what every failed call has in common.
    """
    status = reading.answer.status
    cls = errors.UnexpectedAnswer if lost else CLASSES.get(status) or _class_by_range(status)
    if reading.too_large:
        cls = errors.AnswerTooLarge
    said = error_body.format_problems(
        errors.Problem(reading.message, reading.code, reading.parameter), reading.problems
    )
    words = said
    if lost:
        why = TOO_LARGE if reading.too_large else said
        words = f"it was done, but the answer with the result was lost{f': {why}' if why else ''}"
    if lost and status == outcome.SEE_OTHER:
        place = redact(reading.answer.headers.get("location", "another address"))
        words = f"it was done, and its result is at {place}"
    elif reading.from_gateway:
        words = said or gateways.describe(status, reading.answer.headers, reading.answer.body)
    elif status in REDIRECTS:
        words = words or "a redirect that is not followed, since the key stays with the provider's own address"
    elif status in outcome.OK and not lost:
        words = said or "the answer is not whole or not what the description says"
    text = f"{what}: {status}{f' {reading.code}' if reading.code else ''}{f': {words}' if words else ''}"
    return cls(
        text,
        status=status,
        code=reading.code,
        message=reading.message,
        request_id=reading.request_id,
        problems=reading.problems,
        from_gateway=reading.from_gateway,
        **call,
    )


def _class_by_range(status: int) -> type[errors.ApiError]:
    if status in outcome.SERVER_ERRORS:
        return errors.ServerError
    return errors.BadRequest if status in range(400, 500) else errors.UnexpectedAnswer
