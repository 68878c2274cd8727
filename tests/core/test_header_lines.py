# SPDX-License-Identifier: Apache-2.0
"""Headers on several lines mean what one line with commas means."""

from __future__ import annotations

import pytest
from pyreqwest.http import HeaderMap

from callwell.core import headers
from callwell.core.quota.hint import QuotaHint
from callwell.transport.headers import ResponseHeaders

WALL = 1_795_881_600.0
DATE = ("date", "Sat, 28 Nov 2026 16:00:00 GMT")


def fields(*lines: tuple[str, str]) -> ResponseHeaders:
    """The headers of a response from a server that knows the time."""
    return ResponseHeaders(HeaderMap([DATE, *lines]))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["30", "30"], 30.0),
        (["10", "30"], None),
        (["30", "soon"], None),
        (["30", "\xe9"], None),
        (["\xe9"], None),
        ([""], None),
        ([","], None),
    ],
)
def test_a_wait_on_several_lines_counts_if_they_agree(values: list[str], expected: float | None) -> None:
    """What contradicts itself asks for nothing, on one line and on two."""
    answer = fields(*[("retry-after", value) for value in values])
    assert headers.read_retry_after_s(answer, headers.RETRY_AFTER_NAMES, WALL) == expected


def test_quotas_on_several_lines_are_all_read() -> None:
    """Lines of one list belong together (RFC 9110, 5.3)."""
    answer = fields(
        ("ratelimit", '"burst";r=0;t=5'),
        ("ratelimit", '"daily";r=9;t=60'),
        ("ratelimit-policy", '"burst";q=10;w=10'),
        ("ratelimit-policy", '"daily";q=100;w=86400'),
    )
    assert headers.read_hints(answer, WALL) == (
        QuotaHint(name="burst", limit=10, remaining=0, reset_s=5.0, window_s=10.0),
        QuotaHint(name="daily", limit=100, remaining=9, reset_s=60.0, window_s=86_400.0),
    )


def test_a_dictionary_on_several_lines_is_one() -> None:
    """The field of draft 7 may come key by key."""
    answer = fields(("ratelimit", "limit=100"), ("ratelimit", "remaining=0"), ("ratelimit", "reset=30"))
    assert headers.read_hints(answer, WALL) == (QuotaHint(limit=100, remaining=0, reset_s=30.0),)


def test_a_line_that_cannot_be_read_voids_the_list() -> None:
    """A list with a part that is not text says nothing, as the drafts demand."""
    answer = fields(("ratelimit", '"burst";r=0;t=5'), ("ratelimit", "\xe9"))
    assert headers.read_hints(answer, WALL) == ()
