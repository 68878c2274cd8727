# SPDX-License-Identifier: Apache-2.0
"""Parses dates as servers write them: the forms of RFC 9110 (IMF-fixdate, RFC 850, asctime), RFC 3339 and JavaScript.

Servers get them wrong in many small ways, so parsing is lenient: the weekday is not checked and may be missing, and so
may the zone, since RFC 9110 allows only GMT. A string that is still not a date gives None; nothing raises.
"""

from __future__ import annotations

import re
from typing import Final

MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS_IN_MONTH: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

RFC_5322_ZONES: Final = {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}
"""Hours from UTC of the obsolete zones of RFC 5322 (4.3), which says that any other name means UTC."""

EASTERN_ZONES: Final = {"bst": 1, "west": 1, "cet": 1, "met": 1, "cest": 2, "mest": 2, "eet": 2, "eest": 3, "msk": 3}
FAR_ZONES: Final = {"jst": 9, "kst": 9, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13, "akst": -9, "akdt": -8}
"""Further zones that servers use and that are unambiguous."""

ZONES: Final = {**RFC_5322_ZONES, **EASTERN_ZONES, **FAR_ZONES}

FIRST_TWO_DIGIT_YEAR: Final = 70
"""Two-digit years begin here, in 1970: no service is older than the epoch."""

DAYS_TO_EPOCH: Final = 719_162
"""Days from January 1 of the year 1 to January 1, 1970."""

MAX_CHARS: Final = 64
"""Longer strings are not dates: the longest forms have about 35 characters."""

_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?P<part>[.,]\d{1,9})?)?"
_ZONE = r"(?P<zone>(?:GMT|UTC?)?[+-]\d{2}:?\d{2}|[A-Za-z]{1,5})?"
_COMMENT = r"(?:\s*\([A-Za-z ]*\))?"
_WEEKDAY = r"(?:[A-Za-z]{3,9}\.?,?\s*)?"
_FORMS: Final = (
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})[\s-]+(?P<month>[A-Za-z]{{3,9}})[\s-]+(?P<year>\d{{2,4}}),?\s+{_TIME}\s*{_ZONE}",
    rf"{_WEEKDAY}\b(?P<month>[A-Za-z]{{3,9}})\s+(?P<day>\d{{1,2}})\s+{_TIME}\s+(?:{_ZONE}\s+)?(?P<year>\d{{4}})",
    rf"{_WEEKDAY}\b(?P<month>[A-Za-z]{{3,9}})\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}})\s+{_TIME}\s*{_ZONE}{_COMMENT}",
    rf"(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}})[Tt\s_]{_TIME}\s*{_ZONE}",
)
_PATTERNS: Final = tuple([re.compile(form, re.ASCII) for form in _FORMS])


def parse_date(text: str) -> float | None:
    """Seconds since the epoch; None if the text is not a date.

    Args:
        text: a date in any of the forms.
    """
    text = text.strip()
    if not text or len(text) > MAX_CHARS:
        return None
    for pattern in _PATTERNS:
        match = pattern.fullmatch(text)
        if match is not None:
            return _to_seconds(match)
    return None


def _to_seconds(match: re.Match[str]) -> float | None:
    year = _parse_year(match["year"])
    month = _parse_month(match["month"])
    day = int(match["day"])
    hour = int(match["hour"])
    minute = int(match["minute"])
    second = int(match["second"] or 0)
    offset_s = _parse_offset_s(match["zone"])
    # A 60th second is a leap second.
    if year < 1 or month is None or hour > 23 or minute > 59 or second > 60 or offset_s is None:  # noqa: PLR2004
        return None
    if not 1 <= day <= _days_in_month(year, month):
        return None
    part = float("0." + match["part"][1:]) if match["part"] else 0.0
    whole = _days_since_epoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
    return whole - offset_s + part


def _parse_year(text: str) -> int:
    year = int(text)
    if len(text) > 2:  # noqa: PLR2004 - a year of RFC 850 has two digits
        return year
    return year + (1900 if year >= FIRST_TWO_DIGIT_YEAR else 2000)


def _parse_month(text: str) -> int | None:
    if text.isdecimal():
        return int(text) if 1 <= int(text) <= len(MONTHS) else None
    short = text[:3].lower()
    return MONTHS.index(short) + 1 if short in MONTHS else None


def _parse_offset_s(zone: str | None) -> int | None:
    if not zone:
        return 0
    offset = zone.lstrip("GMTUC")  # of `GMT+0200`
    if not offset or offset[0] not in "+-":
        return ZONES.get(zone.lower(), 0) * 3600
    hours = int(offset[1:3])
    minutes = int(offset[-2:])
    if hours > 23 or minutes > 59:  # noqa: PLR2004 - of a day and of an hour
        return None
    ahead = hours * 3600 + minutes * 60
    return -ahead if offset[0] == "-" else ahead


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _days_in_month(year: int, month: int) -> int:
    return DAYS_IN_MONTH[month - 1] + (month == 2 and _is_leap(year))  # noqa: PLR2004 - February


def _days_since_epoch(year: int, month: int, day: int) -> int:
    years = year - 1
    year_days = years * 365 + years // 4 - years // 100 + years // 400
    month_days = sum(DAYS_IN_MONTH[: month - 1]) + (month > 2 and _is_leap(year))  # noqa: PLR2004 - after February
    return year_days + month_days + day - 1 - DAYS_TO_EPOCH
