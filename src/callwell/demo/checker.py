# SPDX-License-Identifier: Apache-2.0
"""Holds an exported tree against what the emulator knows. It shares no code with the export."""

from __future__ import annotations

import collections
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

AMPLIFICATION: Final = 1.2
QUOTA_USED: Final = 0.90
"""What the demo promises: at most so many attempts per call, at least so much of the quota used."""


class Card(NamedTuple):
    """What an export was worth, counted by the emulator and from the files.

    Attributes:
        items: records in the tree.
        assets: files in the tree.
        bytes: their bytes.
        lost: items that existed throughout and are not there, or not with all their files.
        duplicated: keys that are there twice.
        wrong_bytes: files that are not what the emulator has.
        calls: what the client wanted, as told from the arrivals.
        attempts: arrivals.
        amplification: attempts per call.
        early_calls: arrivals after a 429 and before its time.
        over_quota: arrivals beyond the quota in any window.
        failed_calls: calls that never came to a good end.
        keys_seen_elsewhere: arrivals at other origins that carried a key.
        quota_used: the share of the quota that was used while work was waiting.
        verdict: the export's own.
    """

    items: int
    assets: int
    bytes: int
    lost: int
    duplicated: int
    wrong_bytes: int
    calls: int
    attempts: int
    amplification: float
    early_calls: int
    over_quota: int
    failed_calls: int
    keys_seen_elsewhere: int
    quota_used: float
    verdict: str

    @property
    def faults(self) -> dict[str, str]:
        """What is not as promised, in words."""
        zero = ("lost", "duplicated", "wrong_bytes", "early_calls", "over_quota", "failed_calls", "keys_seen_elsewhere")
        found = {name: f"{getattr(self, name)}, promised 0" for name in zero if getattr(self, name)}
        if self.amplification > AMPLIFICATION:
            found["amplification"] = f"{self.amplification}, promised at most {AMPLIFICATION}"
        if self.quota_used < QUOTA_USED:
            found["quota_used"] = f"{self.quota_used}, promised at least {QUOTA_USED}"
        if self.verdict != "complete":
            found["verdict"] = self.verdict
        return found


class Found(NamedTuple):
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


def check(folder: Path, ledger: dict[str, Any], *, key: str, verdict: str) -> Card:
    """Count.

    Args:
        folder: the exported tree.
        ledger: what the emulator says about one provider.
        key: the field of a record that names it.
        verdict: what the export said of itself.
    """
    truth = {item["id"]: item for item in ledger["items"]}
    found = _search(folder, truth, key)
    counts = ledger["counts"]
    return Card(
        items=found.records.total(),
        assets=found.files,
        bytes=found.bytes,
        lost=sum(_lost(item, found) for item in truth.values()),
        duplicated=found.records.total() - len(found.records),
        wrong_bytes=found.wrong,
        calls=counts["calls"],
        attempts=counts["attempts"],
        amplification=round(counts["amplification"], 4),
        early_calls=counts["early_calls"],
        over_quota=counts["over_quota"],
        failed_calls=counts["failed_calls"],
        keys_seen_elsewhere=counts["keys_seen_elsewhere"],
        quota_used=round(counts["quota_used"] or 0.0, 4),
        verdict=verdict,
    )


def _search(folder: Path, truth: dict[str, Any], key: str) -> Found:
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
    return Found(records, right, wrong + abs(files - owned), files, total)


def _lost(item: dict[str, Any], found: Found) -> bool:
    if item["state"] != "throughout":
        return False
    expected = sum(asset is not None for asset in item["assets"].values())
    return not found.records[item["id"]] or found.right[item["id"]] < expected
