# SPDX-License-Identifier: Apache-2.0
"""Query parameters of requests outside the description: in the form of the wire, or a usage error."""

from __future__ import annotations

from typing import Any

import pytest

from callwell import errors
from tests.client._sync.scripted_client import connect
from tests.client.world import ScriptedProvider


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ({"a": "b c"}, "?a=b+c"),
        ({"a": 1, "b": 2.5}, "?a=1&b=2.5"),
        ({"a": True, "b": False}, "?a=true&b=false"),
        ({"a": None, "b": ["x", "y"]}, "?b=x&b=y"),
        ({}, ""),
        (None, ""),
    ],
)
def test_what_has_a_form_is_sent_in_it(query: Any, sent: str) -> None:
    """Flags as JSON has them."""
    world = ScriptedProvider()
    connect(world).request("GET", "/things", query=query)
    assert world.urls[0].endswith(f"/things{sent}")


@pytest.mark.parametrize(
    "query",
    [{1: "x"}, {None: "x"}, {b"a": "x"}, {("a",): "x"}, {"a": b"x"}, [("a", "b")], "a=b"],
)
def test_what_has_none_is_a_usage_error(query: Any) -> None:
    """Nothing is sent: not the text `None` either."""
    world = ScriptedProvider()
    with pytest.raises(errors.InvalidOption, match="query"):
        connect(world).request("GET", "/things", query=query)
    assert not world.sent
