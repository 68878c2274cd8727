# SPDX-License-Identifier: Apache-2.0
"""Turns failed calls into errors, with messages that say what happened, the last cause, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING, Any, Final, Unpack

from callwell import errors
from callwell.client.calls import error_body, gateways, nested
from callwell.client.calls.responses import ParsedResponse, origin
from callwell.core import outcome
from callwell.core.outcome import REDIRECTS
from callwell.core.types import FailReason, Outcome
from callwell.keys.source import describe_refusal
from callwell.observe.redact import redact
from callwell.transport.base import NoReply

if TYPE_CHECKING:
    from callwell.client.calls.context import CallContext, PreparedCall
    from callwell.client.quota.account import Account
    from callwell.client.quota.permit_batch import PermitBatcher
    from callwell.core.types import Fail

OUT_OF_TIME: Final = frozenset({FailReason.DEADLINE, FailReason.WOULD_EXCEED})

CONNECTING: Final = "no connection: "
"""How a transport's reason begins if no connection could be made; the error message has its own wording for that."""

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


def explain(engine: Any, context: CallContext, fail: Fail) -> errors.CallwellError:
    """The error that a failed call raises.

    Args:
        engine: of either side.
        context: the call, and the result of its last attempt.
        fail: how it failed.
    """
    wait_s = fail.available_at - engine.clock.now()
    error = to_error(
        fail,
        context,
        at_wall=engine.clock.wall() + wait_s,
        wait_s=max(0.0, wait_s),
        key_location=engine.keys.location,
        permit_wait=describe_permit_wait(engine.account, context, wait_s),
    )
    return nested.explain_single_attempt(error, context.prepared.options, context.prepared.request.body)


def to_error(
    fail: Fail, context: CallContext, *, at_wall: float, wait_s: float, key_location: str, permit_wait: str
) -> errors.CallwellError:
    """The error that a failed call raises.

    Args:
        fail: how it failed.
        context: the call, and the result of its last attempt.
        at_wall: `fail.available_at` in seconds since the epoch.
        wait_s: the same in seconds from now.
        key_location: where the key is kept, for display.
        permit_wait: what the call waited for, see `describe_permit_wait`.
    """
    prepared = context.prepared
    last = context.last
    facts = errors.CallFacts(
        provider=context.provider,
        operation=prepared.plan.operation,
        attempts=fail.attempts,
        outcome=str(fail.outcome),
        possibly_billed=fail.possibly_billed,
    )
    is_unknown = fail.outcome is Outcome.UNKNOWN and not prepared.plan.traits.repeatable
    error: errors.CallwellError
    if fail.reason is FailReason.UNKNOWN or (fail.reason is FailReason.KEY and is_unknown):
        error = _outcome_unknown(prepared, facts, last, certain_at=at_wall if fail.available_at else 0.0)
    elif fail.reason in OUT_OF_TIME:
        causes = []
        last_cause = _describe_last(last, context.url)
        if last_cause:
            causes.append(f"last: {last_cause}")
        if permit_wait:
            causes.append(permit_wait)
        error = _out_of_time(fail, facts, causes="; ".join(causes), at_wall=at_wall, wait_s=wait_s)
    else:
        error = _other_error(fail, facts, last, key_location=key_location)
    if isinstance(last, NoReply):
        error.__cause__ = last.cause
    return error


def _outcome_unknown(
    prepared: PreparedCall, facts: errors.CallFacts, last: ParsedResponse | NoReply | None, *, certain_at: float
) -> errors.OutcomeUnknown:
    status = None
    code = None
    happened = "its response never came"
    if isinstance(last, NoReply):
        happened = last.reason or happened
    elif last is not None:
        status = last.answer.status
        code = last.code
        happened = f"{status} {code or ''}".strip()
        if last.from_gateway:
            happened += f", {gateways.describe(status, last.answer.headers, last.answer.body)}"
    sent = prepared.request.method_and_path()
    what = f"{facts['provider']} {facts['operation']}"
    remedy = _describe_remedy(prepared, facts["provider"], certain_at)
    return errors.OutcomeUnknown(
        f"{what}: {happened}: {sent} may have been done; {remedy}",
        status=status,
        code=code,
        sent=sent,
        entry=prepared.recorder.name if prepared.recorder else None,
        at=certain_at,
        **facts,
    )


def _describe_remedy(prepared: PreparedCall, provider: str, certain_at: float) -> str:
    """What to do about a call that may have been done.

    Args:
        prepared: the call.
        provider: the provider's name.
        certain_at: seconds since the epoch; a call that is not found by then was not done. 0 if that time is unknown.
    """
    recorder = prepared.recorder
    if recorder is None:
        return "check before you repeat it"
    found = ""
    if certain_at:
        time = f"{datetime.fromtimestamp(certain_at, UTC):%H:%M:%S} UTC"
        found = f"it was not found yet, but it may still appear until {time}; "
    elif recorder.lookup_error is not None:
        found = f"the lookup failed ({recorder.lookup_error}); "
    if prepared.plan.traits.probe:
        same_call = ", and so does repeating the call under the same name" if recorder.is_named_by_caller else ""
        return f"{found}`callwell ledger resume {provider} {recorder.name}` settles it{same_call}"
    settle = f"`callwell ledger settle {provider} {recorder.name}`"
    return f"{found}check before you repeat it, and record the result with {settle}"


def describe_permit_wait(account: Account | PermitBatcher, context: CallContext, wait_s: float) -> str:
    """Why a call got no permit before its deadline, for display; empty for all other calls.

    Args:
        account: the account of the permits.
        context: the call.
        wait_s: when it could continue, in seconds from now.
    """
    if not context.permit_denied:
        return ""
    if account.error is not None:
        return f"no permit: {account.error}"
    free = f"free in {_format_seconds(wait_s)}" if wait_s > 0 else "free when a call under way has ended"
    try:
        open_s = account.breaker_open_s()
        if open_s > 0:
            return f"the provider has failed many times in a row: no calls for {_format_seconds(open_s)}"
        used = account.spent()
    except errors.StateError:
        return f"no permit, {free}"
    quotas = [(name, *used[name]) for name in context.prepared.plan.quotas if name in used]
    full = [f"quota `{name}`: {spent} of {limit} used" for name, spent, limit in quotas if spent >= limit]
    names = ", ".join(f"`{name}`" for name, _, _ in quotas)
    return f"{'; '.join(full) or f'quota {names}: {account.other_wait_reason}'}, {free}"


def _format_seconds(seconds: float) -> str:
    """Seconds for display, with two digits, rounded up so that nobody who waits that long is early."""
    if seconds >= 10:  # noqa: PLR2004 - two digits
        return f"{ceil(seconds)} s"
    return f"{ceil(seconds * 10) / 10:g} s"


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
    if "the proxy" in reason:
        return f"{reason}, on the way to {host}:{port}"
    return f"{reason} to {host}:{port}" if reason == "connection refused" else f"{reason} ({host}:{port})"


def _describe_flaw(last: ParsedResponse) -> str:
    """Why a 2xx response does not count as a success, in words."""
    if last.too_large:
        return TOO_LARGE
    if last.from_gateway:
        return gateways.describe(last.answer.status, last.answer.headers, last.answer.body)
    return last.message or "the response is incomplete, or not JSON"


def _describe_attempts(fail: Fail) -> str:
    if not fail.attempts:
        return "before the first attempt"
    attempts = "after 1 attempt" if fail.attempts == 1 else f"after {fail.attempts} attempts"
    if fail.possibly_billed:
        attempts += f", {fail.possibly_billed} of them possibly billed"
    return attempts


def _out_of_time(
    fail: Fail, facts: errors.CallFacts, *, causes: str, at_wall: float, wait_s: float
) -> errors.OutOfTime:
    what = f"{facts['provider']} {facts['operation']}"
    because = f" ({causes})" if causes else ""
    attempts = _describe_attempts(fail)
    last_error = causes or None
    if fail.reason is FailReason.DEADLINE:
        text = f"{what}: the deadline passed {attempts}{because}"
        return errors.DeadlineExceeded(text, last_error=last_error, **facts)
    if fail.attempts:
        text = f"{what}: the next attempt would start after the deadline, {attempts}{because}"
    else:
        text = f"{what}: a permit would come after the deadline{because}"
    return errors.WouldExceedDeadline(text, at=at_wall, wait_s=wait_s, last_error=last_error, **facts)


def _other_error(
    fail: Fail, facts: errors.CallFacts, last: ParsedResponse | NoReply | None, *, key_location: str
) -> errors.CallwellError:
    what = f"{facts['provider']} {facts['operation']}"
    attempts = _describe_attempts(fail)
    response = last if isinstance(last, ParsedResponse) else None
    reason = last.reason if isinstance(last, NoReply) else ""
    if fail.reason is FailReason.NO_CONNECTION:
        return errors.ConnectFailed(f"{what}: {reason} {attempts}; is the network up and the address right?", **facts)
    if fail.reason is FailReason.KEY:
        code = response.code if response else None
        return errors.KeyRefused(f"{what}: {describe_refusal(key_location, code)}", code=code)
    if fail.reason is FailReason.NO_ANSWER or response is None:
        return errors.ConnectionLost(f"{what}: {reason} {attempts}", **facts)
    if response.answer.status == outcome.PROXY_AUTHENTICATION_REQUIRED:
        remedy = gateways.describe(outcome.PROXY_AUTHENTICATION_REQUIRED, {}, b"")
        return errors.ConnectFailed(f"{what}: 407: {remedy}", **facts)
    return api_error(response, what=what, lost=fail.reason is FailReason.RESULT_LOST, **facts)


def api_error(
    response: ParsedResponse, *, what: str, lost: bool = False, **facts: Unpack[errors.CallFacts]
) -> errors.ApiError:
    """The error that a response stands for.

    Args:
        response: what the response says.
        what: the provider and operation, for the message.
        lost: the call was done, but its result did not arrive completely.
        facts: what every failed call has in common.
    """
    status = response.answer.status
    if response.too_large:
        error_class: type[errors.ApiError] = errors.AnswerTooLarge
    elif lost:
        error_class = errors.UnexpectedAnswer
    else:
        error_class = CLASSES.get(status) or _class_by_range(status)
    code = f" {response.code}" if response.code else ""
    words = _describe_response(response, lost=lost)
    return error_class(
        f"{what}: {status}{code}{f': {words}' if words else ''}",
        status=status,
        code=response.code,
        message=response.message,
        request_id=response.request_id,
        problems=response.problems,
        from_gateway=response.from_gateway,
        **facts,
    )


def _describe_response(response: ParsedResponse, *, lost: bool) -> str:
    """What is wrong, in the provider's own words if it sent any."""
    status = response.answer.status
    whole = errors.Problem(response.message, response.code, response.parameter)
    stated = error_body.format_problems(whole, response.problems)
    if lost and status == outcome.SEE_OTHER:
        place = redact(response.answer.headers.get("location", "another address"))
        return f"it was done, and its result is at {place}"
    if response.from_gateway:
        return stated or gateways.describe(status, response.answer.headers, response.answer.body)
    if lost:
        why = TOO_LARGE if response.too_large else stated
        return f"it was done, but the response with the result was lost{f': {why}' if why else ''}"
    if status in REDIRECTS:
        return stated or "a redirect that is not followed, since the key stays with the provider's own address"
    if status in outcome.OK:
        return stated or "the response is incomplete, or not what the description says"
    return stated


def _class_by_range(status: int) -> type[errors.ApiError]:
    if status in outcome.SERVER_ERRORS:
        return errors.ServerError
    if status in range(400, 500):
        return errors.BadRequest
    return errors.UnexpectedAnswer
