# SPDX-License-Identifier: Apache-2.0
"""Reads headers of responses: quotas and their resets, how long to wait, deprecations, dates.

Every form in use is read, anything malformed is ignored (as the IETF drafts demand), and no text raises:

* `Retry-After`: seconds, whole or not, or a date (RFC 9110); `Retry-After-Ms`: milliseconds;
* `RateLimit: "name";r=50;t=30` with `RateLimit-Policy: "name";q=100;w=60` (IETF draft 8 and later), and
  `RateLimit: limit=100, remaining=50, reset=30` with `RateLimit-Policy: 100;w=60` (draft 7);
* `X-RateLimit-Limit`, `-Remaining` and `-Reset`, also without the `X-` (drafts 1 to 6) and with a window in the name:
  the reset as seconds from now, a span like `6m0s`, a date, or the time since 1970 in seconds or smaller units;
* the provider's own headers, which its profile names;
* `Deprecation`: `@seconds` (RFC 9745), or the older `true` or a date; `Sunset`: a date (RFC 8594).

Dates are taken relative to the response's own `Date`, so that a skewed clock at either end does no harm. A response
from a cache is older than its arrival by its `Age`: its times count from then, and its remaining count no longer
applies.
"""

from __future__ import annotations

import re
from math import inf
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from callwell.core import dates
from callwell.core.outcome import RETRY_AFTER_OBEYED, TOO_MANY_REQUESTS
from callwell.core.quota.hint import ROUNDED_S, QuotaHint
from callwell.core.structured_fields import parse_count, parse_members, parse_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from callwell.core.rules.profile import QuotaHeaderRule
    from callwell.core.structured_fields import FieldMember

FIRST_EPOCH_S: Final = 1e9
"""A reset of this size or more is a time since 1970, not a span, which would be thirty years."""

FIRST_MILLISECONDS: Final = 1e11
"""A time of this size or more is in milliseconds or smaller units: in seconds it would be the year 5138."""

MAX_WAIT_S: Final = 366 * 86_400.0
"""Waits longer than a year are not believed."""

RETRY_AFTER_NAMES: Final = ("retry-after-ms", "retry-after")
"""Headers that say how long to wait, unless the profile names others."""

MILLISECONDS_SUFFIX: Final = "-ms"
"""Ends the names of headers that are in milliseconds."""

PREFIXES: Final = ("x-ratelimit-", "x-rate-limit-", "ratelimit-")
"""Prefixes of the `X-RateLimit` headers, the most common first."""

WINDOWS: Final[dict[str, float | None]] = {
    "": None,
    "-requests": None,
    "-second": 1.0,
    "-minute": 60.0,
    "-hour": 3600.0,
    "-day": 86_400.0,
}
"""Suffixes of their names, and the window in seconds that each implies."""

RESETS: Final = ("reset-after", "reset", "reset-ms")
"""The endings that mean the reset; the first one is always a span of time."""

REQUESTS: Final = "requests"
"""The unit (`qu`) of quotas that count requests; quotas of bytes and connections are ignored."""

_SECONDS: Final = re.compile(r"[0-9]{1,19}(?:\.[0-9]{1,9})?")
_SPAN: Final = re.compile(
    r"(?:([0-9]{1,4})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m(?!s))?(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)s)?"
    r"(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)ms)?"
)
_SPAN_UNITS_S: Final = (86_400.0, 3600.0, 60.0, 1.0, 0.001)
_DEPRECATED: Final = re.compile(r"@(-?[0-9]{1,15})(?:\s*;.*)?", re.DOTALL)


def read_date(headers: Mapping[str, str]) -> float | None:
    """The server's clock when it answered, in seconds since the epoch; None if it did not say."""
    return dates.parse_date(headers.get("date", ""))


def read_age_s(headers: Mapping[str, str]) -> float:
    """For how many seconds a response has been in a cache; infinite where that cannot be read."""
    text = _without_repeat(headers.get("age", "0"))
    return float(text) if _SECONDS.fullmatch(text) else inf


def read_retry_after_s(headers: Mapping[str, str], names: Iterable[str], wall_s: float) -> float | None:
    """How many seconds a response asks the client to wait.

    Args:
        headers: the response's.
        names: headers that may hold the wait, in order; in milliseconds where the name ends in `-ms`.
        wall_s: seconds since the epoch, for responses without a `Date`.
    """
    for name in names:
        seconds = _parse_wait_s(headers, name, _without_repeat(join_lines(headers, name)), wall_s)
        if seconds is not None and seconds <= MAX_WAIT_S:
            return seconds
    return None


def read_requested_wait_s(
    status: int, headers: Mapping[str, str], names: Iterable[str], wall_s: float, *, quota_wait_s: float | None
) -> float | None:
    """For how many seconds an error response asks the client to wait; None if it does not say.

    `Retry-After` comes first: it is about this refusal. Headers about quotas count for a 429 alone, since any other
    status may have another cause.

    Args:
        status: the HTTP status.
        headers: the response's.
        names: headers that may hold the wait, as `read_retry_after_s` takes them.
        wall_s: seconds since the epoch, for responses without a `Date`.
        quota_wait_s: the wait by the headers about quotas, from `throttled_for_s`.
    """
    if status not in RETRY_AFTER_OBEYED:
        return None
    wait_s = read_retry_after_s(headers, names, wall_s)
    if wait_s is None and status == TOO_MANY_REQUESTS:
        return quota_wait_s
    return wait_s


def read_hints(headers: Mapping[str, str], wall_s: float, rule: QuotaHeaderRule | None = None) -> tuple[QuotaHint, ...]:
    """What a response says about quotas.

    Args:
        headers: the response's.
        wall_s: seconds since the epoch, for responses without a `Date`.
        rule: the provider's own headers, and then only those are read; without it, the standard and `X-RateLimit`
            headers.
    """
    if rule is not None:
        found = _read_profile_headers(headers, wall_s, rule)
    else:
        found = _read_ietf_draft(headers) or _read_x_ratelimit(headers, wall_s)
    aged_s = read_age_s(headers) if found else 0.0
    if not aged_s:
        return found
    return tuple([_to_cached(hint, aged_s) for hint in found])


def throttled_for_s(hints: Iterable[QuotaHint], *, named_by_profile: bool) -> float | None:
    """How many seconds a 429 without a wait of its own lasts, according to the quotas that are used up.

    Args:
        hints: what it says about quotas.
        named_by_profile: the profile names the header, so it is about this refusal; any other header is believed only
            where nothing is left, since a quota with something left has refused nothing.
    """
    waits_s = [hint.reset_s for hint in hints if hint.reset_s and (named_by_profile or not hint.remaining)]
    return max(waits_s, default=None)


def join_lines(headers: Mapping[str, str], name: str) -> str:
    """All lines of a list field, joined by commas (RFC 9110, 5.3); empty if there are none."""
    return ", ".join(_read_lines(headers, name))


def read_deprecated_at(headers: Mapping[str, str]) -> float | None:
    """When an operation was deprecated, in seconds since the epoch; 0 without a date, None if it is not deprecated."""
    text = headers.get("deprecation", "").strip()
    stamp = _DEPRECATED.fullmatch(text)
    if stamp is not None:
        return float(stamp[1])
    return 0.0 if text.lower() in ("true", "?1", "1") else dates.parse_date(text)


def read_sunset_at(headers: Mapping[str, str]) -> float | None:
    """When an operation will stop responding, in seconds since the epoch; None if the response does not say."""
    return dates.parse_date(headers.get("sunset", ""))


def _parse_wait_s(headers: Mapping[str, str], name: str, text: str, wall_s: float) -> float | None:
    if _SECONDS.fullmatch(text):
        seconds = float(text)
        if name.lower().endswith(MILLISECONDS_SUFFIX):
            return seconds / 1000
        if seconds < FIRST_EPOCH_S:
            return seconds
        return _remaining_s(headers, _to_seconds(seconds), wall_s)
    at = dates.parse_date(text)
    return None if at is None else _remaining_s(headers, at, wall_s)


def _read_lines(headers: Mapping[str, str], name: str) -> list[str]:
    """The values of a name, one for each line."""
    getall = getattr(headers, "getall", None)
    if getall is not None:
        return [str(line) for line in getall(name)]
    line = headers.get(name)
    return [] if line is None else [line]


def _read_ietf_draft(headers: Mapping[str, str]) -> tuple[QuotaHint, ...]:
    """The fields of drafts 7 and later."""
    if "ratelimit" not in headers:
        return ()
    members = parse_members(join_lines(headers, "ratelimit"))
    policies = parse_members(join_lines(headers, "ratelimit-policy"))
    if any(member.key for member in members):
        return _read_draft_7({member.key: member.item for member in members}, policies)
    parameters = {policy.item: policy.parameters for policy in policies}
    found = []
    for member in members:
        policy = parameters.get(member.item, {})
        remaining = parse_count(member.parameters.get("r"))
        if remaining is not None and policy.get("qu", REQUESTS) == REQUESTS:
            hint = QuotaHint(
                name=member.item,
                limit=parse_count(policy.get("q")),
                remaining=remaining,
                reset_s=_plausible(parse_number(member.parameters.get("t"))),
                window_s=parse_number(policy.get("w")),
            )
            found.append(hint)
    return tuple(found)


def _read_draft_7(values: Mapping[str, str], policies: list[FieldMember]) -> tuple[QuotaHint, ...]:
    """The one field of draft 7, a dictionary."""
    remaining = parse_count(values.get("remaining"))
    if remaining is None:
        return ()
    limit = parse_count(values.get("limit"))
    reset_s = _plausible(parse_number(values.get("reset")))
    return (QuotaHint(limit=limit, remaining=remaining, reset_s=reset_s, window_s=_policy_window_s(policies, limit)),)


def _read_x_ratelimit(headers: Mapping[str, str], wall_s: float) -> tuple[QuotaHint, ...]:
    """The first set of `X-RateLimit` headers, in any of their spellings."""
    if not any(name.lower().startswith(PREFIXES) for name in headers):
        return ()  # true of most responses; looking up each name would take ten times as long
    for prefix in PREFIXES:
        for suffix, window_s in WINDOWS.items():
            found = _read_x_ratelimit_set(headers, prefix, suffix, window_s, wall_s)
            if found:
                return found
    return ()


def _read_x_ratelimit_set(
    headers: Mapping[str, str], prefix: str, suffix: str, window_s: float | None, wall_s: float
) -> tuple[QuotaHint, ...]:
    remaining = headers.get(f"{prefix}remaining{suffix}")
    reset_s, uncertainty_s = _first_reset(headers, prefix, suffix, wall_s)
    if remaining is None and reset_s is None:
        return ()
    limits = parse_members(join_lines(headers, f"{prefix}limit{suffix}"))
    policies = parse_members(join_lines(headers, f"{prefix}policy"))
    hints = [_to_hint(member, limits, policies, window_s) for member in parse_members(remaining or "")]
    known = tuple([hint for hint in hints if hint.remaining is not None])
    if len(known) > 1:
        return known  # one reset cannot belong to all of them
    if known:
        return (replace(known[0], reset_s=reset_s, uncertainty_s=uncertainty_s),)
    if reset_s is None:
        return ()
    limit = parse_count(limits[0].item) if limits else None
    return (QuotaHint(limit=limit, reset_s=reset_s, window_s=window_s, uncertainty_s=uncertainty_s),)


def _to_hint(
    remaining: FieldMember, limits: list[FieldMember], policies: list[FieldMember], window_s: float | None
) -> QuotaHint:
    """The hint of one remaining count, with the limit of its window, otherwise the first limit."""
    own_s = _member_window_s(remaining) or window_s
    same = [limit for limit in limits if own_s is not None and _member_window_s(limit) == own_s]
    limit = parse_count((same or limits)[0].item) if limits else None
    known_s = own_s or _policy_window_s(limits, limit) or _policy_window_s(policies, limit)
    return QuotaHint(limit=limit, remaining=parse_count(remaining.item), window_s=known_s)


def _policy_window_s(policies: list[FieldMember], limit: int | None) -> float | None:
    """The window of the one policy with that limit."""
    found = {_member_window_s(policy) for policy in policies if parse_count(policy.item) == limit}
    windows_s = [window_s for window_s in found if window_s]
    return windows_s[0] if len(windows_s) == 1 else None


def _member_window_s(member: FieldMember) -> float | None:
    return parse_number(member.parameters.get("w")) or parse_number(member.parameters.get("window"))


def _read_profile_headers(headers: Mapping[str, str], wall_s: float, rule: QuotaHeaderRule) -> tuple[QuotaHint, ...]:
    """The headers that the profile names."""
    remaining = _first_count(headers.get(rule.remaining))
    limit = _first_count(headers.get(rule.limit)) if rule.limit else None
    reset_s, uncertainty_s = _profile_reset(headers, rule, wall_s)
    if remaining is None and reset_s is None:
        return ()
    return (QuotaHint(limit=limit, remaining=remaining, reset_s=reset_s, uncertainty_s=uncertainty_s),)


def _first_count(text: str | None) -> int | None:
    members = parse_members(text or "")
    return parse_count(members[0].item) if members else None


def _profile_reset(headers: Mapping[str, str], rule: QuotaHeaderRule, wall_s: float) -> tuple[float | None, float]:
    text = _without_repeat(headers.get(rule.reset, "")) if rule.reset else ""
    value = float(text) if _SECONDS.fullmatch(text) else None
    if value is not None and rule.reset_is == "delta_ms":
        return _plausible(value / 1000), ROUNDED_S
    if value is not None and (value >= FIRST_EPOCH_S) != (rule.reset_is == "epoch"):
        return None, ROUNDED_S  # a number that cannot be in the unit that the profile names
    return _parse_reset(headers, rule.reset or "", text, wall_s)


def _first_reset(headers: Mapping[str, str], prefix: str, suffix: str, wall_s: float) -> tuple[float | None, float]:
    for name in RESETS:
        text = headers.get(f"{prefix}{name}{suffix}")
        if text is not None:
            reset_s, uncertainty_s = _parse_reset(headers, name, _without_repeat(text), wall_s)
            if reset_s is not None:
                return reset_s, uncertainty_s
    return None, ROUNDED_S


def _parse_reset(headers: Mapping[str, str], name: str, text: str, wall_s: float) -> tuple[float | None, float]:
    """Seconds until a reset, and how many seconds they may be off by."""
    if _SECONDS.fullmatch(text):
        value = float(text)
        if value < FIRST_EPOCH_S:
            return _plausible(value / 1000 if name.endswith(MILLISECONDS_SUFFIX) else value), ROUNDED_S
        at: float | None = _to_seconds(value)
    else:
        span = _SPAN.fullmatch(text)
        if text and span is not None:
            parts = zip(span.groups(), _SPAN_UNITS_S, strict=True)
            return _plausible(sum([float(part) * unit_s for part, unit_s in parts if part])), ROUNDED_S
        at = dates.parse_date(text)
    if at is None:
        return None, ROUNDED_S
    seconds, uncertainty_s = _from_now(headers, at, wall_s)
    return _plausible(seconds), uncertainty_s


def _to_seconds(at: float) -> float:
    """A time since 1970 in seconds, from one in seconds, milliseconds or smaller units."""
    while at >= FIRST_MILLISECONDS:
        at /= 1000
    return at


def _from_now(headers: Mapping[str, str], at: float, wall_s: float) -> tuple[float, float]:
    """Seconds until a time, relative to the response's `Date` if it has one, and how far off they may be."""
    date_s = read_date(headers)
    if date_s is None:
        return max(0.0, at - wall_s), inf
    return max(0.0, at - date_s), 2 * ROUNDED_S


def _remaining_s(headers: Mapping[str, str], at: float, wall_s: float) -> float:
    """Seconds until a time, for a response that may come from a cache."""
    seconds, uncertainty_s = _from_now(headers, at, wall_s)
    aged_s = read_age_s(headers)
    return max(0.0, seconds - aged_s) if aged_s < inf and uncertainty_s < inf else seconds


def _plausible(seconds: float | None) -> float | None:
    return seconds if seconds is not None and 0.0 <= seconds <= MAX_WAIT_S else None


def _to_cached(hint: QuotaHint, aged_s: float) -> QuotaHint:
    left_s = hint.reset_s
    if left_s is not None and hint.uncertainty_s < inf:
        left_s = None if aged_s > MAX_WAIT_S else max(0.0, left_s - aged_s)
    return replace(hint, remaining=None, reset_s=left_s, cached=True)


def _without_repeat(text: str) -> str:
    """A value that was sent in two equal lines, once."""
    text = text.strip()
    middle = len(text) // 2
    half = text[:middle].strip(", ")
    is_twice = half and half == text[middle:].strip(", ") and text[len(half)] == ","
    return half if is_twice else text
