# SPDX-License-Identifier: Apache-2.0
"""Processes that call one server with one quota: see `fleet_member.py`."""

from __future__ import annotations

import json
import signal
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from callwell.clock import parse_clock
from tests.contract.raw_server import RawServer
from tests.patience import PATIENCE_S
from tests.processes.program import popen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.raw_server import Connection
    from tests.processes.program import Program

BODY = b'{"data":{"id":"1"}}'
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n" + BODY
THROTTLED = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 60\r\ncontent-length: 2\r\n\r\n{}"

STOPPED_S = 5.0
"""A process is stopped for so long at a time: less than the pause P, after which its permits are others'."""


class Arrival(NamedTuple):
    """A request.

    Attributes:
        at: when it arrived, in monotonic seconds.
        name: of the process that sent it.
    """

    at: float
    name: str


class Fleet:
    """Processes that call one server.

    Args:
        state: the URL of what they share.
        root: where they work.
        clock: their clock, as text.
        limit: requests in a window.
        window_s: seconds of it.
    """

    def __init__(self, state: str, root: Path, *, clock: str = "1", limit: int, window_s: float) -> None:
        self.arrivals: list[Arrival] = []
        self.refused: set[str] = set()
        self.refused_at: float | None = None
        self.silent: set[str] = set()
        self.clock = parse_clock(clock)
        self.programs: dict[str, Program[str]] = {}
        self._changed = threading.Condition()
        self._root = root
        self._server = RawServer(self._answer)
        self._job: dict[str, Any] = {
            "url": self._server.url,
            "state": state,
            "clock": clock,
            "quotas": {"window": (limit, window_s)},
        }

    def start(self, name: str, *, tasks: int = 4, pause_s: float = 0.0, **more: Any) -> None:
        """Start a process; `quotas` are its own, as a profile of another version has them."""
        job = self._job | {"name": name, "tasks": tasks, "pause_s": pause_s} | more
        self.programs[name] = popen(["-m", "tests.integration.fleet_member", json.dumps(job)], folder=self._root)

    def end(self) -> dict[str, int]:
        """End all processes; how many calls they have made, and how many have failed."""
        counts = {"calls": 0, "failed": 0}
        for program in self.programs.values():
            program.terminate()
        for program in self.programs.values():
            out, complaints = program.communicate(PATIENCE_S)
            for key, n in json.loads(out or "{}").items():
                counts[key] += n
            assert "Traceback" not in complaints, complaints
        return counts

    def close(self) -> None:
        """End what still runs."""
        for program in self.programs.values():
            program.kill()
            program.wait(PATIENCE_S)
            program.close()
        self._server.close()

    def count(self, name: str = "") -> int:
        """How many requests have come, of all or of one."""
        return sum(arrival.name == name or not name for arrival in tuple(self.arrivals))

    def wait_for(self, n: int, name: str = "") -> None:
        """Wait until so many more requests have come."""
        before = self.count(name)
        self.wait_until(lambda: self.count(name) >= before + n)

    def wait_for_each(self, names: str, n: int) -> None:
        """Wait until so many requests of each have come in all."""
        self.wait_until(lambda: all(self.count(name) >= n for name in names))

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Wait until the server has seen something."""
        with self._changed:
            assert self._changed.wait_for(is_so, PATIENCE_S)

    def stop_until(self, name: str, is_so: Callable[[], bool]) -> None:
        """Stop a process until the server has seen something of others.

        A process that is stopped amid a change of the store keeps all others from it: then it goes on, and is stopped
        again.
        """
        program = self.programs[name]
        deadline = time.monotonic() + PATIENCE_S
        is_seen = False
        while not is_seen:
            assert time.monotonic() < deadline
            program.send_signal(signal.SIGSTOP)
            with self._changed:
                is_seen = self._changed.wait_for(is_so, STOPPED_S)
            program.send_signal(signal.SIGCONT)

    def fullest(self, window_s: float) -> int:
        """The most requests in a window."""
        times = [arrival.at for arrival in self.arrivals]
        first = 0
        most = 0
        for last, at in enumerate(times):
            while at - times[first] >= window_s:
                first += 1
            most = max(most, last - first + 1)
        return most

    def fullest_with(self, name: str, window_s: float) -> int:
        """The most requests in a window that has one of that process."""
        most = 0
        for arrival in self.arrivals:
            within = [other for other in self.arrivals if 0.0 <= other.at - arrival.at < window_s]
            if any(other.name == name for other in within):
                most = max(most, len(within))
        return most

    def _answer(self, connection: Connection) -> bool:
        name = connection.head.split(b" ")[1].rpartition(b"/")[2].decode()
        with self._changed:
            self.arrivals.append(Arrival(self.clock.now(), name))
            self._changed.notify_all()
        if name in self.silent:
            return connection.hang()
        if name in self.refused and self.refused_at is None:
            self.refused_at = time.monotonic()
            return connection.send(THROTTLED)
        return connection.send(ANSWER)
