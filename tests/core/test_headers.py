# SPDX-License-Identifier: Apache-2.0
"""Every documented form of a quota header is read, and nonsense is ignored."""

from __future__ import annotations

from math import inf
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from callwell.core import headers
from callwell.core.quota.hint import QuotaHint
from callwell.core.rules.profile import QuotaHeaderRule

WALL = 1_800_000_000.0
DATE = {"date": "Fri, 15 Jan 2027 08:00:00 GMT"}
AFTER = ("retry-after",)


@pytest.mark.parametrize(
    ("given_headers", "seconds"),
    [
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "Fri, 15 Jan 2027 08:01:40 GMT", **DATE}, 100.0),
        ({"retry-after": "Fri, 15 Jan 2027 08:01:40 GMT"}, 100.0),
        ({"retry-after": "Fri, 15 Jan 2027 07:00:00 GMT", **DATE}, 0.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "99999999999"}, None),
        ({}, None),
    ],
)
def test_retry_after_in_both_forms(given_headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, or a date relative to the response's own; nothing else is believed."""
    assert headers.read_retry_after_s(given_headers, AFTER, WALL) == seconds


def test_a_skewed_server_does_no_harm() -> None:
    """A date is taken relative to the response's Date, an hour wrong as both may be."""
    skewed = {"retry-after": "Fri, 15 Jan 2027 09:00:10 GMT", "date": "Fri, 15 Jan 2027 09:00:00 GMT"}
    assert headers.read_retry_after_s(skewed, AFTER, WALL) == 10.0


@pytest.mark.parametrize(
    ("status", "given_headers", "wait_s"),
    [
        (429, {"retry-after": "30"}, 30.0),
        (429, {"retry-after": "0"}, 0.0),
        (429, {"retry-after": "soon"}, 7.0),
        (429, {}, 7.0),
        (503, {"retry-after": "30"}, 30.0),
        (503, {}, None),
        (500, {"retry-after": "30"}, None),
        (500, {}, None),
    ],
)
def test_retry_after_outranks_the_quota_headers_of_a_429(
    status: int, given_headers: dict[str, str], wait_s: float | None
) -> None:
    """Quota headers decide only where a 429 has no readable `Retry-After`; other statuses ignore them."""
    assert headers.read_requested_wait_s(status, given_headers, AFTER, WALL, quota_wait_s=7.0) == wait_s


@pytest.mark.parametrize(
    ("given_headers", "hints"),
    [
        (
            {"ratelimit": '"default";r=50;t=30', "ratelimit-policy": '"default";q=100;w=60'},
            (QuotaHint(name="default", limit=100, remaining=50, reset_s=30.0, window_s=60.0),),
        ),
        (
            {"ratelimit": '"m";r=5;t=9, "d";r=700', "ratelimit-policy": '"m";q=10;w=60, "d";q=1000;w=86400'},
            (
                QuotaHint(name="m", limit=10, remaining=5, reset_s=9.0, window_s=60.0),
                QuotaHint(name="d", limit=1000, remaining=700, window_s=86400.0),
            ),
        ),
        ({"ratelimit": '"a;b,c";r=1'}, (QuotaHint(name="a;b,c", remaining=1),)),
        ({"ratelimit": '"x";r=one'}, ()),
        ({"ratelimit": '"x;r=1'}, ()),
        (
            {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "7", "x-ratelimit-reset": "12"},
            (QuotaHint(limit=100, remaining=7, reset_s=12.0),),
        ),
        (
            {"x-ratelimit-remaining": "7", "x-ratelimit-reset": "1800000012"},
            (QuotaHint(remaining=7, reset_s=12.0, uncertainty_s=inf),),
        ),
        (
            {"x-ratelimit-remaining": "7", "x-ratelimit-reset": "1800000012000", **DATE},
            (QuotaHint(remaining=7, reset_s=12.0, uncertainty_s=2.0),),
        ),
        ({"x-ratelimit-remaining": "7", "x-ratelimit-reset": "never"}, (QuotaHint(remaining=7),)),
        ({"x-ratelimit-remaining": "-1"}, (QuotaHint(remaining=0),)),
        ({}, ()),
    ],
)
def test_quota_headers_in_every_form(given_headers: dict[str, str], hints: tuple[QuotaHint, ...]) -> None:
    """The IETF draft's fields, and the customary ones with spans, seconds and milliseconds."""
    assert headers.read_hints(given_headers, WALL) == hints


@pytest.mark.parametrize(
    ("text", "at"), [("@1688169599", 1688169599.0), ("true", 0.0), ("?1", 0.0), ("@soon", None), ("", None)]
)
def test_deprecation(text: str, at: float | None) -> None:
    """A structured date, or the older bare truth."""
    assert headers.read_deprecated_at({"deprecation": text}) == at


def test_sunset() -> None:
    """An HTTP date."""
    assert headers.read_sunset_at({"sunset": "Fri, 15 Jan 2027 08:00:00 GMT"}) == WALL


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "ratelimit",
                "ratelimit-policy",
                "x-ratelimit-remaining",
                "retry-after",
                "date",
                "x-ratelimit-reset",
                "deprecation",
                "sunset",
            ]
        ),
        st.text(max_size=40),
    )
)
def test_nonsense_is_ignored(given_headers: dict[str, str]) -> None:
    """No header, however malformed, raises or gives a negative number."""
    for hint in headers.read_hints(given_headers, WALL):
        assert hint.remaining is None or hint.remaining >= 0
    waits = headers.read_retry_after_s(given_headers, AFTER, WALL)
    assert waits is None or waits >= 0
    headers.read_deprecated_at(given_headers)
    headers.read_sunset_at(given_headers)


OWN = QuotaHeaderRule(limit="x-most", remaining="x-left", reset="x-ends")


@pytest.mark.parametrize(
    ("given_headers", "reset_is", "hints"),
    [
        ({"x-most": "40", "x-left": "7", "x-ends": "12"}, "delta", (QuotaHint(limit=40, remaining=7, reset_s=12.0),)),
        ({"x-left": "7", "x-ends": "1800000012"}, "epoch", (QuotaHint(remaining=7, reset_s=12.0, uncertainty_s=inf),)),
        ({"x-left": "7", "x-ends": "1700000000"}, "epoch", (QuotaHint(remaining=7, reset_s=0.0, uncertainty_s=inf),)),
        (
            {"x-ends": "1800000012", **DATE, "x-ratelimit-remaining": "3"},
            "epoch",
            (QuotaHint(reset_s=12.0, uncertainty_s=2.0),),
        ),
        ({"x-left": "7", "x-ends": "1800000012"}, "delta", (QuotaHint(remaining=7),)),
        ({"x-left": "many", "x-ends": "soon"}, "delta", ()),
        ({"x-ratelimit-remaining": "7"}, "delta", ()),
    ],
)
def test_the_provider_s_own_headers(
    given_headers: dict[str, str], reset_is: Literal["delta", "epoch"], hints: tuple[QuotaHint, ...]
) -> None:
    """The headers that a profile names are read as it says, and the customary ones are not."""
    rule = replace(OWN, reset_is=reset_is)
    assert headers.read_hints(given_headers, WALL, rule) == hints
