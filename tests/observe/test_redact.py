# SPDX-License-Identifier: Apache-2.0
"""Strings lose their secrets and keep the rest."""

from __future__ import annotations

import pytest

from callwell.observe.redact import redact


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abcdef123", "Authorization: Bearer [hidden]"),
        ("authorization='Basic dXNlcjpwYXNz'", "authorization='Basic [hidden]'"),
        ("x-api-key: abc", "x-api-key: [hidden]"),
        ('{"api-key": "abc", "b": 1}', '{"api-key": "[hidden]", "b": 1}'),
        ("https://h/f?a=1&X-Amz-Signature=abc&b=2", "https://h/f?a=1&X-Amz-Signature=[hidden]&b=2"),
        ("https://h/f?sig=abc'", "https://h/f?sig=[hidden]'"),
        ("https://h/?api_key=abc&apikey=d&token=e", "https://h/?api_key=[hidden]&apikey=[hidden]&token=[hidden]"),
        ("http://me:secret@proxy:8080/", "http://[hidden]@proxy:8080/"),
        ("the key question of the day is basic", "the key question of the day is basic"),
        ("", ""),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, expected: str) -> None:
    """Headers, signed URLs and passwords in addresses."""
    assert redact(text) == expected


def test_known_secrets_are_hidden_whatever_they_look_like() -> None:
    """Also several times, and an empty one hides nothing."""
    assert redact("abc in abc", "abc", "") == "[hidden] in [hidden]"
