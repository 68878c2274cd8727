# SPDX-License-Identifier: Apache-2.0
"""Dates in every form that servers send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.core import dates

AT = 1_800_000_000.0


@pytest.mark.parametrize(
    "text",
    [
        "Fri, 15 Jan 2027 08:00:00 GMT",
        "Fri, 15 Jan 2027 08:00:00",
        "15 Jan 2027 08:00:00 UTC",
        "Fri, 15 Jan 2027 08:00:00 -0000",
        "Fri, 15 Jan 2027 10:00:00 +0200",
        "Fri, 15 Jan 2027 03:00:00 EST",
        "Fri, 15 Jan 2027 09:00:00 CET",
        "Fri, 15 Jan 2027 10:00:00 CEST",
        "Fri, 15 Jan 2027 17:00:00 JST",
        "Fri, 15 Jan 2027 08:00:00 XYZ",
        "Fri, 15 Jan 2027 10:00:00 GMT+02:00",
        "Fri, 15 Jan 2027 10:00:00 UTC+0200",
        "Fri Jan 15 2027 08:00:00 GMT+0000 (Coordinated Universal Time)",
        "Fri Jan 15 2027 03:00:00 GMT-0500 (Eastern Standard Time)",
        "Jan 15, 2027 08:00:00 GMT",
        "Mon, 15 Jan 2027 08:00:00 GMT",
        "Friday, 15-Jan-27 08:00:00 GMT",
        "Friday, 15-Jan-27 08:00:00",
        "Fri Jan 15 08:00:00 2027",
        "Fri Jan 15 08:00:00 UTC 2027",
        "fri, 15 jan 2027 8:00:00 gmt",
        "Fri, 15 January 2027 08:00 GMT",
        "2027-01-15T08:00:00Z",
        "2027-01-15T08:00:00",
        "2027-01-15 08:00:00",
        "2027-01-15 08:00:00 UTC",
        "2027-01-15T08:00:00.000000Z",
        "2027-01-15T13:30:00+05:30",
        "  2027-01-15t08:00:00z  ",
    ],
)
def test_one_moment_in_many_forms(text: str) -> None:
    """All of them mean the same second; a date without a zone is UTC, whatever this machine's zone is."""
    assert dates.parse_date(text) == AT


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("Fri Feb  5 08:00:00 2027", AT + 21 * 86_400),
        ("Sun Nov  6 08:49:37 1994", 784_111_777.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Tue, 29 Feb 2028 00:00:00 GMT", 1_835_395_200.0),
        ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800.0),
        ("2027-01-15T08:00:00.25Z", AT + 0.25),
        ("2027-01-15T08:00:00,5Z", AT + 0.5),
    ],
)
def test_other_moments(text: str, at: float) -> None:
    """One digit of a day, leap days and leap seconds, parts of a second."""
    assert dates.parse_date(text) == at


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "30", "@5", "Fri, 31 Dec 99999 23:59:59 GMT", "Mon, 29 Feb 2027 00:00:00 GMT"),
        *("Fri, 15 Jan 2027 24:00:00 GMT", "Fri, 15 Jan 2027 08:60:00 GMT", "Fri, 00 Jan 2027 08:00:00 GMT"),
        *("Fri, 15 Foo 2027 08:00:00 GMT", "2027-13-01T00:00:00Z", "2027-01-15", "0000-01-01T00:00:00Z"),
        *("2027-01-15T08:00:00+99:00", "Fri, 15 Jan \uff12\uff10\uff12\uff17 08:00:00 GMT"),
        "Fri, 15 Jan 2027 08:00:00 GMT" * 9,
    ],
)
def test_what_is_no_date(text: str) -> None:
    """None, and no error."""
    assert dates.parse_date(text) is None


@given(st.text(max_size=80))
def test_no_text_raises(text: str) -> None:
    """Whatever a server sends is a date or none."""
    found = dates.parse_date(text)
    assert found is None or isinstance(found, float)
