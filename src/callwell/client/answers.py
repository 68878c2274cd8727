# SPDX-License-Identifier: Apache-2.0
"""Answers become events for the core, results for the caller, and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Unpack
from urllib.parse import urljoin, urlsplit, urlunsplit

import msgspec

from callwell import errors
from callwell.client import problems
from callwell.core import headers as fields
from callwell.core import outcome, paging
from callwell.core.types import Answered, Why
from callwell.observe.redact import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.core.rules import ErrorRule, QuotaHeaderRule
    from callwell.core.types import Fail
    from callwell.errors import Problem
    from callwell.keys import Key
    from callwell.transport.base import NoReply, Response

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

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


class Answer(NamedTuple):
    """A whole answer: what `call_raw` and `request` give.

    Attributes:
        status: the HTTP status.
        headers: by name, whatever the case.
        body: its bytes.
        json: the body as read, or None if it is no JSON.
        attempts: arrivals that the call took.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    json: Any
    attempts: int = 1


class Reading(NamedTuple):
    """What an answer says, before anything is decided.

    Attributes:
        answer: the answer.
        code: the provider's error code.
        message: the provider's words.
        request_id: the provider's name for the exchange.
        parameter: what is wrong, by its name on the wire.
        problems: what is wrong one by one, where the provider says so.
        wait_s: for how long it asks to be left alone.
        moved_to: the address of a redirect that may be followed.
        whole: the body arrived whole and could be read.
    """

    answer: Answer
    code: str | None = None
    message: str = ""
    request_id: str | None = None
    parameter: str | None = None
    problems: tuple[Problem, ...] = ()
    wait_s: float | None = None
    moved_to: str | None = None
    whole: bool = True


def read(
    rule: ErrorRule,
    response: Response,
    url: str,
    wall: Callable[[], float],
    key: Key | None,
    *,
    described: bool = True,
    quota_headers: QuotaHeaderRule | None = None,
) -> Reading:
    """What an answer says.

    Args:
        rule: where error answers say what is wrong.
        response: the answer.
        url: what was asked.
        wall: tells the seconds since the epoch, for dates in headers.
        key: whose text is not repeated, should the answer do so.
        described: a success is JSON, or it is broken; else it may be anything.
        quota_headers: the provider's own headers about quotas, of which one tells for how long a 429 holds.
    """
    status, headers = response.status, response.headers
    json, readable = _json(response.body)
    answer = Answer(status, headers, response.body, json)
    if status in outcome.OK:
        return Reading(answer, whole=response.whole and (readable or not response.body or not described))
    secrets = () if key is None else (key.reveal(),)
    whole, each = problems.read(rule, json, secrets)
    name = next((headers[name] for name in rule.request_id if name in headers), None)
    wait_s = fields.wait_s(headers, rule.retry_after, wall()) if status in outcome.HINTED else None
    if wait_s is None and status == outcome.TOO_MANY and quota_headers is not None:
        wait_s = next((hint.reset_s for hint in fields.hints(headers, wall(), quota_headers)), None)
    moved_to = _moved(url, headers.get("location")) if status in REDIRECTS else None
    request_id = redact(name, *secrets)[: problems.SHOWN] if name else None
    return Reading(
        answer, whole.code, whole.message, request_id, whole.parameter, each, wait_s, moved_to, response.whole
    )


def event(rule: ErrorRule, reading: Reading) -> Answered:
    """What the core is shown of an answer.

    Args:
        rule: the documented codes.
        reading: what the answer says.
    """
    status, code = reading.answer.status, reading.code
    if status in outcome.OK:
        return Answered(status, None, reading.whole)
    known = rule.codes.get(code) if code else None
    return Answered(
        status,
        code,
        reading.whole,
        reading.wait_s,
        dead_key=known is not None and known.dead_key,
        not_done=known is not None and known.not_done,
        moved=reading.moved_to is not None,
    )


def error(
    fail: Fail, *, provider: str, operation: str, last: Reading | NoReply | None, at_wall: float, where: str
) -> errors.CallwellError:
    """The error that a failed call raises.

    Args:
        fail: how it failed.
        provider: the provider's name.
        operation: the operation's name.
        last: the last answer, or why there was none.
        at_wall: for waits that do not fit: seconds since the epoch at which the call could go on.
        where: the place of the key, for people.
    """
    call = errors.CallFacts(provider=provider, operation=operation, attempts=fail.attempts, outcome=str(fail.outcome))
    what = f"{provider} {operation}"
    tries = f"after {fail.attempts} attempt{'s' * (fail.attempts != 1)}"
    reading = last if isinstance(last, Reading) else None
    reason = "" if last is None or reading is not None else getattr(last, "reason", "")
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
        case Why.UNKNOWN:
            status, code = (reading.answer.status, reading.code) if reading else (None, None)
            happened = f"{status} {code or ''}".strip() if status else reason
            text = f"{what}: {happened}: it may have been done; look before you repeat it"
            return errors.OutcomeUnknown(text, status=status, code=code, **call)
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


def renamed(result: Any, names: Mapping[str, str]) -> Any:
    """A result whose fields are found under their new names, whichever the provider sent.

    Args:
        result: the result, which is changed in place.
        names: old places, dotted, and new names.
    """
    for place, name in names.items():
        *above, old = place.split(".")
        holder = paging.at(result, ".".join(above)) if above else result
        if isinstance(holder, dict) and old in holder and name not in holder:
            holder[name] = holder[old]
    return result


def _by_hundred(status: int) -> type[errors.ApiError]:
    if status in outcome.SERVER_ERRORS:
        return errors.ServerError
    return errors.BadRequest if status in range(400, 500) else errors.UnexpectedAnswer


def _json(body: bytes) -> tuple[Any, bool]:
    if not body:
        return None, False
    try:
        return msgspec.json.decode(body), True
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, False


def _moved(url: str, location: str | None) -> str | None:
    if not location:
        return None
    target = joined(url, location)
    if origin(target) != origin(url):
        return None
    here, there = urlsplit(url), urlsplit(target)
    return urlunsplit((here.scheme, here.netloc, there.path, there.query, ""))


def joined(url: str, link: str) -> str:
    """The address that a link means which was found at `url`; what is no address stays as it is."""
    try:
        return urljoin(url, link)
    except ValueError:
        return link


def origin(url: str) -> tuple[str, str, int]:
    r"""Scheme, host and port of an address: what a key is bound to.

    Only to be compared. What is sent has the origin of the environment's own address, letter by letter: libraries
    differ in what they read where (`https://one\@two`).
    """
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return "", "", 0
