# SPDX-License-Identifier: Apache-2.0
"""The README cites what was measured last, and names every extra."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any, Final

from tests.docs import pages

if TYPE_CHECKING:
    from pathlib import Path

RESULTS: Final = pages.ROOT / "bench" / "results"


def table(page: Path) -> dict[str, list[str]]:
    """The rows of a page's tables, by their first cell."""
    rows = [line.strip("| ").split(" | ") for line in page.read_text(encoding="utf-8").splitlines() if "|" in line]
    return {first: cells for first, *cells in rows}


def result(name: str) -> dict[str, Any]:
    """What a benchmark has measured."""
    read: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_bytes())
    return read


def test_calls_cost_what_was_measured() -> None:
    """Microseconds, and how many times less; that is the median of the rounds, not of these two."""
    rows = table(pages.ROOT / "README.md")
    measured = result("overhead")
    cpu_us = measured["cpu_us_per_call"]
    for row, ours, stack, ratio in (
        ("CPU per call, async", "callwell_uvloop", "stack_uvloop", "async_vs_stack"),
        ("CPU per call, sync", "callwell_sync", "stack_sync", "sync_vs_stack"),
    ):
        times = float(f"{measured[ratio]:.2g}")
        assert rows[row] == [f"{cpu_us[stack]:,.0f} µs", f"{cpu_us[ours]:,.0f} µs ({times:g} times less)"]


def test_a_shared_quota_holds_as_was_measured() -> None:
    """By how much others exceed it, and how much of it is used."""
    measured = result("fleet")
    row = f"{measured['limit']} calls per {measured['window_s']:g} s, eight processes"
    others, ours = table(pages.ROOT / "README.md")[row]
    over = [
        contender["over_window"]
        for name, contender in measured["contenders"].items()
        if not name.startswith("callwell") and name != "divided"
    ]
    assert others.startswith(f"{min(over)} to {max(over)} over")
    assert ours.startswith(f"{measured['over_window']:g} over, {measured['quota_used']:.0%} used")


def test_every_extra_is_named() -> None:
    """Between the words that introduce them and the end of their sentence."""
    listed = re.search(r"Its extras are (.*?);", (pages.ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert listed is not None
    project = tomllib.loads((pages.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert re.findall(r"`([a-z]+)`", listed[1]) == sorted(project["project"]["optional-dependencies"])
