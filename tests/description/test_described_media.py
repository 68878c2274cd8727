# SPDX-License-Identifier: Apache-2.0
"""The media types of successful responses besides JSON."""

from __future__ import annotations

from typing import Any

import pytest

from callwell.description.openapi import read

JSON = {"application/json": {"schema": {"type": "object"}}}


def media(responses: dict[str, Any]) -> tuple[str, ...]:
    """The media types besides JSON of an operation with these responses."""
    document = {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "paths": {"/things": {"get": {"operationId": "things.get", "responses": responses}}},
    }
    return read(document).operations["things.get"].media


@pytest.mark.parametrize(
    ("responses", "expected"),
    [
        ({"200": {"content": JSON}}, ()),
        ({"200": {"content": {"application/vnd.acme+json": {}}}}, ()),
        ({"200": {"content": {**JSON, "Text/Plain; charset=utf-8": {}}}}, ("text/plain",)),
        (
            {"200": {"content": {**JSON, "text/csv": {}}}, "206": {"content": {"image/png": {}}}},
            ("text/csv", "image/png"),
        ),
        ({"200": {"description": "none"}, "404": {"content": {"text/html": {}}}}, ()),
    ],
)
def test_types_beside_json_are_known(responses: dict[str, Any], expected: tuple[str, ...]) -> None:
    """Those of 2xx responses, in lower case and without parameters."""
    assert media(responses) == expected
