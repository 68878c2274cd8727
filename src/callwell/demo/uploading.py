# SPDX-License-Identifier: Apache-2.0
"""The scenario for uploads: a process that uploads videos is killed and run again; the videos are downloaded again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from callwell.batch.run import FILES_AT_ONCE
from callwell.client.calls.operations import upload_operations
from callwell.client.concurrency import event_loop
from callwell.demo import fault_scripts
from callwell.demo.checker import export_rule
from callwell.demo.scorecard import ALWAYS, DemoResult, Promise, Scorecard, client_figures
from callwell.demo.videos import make_videos
from callwell.errors import LocalError
from callwell.export import Export

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from callwell.demo.context import DemoContext
    from callwell.description.provider import Provider
    from callwell.export import ExportReport

VIDEOS: Final = 20
KILL_AFTER: Final = 16
"""Pieces that have arrived when the process is killed: more than half of the videos are not uploaded by then."""

POLL_S: Final = 0.02
"""The interval in which the emulator is polled, in seconds: a piece takes longer."""

TIMEOUT_S: Final = 120.0
"""Seconds for an upload of a few seconds, on a machine that is very busy."""


def supports(provider: Provider) -> bool:
    """Whether the provider takes files and returns them."""
    return bool(upload_operations(provider)) and provider.profile.export is not None


def run_scenario(context: DemoContext) -> DemoResult:
    """Upload by a process that is killed halfway, run the same command again, and compare what is downloaded."""
    operation = upload_operations(context.provider)[0]
    rule = context.provider.rule(operation).upload
    if rule is None:
        raise ValueError(f"{context.provider.name} takes no files")
    videos = make_videos(context.folder / "films", VIDEOS, context.seed)
    context.write_key(context.endpoint.key)
    context.inject_faults(fault_scripts.upload_faults(context.seed))
    command = _command(context, videos, piece_size=rule.min_piece, wait=next(reversed(rule.until)))
    _run_and_kill(context, command, operation)
    upload = json.loads(_run(context, command))
    context.reporter.say(f"the same command continued where the killed one stopped: {upload['verdict']}")
    report = event_loop.run(_download(context))
    if upload["verdict"] != "complete":
        report = report._replace(verdict=upload["verdict"])
    ids = {context.folder / row["file"]: row["id"] for row in upload["files"]}
    scorecard = _score(context, {video: ids.get(video) for video in videos}, report)
    # The kill may repeat the pieces that were under way: one for each file.
    return DemoResult(scorecard, {**ALWAYS, "resent_bytes": Promise(at_most=FILES_AT_ONCE * rule.min_piece)})


def _command(context: DemoContext, videos: Sequence[Path], *, piece_size: int, wait: str) -> list[str]:
    return [
        *(sys.executable, "-m", "callwell", "upload", context.provider.name, *map(str, videos), "--json", "--quiet"),
        *("--key", f"file:{context.key_file}", "--environment", context.environment, "--state", context.state),
        *("--base-url", context.endpoint.base_url, "--piece-size", str(piece_size), "--wait", wait),
    ]


def _start(context: DemoContext, command: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command,
        env={**os.environ, "CALLWELL_CLOCK": str(context.clock)},
        cwd=context.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _run_and_kill(context: DemoContext, command: Sequence[str], operation: str) -> None:
    """Run the command, and kill it when enough pieces have arrived."""
    process = _start(context, command)
    give_up_at = time.monotonic() + TIMEOUT_S
    try:
        while (pieces := _count_pieces(context, operation)) < KILL_AFTER and process.poll() is None:
            if time.monotonic() > give_up_at:
                raise LocalError(f"the upload sent only {pieces} pieces in {TIMEOUT_S:g} s; is this machine busy?")
            time.sleep(POLL_S)
    finally:
        process.kill()
        process.communicate()
    context.reporter.say(f"{VIDEOS} videos are uploaded; the process was killed after {pieces} pieces, and runs again")


def _count_pieces(context: DemoContext, operation: str) -> int:
    return sum(row["operation"] == operation for row in context.control.get("/ledger/requests"))


def _run(context: DemoContext, command: Sequence[str]) -> str:
    process = _start(context, command)
    try:
        output, stderr = process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()
    if not output:
        raise LocalError(stderr.strip() or f"the upload ended with exit code {process.returncode}")
    return output


async def _download(context: DemoContext) -> ExportReport:
    async with context.client() as client:
        return await Export(
            client,
            context.folder / "tree",
            on_progress=lambda progress: context.reporter.progress(progress, client.spent),
        ).run()


def _score(context: DemoContext, videos: Mapping[Path, str | None], report: ExportReport) -> Scorecard:
    rule, key = export_rule(context.provider)
    tree = context.folder / "tree"
    counts = context.ledger()["counts"]
    lines = (tree / f"{rule.items.partition('.')[0]}.jsonl").read_bytes().splitlines()
    records = {str(record[key]): record for record in map(json.loads, lines)}
    kind = rule.assets[0].partition(".")[2]
    downloaded = {video: _read_asset(tree, records.get(object_id or ""), kind) for video, object_id in videos.items()}
    return Scorecard(
        items=len(lines),
        assets=report.files,
        bytes=report.bytes,
        lost=sum(data is None for data in downloaded.values()),
        duplicated=max(len(lines) - len(videos), counts["duplicate_videos"]),
        wrong_bytes=sum(data is not None and data != video.read_bytes() for video, data in downloaded.items()),
        verdict=report.verdict,
        resent_bytes=counts["resent_bytes"],
        **client_figures(counts),
    )


def _read_asset(tree: Path, record: Mapping[str, Any] | None, kind: str) -> bytes | None:
    file = record["assets"][kind]["file"] if record is not None else None
    return None if file is None else (tree / file).read_bytes()
