# SPDX-License-Identifier: Apache-2.0
"""The part of a provider that takes large files: films are uploaded by a process that is killed, and fetched again."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from callwell.batch.run import AT_ONCE
from callwell.client.calls.operations import upload_operations
from callwell.client.concurrency import event_loop
from callwell.demo import fault_scripts
from callwell.demo.checker import exported
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

FILMS: Final = 20
KILLED_AT: Final = 16
"""Pieces that have arrived when the process is killed: more than half of the films are not there yet."""

LOOK_S: Final = 0.02
PATIENCE_S: Final = 120.0


def supports(provider: Provider) -> bool:
    """Whether the part is about such a provider: it takes files, and gives them back."""
    return bool(upload_operations(provider)) and provider.profile.export is not None


def run_scenario(scene: DemoContext) -> DemoResult:
    """Upload by a process that is killed in the middle, by the same command again, and compare what is fetched."""
    operation = upload_operations(scene.provider)[0]
    rule = scene.provider.rule(operation).upload
    if rule is None:
        raise ValueError(f"{scene.provider.name} takes no files")
    films = make_videos(scene.folder / "films", FILMS, scene.seed)
    scene.write_key(scene.endpoint.key)
    scene.inject_faults(fault_scripts.upload_faults(scene.seed))
    command = _command(scene, films, piece=rule.min_piece, wait=next(reversed(rule.until)))
    _kill(scene, command, operation)
    told = json.loads(_run(scene, command))
    scene.stage.say(f"the same command went on where the killed one stopped: {told['verdict']}")
    report = event_loop.run(_fetch(scene))
    ids = {scene.folder / row["file"]: row["id"] for row in told["files"]}
    verdict = report.verdict if told["verdict"] == "complete" else told["verdict"]
    card = _check(scene, {film: ids.get(film) for film in films}, report._replace(verdict=verdict))
    return DemoResult(card, {**ALWAYS, "resent_bytes": Promise(most=AT_ONCE * rule.min_piece)})


def _command(scene: DemoContext, films: Sequence[Path], *, piece: int, wait: str) -> list[str]:
    command = [sys.executable, "-m", "callwell", "upload", scene.provider.name, *map(str, films), "--json", "--quiet"]
    command += ["--key", f"file:{scene.key_file}", "--environment", scene.environment, "--state", scene.state]
    return [*command, "--base-url", scene.endpoint.base_url, "--piece-size", str(piece), "--wait", wait]


def _start(scene: DemoContext, command: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command,
        env={**os.environ, "CALLWELL_CLOCK": str(scene.clock)},
        cwd=scene.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _kill(scene: DemoContext, command: Sequence[str], operation: str) -> None:
    """Start the command, and kill it when so many pieces have come."""
    process, until = _start(scene, command), time.monotonic() + PATIENCE_S
    try:
        while (pieces := _arrived(scene, operation)) < KILLED_AT and process.poll() is None:
            if time.monotonic() > until:
                raise LocalError(f"the upload has sent {pieces} pieces in {PATIENCE_S:g} s")
            time.sleep(LOOK_S)
    finally:
        process.kill()
        process.communicate()
    scene.stage.say(f"{FILMS} films are uploaded; the process is killed after {pieces} pieces, and started again")


def _arrived(scene: DemoContext, operation: str) -> int:
    return sum(row["operation"] == operation for row in scene.control.get("/ledger/requests"))


def _run(scene: DemoContext, command: Sequence[str]) -> str:
    process = _start(scene, command)
    try:
        told, complaints = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    if not told:
        raise LocalError(complaints.strip() or f"the upload ended with {process.returncode}")
    return told


async def _fetch(scene: DemoContext) -> ExportReport:
    async with scene.client() as client:
        show = scene.stage.progress
        return await Export(client, scene.folder / "tree", show=lambda told: show(told, client.spent)).run()


def _check(scene: DemoContext, films: Mapping[Path, str | None], report: ExportReport) -> Scorecard:
    rule, key = exported(scene.provider)
    tree, counts = scene.folder / "tree", scene.ledger()["counts"]
    lines = (tree / f"{rule.items.partition('.')[0]}.jsonl").read_bytes().splitlines()
    records = {str(record[key]): record for record in map(json.loads, lines)}
    kind = rule.assets[0].partition(".")[2]
    back = {film: _back(tree, records.get(name or ""), kind) for film, name in films.items()}
    return Scorecard(
        items=len(lines),
        assets=report.files,
        bytes=report.bytes,
        lost=sum(data is None for data in back.values()),
        duplicated=max(len(lines) - len(films), counts["duplicate_videos"]),
        wrong_bytes=sum(
            data is not None and _digest(film.read_bytes()) != _digest(data) for film, data in back.items()
        ),
        verdict=report.verdict,
        resent_bytes=counts["resent_bytes"],
        **client_figures(counts),
    )


def _back(tree: Path, record: Mapping[str, Any] | None, kind: str) -> bytes | None:
    file = record["assets"][kind]["file"] if record is not None else None
    return None if file is None else (tree / file).read_bytes()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
