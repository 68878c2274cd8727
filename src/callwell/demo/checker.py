# SPDX-License-Identifier: Apache-2.0
"""Compares exported files with what the emulator holds. It shares no code with the export."""

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


class ExportedFiles(NamedTuple):
    """What was exported.

    Attributes:
        records: how often each key appears.
        right: by key: the number of files with the right contents.
        wrong: the number of files with wrong contents, and of files without a record.
        files: the number of files with a record.
        bytes: their size.
    """

    records: collections.Counter[str]
    right: collections.Counter[str]
    wrong: int
    files: int
    bytes: int


def export_rule(provider: Provider) -> tuple[ExportRule, str]:
    """The export rule of a provider, and the field that identifies a record.

    Raises:
        ValueError: the provider cannot be exported.
    """
    rule = provider.profile.export
    paging = provider.rule(rule.items).paging if rule else None
    if rule is None or paging is None or paging.key is None:
        raise ValueError(f"{provider.name} cannot be exported")
    return rule, paging.key


def score_export(folder: Path, ledger: dict[str, Any], *, key: str, verdict: str) -> Scorecard:
    """Compare an export with the emulator's data.

    Args:
        folder: the exported folder.
        ledger: the emulator's ledger of the provider.
        key: the field that identifies a record.
        verdict: the verdict of the export.
    """
    truth = {item["id"]: item for item in ledger["items"]}
    contents = _read(folder, truth, key)
    return Scorecard(
        items=contents.records.total(),
        assets=contents.files,
        bytes=contents.bytes,
        lost=sum(_is_lost(item, contents) for item in truth.values()),
        duplicated=contents.records.total() - len(contents.records),
        wrong_bytes=contents.wrong,
        verdict=verdict,
        **client_figures(ledger["counts"]),
    )


def _read(folder: Path, truth: dict[str, Any], key: str) -> ExportedFiles:
    records = collections.Counter[str]()
    right = collections.Counter[str]()
    wrong = 0
    with_record = 0
    size = 0
    for path in folder.glob("*/*.jsonl"):
        for record in map(json.loads, path.read_bytes().splitlines()):
            name = str(record[key])
            records[name] += 1
            expected = truth.get(name, {}).get("assets", {})
            for kind, asset in record["assets"].items():
                if asset["file"] is None:
                    wrong += expected.get(kind) is not None
                    continue
                data = (path.parent / asset["file"]).read_bytes()
                has_asset = expected.get(kind) is not None
                is_right = has_asset and hashlib.sha256(data).hexdigest() == expected[kind]["sha256"]
                wrong += not is_right
                right[name] += is_right
                with_record += 1
                size += len(data)
    files = sum(1 for path in folder.glob("*/*/*/*") if path.is_file())
    return ExportedFiles(records=records, right=right, wrong=wrong + abs(files - with_record), files=files, bytes=size)


def _is_lost(item: dict[str, Any], contents: ExportedFiles) -> bool:
    """Whether an item that existed all the time is missing, or one of its files is."""
    if item["state"] != "unchanged":
        return False
    expected = sum(asset is not None for asset in item["assets"].values())
    return not contents.records[item["id"]] or contents.right[item["id"]] < expected
