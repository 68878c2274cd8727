# SPDX-License-Identifier: Apache-2.0
"""A provider of one item and one list, described in a folder as a user would, with quotas that never bind."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.rounds import KEY_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT: Final = 10_000_000
"""Requests per minute, and per day: counted like any others, and never reached."""

ITEMS: Final = 100
"""Items of a page."""

ITEM: Final = {"id": 7, "name": "Seven", "tags": ["small", "json"], "owner": {"id": 1, "name": "Ann"}, "done": False}
"""The small JSON."""

_ITEM_ID: Final = {"name": "item_id", "in": "path", "required": True, "schema": {"type": "integer"}}
_ANSWER: Final = {"200": {"description": "OK", "content": {"application/json": {"schema": {"type": "object"}}}}}

OPENAPI: Final[dict[str, Any]] = {
    "openapi": "3.1.0",
    "info": {"title": "Bench", "version": "1"},
    "paths": {
        "/items/{item_id}": {"get": {"operationId": "items.get", "parameters": [_ITEM_ID], "responses": _ANSWER}},
        "/items": {
            "get": {
                "operationId": "items.list",
                "parameters": [
                    {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1}},
                    {"name": "per_page", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": ITEMS}},
                    {"name": "total", "in": "query", "schema": {"type": "integer"}},
                ],
                "responses": _ANSWER,
            }
        },
    },
}

QUOTAS: Final = f"""\
[quotas.minute]
limit = {LIMIT}
window_s = 60

[quotas.day]
limit = {LIMIT}
window_s = 86_400
"""

PROFILE: Final = f"""\
name = "bench"
title = "Bench"
result = "data"

[environments.loopback]
base_url = "http://127.0.0.1"

[key]
env = "{KEY_VARIABLE}"

[operations."items.list".paging]
style = "page"
items = "data.items"
key = "id"
position = "page"
first = 1
size = "per_page"
max_size = {ITEMS}
more = "data.more"
total = "data.total"
pages = "data.pages"
"""


@contextmanager
def folder(quotas: str = QUOTAS) -> Iterator[str]:
    """The description, in its own folder while it is needed.

    Args:
        quotas: tables of a profile.
    """
    with tempfile.TemporaryDirectory(prefix="bench-provider-") as place:
        Path(place, "openapi.json").write_text(json.dumps(OPENAPI), encoding="utf-8")
        Path(place, "profile.toml").write_text(f"{PROFILE}\n{quotas}", encoding="utf-8")
        yield place
