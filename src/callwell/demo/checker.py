# SPDX-License-Identifier: Apache-2.0
"""Holds an exported tree against what the emulator knows. It shares no code with the export."""

from __future__ import annotations

import collections
import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from callwell.demo.scorecard import Scorecard, client_figures

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.core.rules.export import ExportRule
    from callwell.description.provider import Provider


class TreeContents(NamedTuple):
    """What is in the tree.

    Attributes:
        records: how often each key is there.
        right: files of each key that are what the emulator has.
        wrong: files that are not, and files that nobody owns.
        files: all files of records.
        bytes: theirs.
    """

    records: collections.Counter[str]
    right: collections.Counter[str]
    wrong: int
    files: int
    bytes: int


def exported(provider: Provider) -> tuple[ExportRule, str]:
    """What is exported of a provider, and the field of a record that names it.

    Raises:
        ValueError: nothing is.
    """
    rule = provider.profile.export
    paging = provider.rule(rule.items).paging if rule else None
    if rule is None or paging is None or paging.key is None:
        raise ValueError(f"{provider.name} has nothing to export")
    return rule, paging.key


def check(folder: Path, ledger: dict[str, Any], *, key: str, verdict: str) -> Scorecard:
    """Count.

    Args:
        folder: the exported tree.
        ledger: what the emulator says about one provider.
        key: the field of a record that names it.
        verdict: what the export said of itself.
    """
    truth = {item["id"]: item for item in ledger["items"]}
    found = _search(folder, truth, key)
    return Scorecard(
        items=found.records.total(),
        assets=found.files,
        bytes=found.bytes,
        lost=sum(_lost(item, found) for item in truth.values()),
        duplicated=found.records.total() - len(found.records),
        wrong_bytes=found.wrong,
        verdict=verdict,
        **client_figures(ledger["counts"]),
    )


def _search(folder: Path, truth: dict[str, Any], key: str) -> TreeContents:
    records, right = collections.Counter[str](), collections.Counter[str]()
    wrong, owned, total = 0, 0, 0
    for path in folder.glob("*/*.jsonl"):
        for record in map(json.loads, path.read_bytes().splitlines()):
            name = str(record[key])
            records[name] += 1
            there = truth.get(name, {}).get("assets", {})
            for kind, asset in record["assets"].items():
                if asset["file"] is None:
                    wrong += there.get(kind) is not None
                    continue
                data = (path.parent / asset["file"]).read_bytes()
                fine = there.get(kind) is not None and hashlib.sha256(data).hexdigest() == there[kind]["sha256"]
                wrong += not fine
                right[name] += fine
                owned += 1
                total += len(data)
    files = sum(1 for path in folder.glob("*/*/*/*") if path.is_file())
    return TreeContents(records, right, wrong + abs(files - owned), files, total)


def _lost(item: dict[str, Any], found: TreeContents) -> bool:
    if item["state"] != "throughout":
        return False
    expected = sum(asset is not None for asset in item["assets"].values())
    return not found.records[item["id"]] or found.right[item["id"]] < expected
