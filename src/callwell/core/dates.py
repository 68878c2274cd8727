# SPDX-License-Identifier: Apache-2.0
"""Dates as servers write them: the three forms of RFC 9110 (IMF-fixdate, RFC 850, asctime) and RFC 3339.

Servers get them wrong in many small ways, so reading is lenient: the day of the week is not checked, it may be missing,
and so may the zone: RFC 9110 knows no other zone than GMT. What is still no date is None; nothing raises.
"""

from __future__ import annotations

import re
from typing import Final

MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LENGTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

ZONES: Final = {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}
"""Hours of the obsolete zones of RFC 5322; any other name means UTC, as that RFC says."""

CENTURY: Final = 70
"""A year of two digits from here on is of the century before: no service is older than the epoch."""

LONGEST: Final = 64
"""Characters of the longest date that is looked at."""

_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?P<part>[.,]\d{1,9})?)?"
_ZONE = r"(?P<zone>[A-Za-z]{1,5}|[+-]\d{2}:?\d{2})?"
_WEEKDAY = r"(?:[A-Za-z]{3,9}\.?,?\s*)?"
_FORMS: Final = (
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})[\s-]+(?P<month>[A-Za-z]{{3,9}})[\s-]+(?P<year>\d{{2,4}}),?\s+{_TIME}\s*{_ZONE}",
    rf"{_WEEKDAY}\b(?P<month>[A-Za-z]{{3,9}})\s+(?P<day>\d{{1,2}})\s+{_TIME}\s+(?:{_ZONE}\s+)?(?P<year>\d{{4}})",
    rf"(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}})[Tt\s_]{_TIME}\s*{_ZONE}",
)
_DATES: Final = tuple([re.compile(form, re.ASCII) for form in _FORMS])


def parse_date(text: str) -> float | None:
    """Seconds since the epoch, or None for what is no date.

    Args:
        text: a date in any of the forms.
    """
    text = text.strip()
    if not text or len(text) > LONGEST:
        return None
    for form in _DATES:
        found = form.fullmatch(text)
        if found is not None:
            return _seconds(found)
    return None


def _seconds(found: re.Match[str]) -> float | None:
    year = _year(found["year"])
    month = _month(found["month"])
    day = int(found["day"])
    hour = int(found["hour"])
    minute = int(found["minute"])
    second = int(found["second"] or 0)
    offset_s = _offset_s(found["zone"])
    # A 60th second is a leap second.
    if year < 1 or month is None or hour > 23 or minute > 59 or second > 60 or offset_s is None:  # noqa: PLR2004
        return None
    if not 1 <= day <= _days_of(year, month):
        return None
    part = float("0." + found["part"][1:]) if found["part"] else 0.0
    whole = _days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
    return whole - offset_s + part


def _year(text: str) -> int:
    year = int(text)
    if len(text) > 2:  # noqa: PLR2004 - a year of RFC 850 has two digits
        return year
    return year + (1900 if year >= CENTURY else 2000)


def _month(text: str) -> int | None:
    if text.isdecimal():
        return int(text) if 1 <= int(text) <= len(MONTHS) else None
    short = text[:3].lower()
    return MONTHS.index(short) + 1 if short in MONTHS else None


def _offset_s(zone: str | None) -> int | None:
    if not zone:
        return 0
    if zone[0] not in "+-":
        return ZONES.get(zone.lower(), 0) * 3600
    hours = int(zone[1:3])
    minutes = int(zone[-2:])
    if hours > 23 or minutes > 59:  # noqa: PLR2004 - of a day and of an hour
        return None
    ahead = hours * 3600 + minutes * 60
    return -ahead if zone[0] == "-" else ahead


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _days_of(year: int, month: int) -> int:
    return LENGTHS[month - 1] + (month == 2 and _leap(year))  # noqa: PLR2004 - February


def _days(year: int, month: int, day: int) -> int:
    """Days since the epoch."""
    before = year - 1
    of_years = before * 365 + before // 4 - before // 100 + before // 400
    of_months = sum(LENGTHS[: month - 1]) + (month > 2 and _leap(year))  # noqa: PLR2004 - after February
    return of_years + of_months + day - 1 - 719_162  # days from the year 1 to 1970
