# SPDX-License-Identifier: Apache-2.0
"""A success that is none says why, as the last cause of a call that ran out of time."""

from __future__ import annotations

import pytest

from callwell.client.calls.failures import _last
from callwell.client.calls.responses import Answer, Reading


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (Reading(Answer(200, {}, b"{", None), whole=False), "200: the answer is not whole, or no JSON"),
        (
            Reading(Answer(200, {}, b"[NaN]", None), message="the answer holds NaN", whole=False),
            "200: the answer holds NaN",
        ),
        (Reading(Answer(200, {}, b"", None), whole=False, too_large=True), "200: it has more bytes than"),
        (Reading(Answer(200, {}, b"<p>", None), whole=False, foreign=True), "200: a page in the place of JSON"),
        (Reading(Answer(503, {}, b"", None), code="busy"), "503 busy"),
    ],
)
def test_the_last_cause_of_a_broken_success(reading: Reading, words: str) -> None:
    """A bare 200 would say nothing of what is wrong."""
    assert _last(reading, "https://api.example.com/x").startswith(words)
