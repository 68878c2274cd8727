# SPDX-License-Identifier: Apache-2.0
"""Fleets of real processes against one server: undisturbed, disrupted, and while their key is replaced."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench import described
from bench.disruptions import Disruption, run_fleet
from bench.members import Workload
from bench.rounds import ROOT, environment
from bench.server import Nginx
from bench.windows import fullest, used_share
from tests.processes.program import popen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.processes.program import Program

LIMIT: Final = 300
WINDOW_S: Final = 3.0
SETTLE_WINDOWS: Final = 2
MEMBERS: Final = 8
SMALL_RATE: Final = 2.0
"""Calls a second of each process but the first, which wants everything."""

START_S: Final = 2.5
"""Seconds until all processes are ready: they begin together."""

LOG_S: Final = 0.002
"""The server's log has milliseconds: two arrivals a window apart may look nearer by so much."""

KILL_EVERY_S: Final = 1.0
STOP_AFTER_S: Final = 8.0
STOP_S: Final = 10.0
CHAOS_S: Final = 26.0
KILLS: Final = 24
MEMBER_NUMBERS: Final = 1_000_000
OLD_KEY: Final = "bench-old-0123456789abcdef"
NEW_KEY: Final = "bench-new-0123456789abcdef"
ANSWER: Final = json.dumps({"data": described.ITEM}, separators=(",", ":"))
PLAIN: Final = f"location /items/ {{ return 200 '{ANSWER}'; }}"
UNBOUND: Final = 10_000_000


def _quota(limit: int, window_s: float) -> str:
    return f"[quotas.calls]\nlimit = {limit}\nwindow_s = {window_s}\n\n[retry]\nattempt_s = 5\nmax_transit_s = 5\n"


@contextmanager
def field(limit: int, window_s: float, locations: str = PLAIN) -> Iterator[tuple[Nginx, str]]:
    """A server, and the description of a provider with this quota."""
    with described.folder(_quota(limit, window_s)) as folder, Nginx(locations) as nginx:
        yield nginx, folder


def start(workload: Workload) -> subprocess.Popen[str]:
    """Start one process."""
    command = [sys.executable, "-m", "bench.members", json.dumps(workload._asdict())]
    return subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True)


def fork(module: str, task: Mapping[str, Any]) -> Program[str]:
    """Start a module of ours in a fork of a warm Python: where processes die all the time, a start must cost little."""
    return popen(["-m", module, json.dumps(task)], folder=ROOT, variables=environment(), stderr=None)


def results(processes: Sequence[subprocess.Popen[str] | Program[str]]) -> list[dict[str, Any]]:
    """What the processes print at their end.

    Raises:
        SystemExit: one printed nothing.
    """
    found = []
    for process in processes:
        printed = process.communicate(timeout=120)[0]
        if not printed:
            raise SystemExit(f"bench: {process.args!r} ended with {process.returncode}")
        found.append(json.loads(printed.splitlines()[-1]))
    return found


def share(variant: str, store: str, windows: int) -> dict[str, Any]:
    """Eight processes, of which one wants everything, undisturbed.

    Args:
        variant: see `Workload`.
        store: what they share.
        windows: how many are measured.
    """
    with field(LIMIT, WINDOW_S) as (nginx, folder):
        begin_at = time.time() + START_S
        lasts_s = (SETTLE_WINDOWS + windows) * WINDOW_S
        plain = Workload(variant, nginx.address, folder, store, LIMIT, WINDOW_S, MEMBERS, 0.0, begin_at, lasts_s)
        members = [plain, *[plain._replace(rate=SMALL_RATE) for _ in range(MEMBERS - 1)]]
        ends = results([start(member) for member in members])
        arrivals = nginx.arrivals("/items/")
    measured_at = begin_at + SETTLE_WINDOWS * WINDOW_S
    small = sum(end["calls"] for end in ends[1:]) / (SMALL_RATE * lasts_s * (MEMBERS - 1))
    return {
        "over_window": max(0, fullest(arrivals, WINDOW_S - LOG_S) - LIMIT),
        "quota_used": used_share(arrivals, LIMIT, WINDOW_S, measured_at, begin_at + lasts_s),
        "small_served": small,
        "operations_per_call": sum(end["operations"] for end in ends) / max(1, len(arrivals)),
        "failed": sum(end["failed"] for end in ends),
    }


def chaos(store: str, stop_for: Callable[[float], None]) -> dict[str, Any]:
    """The same processes of Callwell while one dies every second, and the store is away for ten seconds.

    Args:
        store: what they share.
        stop_for: keeps the store away for this many seconds.
    """
    with field(LIMIT, WINDOW_S) as (nginx, folder):
        begin_at = time.time() + START_S
        end_at = begin_at + CHAOS_S
        plain = Workload("callwell", nginx.address, folder, store, LIMIT, WINDOW_S, MEMBERS, 0.0, begin_at, CHAOS_S)

        def begin(slot: int, at: float) -> Program[str]:
            member = plain._replace(begin_at=at, lasts_s=end_at - at)
            return fork("bench.members", (member._replace(rate=SMALL_RATE) if slot else member)._asdict())

        kills = [Disruption(n * KILL_EVERY_S, "kill", (n - 1) % MEMBERS) for n in range(1, KILLS + 1)]
        planned = sorted([*kills, Disruption(STOP_AFTER_S, "away", for_s=STOP_S)])
        fleet_run = run_fleet(begin_at, planned, begin, MEMBERS, stop_for)
        ends = results(fleet_run.processes)
        arrivals = nginx.arrivals("/items/")
    return {
        "over_window": max(0, fullest(arrivals, WINDOW_S - LOG_S) - LIMIT),
        "calls": len(arrivals),
        "killed": fleet_run.killed,
        "failed": sum(end["failed"] for end in ends),
    }


def operations(store: str, rate: float = 100.0, lasts_s: float = 5.0) -> float:
    """Operations of the store for each call, where each of eight processes makes this many calls a second."""
    with field(UNBOUND, 60.0) as (nginx, folder):
        begin_at = time.time() + START_S
        plain = Workload("callwell", nginx.address, folder, store, UNBOUND, 60.0, MEMBERS, rate, begin_at, lasts_s)
        ends = results([start(plain) for _ in range(MEMBERS)])
    return float(sum(end["operations"] for end in ends) / sum(end["calls"] for end in ends))


def cpu_us(store: str, calls: int) -> float:
    """CPU microseconds of a call in one process that calls without a pause."""
    with field(UNBOUND, 60.0) as (nginx, folder):
        alone = Workload("callwell", nginx.address, folder, store, UNBOUND, 60.0, 1, 0.0, time.time(), 60.0, calls)
        (end,) = results([start(alone)])
    return float(end["cpu_s"] / end["calls"] * 1e6)


def rotation(store: str, members: int = 4, rate: float = 25.0) -> dict[str, Any]:
    """The old key dies at the moment at which the new one is written: when has each process used the new one?"""
    with tempfile.TemporaryDirectory(prefix="bench-keys-") as name:
        key_file = Path(name, "key")
        dead = Path(name, "dead")
        _write_key(key_file, OLD_KEY)
        locations = (
            f"location /items/ {{ set $old ''; if ($http_authorization = 'Bearer {OLD_KEY}') {{ set $old 'old'; }} "
            f"if (-f {dead}) {{ set $old '$old-dead'; }} if ($old = 'old-dead') {{ return 401 '{{}}'; }} "
            f"return 200 '{ANSWER}'; }}"
        )
        with field(UNBOUND, 60.0, locations) as (nginx, folder):
            begin_at = time.time() + START_S
            source = f"file:{key_file}"
            plain = Workload("callwell", nginx.address, folder, store, UNBOUND, 60.0, members, rate, begin_at, 6.0)
            numbered = [plain._replace(key=source, first=n * MEMBER_NUMBERS) for n in range(1, members + 1)]
            processes = [start(member) for member in numbered]
            time.sleep(max(0.0, begin_at + 3.0 - time.time()))
            rotated_at = time.time()
            _write_key(key_file, NEW_KEY)
            dead.touch()
            ends = results(processes)
            seen = [
                [at for at in nginx.arrivals(f"/items/{n}", status="200") if at > rotated_at + LOG_S]
                for n in range(1, members + 1)
            ]
    if not all(seen):
        raise SystemExit("bench: a process never used the new key")
    return {
        "seen_s": max(min(times) for times in seen) - rotated_at,
        "failed": sum(end["failed"] for end in ends),
    }


def _write_key(file: Path, key: str) -> None:
    new = file.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(f"{key}\n", encoding="utf-8")
    new.rename(file)
