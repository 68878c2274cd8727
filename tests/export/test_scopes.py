# SPDX-License-Identifier: Apache-2.0
"""Scopes with keys that cannot be requested: each fails alone, and all others are exported."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from msgspec.structs import replace

from callwell.client import AsyncClient
from callwell.core.rules.export import ExportRule
from callwell.core.rules.operations import OperationRule, PagingRule
from callwell.description.model import Api
from callwell.export import Export
from callwell.keys import Key
from callwell.state import MemoryState
from callwell.testing import ManualClock
from tests.client._async.scripted_client import AsyncStreamingTransport
from tests.client.acme import KEY, STRING_SCHEMA, acme, operation, parameter
from tests.client.world import make_response

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.description.provider import Provider
    from callwell.export import ExportReport
    from callwell.transport.base import Request, Response

SPACE = parameter("space_id", "path", STRING_SCHEMA, wire="spaceId")
ITEM = parameter("item_id", "path", STRING_SCHEMA, wire="itemId")
OPERATIONS = (
    operation("spaces.list", "GET", "/spaces"),
    operation("items.list", "GET", "/spaces/{spaceId}/items", SPACE),
    operation("items.get", "GET", "/spaces/{spaceId}/items/{itemId}", SPACE, ITEM),
)
PAGED = OperationRule(paging=PagingRule(style="next-link", items="items", key="id", next="next"))
RULE = ExportRule(
    scopes="spaces.list", scope_parameter="space_id", items="items.list", detail="items.get", item_parameter="item_id"
)


def provider() -> Provider:
    """A service with scopes."""
    result = acme(export=RULE, operations={"spaces.list": PAGED, "items.list": PAGED})
    return replace(result, api=Api(title="Acme", version="1", operations={item.name: item for item in OPERATIONS}))


def export(folder: Path, *spaces: object) -> ExportReport:
    """Export a service with these scopes, each of which has one item."""

    def reply(request: Request) -> Response:
        path = urlsplit(request.url).path
        if path.endswith("/spaces"):
            return make_response(200, {"items": [{"id": space} for space in spaces], "next": None})
        if path.endswith("/items"):
            return make_response(200, {"items": [{"id": "a"}], "next": None})
        return make_response(200, {"id": unquote(path.rpartition("/")[2])})

    async def work() -> ExportReport:
        async with AsyncClient(
            provider(),
            key=Key(KEY),
            priority="batch",
            state=MemoryState(),
            clock=ManualClock(now=1000.0),
            transport=AsyncStreamingTransport(reply),
        ) as client:
            return await Export(client, folder).run()

    return asyncio.run(work())


@pytest.mark.parametrize("odd", ["..", ".", "", None, {"a": 1}, "cut \ufffd"])
def test_an_odd_scope_fails_alone(tmp_path: Path, odd: object) -> None:
    """The report has its reason, and all other scopes are exported."""
    report = export(tmp_path / "tree", "one", odd, "two")
    assert (report.verdict, report.items, len(report.failed)) == ("failed", 2, 1)
    assert sorted(path.parent.name for path in (tmp_path / "tree").glob("*/items.jsonl")) == ["one", "two"]
    named = [json.loads(line)["id"] for line in (tmp_path / "tree" / "spaces.jsonl").read_text().splitlines()]
    assert named == ["one", "two"]


@pytest.mark.parametrize("odd", ["a/b", "con", "%2e", "x" * 300, "é"])
def test_a_scope_with_any_name_has_its_folder(tmp_path: Path, odd: str) -> None:
    """Each scope has one folder inside the folder of the export."""
    report = export(tmp_path / "tree", "one", odd)
    assert (report.verdict, report.items, report.failed) == ("complete", 2, {})
    assert len(list((tmp_path / "tree").glob("*/items.jsonl"))) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]


def test_scopes_that_differ_by_case_alone(tmp_path: Path) -> None:
    """Each has its folder; on a case-insensitive disk the second one fails, and no records are mixed."""
    assert export(tmp_path / "tree", "Aa", "aA").verdict == "complete"
    assert {path.parent.name for path in (tmp_path / "tree").glob("*/items.jsonl")} == {"Aa", "aA"}
    export(tmp_path / "case-insensitive")
    (tmp_path / "case-insensitive" / "CALLWELL-EXPORT.JSON").touch()  # as the marker would be found there
    report = export(tmp_path / "case-insensitive", "Aa", "aA", "b")
    assert (report.verdict, report.items, list(report.failed)) == ("failed", 2, ["aA"])
    assert "differs from that of Aa only by case" in report.failed["aA"]
