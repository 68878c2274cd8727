# SPDX-License-Identifier: Apache-2.0
"""One measured process: assesses the recordings of a folder and prints what that took.

`python -m bench.assessors '{"how": "callwell", "folder": "…", "files": 100, …}'`
"""

from __future__ import annotations

import base64
import json
import resource
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import tenacity

from bench.preparers import SUFFIX, ffmpeg
from callwell.assess import Assessment, AssessmentRow
from callwell.client import AsyncClient
from callwell.client.concurrency import event_loop
from callwell.clock import parse_clock
from callwell.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.assess import AssessmentProgress

PROVIDER: Final = "language_confidence"
PATH: Final = "/speech-assessment/scripted/us"
WARM: Final = 0.35
COOL: Final = 0.95
"""Between these parts of the files, the service is taken to be in its steady state."""

THREADS: Final = 50
ATTEMPTS: Final = 20


def rows(workload: dict[str, Any]) -> list[AssessmentRow]:
    """The rows of a workload: each recording with many texts."""
    files = sorted(Path(workload["folder"]).glob(f"????{SUFFIX}"))
    return [
        AssessmentRow(files[n % len(files)], f"Sentence {n} has words.", accent="us") for n in range(workload["files"])
    ]


def callwell(workload: dict[str, Any]) -> dict[str, float]:
    """Assess with Callwell."""
    ends: list[float] = []

    def show(progress: AssessmentProgress) -> None:
        while len(ends) < progress.done:
            ends.append(time.perf_counter())

    async def work() -> int:
        with tempfile.TemporaryDirectory() as out:
            key = Key(workload["key"])
            clock = parse_clock(workload["clock"])
            url = workload["url"]
            async with AsyncClient(PROVIDER, key=key, base_url=url, clock=clock, priority="batch") as client:
                return len((await Assessment(client, rows(workload), out, on_progress=show).run()).failed)

    if failed := event_loop.run(work()):
        raise SystemExit(f"bench: {failed} recordings could not be assessed")
    first = int(WARM * len(ends))
    last = int(COOL * len(ends))
    return {"capacity_used": (last - first) / (ends[last] - ends[first]) * workload["service_s"] / workload["capacity"]}


def usual(workload: dict[str, Any], threads: int) -> dict[str, float]:
    """Assess with what is usually written."""
    limits = httpx.Limits(max_connections=threads)
    again = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(httpx.HTTPError),
        wait=tenacity.wait_random_exponential(0.5, 20),
        stop=tenacity.stop_after_attempt(ATTEMPTS),
    )
    headers = {"api-key": workload["key"]}
    with httpx.Client(base_url=workload["url"], headers=headers, limits=limits, timeout=600, trust_env=False) as client:

        def assess(numbered: tuple[int, AssessmentRow]) -> None:
            number, row = numbered
            audio = base64.b64encode(ffmpeg(row.file, f"{number}")).decode()
            body = {"audio_base64": audio, "audio_format": "wav", "expected_text": str(row.text)}
            again(lambda: client.post(PATH, json=body).raise_for_status())

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(assess, enumerate(rows(workload))))
    return {}


HOW: Final[dict[str, Callable[[dict[str, Any]], dict[str, float]]]] = {
    "callwell": callwell,
    "threads": lambda workload: usual(workload, THREADS),
    "loop": lambda workload: usual(workload, 1),
}


def main() -> None:
    """Carry out one workload."""
    workload = json.loads(sys.argv[1])
    begin = time.perf_counter()
    found = HOW[workload["how"]](workload)
    real = time.perf_counter() - begin
    used = resource.getrusage(resource.RUSAGE_SELF)
    taken = {"s_per_file": real / workload["files"], "cpu_share": (used.ru_utime + used.ru_stime) / real}
    print(json.dumps(taken | found))


if __name__ == "__main__":
    main()
