# SPDX-License-Identifier: Apache-2.0
"""Keys that no path can hold: one of them fails, with its reason, and everything else is exported."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest

from callwell.client import AsyncClient
from callwell.core.rules.export import ExportRule
from callwell.core.rules.operations import AssetRule, OperationRule, PagingRule
from callwell.export import Export
from callwell.export.file_names import MAX_LENGTH, distinct_names, safe_name, shorten
from callwell.keys import Key
from callwell.state import MemoryState
from callwell.testing import ManualClock
from tests.client._async.scripted_client import AsyncStreamingTransport
from tests.client.acme import KEY, acme
from tests.client.world import make_response

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.export import ExportReport
    from callwell.transport.base import Request, Response

URL = "https://storage.test/bytes"
RULE = ExportRule(items="things.scroll", detail="things.get", item_parameter="thing_id", assets=("things.file",))
SCROLL = OperationRule(paging=PagingRule(style="cursor", items="items", key="id", position="cursor", next="next"))


def file_rule(name: str) -> OperationRule:
    """The rule of the operation that leads to a file of this name."""
    return OperationRule(asset=AssetRule(url="url", name=name))


class Service:
    """A list of things with these keys, each with a file.

    Args:
        items: the entries of the list.
    """

    def __init__(self, *items: Any) -> None:
        self.items = items

    def __call__(self, request: Request) -> Response:
        """What comes back."""
        path = urlsplit(request.url).path
        if request.url == URL:
            return make_response(200, b"the file")
        if path.endswith("/scroll"):
            return make_response(200, {"items": list(self.items), "next": None})
        if path.endswith("/file"):
            return make_response(200, {"url": URL})
        return make_response(200, {"id": unquote(path.rpartition("/")[2])})

    def export(
        self, folder: Path, state: MemoryState | None = None, name: str = "things/{thing_id}/f.bin"
    ) -> ExportReport:
        """Export it."""

        async def work() -> ExportReport:
            provider = acme(export=RULE, operations={"things.scroll": SCROLL, "things.file": file_rule(name)})
            async with AsyncClient(
                provider,
                key=Key(KEY),
                priority="batch",
                state=state or MemoryState(),
                clock=ManualClock(now=1000.0),
                transport=AsyncStreamingTransport(self),
            ) as client:
                return await Export(client, folder).run()

        return asyncio.run(work())


def named(*keys: object) -> Service:
    """A service with things of these keys."""
    return Service(*({"id": key} for key in keys))


def found(tree: Path) -> set[str]:
    """The keys of the records that are there; each has its file."""
    records = [json.loads(line) for line in (tree / "things.jsonl").read_text().splitlines()]
    for record in records:
        assert (tree / record["assets"]["file"]["file"]).read_bytes() == b"the file"
    return {record["id"] for record in records}


@pytest.mark.parametrize("key", ["..", ".", "", None, {"a": 1}, True, ["x"], "cut \ufffd"])
def test_a_key_that_cannot_be_requested_is_reported(tmp_path: Path, key: object) -> None:
    """With the reason; the others are there, and a second run says the same."""
    state = MemoryState()
    for _ in range(2):
        report = named("a", key, "b").export(tmp_path / "tree", state)
        assert (report.verdict, report.items, found(tmp_path / "tree")) == ("failed", 2, {"a", "b"})
        (reason,) = report.failed.values()
        assert any(words in reason for words in ("thing_id cannot be", "has no key", "arrived damaged"))


@pytest.mark.parametrize("entry", [None, "text", 5, [], {}])
def test_an_entry_that_is_no_thing_is_reported(tmp_path: Path, entry: object) -> None:
    """It has no key; the others have."""
    report = Service({"id": "a"}, entry, {"id": "b"}).export(tmp_path / "tree")
    assert (report.verdict, found(tmp_path / "tree"), list(report.failed)) == ("failed", {"a", "b"}, ["(no key)"])


@pytest.mark.parametrize(
    "key",
    [
        "a/b",
        "a\\b",
        "%2e%2e",
        "100%",
        "x" * 300,
        "é" * 90,
        "a\0b",
        "con",
        "NUL.txt",
        "Com1",
        "a.",
        "a ",
        "-rf",
        "~",
        "\n",
    ],
)
def test_a_key_that_can_be_requested_is_exported(tmp_path: Path, key: str) -> None:
    """Under a name that every file system takes, within the folder."""
    report = named("a", key).export(tmp_path / "outer" / "tree")
    assert (report.verdict, report.items) == ("complete", 2)
    assert found(tmp_path / "outer" / "tree") == {"a", key}
    assert [path.name for path in tmp_path.iterdir()] == ["outer"]


@pytest.mark.parametrize("name", ["{thing_id}-{thing_id}.bin", "things/{thing_id}/" + "y" * 250])
def test_a_name_that_is_too_long_is_shortened(tmp_path: Path, name: str) -> None:
    """Whatever it is made of."""
    report = named("x" * 170, "x" * 171).export(tmp_path / "tree", name=name)
    assert (report.verdict, len(found(tmp_path / "tree")), report.files) == ("complete", 2, 2)


def test_names_that_differ_by_case_alone(tmp_path: Path) -> None:
    """Each has a folder of its own also where `A` is `a`, whichever came first, and both stay in a second run."""
    state = MemoryState()
    assert named("Aa", "b").export(tmp_path / "tree", state).verdict == "complete"
    for _ in range(2):
        report = named("Aa", "aA", "b", "B").export(tmp_path / "tree", state)
        assert (report.verdict, report.files) == ("complete", 4)
        assert found(tmp_path / "tree") == {"Aa", "aA", "b", "B"}
        folders = [path.name.casefold() for path in (tmp_path / "tree" / "things").iterdir()]
        assert len(set(folders)) == len(folders) == 4
    anew = named("aA", "B", "b", "Aa").export(tmp_path / "anew")
    assert (anew.verdict, found(tmp_path / "anew")) == ("complete", {"Aa", "aA", "b", "B"})


@pytest.mark.parametrize("name", ["con", "NUL", "aux.txt", "lPT9.tar.gz"])
def test_no_name_is_that_of_a_device(name: str) -> None:
    """The tree may be copied to a machine where such names are none of files."""
    assert safe_name(name).partition(".")[0].upper() != name.partition(".")[0].upper()
    assert not safe_name("a.").endswith(".")


def test_names_of_any_text_are_short_and_distinct() -> None:
    """Strings that are not UTF-8 among them."""
    texts = ["\ud83d", "\ud83e", "x" * 500, "x" * 501, "X" * 500, "a", "A", "", ".", "..", "%", "con", "CON"]
    names = {text: distinct_names(texts).get(text, safe_name(text)) for text in texts}
    assert len({name.casefold() for name in names.values()}) == len(texts)
    assert max(map(len, names.values())) <= MAX_LENGTH
    assert shorten("short", "whatever") == "short"
