# SPDX-License-Identifier: Apache-2.0
"""What is left of a body that was cut at its bound is not read: it may look like a whole one."""

from __future__ import annotations

import pytest

from callwell.client.calls import json_repair, responses
from callwell.transport.base import Response
from tests.client.acme import BASE, ERRORS

HEADERS = {"content-type": "application/json"}


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("body", [b"12", b'{"data": 1}', b'"\xff"', b"\xef\xbb\xbf[1]", b'["\\ud83d"]'])
def test_a_cut_body_says_nothing(status: int, body: bytes) -> None:
    """It was `1234`, or one of several documents; its bytes are there for who wants to see them."""
    response = Response(status, HEADERS, body, whole=False, too_large=True)
    reading = responses.parse_response(ERRORS, response, f"{BASE}/x", lambda: 1e9, None)
    assert reading.answer.json is None
    assert reading.answer.body == body
    assert reading.code is None
    assert not reading.message


@pytest.mark.parametrize(
    ("body", "repaired"),
    [
        (rb'"\ud83d"', rb'"\ufffd"'),
        (rb'"\uD83D"', rb'"\ufffd"'),
        (rb'"\\ud83d"', rb'"\\ud83d"'),
        (rb'"\ud83d\ude00"', rb'"\ud83d\ude00"'),
        (rb'"\u00e9\n"', rb'"\u00e9\n"'),
        (b'"\xff"', '"\ufffd"'.encode()),
        (b'\xff\xfe"\x00\\\x00u\x00d\x008\x003\x00d\x00"\x00', rb'"\ufffd"'),
    ],
)
def test_only_halves_of_pairs_are_repaired(body: bytes, repaired: bytes) -> None:
    """Whatever else a body has stays as it is."""
    assert json_repair.repair_json(body, "") == repaired
