# SPDX-License-Identifier: Apache-2.0
"""Signed URLs go out of records, wherever they stand in them."""

from __future__ import annotations

from typing import Any

import pytest

from callwell.core.signed_fields import replace_fields


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"a": {"b": "url", "c": 1}, "d": "url"}, {"a": {"b": "x", "c": 1}, "d": None}),
        ({"a": {"b": None}, "d": ""}, {"a": {"b": None}, "d": ""}),
        ({"a": None}, {"a": None}),
        ({"a": ["b"]}, {"a": ["b"]}),
        ({}, {}),
        ("text", "text"),
    ],
)
def test_what_stands_in_their_place(item: Any, expected: Any) -> None:
    """What is not there or empty stays so, and the item itself is not changed."""
    before = repr(item)
    assert replace_fields(item, {"a.b": "x", "d": None}) == expected
    assert repr(item) == before
