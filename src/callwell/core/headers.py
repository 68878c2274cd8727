# SPDX-License-Identifier: Apache-2.0
"""What an answer's headers teach: quota left, when it resets, how long to stay away, what will go away.

Every form in use is read, whatever is malformed is ignored (as the IETF drafts demand), and no text raises:

* `Retry-After`: seconds, whole or not, or a date (RFC 9110); `Retry-After-Ms`: milliseconds;
* `RateLimit: "name";r=50;t=30` with `RateLimit-Policy: "name";q=100;w=60` (IETF draft 8 and later), and
  `RateLimit: limit=100, remaining=50, reset=30` with `RateLimit-Policy: 100;w=60` (draft 7);
* `X-RateLimit-Limit`, `-Remaining` and `-Reset`, also without the `X-` (drafts 1 to 6) and with a window in the name:
  the reset as seconds from now, a span like `6m0s`, a date, or the time since 1970 in seconds or smaller units;
* the provider's own, which its profile names;
* `Deprecation`: `@seconds` (RFC 9745), or the older `true` or a date; `Sunset`: a date (RFC 8594).

Dates are taken relative to the answer's own `Date`, so that a skewed clock at either end does no harm. An answer out of
a cache is older than its arrival by its `Age`: what it says of a time counts from then, and what it says is left counts
no more.
"""

from __future__ import annotations

import re
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.core import dates
from callwell.core.structured import parse_count, parse_members, parse_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from callwell.core.rules.profile import QuotaHeaderRule
    from callwell.core.structured import FieldMember

EPOCH: Final = 1e9
"""A reset above this is a time, not a span: thirty years of waiting are not meant."""

NOT_SECONDS: Final = 1e11
"""A time above this is in milliseconds or smaller units: the year 5138 is not meant."""

MAX_WAIT_S: Final = 366 * 86_400.0
"""A wait longer than a year is not believed."""

ROUNDED_S: Final = 1.0
"""By how much whole seconds may be wrong; twice that where a time and a `Date` were both rounded."""

RETRY_AFTER_NAMES: Final = ("retry-after-ms", "retry-after")
"""Headers that say so, where no profile names others."""

MILLISECONDS: Final = "-ms"
"""How the names of headers end that are in milliseconds."""

PREFIXES: Final = ("x-ratelimit-", "x-rate-limit-", "ratelimit-")

WINDOWS: Final[dict[str, float | None]] = {
    "": None,
    "-requests": None,
    "-second": 1.0,
    "-minute": 60.0,
    "-hour": 3600.0,
    "-day": 86_400.0,
}
"""What may end the name of such a header, and the window that it means."""

RESETS: Final = ("reset-after", "reset", "reset-ms")

REQUESTS: Final = "requests"
"""The unit of quotas that count requests: bytes and connections are not counted here."""

_SECONDS: Final = re.compile(r"[0-9]{1,19}(?:\.[0-9]{1,9})?")
_SPAN: Final = re.compile(
    r"(?:([0-9]{1,4})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m(?!s))?(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)s)?"
    r"(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)ms)?"
)
_SPAN_S: Final = (86_400.0, 3600.0, 60.0, 1.0, 0.001)
_DEPRECATED: Final = re.compile(r"@(-?[0-9]{1,15})(?:\s*;.*)?", re.DOTALL)


class QuotaHint(NamedTuple):
    """What an answer says about one quota.

    Attributes:
        name: the quota's name in the header, empty where it has none.
        limit: requests in a window.
        remaining: requests left.
        reset_s: seconds until there are more.
        window_s: the window's length.
        slack_s: by how much `reset_s` may be wrong; infinite where it rests on this machine's time of day.
        cached: the answer comes out of a cache: its reset may be waited for, and teaches nothing else.
    """

    name: str = ""
    limit: int | None = None
    remaining: int | None = None
    reset_s: float | None = None
    window_s: float | None = None
    slack_s: float = ROUNDED_S
    cached: bool = False


def read_date(headers: Mapping[str, str]) -> float | None:
    """The server's clock when it answered, in seconds since the epoch, if it said."""
    return dates.parse_date(headers.get("date", ""))


def read_age_s(headers: Mapping[str, str]) -> float:
    """For how long an answer has been in a cache; infinite where that cannot be read."""
    text = _once(headers.get("age", "0"))
    return float(text) if _SECONDS.fullmatch(text) else inf


def read_retry_after_s(headers: Mapping[str, str], names: Iterable[str], wall: float) -> float | None:
    """For how long an answer asks to be left alone.

    Args:
        headers: the answer's.
        names: headers that may say so, in order; in milliseconds where the name says that.
        wall: seconds since the epoch, for answers without a `Date`.
    """
    for name in names:
        text = _once(join_lines(headers, name))
        if _SECONDS.fullmatch(text):
            seconds = float(text)
            if name.lower().endswith(MILLISECONDS):
                seconds /= 1000
            elif seconds >= EPOCH:
                seconds = _left_s(headers, _in_seconds(seconds), wall)
        elif (at := dates.parse_date(text)) is not None:
            seconds = _left_s(headers, at, wall)
        else:
            continue
        if seconds <= MAX_WAIT_S:
            return seconds
    return None


def read_hints(headers: Mapping[str, str], wall: float, rule: QuotaHeaderRule | None = None) -> tuple[QuotaHint, ...]:
    """What an answer says about quotas.

    Args:
        headers: the answer's.
        wall: seconds since the epoch, for answers without a `Date`.
        rule: the provider's own headers, which alone are looked at; the customary ones without.
    """
    found = _drafted(headers) or _customary(headers, wall) if rule is None else _own(headers, wall, rule)
    aged = found and read_age_s(headers)
    return tuple([_cached(hint, aged) for hint in found]) if aged else found


def throttled_for_s(hints: Iterable[QuotaHint], *, named: bool) -> float | None:
    """For how long a 429 holds that does not say so itself, by the quotas that are at their end.

    Args:
        hints: what it says about quotas.
        named: the profile names the header, so that it is about this refusal; any other one is believed where nothing
            is left, for a quota that is not used up has refused nothing.
    """
    waits = [hint.reset_s for hint in hints if hint.reset_s and (named or not hint.remaining)]
    return max(waits, default=None)


def join_lines(headers: Mapping[str, str], name: str) -> str:
    """A list field on however many lines it stands: their values joined by commas (RFC 9110, 5.3); empty if missing."""
    return ", ".join(_each(headers, name))


def read_deprecated_at(headers: Mapping[str, str]) -> float | None:
    """Since when the operation is deprecated, in seconds since the epoch; 0 where only that is said."""
    text = headers.get("deprecation", "").strip()
    stamp = _DEPRECATED.fullmatch(text)
    if stamp is not None:
        return float(stamp[1])
    return 0.0 if text.lower() in ("true", "?1", "1") else dates.parse_date(text)


def read_sunset_at(headers: Mapping[str, str]) -> float | None:
    """When the operation will stop responding, in seconds since the epoch."""
    return dates.parse_date(headers.get("sunset", ""))


def _each(headers: Mapping[str, str], name: str) -> list[str]:
    """The values of a name, one for each line."""
    every = getattr(headers, "getall", None)
    if every is not None:
        return [str(line) for line in every(name)]
    line = headers.get(name)
    return [] if line is None else [line]


def _drafted(headers: Mapping[str, str]) -> tuple[QuotaHint, ...]:
    if "ratelimit" not in headers:
        return ()
    text = join_lines(headers, "ratelimit")
    said = parse_members(text)
    policies = parse_members(join_lines(headers, "ratelimit-policy"))
    if any(member.key for member in said):
        return _combined({member.key: member.item for member in said}, policies)
    named = {policy.item: policy.parameters for policy in policies}
    found = []
    for member in said:
        policy = named.get(member.item, {})
        remaining = parse_count(member.parameters.get("r"))
        if remaining is None or policy.get("qu", REQUESTS) != REQUESTS:
            continue
        reset_s = _believed(parse_number(member.parameters.get("t")))
        found.append(
            QuotaHint(member.item, parse_count(policy.get("q")), remaining, reset_s, parse_number(policy.get("w")))
        )
    return tuple(found)


def _combined(values: Mapping[str, str], policies: list[FieldMember]) -> tuple[QuotaHint, ...]:
    """The one field of draft 7."""
    remaining = parse_count(values.get("remaining"))
    if remaining is None:
        return ()
    limit = parse_count(values.get("limit"))
    return (QuotaHint("", limit, remaining, _believed(parse_number(values.get("reset"))), _window_s(policies, limit)),)


def _customary(headers: Mapping[str, str], wall: float) -> tuple[QuotaHint, ...]:
    for prefix in PREFIXES:
        for suffix, window_s in WINDOWS.items():
            remaining = headers.get(f"{prefix}remaining{suffix}")
            reset_s, slack_s = _first_reset(headers, prefix, suffix, wall)
            if remaining is None and reset_s is None:
                continue
            limits = parse_members(join_lines(headers, f"{prefix}limit{suffix}"))
            policies = parse_members(join_lines(headers, f"{prefix}policy"))
            found = [_hint(left, limits, policies, window_s) for left in parse_members(remaining or "")]
            known = tuple([hint for hint in found if hint.remaining is not None])
            if len(known) > 1:
                return known  # one reset cannot be that of each
            hint = (
                known[0]
                if known
                else QuotaHint("", parse_count(limits[0].item) if limits else None, None, None, window_s)
            )
            if known or reset_s is not None:
                return (hint._replace(reset_s=reset_s, slack_s=slack_s),)
    return ()


def _hint(
    left: FieldMember, limits: list[FieldMember], policies: list[FieldMember], window_s: float | None
) -> QuotaHint:
    """What one remaining count says, with the limit of its window, else the first one."""
    own_s = _own_window_s(left) or window_s
    same = [limit for limit in limits if own_s is not None and _own_window_s(limit) == own_s]
    limit = parse_count((same or limits)[0].item) if limits else None
    known_s = own_s or _window_s(limits, limit) or _window_s(policies, limit)
    return QuotaHint("", limit, parse_count(left.item), None, known_s)


def _window_s(policies: list[FieldMember], limit: int | None) -> float | None:
    """The window of the one policy with that limit."""
    found = {_own_window_s(policy) for policy in policies if parse_count(policy.item) == limit}
    windows = [window_s for window_s in found if window_s]
    return windows[0] if len(windows) == 1 else None


def _own_window_s(member: FieldMember) -> float | None:
    return parse_number(member.parameters.get("w")) or parse_number(member.parameters.get("window"))


def _own(headers: Mapping[str, str], wall: float, rule: QuotaHeaderRule) -> tuple[QuotaHint, ...]:
    remaining = _first_count(headers.get(rule.remaining))
    limit = _first_count(headers.get(rule.limit)) if rule.limit else None
    reset_s, slack_s = _own_reset(headers, rule, wall)
    return () if remaining is None and reset_s is None else (QuotaHint("", limit, remaining, reset_s, None, slack_s),)


def _first_count(text: str | None) -> int | None:
    found = parse_members(text or "")
    return parse_count(found[0].item) if found else None


def _own_reset(headers: Mapping[str, str], rule: QuotaHeaderRule, wall: float) -> tuple[float | None, float]:
    text = _once(headers.get(rule.reset, "")) if rule.reset else ""
    value = float(text) if _SECONDS.fullmatch(text) else None
    if value is not None and rule.reset_is == "delta_ms":
        return _believed(value / 1000), ROUNDED_S
    if value is not None and (value >= EPOCH) != (rule.reset_is == "epoch"):
        return None, ROUNDED_S  # a number that cannot be what the profile says
    return _reset(headers, rule.reset or "", text, wall)


def _first_reset(headers: Mapping[str, str], prefix: str, suffix: str, wall: float) -> tuple[float | None, float]:
    for name in RESETS:
        text = headers.get(f"{prefix}{name}{suffix}")
        if text is not None:
            reset_s, slack_s = _reset(headers, name, _once(text), wall)
            if reset_s is not None:
                return reset_s, slack_s
    return None, ROUNDED_S


def _reset(headers: Mapping[str, str], name: str, text: str, wall: float) -> tuple[float | None, float]:
    """Seconds until a reset, and by how much they may be wrong."""
    if _SECONDS.fullmatch(text):
        value = float(text)
        if value < EPOCH:
            return _believed(value / 1000 if name.endswith(MILLISECONDS) else value), ROUNDED_S
        at: float | None = _in_seconds(value)
    else:
        span = _SPAN.fullmatch(text)
        if text and span is not None:
            parts = zip(span.groups(), _SPAN_S, strict=True)
            return _believed(sum([float(part) * unit_s for part, unit_s in parts if part])), ROUNDED_S
        at = dates.parse_date(text)
    if at is None:
        return None, ROUNDED_S
    seconds, slack_s = _from_now(headers, at, wall)
    return _believed(seconds), slack_s


def _in_seconds(at: float) -> float:
    while at >= NOT_SECONDS:
        at /= 1000
    return at


def _from_now(headers: Mapping[str, str], at: float, wall: float) -> tuple[float, float]:
    made_at = read_date(headers)
    return max(0.0, at - (wall if made_at is None else made_at)), inf if made_at is None else 2 * ROUNDED_S


def _left_s(headers: Mapping[str, str], at: float, wall: float) -> float:
    """Seconds until a time, by an answer that may come out of a cache."""
    seconds, slack_s = _from_now(headers, at, wall)
    aged_s = read_age_s(headers)
    return max(0.0, seconds - aged_s) if aged_s < inf and slack_s < inf else seconds


def _believed(seconds: float | None) -> float | None:
    return seconds if seconds is not None and 0.0 <= seconds <= MAX_WAIT_S else None


def _cached(hint: QuotaHint, aged_s: float) -> QuotaHint:
    left_s = hint.reset_s
    if left_s is not None and hint.slack_s < inf:
        left_s = None if aged_s > MAX_WAIT_S else max(0.0, left_s - aged_s)
    return hint._replace(remaining=None, reset_s=left_s, cached=True)


def _once(text: str) -> str:
    """A value that was sent in two equal lines, once."""
    text = text.strip()
    middle = len(text) // 2
    one = text[:middle].strip(", ")
    twice = one and one == text[middle:].strip(", ") and text[len(one)] == ","
    return one if twice else text
