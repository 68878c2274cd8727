# SPDX-License-Identifier: Apache-2.0
"""Waits and quotas in the many forms in which servers send them, and no text that breaks the reading."""

from __future__ import annotations

from math import inf
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from callwell.core import headers, structured_fields
from callwell.core.headers import RETRY_AFTER_NAMES
from callwell.core.quota.hint import QuotaHint
from callwell.core.rules.profile import QuotaHeaderRule

WALL = 1_800_000_000.0
DATE = {"date": "Fri, 15 Jan 2027 08:00:00 GMT"}
LATER = "Fri, 15 Jan 2027 08:01:40 GMT"


@pytest.mark.parametrize(
    ("given_headers", "seconds"),
    [
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "5, 5"}, 5.0),
        ({"retry-after": f"{LATER}, {LATER}"}, 100.0),
        ({"retry-after": "Fri, 15 Jan 2027 08:01:40", **DATE}, 100.0),
        ({"retry-after": "Fri Jan 15 08:01:40 2027", **DATE}, 100.0),
        ({"retry-after": "Friday, 15-Jan-27 08:01:40 GMT", **DATE}, 100.0),
        ({"retry-after": "2027-01-15T08:01:40Z", **DATE}, 100.0),
        ({"retry-after": "1800000100", **DATE}, 100.0),
        ({"retry-after": "1800000100000", **DATE}, 100.0),
        ({"retry-after": LATER, "date": "Fri Jan 15 08:00:00 2027", "age": "30"}, 70.0),
        ({"retry-after": LATER, **DATE, "age": "?"}, 100.0),
        ({"retry-after": "30", "age": "20"}, 30.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500.5", "retry-after": "9"}, 1.5005),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        *[({"retry-after": text}, None) for text in ("120, 60", "1m0s", '"5"', "5 seconds", "NaN", "1e3", "9" * 400)],
    ],
)
def test_a_wait_in_any_form(given_headers: dict[str, str], seconds: float | None) -> None:
    """Decimals, milliseconds, any form of date, a value sent twice; a field that contradicts itself is ignored."""
    assert headers.read_retry_after_s(given_headers, RETRY_AFTER_NAMES, WALL) == seconds


@pytest.mark.parametrize(
    ("given_headers", "hints"),
    [
        (
            {"ratelimit": "limit=10, remaining=1, reset=30", "ratelimit-policy": "10;w=60"},
            (QuotaHint(limit=10, remaining=1, reset_s=30.0, window_s=60.0),),
        ),
        (
            {"ratelimit": "limit=10, remaining=1, reset=30", "ratelimit-policy": '10;w=60;comment="a, b", 99;w=3600'},
            (QuotaHint(limit=10, remaining=1, reset_s=30.0, window_s=60.0),),
        ),
        ({"ratelimit": "Limit=10,Remaining=-2, Reset=2.5"}, (QuotaHint(limit=10, remaining=0, reset_s=2.5),)),
        ({"ratelimit": "limit=10"}, ()),
        (
            {"ratelimit": '"a, b";r=5;t=1', "ratelimit-policy": '"a, b";q=9;w=60;pk=:cHJvag==:'},
            (QuotaHint(name="a, b", limit=9, remaining=5, reset_s=1.0, window_s=60.0),),
        ),
        (
            {"ratelimit": "default;r=5;t=1", "ratelimit-policy": "default;q=9;w=1"},
            (QuotaHint(name="default", limit=9, remaining=5, reset_s=1.0, window_s=1.0),),
        ),
        ({"ratelimit": '"say \\"x\\"";r=-1'}, (QuotaHint(name='say "x"', remaining=0),)),
        (
            {
                "ratelimit": '"requests";r=7;t=9, "bytes";r=1',
                "ratelimit-policy": '"requests";q=9;qu="requests";w=60, "bytes";q=99;qu="content-bytes";w=60',
            },
            (QuotaHint(name="requests", limit=9, remaining=7, reset_s=9.0, window_s=60.0),),
        ),
        (
            {"ratelimit-limit": "10, 10;w=1, 1000;w=3600", "ratelimit-remaining": "4", "ratelimit-reset": "1"},
            (QuotaHint(limit=10, remaining=4, reset_s=1.0, window_s=1.0),),
        ),
        (
            {"ratelimit-limit": "10", "ratelimit-remaining": "4", "ratelimit-policy": "10;w=1, 1000;w=3600"},
            (QuotaHint(limit=10, remaining=4, window_s=1.0),),
        ),
        (
            {"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76;w=21600"},
            (QuotaHint(limit=100, remaining=76, window_s=21_600.0),),
        ),
        (
            {"ratelimit-limit": "10;w=1, 99;w=60", "ratelimit-remaining": "5;w=1, 90;w=60", "ratelimit-reset": "1"},
            (QuotaHint(limit=10, remaining=5, window_s=1.0), QuotaHint(limit=99, remaining=90, window_s=60.0)),
        ),
        (
            {"x-ratelimit-limit-minute": "5", "x-ratelimit-remaining-minute": "4", "ratelimit-reset": "12"},
            (QuotaHint(limit=5, remaining=4, window_s=60.0),),
        ),
        (
            {
                "x-ratelimit-limit-requests": "60",
                "x-ratelimit-remaining-requests": "59",
                "x-ratelimit-reset-requests": "6m0.5s",
            },
            (QuotaHint(limit=60, remaining=59, reset_s=360.5),),
        ),
        ({"x-ratelimit-remaining": "598.0", "x-ratelimit-reset": "345"}, (QuotaHint(remaining=598, reset_s=345.0),)),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset-after": "0.65"}, (QuotaHint(remaining=1, reset_s=0.65),)),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset-ms": "650"}, (QuotaHint(remaining=1, reset_s=0.65),)),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "120ms"}, (QuotaHint(remaining=1, reset_s=0.12),)),
        (
            {"x-ratelimit-remaining": "1", "x-ratelimit-reset": "2027-01-15T08:00:09Z", **DATE},
            (QuotaHint(remaining=1, reset_s=9.0, uncertainty_s=2.0),),
        ),
        (
            {"x-ratelimit-remaining": "1", "x-ratelimit-reset": "1800000009000000", **DATE},
            (QuotaHint(remaining=1, reset_s=9.0, uncertainty_s=2.0),),
        ),
        ({"x-ratelimit-reset": "9"}, (QuotaHint(reset_s=9.0),)),
        ({"x-ratelimit-limit": "9", "x-ratelimit-remaining": "many", "x-ratelimit-reset": "soon"}, ()),
        (
            {"x-ratelimit-remaining": "1", "x-ratelimit-reset": "9", "age": "4"},
            (QuotaHint(reset_s=5.0, cached=True),),
        ),
        ({"x-ratelimit-remaining": "1", "age": "soon"}, (QuotaHint(cached=True),)),
        (
            {"x-ratelimit-remaining": "1", "x-ratelimit-reset": "1800000009", **DATE, "age": "4"},
            (QuotaHint(reset_s=5.0, uncertainty_s=2.0, cached=True),),
        ),
    ],
)
def test_a_quota_in_any_form(given_headers: dict[str, str], hints: tuple[QuotaHint, ...]) -> None:
    """Every draft of `RateLimit`, windows in names and parameters, spans, parts of seconds, and answers of caches."""
    assert headers.read_hints(given_headers, WALL) == hints


@pytest.mark.parametrize(
    ("text", "reset_is", "reset_s", "uncertainty_s"),
    [
        ("2.5", "delta", 2.5, 1.0),
        ("2500", "delta_ms", 2.5, 1.0),
        ("1800000006000", "epoch", 6.0, inf),
        ("1800000006.5", "epoch", 6.5, inf),
        ("2027-01-15T08:00:06Z", "epoch", 6.0, inf),
        ("2027-01-15T08:00:06Z", "delta", 6.0, inf),
        ("1m30s", "delta", 90.0, 1.0),
        ("12", "epoch", None, 1.0),
        ("1800000006", "delta", None, 1.0),
    ],
)
def test_a_reset_that_the_profile_names(
    text: str, reset_is: Literal["delta", "delta_ms", "epoch"], reset_s: float | None, uncertainty_s: float
) -> None:
    """It is read in the unit that the profile names, with decimals; an implausible number is ignored."""
    rule = replace(QuotaHeaderRule(remaining="x-left", reset="x-ends"), reset_is=reset_is)
    (hint,) = headers.read_hints({"x-left": "-3", "x-ends": text}, WALL, rule)
    assert hint == QuotaHint(remaining=0, reset_s=reset_s, uncertainty_s=uncertainty_s)


@pytest.mark.parametrize(("most", "left"), [("40", "7"), ("40;w=60", "7;w=60"), ("40, 40", "7, 7"), ("40.0", " 7.9 ")])
def test_counts_that_the_profile_names(most: str, left: str) -> None:
    """Counts may have a window as a parameter, stand in two lines, or have decimals."""
    rule = QuotaHeaderRule(limit="x-most", remaining="x-left")
    assert headers.read_hints({"x-most": most, "x-left": left}, WALL, rule) == (QuotaHint(limit=40, remaining=7),)


@pytest.mark.parametrize(
    ("hints", "named_by_profile", "seconds"),
    [
        ((QuotaHint(limit=60, remaining=0, reset_s=9.0),), False, 9.0),
        ((QuotaHint(limit=60, reset_s=9.0),), False, 9.0),
        ((QuotaHint(limit=60, remaining=3, reset_s=9.0),), False, None),
        ((QuotaHint(limit=60, remaining=3, reset_s=9.0),), True, 9.0),
        (
            (
                QuotaHint(name="m", limit=10, remaining=0, reset_s=9.0),
                QuotaHint(name="d", limit=99, remaining=0, reset_s=50.0),
                QuotaHint(name="y", limit=99, remaining=1, reset_s=70.0),
            ),
            False,
            50.0,
        ),
        ((QuotaHint(limit=60, remaining=0, reset_s=0.0),), False, None),
        ((), True, None),
    ],
)
def test_how_long_a_refusal_holds(hints: tuple[QuotaHint, ...], named_by_profile: bool, seconds: float | None) -> None:  # noqa: FBT001 - a table
    """By the longest reset of the quotas that are at their end, or of the one that the profile names."""
    assert headers.throttled_for_s(hints, named_by_profile=named_by_profile) == seconds


@pytest.mark.parametrize(
    ("text", "at"),
    [("@--5", None), ("@-5", -5.0), ("@²", None), ("@٣", None), ("@5;x=1", 5.0), ("@" + "9" * 400, None), ("@", None)],
)
def test_odd_deprecations(text: str, at: float | None) -> None:
    """No text of this header raises."""
    assert headers.read_deprecated_at({"deprecation": text}) == at


@pytest.mark.parametrize("text", ["", ";", '"a', "a=", "a;;b", "a,,b", "a b", "a;=1", "é", "a" * 5000])
def test_a_malformed_field_is_void(text: str) -> None:
    """A malformed field is read as if it were absent."""
    assert structured_fields.parse_members(text) == []


PARTS = st.sampled_from(
    [
        *('"', "\\", ";", ",", "=", ":", "@", "-", "--", ".", "?", " ", "\t", "\r\n", "\0", "²", "٣", "é", "\ud800"),
        *("r", "t", "q", "w", "qu", "limit", "remaining", "reset", "default", "requests", "true", "NaN", "inf", "1e9"),
        *("0", "1", "-1", "5", "60", "1.5", "9" * 30, "1800000009", "1800000009000", "2027-01-15T08:00:00Z", "Z"),
        *("Fri", "15", "Jan", "2027", "08:00:00", "GMT", "Fri Jan 15 08:00:00 2027", "6m0s", "+05:30", "@1"),
    ]
)
TEXTS = st.text(max_size=40) | st.lists(PARTS, max_size=12).map("".join)
NAMES = (
    *("ratelimit", "ratelimit-policy", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "date"),
    *("x-ratelimit-remaining-minute", "x-rate-limit-reset-after", "ratelimit-reset", "ratelimit-remaining", "x-left"),
    *("x-ends", "age", "retry-after", "retry-after-ms", "deprecation", "sunset"),
)


@given(
    given_headers=st.dictionaries(st.sampled_from(NAMES), TEXTS),
    reset_is=st.sampled_from(["delta", "delta_ms", "epoch"]),
)
def test_no_text_raises(given_headers: dict[str, str], reset_is: Literal["delta", "delta_ms", "epoch"]) -> None:
    """Whatever stands in any header is read or ignored; times are never negative, infinite or longer than a year."""
    rule = QuotaHeaderRule(limit="x-most", remaining="x-left", reset="x-ends", reset_is=reset_is)
    for found in (headers.read_hints(given_headers, WALL), headers.read_hints(given_headers, WALL, rule)):
        for hint in found:
            assert hint.remaining is None or hint.remaining >= 0
            assert hint.reset_s is None or 0.0 <= hint.reset_s <= headers.MAX_WAIT_S
        for named_by_profile in (True, False):
            assert (headers.throttled_for_s(found, named_by_profile=named_by_profile) or 0.0) >= 0.0
    assert 0.0 <= (headers.read_retry_after_s(given_headers, RETRY_AFTER_NAMES, WALL) or 0.0) <= headers.MAX_WAIT_S
    assert headers.read_age_s(given_headers) >= 0.0
    headers.read_deprecated_at(given_headers)
    headers.read_sunset_at(given_headers)
