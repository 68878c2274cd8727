# SPDX-License-Identifier: Apache-2.0
"""What it takes to assess many recordings at a service that does not document its capacity.

The service is the emulator, in its own process: it takes 50 assessments at a time, one second each, and refuses
the rest. On a busy machine `BENCH_CLOCK=0.25` slows its clock, and Callwell's with it.

The same recordings are assessed by Callwell, and by what is usually written: a process of `ffmpeg` for each recording
and tenacity around each request, one after the other or in 50 threads.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import prepare, rounds
from bench.preparers import SUFFIX
from callwell.emulator.options import EmulatorOptions
from callwell.emulator.process import start

if TYPE_CHECKING:
    from bench.rounds import Sample

CAPACITY: Final = 50
SERVICE_S: Final = 1.0
FILES: Final = 2_000
FEW: Final = 100
"""Recordings on disk, each assessed with many texts; the other ways assess this many."""

ROUNDS: Final = 3
VARIANTS: Final = ("callwell", "threads", "loop")
CLOCK: Final = os.environ.get("BENCH_CLOCK", "1")
"""How fast the service's clock runs, and that of Callwell's client."""

PROVIDER: Final = "language_confidence"
VERSIONS: Final = ("callwell", "httpx", "tenacity")
CAPACITY_SET: Final = {f"{PROVIDER}.capacity": str(CAPACITY), f"{PROVIDER}.service_s": str(SERVICE_S)}


def run() -> Sample:
    """Measure.

    Raises:
        SystemExit: ffmpeg is not installed.
    """
    prepared = prepare.run()
    with tempfile.TemporaryDirectory() as folder:
        bases = prepare.recordings(Path(folder), FEW // 10)
        for number, base in zip(range(len(bases), FEW), itertools.cycle(bases), strict=False):
            write_shifted(base, Path(folder, f"{number:04}{SUFFIX}"), number)
        done = rounds.run_interleaved(VARIANTS, ROUNDS, lambda variant: measure(variant, folder))
    figures = ("capacity_used", "refused_share")
    values = {name: [sample["callwell"][name] for sample in done] for name in figures}
    ratios = {
        **{
            name: rounds.Ratio(sorted(found)[len(found) // 2], min(found), max(found)) for name, found in values.items()
        },
        "vs_threads": rounds.ratio(done, "threads", "callwell", "s_per_file"),
        "vs_loop": rounds.ratio(done, "loop", "callwell", "s_per_file"),
    }
    summary = rounds.summarize(ratios)
    for name in ("prepare_vs_subprocess", "bytes_share"):
        summary[name] = prepared[name]
        summary["spread"][name] = prepared["spread"][name]
    return summary | {
        "seconds": {name: round(rounds.median(done, name, "s_per_file") * FILES, 1) for name in VARIANTS},
        "refused": {name: round(rounds.median(done, name, "refused_share"), 4) for name in VARIANTS},
        "cpu_share": round(rounds.median(done, "callwell", "cpu_share"), 2),
        "capacity": CAPACITY,
        "service_s": SERVICE_S,
        "clock": float(CLOCK),
        "files": {name: FILES if name == "callwell" else FEW for name in VARIANTS},
        "rounds": ROUNDS,
        "versions": {name: version(name) for name in VERSIONS},
    }


def measure(variant: str, folder: str) -> Sample:
    """Run one variant against its own service."""
    files = FILES if variant == "callwell" else FEW
    with start(EmulatorOptions(provider=(PROVIDER,), settings=CAPACITY_SET, clock=CLOCK)) as emulator:
        place = emulator.endpoint(PROVIDER)
        workload: dict[str, object] = {
            "how": variant,
            "folder": folder,
            "files": files,
            "url": place.base_url,
            "key": place.key,
        }
        workload |= {"capacity": CAPACITY, "service_s": SERVICE_S / float(CLOCK), "clock": emulator.endpoints.clock}
        sample = rounds.run_child("bench.assessors", workload)
        counts = rounds.ledger(emulator.control)[f"{PROVIDER}/production"]["counts"]
    if counts["billed"] != files:
        raise SystemExit(f"bench: expected {files} recordings to be assessed, found {counts['billed']}")
    return sample | {"refused_share": counts["refused_for_load"] / counts["attempts"]}


def write_shifted(base: Path, target: Path, by: int) -> None:
    """Write another recording of the same length, in which speech begins a little later."""
    shutil.copyfile(base, target)
    head = 44  # bytes of a WAV header
    frame = 4  # bytes of two 16-bit samples
    data = target.read_bytes()
    cut = head + 480 * frame * by
    target.write_bytes(data[:head] + data[cut:] + data[head:cut])
