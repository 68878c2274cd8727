# SPDX-License-Identifier: Apache-2.0
"""The scenario for assessments: sixty recordings while the provider fails and loses replies, each billed once."""

from __future__ import annotations

import csv
import json
import math
import secrets
import struct
import wave
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from callwell.assess import Assessment, read_manifest
from callwell.client.concurrency import event_loop
from callwell.demo.scorecard import ALWAYS, DemoResult, Promise, Scorecard, client_figures
from callwell.keys import Key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from callwell.assess import AssessmentReport
    from callwell.demo.context import DemoContext
    from callwell.description.provider import Provider

FILES: Final = 60
SPEAKERS: Final = 6
RATE: Final = 44_100
SECONDS: Final = 3
SHORTEST_PERIOD: Final = 120
"""Samples of the shortest period: each recording has its own, so no two are alike."""

RUNS: Final = 3
"""The first run, one for rows that failed in it, and one with nothing left to do."""

RETRY_AFTER_S: Final = 8.0
TEXT: Final = "Sentence number {} is spoken by a tone."
RECORDINGS: Final = "recordings"
FOLDER: Final = "assessment"
PROMISES: Final = {**ALWAYS, "billed_twice": Promise(exactly=0)}


def faults(seed: int) -> list[dict[str, Any]]:
    """The faults: of sixty calls, up to five get a 5xx, three lose their reply, and three are refused or reset.

    Args:
        seed: the seed of all faults.
    """
    return [
        {"operation": "*", "fault": "error_before", "status": 500, "rate": 0.05, "seed": seed + 1, "limit": 3},
        {"operation": "*", "fault": "error_after", "status": 503, "rate": 0.05, "seed": seed + 2, "limit": 2},
        {"operation": "*", "fault": "lost_reply", "rate": 0.06, "seed": seed + 3, "limit": 3},
        {"operation": "*", "fault": "reset", "rate": 0.05, "seed": seed + 4, "limit": 1},
        {"operation": "*", "fault": "throttle", "rate": 0.05, "seed": seed + 5, "limit": 1},
        {"operation": "*", "fault": "throttle_after", "nth": [20 + seed % 20], "retry_after_s": RETRY_AFTER_S},
    ]


def make_recordings(folder: Path) -> Path:
    """Make stereo recordings and their manifest, and return the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as out:
        table = csv.writer(out)
        table.writerow(("file", "expected_text", "user", "accent"))
        for number in range(FILES):
            name = f"{number:02}.wav"
            _tone(folder / name, SHORTEST_PERIOD + number)
            table.writerow((name, TEXT.format(number), f"speaker-{number % SPEAKERS}", ("us", "uk")[number % 2]))
    return manifest


def supports(provider: Provider) -> bool:
    """Whether the provider has assessments."""
    return any(rule.assess for rule in provider.profile.operations.values())


def run_scenario(context: DemoContext) -> DemoResult:
    """Assess all recordings, and compare the results with what the emulator has billed."""
    context.write_key(context.endpoint.key)
    context.inject_faults(faults(context.seed))
    report = event_loop.run(_assess(context))
    return DemoResult(_score(context, report), PROMISES)


async def _assess(context: DemoContext) -> AssessmentReport:
    rows = read_manifest(make_recordings(context.folder / RECORDINGS))
    async with context.client(user_secret=Key(secrets.token_hex())) as client:
        for _ in range(RUNS):
            report = await Assessment(client, rows, context.folder / FOLDER).run()
            losses = f"{report.possibly_billed} replies were lost" if report.assessed else "nothing was left to do"
            context.reporter.say(f"{report.assessed} assessed, {report.remembered} already known; {losses}")
    return report


def _score(context: DemoContext, report: AssessmentReport) -> Scorecard:
    counts = context.ledger()["counts"]
    lines = [json.loads(line) for line in (context.folder / FOLDER / "results.jsonl").read_bytes().splitlines()]
    done = Counter(line["expected_text"] for line in lines if line["status"] == "done")
    recordings = list((context.folder / RECORDINGS).glob("*.wav"))
    return Scorecard(
        items=done.total(),
        assets=len(recordings),
        bytes=sum(file.stat().st_size for file in recordings),
        lost=sum(TEXT.format(number) not in done for number in range(FILES)),
        duplicated=done.total() - len(done),
        wrong_bytes=sum(not _matches(line) for line in lines if line["status"] == "done"),
        verdict="failed" if report.failed else "complete",
        billed_twice=counts["billed_again"],
        **client_figures(counts),
    )


def _matches(line: Mapping[str, Any]) -> bool:
    """Whether a response belongs to the text that was sent, which the provider repeats somewhere in it."""
    return json.dumps(line["expected_text"]) in json.dumps(line["answer"])


def _tone(path: Path, samples: int) -> None:
    """Write a stereo tone with a period of this many samples."""
    levels = (int(8_000 * math.sin(2 * math.pi * n / samples)) for n in range(samples))
    period = b"".join(struct.pack("<hh", level, level) for level in levels)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(period * (RATE * SECONDS // samples))
