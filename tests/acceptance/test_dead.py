# SPDX-License-Identifier: Apache-2.0
"""A provider that is dead for an hour, in three ways, and one that nearly is: how often it is knocked at.

Four processes with eight callers each share one state. Arrivals are counted by the server. The breaker keeps all but a
few calls from a provider that is dead, so the retry budget is put to the test by the one that still answers one
request in eight, which keeps the breaker closed.
"""

from __future__ import annotations

import collections
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from callwell import errors, providers
from callwell.clock import scaled_clock
from callwell.core import breaker, retry
from tests.contract.raw_server import RawServer

if TYPE_CHECKING:
    from callwell.clock import Clock
    from tests.acceptance.conftest import ReportFigures
    from tests.contract.raw_server import Connection

REPEATED_CALLS = Path(__file__).with_name("repeated_calls.py")
SCALE = 40.0
HOUR_S = 3_600.0
PROCESSES = 4
AMPLIFICATION = 1.1
FEWEST_CALLS = 1_000
STILL_ANSWERED = 8
PATIENCE_S = 120.0
OWN_PACE_S = 0.5
"""Real seconds that a call may end after its deadline, and twice what its process was late by itself."""

OK = b'{"success":true,"data":{"user":{"id":"usr_1"}}}'
DOWN = b'{"success":false,"message":"down","error":{"code":"INTERNAL"}}'


def answer(status: str, body: bytes) -> bytes:
    """A whole response."""
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Provider:
    """What is called.

    Args:
        clock: by which arrivals are noted.
        death: how it is dead: `503`, `reset`, `silence`, or `nearly` if it answers one request in eight.

    Attributes:
        arrivals: when requests arrived, and whether they were answered well.
        well: it answers every request.
    """

    def __init__(self, clock: Clock, death: str) -> None:
        self.arrivals: list[tuple[float, bool]] = []
        self.well = False
        self._clock = clock
        self._death = death
        self._turn = threading.Lock()

    def act(self, connection: Connection) -> bool:
        """Answer a request, or do not."""
        with self._turn:
            lucky = self._death == "nearly" and len(self.arrivals) % STILL_ANSWERED == 0
            good = self.well or lucky
            self.arrivals.append((self._clock.now(), good))
        if good:
            return connection.send(answer("200 OK", OK))
        if self._death == "reset":
            return connection.reset()
        if self._death == "silence":
            return connection.hang()
        return connection.send(answer("503 Service Unavailable", DOWN))


class Call(NamedTuple):
    """One call, as its process reports it."""

    began: float
    ended: float
    how: str
    attempts: int
    deadline_s: float


class Hour(NamedTuple):
    """What came of it.

    Attributes:
        calls: all of them, also those after the hour.
        late_s: by how many real seconds a process was late by itself, at worst.
        over_at: when the provider was well again.
        arrivals: see `Provider`.
    """

    calls: list[Call]
    late_s: float
    over_at: float
    arrivals: list[tuple[float, bool]]


def spend_an_hour(death: str, folder: Path) -> Hour:
    """Let the processes call a dead provider for an hour, and until it has been well for a while."""
    clock = scaled_clock(SCALE)
    provider = Provider(clock, death)
    server = RawServer(provider.act)
    (folder / "key").touch(0o600)
    (folder / "key").write_text("uspl_" + "k" * 40)
    job: dict[str, Any] = {
        "key": f"file:{folder / 'key'}",
        "base_url": f"{server.url}api/v1",
        "state": f"sqlite:///{folder / 'state.db'}",
        "clock": str(clock),
        "until": clock.now() + HOUR_S,
    }
    try:
        commands = [
            [sys.executable, str(REPEATED_CALLS), json.dumps({**job, "seed": seed})] for seed in range(PROCESSES)
        ]
        processes = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for command in commands
        ]
        time.sleep(clock.real_s(job["until"] - clock.now()))
        over_at = clock.now()
        provider.well = True
        done = [process.communicate(timeout=PATIENCE_S) for process in processes]
    finally:
        server.close()
    assert [(process.returncode, reported) for process, (_, reported) in zip(processes, done, strict=True)] == (
        [(0, "")] * PROCESSES
    )
    reported = [json.loads(output) for output, _ in done]
    calls = [Call(*call) for each in reported for call in each["calls"]]
    return Hour(calls, max(each["late_s"] for each in reported), over_at, provider.arrivals)


@pytest.mark.parametrize("death", ["503", "reset", "silence", "nearly"])
def test_a_provider_that_is_dead_for_an_hour(death: str, tmp_path: Path, report_figures: ReportFigures) -> None:
    """It is knocked at 1.1 times per call at most, every call ends in time, and when it is back calls are done."""
    hour = spend_an_hour(death, tmp_path)
    calls = [call for call in hour.calls if call.began < hour.over_at]
    arrivals = sum(when < hour.over_at for when, _ in hour.arrivals)
    late_s = max(call.ended - call.began - call.deadline_s for call in hour.calls) / SCALE
    back_at = next(when for when, good in hour.arrivals if good and when >= hour.over_at)
    how = collections.Counter(call.how for call in calls)
    report_figures(
        f"dead for an hour: {death}",
        f"{arrivals} arrivals for {len(calls)} calls ({arrivals / len(calls):.3f}): "
        f"{', '.join(f'{count} {name}' for name, count in sorted(how.items()))}; ended {late_s:+.2f} s (real) after "
        f"their deadline at worst, loop late by {hour.late_s:.2f} s; back after {back_at - hour.over_at:.0f} s",
    )
    slack_s = OWN_PACE_S + 2 * hour.late_s
    assert len(calls) >= FEWEST_CALLS
    assert arrivals / len(calls) <= AMPLIFICATION + (retry.MAX_TOKENS / len(calls) if death == "nearly" else 0.0)
    assert (len(hour.arrivals), death) == (sum(call.attempts for call in hour.calls), death)
    assert all(name == "done" or issubclass(getattr(errors, name), errors.CallError) for name in how)
    assert late_s <= slack_s
    unheard_s = providers.load("userplane").profile.retry.attempt_s if death == "silence" else 0.0
    assert back_at - hour.over_at <= breaker.MAX_OPEN_S + unheard_s + SCALE * slack_s
    assert {call.how for call in hour.calls if call.began > back_at + SCALE * slack_s} == {"done"}
