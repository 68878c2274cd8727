# SPDX-License-Identifier: Apache-2.0
"""Files in pieces from a real storage with signed URLs, over real sockets: whole, whatever goes wrong on the way."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from callwell.client import Client
from callwell.core.parallel_download import RangeSplit
from tests.export.emulated import hurried

if TYPE_CHECKING:
    from pathlib import Path

    from tests.export.emulated import Site

SPLIT = RangeSplit(parallel=4, range_bytes=4 << 10, min_bytes=8 << 10)
"""The emulator's videos are of some hundred kilobytes."""

BROKEN: dict[str, Any] = {"truncated": 0.2, "error_before": 0.1, "reset": 0.1, "lost_reply": 0.1}


def video(client: Any, item: dict[str, Any]) -> Any:
    """A recording's video, in small pieces."""
    asset = client.asset("recordings.video", workspace_id=item["workspace"], recording_id=item["id"])
    asset._split = SPLIT
    return asset


def script(seed: int, **faults: float) -> list[dict[str, Any]]:
    """Faults of the storage, by their rates."""
    return [{"operation": "storage", "fault": name, "rate": rate, "seed": seed} for name, rate in faults.items()]


def some(site: Site) -> list[dict[str, Any]]:
    """Three recordings with videos."""
    return [item for item in site.truth().values() if item["assets"].get("video")][:3]


@pytest.mark.parametrize("faults", [{}, BROKEN, {"early_expiry": 0.2}, BROKEN | {"early_expiry": 0.1}])
@pytest.mark.parametrize("side", ["async", "sync"])
def test_pieces_make_the_file(site: Site, tmp_path: Path, faults: dict[str, float], side: str) -> None:
    """What arrives has the digest that the emulator knows, and good storage is asked once for each piece."""
    chosen = some(site)
    digests = {}
    site.faults(*script(len(faults), **faults))

    async def save() -> None:
        async with site.client() as client:
            for item in chosen:
                digests[item["id"]] = (await video(client, item).save(tmp_path / item["id"])).sha256

    if side == "async":
        asyncio.run(save())
    else:
        options: dict[str, Any] = {
            "key": f"file:{site.key_file}",
            "base_url": site.running.endpoint("userplane").base_url,
        }
        with Client(hurried(), priority="batch", **options) as client:
            for item in chosen:
                digests[item["id"]] = video(client, item).save(tmp_path / item["id"]).sha256
    expected = {item["id"]: item["assets"]["video"]["sha256"] for item in chosen}
    assert digests == expected
    assert {key: hashlib.sha256((tmp_path / key).read_bytes()).hexdigest() for key in expected} == expected
    requests = site.counts()["storage_requests"]
    least = sum(-(-item["assets"]["video"]["size"] // SPLIT.range_bytes) for item in chosen)
    assert requests == least if not faults else requests > least
