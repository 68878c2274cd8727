# SPDX-License-Identifier: Apache-2.0
"""A success that is none says why, as the last cause of a call that ran out of time."""

from __future__ import annotations

import pytest

from callwell.client.calls.failures import _describe_last
from callwell.client.calls.responses import Answer, ParsedResponse


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (ParsedResponse(Answer(200, {}, b"{", None), whole=False), "200: the response is incomplete, or not JSON"),
        (
            ParsedResponse(Answer(200, {}, b"[NaN]", None), message="the response contains NaN", whole=False),
            "200: the response contains NaN",
        ),
        (ParsedResponse(Answer(200, {}, b"", None), whole=False, too_large=True), "200: it has more bytes than"),
        (
            ParsedResponse(Answer(200, {}, b"<p>", None), whole=False, from_gateway=True),
            "200: a page instead of JSON",
        ),
        (ParsedResponse(Answer(503, {}, b"", None), code="busy"), "503 busy"),
    ],
)
def test_the_last_cause_of_a_broken_success(reading: ParsedResponse, words: str) -> None:
    """A bare 200 would say nothing of what is wrong."""
    assert _describe_last(reading, "https://api.example.com/x").startswith(words)
