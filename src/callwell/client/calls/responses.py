# SPDX-License-Identifier: Apache-2.0
"""Answers become events for the core, results for the caller, and errors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import msgspec

from callwell.client.calls import error_body, gateways, json_repair
from callwell.core import headers as fields
from callwell.core import json_values, outcome
from callwell.core.types import Answered
from callwell.observe.redact import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from callwell.core.rules.profile import ErrorRule
    from callwell.errors import Problem
    from callwell.keys import Key
    from callwell.transport.base import Response

NO_CONTENT: Final = 204

SEPARATOR: Final = re.compile(r"[/\\;]")
"""What some servers take for the end of a path's segment."""

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class Answer(NamedTuple):
    """A whole answer: what `call_raw` and `request` give.

    Attributes:
        status: the HTTP status.
        headers: by name, whatever the case.
        body: its bytes.
        json: the body as read, or None if it is no JSON.
        attempts: arrivals that the call took.
        possibly_billed: arrivals besides the answered one that the provider may have billed, as far as that is counted.
        url: the address that answered, for pages of lists and where a redirect led to another one than was asked.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    json: Any
    attempts: int = 1
    possibly_billed: int = 0
    url: str = ""


class ParsedResponse(NamedTuple):
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
        from_gateway: it does not look like the provider's, but like a page of a proxy's or a portal's.
        too_large: it did not, because it has more bytes than are allowed.
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
    from_gateway: bool = False
    too_large: bool = False


def parse_success(response: Response, *, described: bool) -> Answer | None:
    """The answer of a call that is done; None for every other, which `parse_response` reads.

    It never raises: a body that its reader cannot bear is left to `parse_response` as well.

    Args:
        response: the answer.
        described: a success is JSON or broken; otherwise it may be anything.
    """
    status = response.status
    headers = response.headers
    body = response.body
    if not response.whole or status not in outcome.OK:
        return None
    try:
        json, readable = _decode_json(body, headers)
    except Exception:  # noqa: BLE001 - whatever a body makes of its reader
        return None
    if readable or not body or not described:
        return Answer(status, headers, body, json)
    return None


def parse_response(
    rule: ErrorRule,
    response: Response,
    url: str,
    wall: Callable[[], float],
    key: Key | None,
    *,
    reset_s: float | None = None,
    described: bool = True,
    media: Collection[str] = (),
) -> ParsedResponse:
    """What an answer says that is no `parse_success`: a 2xx among them is not whole.

    Args:
        rule: where error answers say what is wrong.
        response: the answer.
        url: what was asked.
        wall: tells the seconds since the epoch, for dates in headers.
        key: whose text is not repeated, should the answer do so.
        reset_s: for how long a 429 holds that does not say so itself, by the provider's own headers about quotas.
        described: a success is JSON, or else broken or not the provider's; otherwise it may be anything.
        media: other types that the provider gives.
    """
    status = response.status
    headers = response.headers
    # What was cut at the bound is not read: `12` may be left of `1234`, and repairing 64 MiB would take seconds.
    json, readable = (None, False) if response.too_large else _decode_json(response.body, headers)
    answer = Answer(status, headers, response.body, json)
    if status in outcome.OK:
        foreign = described and not readable and gateways.is_undescribed_type(headers, response.body, media)
        why = "" if readable or not response.whole else json_repair.explain_invalid_json(response.body)
        return ParsedResponse(answer, message=why, whole=False, from_gateway=foreign, too_large=response.too_large)
    secrets = () if key is None else (key.reveal(),)
    whole, each = error_body.read_problems(rule, json, secrets)
    name = next((headers[name] for name in rule.request_id if name in headers), None)
    wait_s = (
        fields.read_retry_after_s(headers, rule.retry_after, wall()) if status in outcome.RETRY_AFTER_OBEYED else None
    )
    if wait_s is None and status == outcome.TOO_MANY_REQUESTS:
        wait_s = reset_s
    moved_to = _redirect_target(url, headers.get("location")) if status in REDIRECTS else None
    request_id = redact(name, *secrets)[: error_body.MAX_TEXT] if name else None
    foreign = not readable and gateways.is_gateway_error(status, headers, response.body)
    if status in outcome.KEY_REFUSAL_STATUSES and not (whole.code or whole.message or each):
        foreign = foreign or gateways.rejects_no_key(headers, response.body)
    return ParsedResponse(
        answer,
        code=whole.code,
        message=whole.message,
        request_id=request_id,
        parameter=whole.parameter,
        problems=each,
        wait_s=wait_s,
        moved_to=moved_to,
        whole=response.whole,
        from_gateway=foreign,
    )


def unreadable_response(response: Response) -> ParsedResponse:
    """What is left of an answer that could not be read: its status."""
    return ParsedResponse(Answer(response.status, {}, b"", None), whole=False)


def to_event(rule: ErrorRule, reading: ParsedResponse) -> Answered:
    """What the core is shown of an answer.

    Args:
        rule: the documented codes.
        reading: what the answer says.
    """
    status = reading.answer.status
    code = reading.code
    if status in outcome.OK:
        return Answered(status, None, reading.whole, from_gateway=reading.from_gateway, too_large=reading.too_large)
    known = rule.codes.get(code) if code else None
    dead = status in rule.dead_key_statuses and not reading.from_gateway
    return Answered(
        status,
        code,
        reading.whole,
        reading.wait_s,
        dead_key=dead if known is None else known.dead_key,
        not_done=known is not None and known.not_done,
        is_redirect=reading.moved_to is not None,
        from_gateway=reading.from_gateway,
    )


def rename_fields(result: Any, names: Mapping[str, str]) -> Any:
    """A result whose fields are found under their new names, whichever the provider sent.

    Args:
        result: the result, which is changed in place.
        names: old places, dotted, and new names.
    """
    for place, name in names.items():
        *above, old = place.split(".")
        holder = json_values.value_at(result, ".".join(above)) if above else result
        if isinstance(holder, dict) and old in holder and name not in holder:
            holder[name] = holder[old]
    return result


def page_body(answer: Answer) -> Any:
    """What a page holds: an empty object for one without content, and nothing where a body was lost.

    Raises:
        LookupError: the body is empty, although its status promises one, or no JSON.
    """
    if answer.status == NO_CONTENT:
        return {}
    if answer.json is None and answer.body.strip() != b"null":
        raise LookupError("no JSON")
    return answer.json


def _decode_json(body: bytes, headers: Mapping[str, str]) -> tuple[Any, bool]:
    if not body:
        return None, False
    try:
        return msgspec.json.decode(body), True
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return msgspec.json.decode(json_repair.repair_json(body, headers.get("content-type", ""))), True
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None, False


def _redirect_target(url: str, location: str | None) -> str | None:
    if not location:
        return None
    target = resolve_link(url, location)
    if origin(target) != origin(url):
        return None
    here = urlsplit(url)
    there = urlsplit(target)
    return urlunsplit((here.scheme, here.netloc, there.path, there.query, ""))


def resolve_link(url: str, link: str) -> str:
    """The address that a link means which was found at `url`; what is no address stays as it is."""
    try:
        return urljoin(url, link)
    except ValueError:
        return link


def is_below(url: str, base_url: str) -> bool:
    """Whether an address of the same origin is below the environment's path, however its server reads dots.

    Args:
        url: the address.
        base_url: the environment's address, without a slash at its end.
    """
    base = urlsplit(base_url).path
    path = urlsplit(url).path
    if not base:
        return True
    climbs = ".." in SEPARATOR.split(unquote(unquote(path)))
    return not climbs and (path == base or path.startswith(f"{base}/"))


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
