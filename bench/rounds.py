# SPDX-License-Identifier: Apache-2.0
"""Interleaved rounds, their medians, and the machine that they ran on.

Every round runs each variant once, in a fresh process, beginning with another variant than the round before. A ratio is
taken within each round, and the median of the rounds is reported: a machine that becomes slower or busier meanwhile
counts against both sides.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import urllib.request
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

ROOT: Final = Path(__file__).resolve().parent.parent
KEY_VARIABLE: Final = "BENCH_KEY"
KEEP: Final = ("HOME", "LANG", "PATH", "SYSTEMROOT", "TMPDIR")
"""The environment that a measured process inherits: no proxies, and nothing that changes how Python starts."""

Sample: TypeAlias = dict[str, Any]
"""What one run of one variant has measured."""


class Ratio(NamedTuple):
    """One quantity of one variant over that of another.

    Attributes:
        median: of the rounds' ratios.
        low: the smallest of them.
        high: the largest.
    """

    median: float
    low: float
    high: float


def run_interleaved(names: Sequence[str], rounds: int, run: Callable[[str], Sample]) -> list[dict[str, Sample]]:
    """Run each variant once a round.

    Args:
        names: the variants.
        rounds: how many.
        run: runs one variant.
    """
    done = []
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        turn = number % len(names)
        done.append({name: run(name) for name in (*names[turn:], *names[:turn])})
    return done


def ratio(rounds: Iterable[Mapping[str, Sample]], over: str, under: str, field: str) -> Ratio:
    """A quantity of the variant `over` by that of the variant `under`.

    Args:
        rounds: what `run_interleaved` gave.
        over: a variant.
        under: another.
        field: the quantity.
    """
    ratios = [samples[over][field] / samples[under][field] for samples in rounds]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def median(rounds: Iterable[Mapping[str, Sample]], name: str, field: str) -> float:
    """The median of a variant's quantity."""
    values: list[float] = [samples[name][field] for samples in rounds]
    return statistics.median(values)


def count_aborted(rounds: Iterable[Mapping[str, Sample]]) -> dict[str, int]:
    """How many runs of each variant were aborted at their end, where there were any."""
    return dict(Counter(name for samples in rounds for name, sample in samples.items() if sample["aborted"]))


def summarize(ratios: Mapping[str, Ratio]) -> Sample:
    """Ratios as they are published: the median of each by its name, and the range of the rounds."""
    spread = {name: [round(ratio.low, 3), round(ratio.high, 3)] for name, ratio in ratios.items()}
    return {name: round(ratio.median, 3) for name, ratio in ratios.items()} | {"spread": spread}


def run_child(module: str, workload: Mapping[str, Any]) -> Sample:
    """Run a module in a fresh interpreter and read the object that it prints.

    With pyreqwest 0.15 an interpreter is aborted now and then at its very end, when all has been measured and printed.
    The sample says so.

    Args:
        module: one of ours, which takes its workload as JSON in its only argument.
        workload: what it measures.

    Raises:
        SystemExit: it failed.
    """
    command = [sys.executable, "-m", module, json.dumps(workload)]
    done = subprocess.run(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, -signal.SIGABRT) or not done.stdout:
        raise SystemExit(f"bench: {command[2:]} ended with {done.returncode}")
    sample: Sample = json.loads(done.stdout.splitlines()[-1])
    return sample | {"aborted": done.returncode != 0}


def ledger(control: str) -> Sample:
    """What an emulator has counted, by provider.

    Args:
        control: the address of its control port, on this machine.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{control}/ledger") as answer:
        found: Sample = json.loads(answer.read())
    return found


def environment() -> dict[str, str]:
    """The environment of a measured process."""
    return {name: os.environ[name] for name in KEEP if name in os.environ} | {KEY_VARIABLE: "bench-0123456789abcdef"}


def machine() -> Sample:
    """What the figures were measured on."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "os": _system(),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"
