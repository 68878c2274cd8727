# SPDX-License-Identifier: Apache-2.0
"""What preparing recordings costs: by threads of this process, against a process of ffmpeg for each."""

from __future__ import annotations

import os
import shutil
import tempfile
import wave
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from bench import rounds

if TYPE_CHECKING:
    from bench.rounds import Sample

ROUNDS: Final = 7
FILES: Final = 20
SECONDS: Final = 10
RATE: Final = 48_000
VARIANTS: Final = ("callwell", "callwell_one", "ffmpeg")
VERSIONS: Final = ("callwell", "av", "numpy", "soxr")


def run() -> Sample:
    """Measure.

    Raises:
        SystemExit: ffmpeg is not installed.
    """
    if shutil.which("ffmpeg") is None:
        raise SystemExit("bench: ffmpeg is missing: apt-get install ffmpeg")
    cores = os.cpu_count() or 1
    threads = {"callwell": cores, "callwell_one": 1, "ffmpeg": cores}
    with tempfile.TemporaryDirectory() as folder:
        recordings(Path(folder), FILES)

        def measure(variant: str) -> Sample:
            how = "ffmpeg" if variant == "ffmpeg" else "callwell"
            return rounds.run_child("bench.preparers", {"how": how, "folder": folder, "threads": threads[variant]})

        done = rounds.run_interleaved(VARIANTS, ROUNDS, measure)
    ratios = {
        "prepare_vs_subprocess": rounds.ratio(done, "ffmpeg", "callwell", "real_ms"),
        "prepare_vs_subprocess_cpu": rounds.ratio(done, "ffmpeg", "callwell", "cpu_ms"),
        "threads_vs_one": rounds.ratio(done, "callwell_one", "callwell", "real_ms"),
        "bytes_share": rounds.Ratio(*[done[0]["callwell"]["bytes_share"]] * 3),
    }
    return rounds.summarize(ratios) | {
        "cpu_ms_per_file": {name: round(rounds.median(done, name, "cpu_ms"), 1) for name in VARIANTS},
        "real_ms_per_file": {name: round(rounds.median(done, name, "real_ms"), 1) for name in VARIANTS},
        "threads": threads,
        "rounds": ROUNDS,
        "files": FILES,
        "versions": {name: version(name) for name in VERSIONS},
    }


def recordings(folder: Path, count: int) -> list[Path]:
    """Make recordings: one voice in two channels, and some noise in each.

    Args:
        folder: where.
        count: how many.
    """
    files = [folder / f"{number:04}.wav" for number in range(count)]
    for number, file in enumerate(files):
        dice = np.random.default_rng(number)
        moments = np.arange(RATE * SECONDS) / RATE
        loud = np.interp(moments, np.linspace(0, SECONDS, 8 * SECONDS), dice.random(8 * SECONDS) ** 2)
        pitch = dice.uniform(90, 250)
        voice = loud * sum((np.sin(2 * np.pi * pitch * n * moments) / n for n in range(1, 12)), np.zeros_like(moments))
        both = 0.2 * voice + 0.002 * dice.standard_normal((2, len(moments)))
        with wave.open(str(file), "wb") as out:
            out.setparams((2, 2, RATE, 0, "NONE", ""))
            out.writeframes((both.T * 32_767).astype("<i2").tobytes())
    return files
