# SPDX-License-Identifier: Apache-2.0
"""Fifty uploads that are killed twenty times by SIGKILL, while their provider is out to spoil them as well."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from callwell.demo import fault_scripts
from callwell.demo.videos import make_videos
from callwell.emulator.options import EmulatorOptions
from callwell.emulator.process import start
from tests.emulator.harness import fetch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from callwell.emulator.process import Running
    from tests.acceptance.conftest import Tell

FILMS: Final = 50
KILLS: Final = 20
PIECE: Final = 5 << 20
SEED: Final = 5
PATIENCE_S: Final = 240.0
STORMS: Final = [*range(30, 42), *range(90, 102)]
"""Pieces that meet a storm of 429s."""


def faults() -> list[dict[str, Any]]:
    """Lost replies, resets and 500s throughout, and two storms."""
    storm = {"operation": "videos.upload", "fault": "throttle_after", "nth": STORMS, "retry_after_s": 5}
    return [storm, *fault_scripts.upload_faults(SEED)]


def started(running: Running, folder: Path, films: Sequence[Path]) -> subprocess.Popen[str]:
    """The command, as a user starts it."""
    point = running.endpoint("apivideo")
    command = [sys.executable, "-m", "callwell", "upload", "apivideo", *map(str, films), "--json", "--quiet"]
    command += ["--piece-size", str(PIECE), "--wait", "playable", "--tag", "acceptance"]
    variables = {"APIVIDEO_API_KEY": point.key, "APIVIDEO_BASE_URL": point.base_url}
    variables |= {"CALLWELL_CLOCK": str(running.endpoints.clock), "CALLWELL_STATE": f"sqlite:///{folder / 'state.db'}"}
    return subprocess.Popen(
        command, env={**os.environ, **variables}, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def arrived(running: Running) -> int:
    """Pieces that have arrived, whatever became of them."""
    rows = fetch(f"{running.control}/ledger/requests").json
    return sum(row["operation"] == "videos.upload" for row in rows)


def killed(running: Running, process: subprocess.Popen[str], pieces: int) -> None:
    """Kill it when so many pieces have arrived."""
    until = time.monotonic() + PATIENCE_S
    while arrived(running) < pieces:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)
    process.kill()
    process.communicate()


def test_uploads_that_are_killed_twenty_times(tmp_path: Path, tell: Tell) -> None:
    """Every video is there once, byte for byte; none is made twice, and no call came early or over the quota."""
    films = make_videos(tmp_path / "films", FILMS, SEED)
    options = EmulatorOptions(provider=("apivideo",), clock=f"{fault_scripts.SCALE:g}", seed=SEED)
    with start(options) as running:
        assert fetch(f"{running.control}/faults", "POST", body=json.dumps(faults()).encode()).status == 200
        for _ in range(KILLS):
            killed(running, started(running, tmp_path, films), arrived(running) + 4)
        output, complaints = started(running, tmp_path, films).communicate(timeout=PATIENCE_S)
        report = json.loads(output or "null")
        ledger = fetch(f"{running.control}/ledger").json["apivideo/production"]
    counts = ledger["counts"]
    there = {item["id"]: item["assets"]["source"]["sha256"] for item in ledger["items"]}
    sums = {str(film): hashlib.sha256(film.read_bytes()).hexdigest() for film in films}
    tell(
        f"{KILLS} kills of {FILMS} uploads",
        f"{report and report['verdict']}, {counts['videos']} videos, {counts['duplicate_videos']} doubled, "
        f"{sum(sums[row['file']] != there.get(row['id']) for row in report['files'])} wrong; "
        f"{counts['resent_bytes']} bytes resent, {counts['attempts']} arrivals for {counts['calls']} calls, "
        f"{counts['early_calls']} early, {counts['over_quota']} over the quota, {counts['failed_calls']} failed",
    )
    assert complaints == ""
    assert report["verdict"] == "complete"
    assert {row["file"]: there.get(row["id"]) for row in report["files"]} == sums
    assert (counts["videos"], counts["duplicate_videos"], len(there)) == (FILMS, 0, FILMS)
    assert counts["resent_bytes"] <= KILLS * 4 * PIECE
    zero = ("early_calls", "over_quota", "failed_calls", "keys_seen_elsewhere")
    assert {name: counts[name] for name in zero} == dict.fromkeys(zero, 0)
