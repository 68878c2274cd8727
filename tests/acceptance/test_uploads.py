# SPDX-License-Identifier: Apache-2.0
"""Fifty uploads are killed twenty times by SIGKILL, under injected faults of the provider."""

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
    from tests.acceptance.conftest import ReportFigures

VIDEOS: Final = 50
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


def start_upload(running: Running, folder: Path, videos: Sequence[Path]) -> subprocess.Popen[str]:
    """The command, as a user starts it."""
    endpoint = running.endpoint("apivideo")
    command = [sys.executable, "-m", "callwell", "upload", "apivideo", *map(str, videos), "--json", "--quiet"]
    command += ["--piece-size", str(PIECE), "--wait", "playable", "--tag", "acceptance"]
    variables = {"APIVIDEO_API_KEY": endpoint.key, "APIVIDEO_BASE_URL": endpoint.base_url}
    variables |= {"CALLWELL_CLOCK": str(running.endpoints.clock), "CALLWELL_STATE": f"sqlite:///{folder / 'state.db'}"}
    return subprocess.Popen(
        command, env={**os.environ, **variables}, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def count_arrived_pieces(running: Running) -> int:
    """The number of pieces that have arrived, accepted or not."""
    rows = fetch(f"{running.control}/ledger/requests").json
    return sum(row["operation"] == "videos.upload" for row in rows)


def kill_after(running: Running, process: subprocess.Popen[str], pieces: int) -> None:
    """Kill the process as soon as that many pieces have arrived."""
    until = time.monotonic() + PATIENCE_S
    while count_arrived_pieces(running) < pieces:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)
    process.kill()
    process.communicate()


def test_uploads_that_are_killed_twenty_times(tmp_path: Path, report_figures: ReportFigures) -> None:
    """Every video is stored once, byte for byte; none is made twice, and no call came early or over the quota."""
    videos = make_videos(tmp_path / "videos", VIDEOS, SEED)
    options = EmulatorOptions(provider=("apivideo",), clock=f"{fault_scripts.SCALE:g}", seed=SEED)
    with start(options) as running:
        assert fetch(f"{running.control}/faults", "POST", body=json.dumps(faults()).encode()).status == 200
        for _ in range(KILLS):
            kill_after(running, start_upload(running, tmp_path, videos), count_arrived_pieces(running) + 4)
        output, stderr = start_upload(running, tmp_path, videos).communicate(timeout=PATIENCE_S)
        report = json.loads(output or "null")
        ledger = fetch(f"{running.control}/ledger").json["apivideo/production"]
    counts = ledger["counts"]
    stored_sha256 = {item["id"]: item["assets"]["source"]["sha256"] for item in ledger["items"]}
    sent_sha256 = {str(video): hashlib.sha256(video.read_bytes()).hexdigest() for video in videos}
    report_figures(
        f"{KILLS} kills of {VIDEOS} uploads",
        f"{report and report['verdict']}, {counts['videos']} videos, {counts['duplicate_videos']} doubled, "
        f"{sum(sent_sha256[row['file']] != stored_sha256.get(row['id']) for row in report['files'])} wrong; "
        f"{counts['resent_bytes']} bytes resent, {counts['attempts']} arrivals for {counts['calls']} calls, "
        f"{counts['early_calls']} early, {counts['over_quota']} over the quota, {counts['failed_calls']} failed",
    )
    assert stderr == ""
    assert report["verdict"] == "complete"
    assert {row["file"]: stored_sha256.get(row["id"]) for row in report["files"]} == sent_sha256
    assert (counts["videos"], counts["duplicate_videos"], len(stored_sha256)) == (VIDEOS, 0, VIDEOS)
    assert counts["resent_bytes"] <= KILLS * 4 * PIECE
    zero = ("early_calls", "over_quota", "failed_calls", "keys_seen_elsewhere")
    assert {name: counts[name] for name in zero} == dict.fromkeys(zero, 0)
