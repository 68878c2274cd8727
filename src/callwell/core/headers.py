# SPDX-License-Identifier: Apache-2.0
"""What an answer's headers teach: quota left, when it resets, how long to stay away, what will go away.

Every documented form is read, and whatever is malformed is ignored (as the IETF draft demands):

* `Retry-After`: seconds or an HTTP date (RFC 9110);
* `RateLimit: "name";r=50;t=30` and `RateLimit-Policy: "name";q=100;w=60` (IETF draft);
* `X-RateLimit-Limit`, `-Remaining` and `-Reset`: the reset as seconds from now, or seconds or milliseconds since 1970;
* the provider's own, which its profile names;
* `Deprecation`: `@seconds` (RFC 9745), or the older `true` or a date; `Sunset`: a date (RFC 8594).

Dates are taken relative to the answer's own `Date`, so that a skewed clock at either end does no harm.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from callwell.core.rules import QuotaHeaderRule

EPOCH: Final = 1e9
"""A reset above this is a time, not a span: thirty years of waiting are not meant."""

MILLISECONDS: Final = 1e12

LONGEST_S: Final = 366 * 86_400.0
"""A wait longer than a year is not believed."""

ROUNDED_S: Final = 1.0
"""By how much whole seconds may be wrong; twice that where a time and a `Date` were both rounded."""

_SECONDS: Final = re.compile(r"\d{1,13}(?:\.\d{1,9})?")
_MEMBER: Final = re.compile(
    r'\s*(?:"((?:[^"\\]|\\.)*)"|([!#$%&\'*+.^_`|~\w:/-]+))((?:\s*;\s*[a-z*][\w.*-]*(?:=[^;,]*)?)*)\s*'
)
_PARAMETER: Final = re.compile(r";\s*([a-z*][\w.*-]*)(?:=([^;,]*))?")


class Hint(NamedTuple):
    """What an answer says about one quota.

    Attributes:
        name: the quota's name in the header, empty where it has none.
        limit: requests in a window.
        remaining: requests left.
        reset_s: seconds until there are more.
        window_s: the window's length.
        slack_s: by how much `reset_s` may be wrong; infinite where it rests on this machine's time of day.
    """

    name: str = ""
    limit: int | None = None
    remaining: int | None = None
    reset_s: float | None = None
    window_s: float | None = None
    slack_s: float = ROUNDED_S


def date(headers: Mapping[str, str]) -> float | None:
    """The server's clock when it answered, in seconds since the epoch, if it said."""
    return _http_date(headers.get("date", ""))


def wait_s(headers: Mapping[str, str], names: Iterable[str], wall: float) -> float | None:
    """For how long an answer asks to be left alone.

    Args:
        headers: the answer's.
        names: headers that may say so, in order.
        wall: seconds since the epoch, for answers without a `Date`.
    """
    for name in names:
        text = headers.get(name, "").strip()
        if _SECONDS.fullmatch(text):
            seconds = float(text)
        elif (at := _http_date(text)) is not None:
            seconds = max(0.0, at - (date(headers) or wall))
        else:
            continue
        if seconds <= LONGEST_S:
            return seconds
    return None


def hints(headers: Mapping[str, str], wall: float, rule: QuotaHeaderRule | None = None) -> tuple[Hint, ...]:
    """What an answer says about quotas.

    Args:
        headers: the answer's.
        wall: seconds since the epoch, for answers without a `Date`.
        rule: the provider's own headers, which alone are looked at; the customary ones without.
    """
    return _drafted(headers) or _customary(headers, wall) if rule is None else _own(headers, wall, rule)


def deprecated_at(headers: Mapping[str, str]) -> float | None:
    """Since when the operation is deprecated, in seconds since the epoch; 0 where only that is said."""
    text = headers.get("deprecation", "").strip()
    if text.startswith("@") and text[1:].lstrip("-").isdigit():
        return float(text[1:])
    return 0.0 if text.lower() in ("true", "?1", "1") else _http_date(text)


def sunset_at(headers: Mapping[str, str]) -> float | None:
    """When the operation will stop to answer, in seconds since the epoch."""
    return _http_date(headers.get("sunset", "").strip())


def _drafted(headers: Mapping[str, str]) -> tuple[Hint, ...]:
    policies = dict(_members(headers.get("ratelimit-policy", "")))
    found = []
    for name, values in _members(headers.get("ratelimit", "")):
        remaining, policy = _whole(values.get("r")), policies.get(name, {})
        if remaining is not None:
            window, reset = _whole(policy.get("w")), _whole(values.get("t"))
            found.append(Hint(name, _whole(policy.get("q")), remaining, _float(reset), _float(window)))
    return tuple(found)


def _customary(headers: Mapping[str, str], wall: float) -> tuple[Hint, ...]:
    for prefix in ("x-ratelimit-", "x-rate-limit-", "ratelimit-"):
        remaining = _whole(headers.get(f"{prefix}remaining"))
        if remaining is not None:
            limit = _whole(headers.get(f"{prefix}limit", "").partition(",")[0])
            reset_s, slack_s = _reset(headers, headers.get(f"{prefix}reset", ""), wall)
            return (Hint("", limit, remaining, reset_s, None, slack_s),)
    return ()


def _own(headers: Mapping[str, str], wall: float, rule: QuotaHeaderRule) -> tuple[Hint, ...]:
    remaining = _whole(headers.get(rule.remaining))
    limit = _whole(headers.get(rule.limit)) if rule.limit else None
    reset, slack_s = _float(_whole(headers.get(rule.reset))) if rule.reset else None, ROUNDED_S
    if reset is not None and rule.reset_is == "epoch":
        reset, slack_s = _from_now(headers, reset, wall)
    if reset is not None and reset > LONGEST_S:
        reset = None
    return () if remaining is None and reset is None else (Hint("", limit, remaining, reset, None, slack_s),)


def _reset(headers: Mapping[str, str], text: str, wall: float) -> tuple[float | None, float]:
    text = text.strip()
    if not _SECONDS.fullmatch(text):
        at = _http_date(text)
    elif (number := float(text)) < EPOCH:
        return number, ROUNDED_S
    else:
        at = number / 1000 if number >= MILLISECONDS else number
    return (None, ROUNDED_S) if at is None else _from_now(headers, at, wall)


def _from_now(headers: Mapping[str, str], at: float, wall: float) -> tuple[float, float]:
    told = date(headers)
    return max(0.0, at - (told or wall)), inf if told is None else 2 * ROUNDED_S


def _members(text: str) -> list[tuple[str, dict[str, str]]]:
    found, place = [], 0
    while place < len(text):
        member = _MEMBER.match(text, place)
        if member is None or (member.end() < len(text) and text[member.end()] != ","):
            return []
        values = {name: (value or "").strip() for name, value in _PARAMETER.findall(member[3])}
        found.append((member[1] if member[1] is not None else member[2], values))
        place = member.end() + 1
    return found


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"\s*\d{1,15}\s*", text) else None


def _float(number: int | None) -> float | None:
    return None if number is None else float(number)


def _http_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
