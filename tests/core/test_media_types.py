# SPDX-License-Identifier: Apache-2.0
"""Which media types are JSON, text and JSON lines."""

from __future__ import annotations

import pytest

from callwell.core.media_types import base_type, is_json, is_json_lines, is_text


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("application/json", {"json"}),
        ("application/vnd.acme.v2+json; charset=utf-8", {"json"}),
        ("text/json", {"json", "text"}),
        ("Text/Plain; charset=utf-8", {"text"}),
        ("text/csv", {"text"}),
        ("application/csv", {"text"}),
        ("application/xml", {"text"}),
        ("image/svg+xml", {"text"}),
        ("application/vnd.acme+yaml", {"text"}),
        ("application/yml", {"text"}),
        ("application/x-yaml", {"text"}),
        ("application/graphql", {"text"}),
        ("application/x-javascript", {"text"}),
        ("application/x-sh", {"text"}),
        ("application/x-www-form-urlencoded", {"text"}),
        ("application/x-ndjson", {"lines"}),
        ("application/jsonl", {"lines"}),
        ("application/stream+json", {"json", "lines"}),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", set()),
        ("application/pdf", set()),
        ("application/octet-stream", set()),
        ("image/png", set()),
        ("", set()),
    ],
)
def test_kinds(name: str, kinds: set[str]) -> None:
    """A type is known by its name, its `+` ending, or the name that it had before it was registered."""
    base = base_type(name)
    found = {"json": is_json(base), "text": is_text(base), "lines": is_json_lines(base)}
    assert {kind for kind, is_kind in found.items() if is_kind} == kinds


def test_lines_by_a_parameter() -> None:
    """Kubernetes names JSON lines by a parameter of JSON."""
    assert is_json_lines("application/json;stream=watch")
