# SPDX-License-Identifier: Apache-2.0
"""The part of a provider that assesses recordings: sixty of them while it fails and loses replies, each paid once."""

from __future__ import annotations

import csv
import json
import math
import secrets
import struct
import wave
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from callwell.assess import Assessment, read
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
SHORTEST: Final = 120
"""Samples of the shortest wave: no two recordings have the same."""

RUNS: Final = 3
"""The first, one for what a double loss has left undone, and one in which there is nothing to do."""

RETRY_AFTER_S: Final = 8.0
TEXT: Final = "Sentence number {} is spoken by a tone."
RECORDINGS: Final = "recordings"
FOLDER: Final = "assessment"
PROMISES: Final = {**ALWAYS, "billed_twice": Promise(exactly=0)}


def faults(seed: int) -> list[dict[str, Any]]:
    """The script of faults: of sixty calls, up to five get a 5xx, three lose their answer, three are refused or cut.

    Args:
        seed: by which each fault draws.
    """
    return [
        {"operation": "*", "fault": "error_before", "status": 500, "rate": 0.05, "seed": seed + 1, "limit": 3},
        {"operation": "*", "fault": "error_after", "status": 503, "rate": 0.05, "seed": seed + 2, "limit": 2},
        {"operation": "*", "fault": "lost_reply", "rate": 0.06, "seed": seed + 3, "limit": 3},
        {"operation": "*", "fault": "reset", "rate": 0.05, "seed": seed + 4, "limit": 1},
        {"operation": "*", "fault": "throttle", "rate": 0.05, "seed": seed + 5, "limit": 1},
        {"operation": "*", "fault": "throttle_after", "nth": [20 + seed % 20], "retry_after_s": RETRY_AFTER_S},
    ]


def record(folder: Path) -> Path:
    """Make recordings in stereo, and the manifest that names them."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as out:
        table = csv.writer(out)
        table.writerow(("file", "expected_text", "user", "accent"))
        for number in range(FILES):
            name = f"{number:02}.wav"
            _tone(folder / name, SHORTEST + number)
            table.writerow((name, TEXT.format(number), f"speaker-{number % SPEAKERS}", ("us", "uk")[number % 2]))
    return manifest


def supports(provider: Provider) -> bool:
    """Whether the part is about such a provider."""
    return any(rule.assess for rule in provider.profile.operations.values())


def run_scenario(scene: DemoContext) -> DemoResult:
    """Have all assessed, and hold the results against what the emulator has billed."""
    scene.write_key(scene.endpoint.key)
    scene.inject_faults(faults(scene.seed))
    report = event_loop.run(_assess(scene))
    return DemoResult(_check(scene, report), PROMISES)


async def _assess(scene: DemoContext) -> AssessmentReport:
    rows = read(record(scene.folder / RECORDINGS))
    async with scene.client(user_secret=Key(secrets.token_hex())) as client:
        for _ in range(RUNS):
            report = await Assessment(client, rows, scene.folder / FOLDER).run()
            lost = f"{report.possibly_billed} answers were lost" if report.assessed else "nothing was left to do"
            scene.stage.say(f"{report.assessed} recordings were assessed, {report.remembered} were known; {lost}")
    return report


def _check(scene: DemoContext, report: AssessmentReport) -> Scorecard:
    counts = scene.ledger()["counts"]
    lines = [json.loads(line) for line in (scene.folder / FOLDER / "results.jsonl").read_bytes().splitlines()]
    done = Counter(line["expected_text"] for line in lines if line["status"] == "done")
    sent = list((scene.folder / RECORDINGS).glob("*.wav"))
    return Scorecard(
        items=done.total(),
        assets=len(sent),
        bytes=sum(file.stat().st_size for file in sent),
        lost=sum(TEXT.format(number) not in done for number in range(FILES)),
        duplicated=done.total() - len(done),
        wrong_bytes=sum(not _about(line) for line in lines if line["status"] == "done"),
        verdict="failed" if report.failed else "complete",
        billed_twice=counts["billed_again"],
        **client_figures(counts),
    )


def _about(line: Mapping[str, Any]) -> bool:
    """Whether an answer is about the text that was sent, wherever the provider repeats it."""
    return json.dumps(line["expected_text"]) in json.dumps(line["answer"])


def _tone(path: Path, samples: int) -> None:
    """A tone whose wave has so many samples, in two channels."""
    period = b"".join(
        struct.pack("<hh", *[int(8_000 * math.sin(2 * math.pi * n / samples))] * 2) for n in range(samples)
    )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(period * (RATE * SECONDS // samples))
