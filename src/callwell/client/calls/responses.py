# SPDX-License-Identifier: Apache-2.0
"""Parses responses into answers for the caller and events for the core."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from msgspec import Struct

from callwell.client.calls.json_body import decode_json
from callwell.core import json_values, outcome
from callwell.core.outcome import REDIRECTS
from callwell.core.types import Answered
from callwell.errors import Problem
from callwell.observe.logs import LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.core.quota.hint import QuotaHint
    from callwell.core.rules.profile import ErrorRule
    from callwell.description.model import AnswerType
    from callwell.keys import Key
    from callwell.transport.base import Response

PARTIAL_CONTENT: Final = 206

NO_CONTENT: Final = 204
"""The success that has no body (RFC 9110, section 15.3.5)."""

SEPARATOR: Final = re.compile(r"[/\\;]")
"""Characters that some servers read as the end of a path segment."""


class Answer(NamedTuple):
    """A complete answer, as `call_raw` and `request` return it.

    Attributes:
        status: the HTTP status.
        headers: by name, case-insensitive.
        body: the body as bytes.
        json: the decoded body, or None if it is not JSON.
        attempts: the number of attempts that the call took.
        possibly_billed: attempts other than the answered one that may have been billed, where that is counted.
        url: the address that answered, for pages of lists and after redirects; otherwise empty.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    json: Any
    attempts: int = 1
    possibly_billed: int = 0
    url: str = ""


class ParsedResponse(Struct, frozen=True):
    """A parsed response, before anything is decided.

    Attributes:
        answer: the answer.
        code: the provider's error code.
        message: the provider's message.
        request_id: the provider's identifier of the exchange.
        parameter: the wire name of the faulty parameter.
        problems: the individual problems, where the provider lists them.
        wait_s: seconds that the provider asks the client to wait.
        moved_to: the address of a redirect that may be followed.
        whole: the body is complete and could be decoded.
        from_gateway: it looks like a page of a proxy, gateway or portal, not like the provider's.
        too_large: the body is incomplete because it has more bytes than are allowed.
        redirects_to_file: it is a redirect to another server that holds the file.
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
    redirects_to_file: bool = False


def parse_success(response: Response, plan: Any) -> Answer | None:
    """The answer of a successful call; None for any other response, which `parse_response` parses.

    It never raises: a body that cannot be decoded is left to `parse_response` too.

    Args:
        response: the response.
        plan: the `CallPlan` of the operation.
    """
    must_be_json = plan.template is not None
    media = plan.media
    status = response.status
    headers = response.headers
    body = response.body
    if not response.whole or status not in outcome.OK:
        return None
    if status == PARTIAL_CONTENT and must_be_json and not plan.takes_range and _is_part(headers, is_file=bool(media)):
        return None
    try:
        if media:
            from callwell.client.calls.answer_values import read_answer  # few operations need it

            found = read_answer(response, media)
            return None if found is None else Answer(status, headers, body, found.json)
        json, readable = decode_json(body, headers)
    except Exception:  # noqa: BLE001 - whatever a decoder raises
        return None
    if readable or not body or not must_be_json:
        return Answer(status, headers, body, json)
    return None


def parse_response(
    rule: ErrorRule,
    response: Response,
    url: str,
    wall: Callable[[], float],
    key: Key | None,
    *,
    quota_wait_s: float | None = None,
    must_be_json: bool = True,
    media: tuple[AnswerType, ...] = (),
    redirects: bool = False,
) -> ParsedResponse:
    """Parse a response for which `parse_success` returned None; a 2xx among them is incomplete.

    Args:
        rule: where error responses have their code, message and problems.
        response: the response.
        url: the address of the request.
        wall: returns the provider's time in seconds since the epoch, for dates in headers.
        key: the key, to hide it in strings.
        quota_wait_s: how long a 429 without `Retry-After` lasts, by the provider's quota headers.
        must_be_json: a success must be JSON; otherwise it may be anything.
        media: the media types that a success may have, if it need not be JSON.
        redirects: a success may be a redirect to another server.
    """
    # The modules that parse failures are loaded with the first one.
    from callwell.client.calls import error_body, gateways
    from callwell.core.headers import read_requested_wait_s
    from callwell.observe.redact import redact

    status = response.status
    headers = response.headers
    # A truncated body is not parsed: `12` may be left of `1234`, and repairing 64 MiB would take seconds.
    json, readable = (None, False) if response.too_large else decode_json(response.body, headers)
    answer = Answer(status, headers, response.body, json)
    if status == PARTIAL_CONTENT and response.whole and _is_part(headers, is_file=bool(media)):
        return ParsedResponse(answer, message="only a part, although the whole was requested", whole=False)
    if status in outcome.OK:
        from_gateway = must_be_json and not readable and _is_from_gateway(response, media)
        text = _explain_unreadable(response, media) if response.whole and (media or not readable) else ""
        return ParsedResponse(answer, None, text, whole=False, from_gateway=from_gateway, too_large=response.too_large)
    secrets = () if key is None else (key.reveal(),)
    whole, each = error_body.read_problems(rule, json, secrets)
    exchange_id = next((headers[name] for name in rule.request_id if name in headers), None)
    wait_s = read_requested_wait_s(status, headers, rule.retry_after, wall(), quota_wait_s=quota_wait_s)
    moved_to = _redirect_target(url, headers.get("location")) if status in REDIRECTS else None
    request_id = redact(exchange_id, *secrets)[: error_body.MAX_TEXT] if exchange_id else None
    from_gateway = not readable and gateways.is_gateway_error(status, headers, response.body)
    if status in outcome.KEY_REFUSAL_STATUSES and not (whole.code or whole.message or each):
        from_gateway = from_gateway or gateways.rejects_no_key(headers, response.body)
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
        from_gateway=from_gateway,
        redirects_to_file=redirects and moved_to is None and status in REDIRECTS and "location" in headers,
    )


def read_response(engine: Any, context: Any, response: Response, hints: tuple[QuotaHint, ...]) -> ParsedResponse:
    """Parse a response that is not a plain success; if that fails, only its status is kept.

    Args:
        engine: of either side.
        context: the call, a `CallContext`.
        response: the response.
        hints: what its headers say about quotas.
    """
    plan = context.prepared.plan
    try:
        return parse_response(
            engine.profile.errors,
            response,
            context.url,
            engine.learner.provider_wall_s,
            None if context.key is None else context.key[1],
            quota_wait_s=engine.learner.throttled_for_s(hints),
            must_be_json=plan.template is not None,
            media=plan.media,
            redirects=plan.redirects,
        )
    except Exception:  # noqa: BLE001 - whatever headers and body make of their reader
        LOGGER.exception("%s %s: a response could not be read", context.provider, plan.operation)
        return ParsedResponse(Answer(response.status, {}, b"", None), whole=False)


def to_event(rule: ErrorRule, parsed: ParsedResponse) -> Answered:
    """The event of a response for the core.

    Args:
        rule: the documented error codes.
        parsed: the parsed response.
    """
    status = outcome.OK[0] if parsed.redirects_to_file else parsed.answer.status
    code = parsed.code
    if status in outcome.OK:
        return Answered(status, None, parsed.whole, from_gateway=parsed.from_gateway, too_large=parsed.too_large)
    known = rule.codes.get(code) if code else None
    dead = status in rule.dead_key_statuses and not parsed.from_gateway
    return Answered(
        status,
        code,
        parsed.whole,
        parsed.wait_s,
        dead_key=dead if known is None else known.dead_key,
        not_done=known is not None and known.not_done,
        is_redirect=parsed.moved_to is not None,
        from_gateway=parsed.from_gateway,
    )


def rename_fields(result: Any, names: Mapping[str, str]) -> Any:
    """Give renamed fields their new names, no matter which name the provider sent.

    Args:
        result: the result; it is changed in place.
        names: dotted path of the old name → new name.
    """
    for path, new in names.items():
        *parents, old = path.split(".")
        holder = json_values.value_at(result, ".".join(parents)) if parents else result
        if isinstance(holder, dict) and old in holder and new not in holder:
            holder[new] = holder[old]
    return result


def page_body(answer: Answer) -> Any:
    """The body of a page; an empty object for a 204.

    Raises:
        LookupError: the body is missing although the status requires one, or it is not JSON.
    """
    if answer.status == NO_CONTENT:
        return {}
    if answer.json is None and answer.body.strip() != b"null":
        raise LookupError("not JSON")
    return answer.json


def _is_part(headers: Mapping[str, str], *, is_file: bool) -> bool:
    """Whether a 206 carries only a part of something that was requested whole.

    For a file without a readable range the status decides. Lists are different: some providers answer 206 if there are
    more pages, and their ranges are not byte ranges.
    """
    from callwell.core.storage_head import parse_content_range  # few answers are parts

    start, stop, total = parse_content_range(headers)
    if start is None:
        return is_file
    return start > 0 or (total is not None and stop != total)


def _is_from_gateway(response: Response, media: tuple[AnswerType, ...]) -> bool:
    """Whether an unreadable success may be a gateway's."""
    from callwell.client.calls import gateways  # as above

    if not gateways.is_undescribed_type(response.headers, response.body):
        return False
    if not media:
        return True
    from callwell.client.calls.answer_values import find_type

    return find_type(media, response.headers, response.body) is None


def _explain_unreadable(response: Response, media: tuple[AnswerType, ...]) -> str:
    """Why the body of a success could not be read, for display."""
    if not any(kind.name for kind in media):
        from callwell.client.calls.json_repair import explain_invalid_json

        return explain_invalid_json(response.body)
    from callwell.client.calls.answer_values import describe_mismatch

    return describe_mismatch(response.headers, " or ".join(kind.name for kind in media))


def _redirect_target(url: str, location: str | None) -> str | None:
    if not location:
        return None
    target = resolve_link(url, location)
    if origin(target) != origin(url):
        return None
    parts = urlsplit(url)
    target_parts = urlsplit(target)
    # The origin is copied verbatim from the request, see `origin`.
    return urlunsplit((parts.scheme, parts.netloc, target_parts.path, target_parts.query, ""))


def resolve_link(url: str, link: str) -> str:
    """The address of a link found at `url`; a string that is not an address is returned unchanged."""
    try:
        return urljoin(url, link)
    except ValueError:
        return link


def is_below(url: str, base_url: str) -> bool:
    """Whether an address of the same origin is below the environment's path, no matter how its server treats dots.

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
    r"""Scheme, host and port of an address, which decide whether it receives the key.

    Use it only for comparison. Requests get the origin of the environment's own address verbatim, since libraries parse
    odd addresses in different ways (`https://one\@two`).
    """
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return "", "", 0
