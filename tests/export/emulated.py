# SPDX-License-Identifier: Apache-2.0
"""What tests of the export share: an emulator as a process, exports here and as processes, and what is in a tree."""

from __future__ import annotations

import asyncio
import hashlib
import json
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest
from msgspec.structs import replace

from callwell.client import AsyncClient
from callwell.clock import parse_clock
from callwell.export import Export
from callwell.providers import load
from callwell.state import open_state
from tests.emulator.harness import fetch
from tests.processes.program import popen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from callwell.description.provider import Provider
    from callwell.emulator.process import Running
    from callwell.export import ExportProgress, ExportReport
    from tests.processes.program import Program

PROGRAM = Path(__file__).with_name("exporting.py")
Json: TypeAlias = Any

ITEMS: Final = 12
"""Recordings of a world: two pages of one workspace and one of the other; one lacks a capture, one has expired."""

PAGE_SIZE: Final = 6
"""Recordings on a page. Each costs six calls, so that worlds with full pages of twenty would take thrice as long."""

WORKERS: Final = 6
"""Recordings that are fetched at once here: not all of them."""


def hurried() -> Provider:
    """The provider without quotas and with small pages: for tests that are about something else."""
    provider = load("userplane")
    many = {name: replace(rule, limit=rule.limit * 1_000) for name, rule in provider.profile.quotas.items()}
    operations = dict(provider.profile.operations)
    listed = operations["recordings.list"]
    assert listed.paging is not None
    operations["recordings.list"] = replace(listed, paging=replace(listed.paging, max_size=PAGE_SIZE))
    return replace(provider, profile=replace(provider.profile, quotas=many, operations=operations))


class BrokenOff(Exception):
    """The export is to end here."""


@dataclass
class Site:
    """A world, and a folder in which it is exported.

    Attributes:
        running: the emulator.
        folder: for key, state and trees.
        shown: every progress of the last export here.
    """

    running: Running
    folder: Path
    shown: list[ExportProgress] = field(default_factory=list)

    def __post_init__(self) -> None:
        known = self.control("/health")["emulator"]["providers"]
        self.key = known["userplane"]["production"]["key"]
        self.key_file = self.folder / "key"
        self.key_file.touch(0o600)
        self.key_file.write_text(self.key)

    @property
    def tree(self) -> Path:
        """Where exports go by default."""
        return self.folder / "tree"

    @property
    def state(self) -> Path:
        """The state's file."""
        return self.folder / "state.db"

    def client(self, **options: Any) -> AsyncClient:
        """A client that is in no hurry about quotas."""
        given: dict[str, Any] = {
            "key": f"file:{self.key_file}",
            "base_url": self.running.endpoint("userplane").base_url,
            "state": f"sqlite:///{self.state}",
            "priority": "batch",
            "clock": parse_clock(self.running.endpoints.clock),
        }
        return AsyncClient(hurried(), **{**given, **options})

    def export(self, tree: Path | None = None, *, only: Iterable[str] = (), **options: Any) -> ExportReport:
        """Export in this process."""
        return asyncio.run(self._export(tree or self.tree, only, None, options))

    def broken_off(self, items: int) -> None:
        """Export in this process, and break off when so many items are done."""
        with pytest.raises(BrokenOff):
            asyncio.run(self._export(self.tree, (), items, {}))

    async def _export(
        self, tree: Path, only: Iterable[str], until: int | None, options: Mapping[str, Any]
    ) -> ExportReport:
        self.shown = []

        def show(progress: ExportProgress) -> None:
            self.shown.append(progress)
            if progress.items == until:
                raise BrokenOff

        async with self.client(**options) as client:
            return await Export(client, tree, only=only, workers=WORKERS, on_progress=show).run()

    def process(self, tree: Path | None = None, **job: Json) -> Program[str]:
        """Export in a process of its own, with the quotas as they are; it prints its report as JSON."""
        given = {
            "tree": str(tree or self.tree),
            "key": f"file:{self.key_file}",
            "base_url": self.running.endpoint("userplane").base_url,
            "state": f"sqlite:///{self.state}",
            "clock": self.running.endpoints.clock,
        }
        command = [str(PROGRAM), json.dumps({**given, **job})]
        return popen(command)

    def finished_items(self) -> int:
        """How many items an export that was broken off or killed has whole, by its journal."""
        with closing(open_state(f"sqlite:///{self.state}", existing=True)) as state:
            return sum(":item:" in key for key in state.keys("export:"))

    def control(self, path: str, body: Json = None) -> Json:
        """A request to the control port."""
        method, data = ("GET", None) if body is None else ("POST", json.dumps(body).encode())
        answer = fetch(self.running.control + path, method, body=data)
        assert answer.status == 200, answer.body
        return answer.json

    def reset(self, **options: Json) -> None:
        """Another world, and an empty ledger."""
        self.control("/reset", options)

    def faults(self, *rules: Mapping[str, Json]) -> None:
        """What goes wrong from now on."""
        self.control("/faults", list(rules))

    def counts(self) -> Json:
        """The score so far."""
        return self.control("/ledger")["userplane"]["counts"]

    def truth(self) -> dict[str, Json]:
        """The recordings as the emulator has them, by id."""
        return {item["id"]: item for item in self.control("/ledger")["userplane"]["items"]}

    def arrivals(self, since: int = 0) -> list[Json]:
        """The requests that reached the API, from one on."""
        return [row for row in self.control("/ledger/requests") if row["place"] == "api"][since:]

    def watched(self, do: Callable[[], ExportReport]) -> tuple[ExportReport, list[str]]:
        """Do an export; the operations that it called."""
        before = len(self.arrivals())
        report = do()
        return report, [row["operation"] for row in self.arrivals(before)]

    def call(self, method: str, path: str) -> None:
        """A call by somebody else."""
        base = self.running.endpoint("userplane").base_url
        answer = fetch(f"{base}{path}", method, headers={"Authorization": f"Bearer {self.key}"})
        assert answer.status == 200, answer.body

    def delete(self, *items: str) -> None:
        """Somebody deletes recordings."""
        truth = self.truth()
        for item in items:
            self.call("DELETE", f"/public/workspace/{truth[item]['workspace']}/recordings/{item}")


def contents(tree: Path) -> dict[str, str]:
    """Every file of a tree, hidden ones too, with its checksum."""
    return {
        path.relative_to(tree).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(tree.rglob("*"))
        if path.is_file()
    }


def records(tree: Path) -> dict[str, Json]:
    """The records of all workspaces, by id."""
    found = [
        json.loads(line) for path in sorted(tree.glob("*/recordings.jsonl")) for line in path.read_text().splitlines()
    ]
    assert len({record["recordingId"] for record in found}) == len(found)
    return {record["recordingId"]: record for record in found}


def notes(tree: Path) -> dict[str, int]:
    """The items that are gone, with the status that said so."""
    return {note["key"]: note["status"] for note in map(json.loads, (tree / "gone.jsonl").read_text().splitlines())}


def check_manifest(tree: Path) -> Json:
    """The manifest, which names every file of the tree but itself and the marker, with its size and checksum."""
    manifest = json.loads((tree / "manifest.json").read_bytes())
    listed = {file["path"]: file["sha256"] for file in manifest["files"]}
    there = contents(tree)
    assert there.keys() - listed.keys() == {"manifest.json", "callwell-export.json"}
    assert {path: there[path] for path in listed} == listed
    assert [file["path"] for file in manifest["files"]] == sorted(listed)
    assert {file["path"]: (tree / file["path"]).stat().st_size for file in manifest["files"]} == {
        file["path"]: file["size"] for file in manifest["files"]
    }
    return manifest


def check_truth(tree: Path, truth: Mapping[str, Json]) -> None:
    """Every recording that existed throughout is there with all its files, byte for byte, and nothing is made up."""
    found = records(tree)
    lasting = {name: item for name, item in truth.items() if item["state"] == "unchanged"}
    assert lasting.keys() <= found.keys() <= truth.keys()
    for name, record in found.items():
        sums = {kind: asset["sha256"] for kind, asset in record["assets"].items()}
        assert sums == {kind: asset and asset["sha256"] for kind, asset in truth[name]["assets"].items()}, name
