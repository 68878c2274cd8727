# SPDX-License-Identifier: Apache-2.0
"""One measured process: prepares the recordings of a folder and prints what it took.

`python -m bench.preparers '{"how": "callwell", "folder": "…", "threads": 2}'`
"""

from __future__ import annotations

import base64
import json
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from callwell.core.rules.media import AudioRule, FormatRule, RecordingRule
from callwell.core.rules.operations import OperationRule
from callwell.core.rules.profile import KeyRule, Profile
from callwell.media import prepare

if TYPE_CHECKING:
    from collections.abc import Callable

SUFFIX: Final = ".wav"
FORMATS: Final = {"wav": FormatRule(containers=("wav",), codecs=("pcm_s16le",))}
OPERATION: Final = "speech.assess"


class Ear:
    """A provider of one operation, which takes a minute of WAV at 16 kHz."""

    name = "ear"
    profile = Profile(
        name="ear",
        title="Ear",
        environments={},
        key=KeyRule(env="EAR_KEY"),
        audio=AudioRule(formats=FORMATS, min_rate=16_000, rate=16_000),
    )

    def rule(self, _name: str, /) -> OperationRule:
        """The rule of its operation."""
        return OperationRule(audio=RecordingRule(data="audio", format="format", max_s=60))


def callwell(file: Path) -> bytes:
    """A recording as Callwell prepares it."""
    return prepare(file, Ear(), OPERATION).data


def ffmpeg(file: Path, mark: str = "16k") -> bytes:
    """A recording as the usual command converts it.

    Args:
        file: the recording.
        mark: in the name of the new file, which is removed at the end.
    """
    converted = file.with_suffix(f".{mark}{SUFFIX}")
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", str(file), "-ar", "16000", "-ac", "1"]
    subprocess.run([*command, "-c:a", "pcm_s16le", str(converted)], check=True)
    data = converted.read_bytes()
    converted.unlink()
    return data


HOW: Final[dict[str, Callable[[Path], bytes]]] = {"callwell": callwell, "ffmpeg": ffmpeg}


def main() -> None:
    """Carry out one workload."""
    workload = json.loads(sys.argv[1])
    work = HOW[workload["how"]]
    files = sorted(Path(workload["folder"]).glob(f"????{SUFFIX}"))
    with ThreadPoolExecutor(workload["threads"]) as pool:
        list(pool.map(work, files[: workload["threads"] * 2]))
        cpu_before_s = _cpu_s()
        began = time.perf_counter()
        sizes = list(pool.map(lambda file: len(base64.b64encode(work(file))), files))
        real_s = time.perf_counter() - began
        cpu_s = _cpu_s() - cpu_before_s
    whole = sum(file.stat().st_size for file in files)
    taken = {"real_ms": 1000 * real_s / len(files), "cpu_ms": 1000 * cpu_s / len(files)}
    print(json.dumps(taken | {"bytes_share": sum(sizes) / whole}))


def _cpu_s() -> float:
    """CPU seconds of this process and of the children that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


if __name__ == "__main__":
    main()
