# SPDX-License-Identifier: Apache-2.0
"""Real processes share one quota by leases, on SQLite and on PostgreSQL, whatever happens to one of them."""

from __future__ import annotations

import json
import signal
import sqlite3
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from callwell.clock import parse_clock, scaled_clock
from tests.contract.raw_server import RawServer
from tests.patience import PATIENCE_S
from tests.processes.pace import scale, slowness
from tests.processes.postgres_proxy import PostgresProxy
from tests.processes.program import popen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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


class Store(NamedTuple):
    """What the processes share.

    Attributes:
        url: of the state.
        stop: keeps it away until the returned function is called.
        heard_s: seconds within which all processes hear of a refusal.
    """

    url: str
    stop: Callable[[], Callable[[], None]]
    heard_s: float


class Fleet:
    """Processes that call one server.

    Args:
        store: what they share.
        folder: where they work.
        clock: their clock, as text.
        limit: requests in a window.
        window_s: seconds of it.
    """

    def __init__(self, store: Store, root: Path, *, clock: str = "1", limit: int, window_s: float) -> None:
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
            "state": store.url,
            "clock": clock,
            "limit": limit,
            "window_s": window_s,
        }

    def start(self, name: str, *, tasks: int = 4, pause_s: float = 0.0) -> None:
        """Start a process."""
        job = self._job | {"name": name, "tasks": tasks, "pause_s": pause_s}
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
        anew.
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


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A new and empty store."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            file = tmp_path / "state.db"
            yield Store(f"sqlite:///{file}", lambda: _lock(file), 0.25)
        else:
            proxy = stack.enter_context(PostgresProxy(request.getfixturevalue("postgres_url")))
            yield Store(proxy.url, lambda: _cut(proxy), 1.0)


def _lock(file: Path) -> Callable[[], None]:
    """Lock an SQLite file, as a process does that does not end its transaction."""
    connection = sqlite3.connect(file, isolation_level=None, timeout=PATIENCE_S)
    connection.execute("BEGIN EXCLUSIVE")

    def unlock() -> None:
        connection.execute("ROLLBACK")
        connection.close()

    return unlock


def _cut(proxy: PostgresProxy) -> Callable[[], None]:
    """Cut all connections to a server."""
    proxy.up = False
    proxy.break_all()

    def mend() -> None:
        proxy.up = True

    return mend


@pytest.fixture
def fleets(root: Path, store: Store) -> Iterator[Callable[..., Fleet]]:
    """Makes fleets."""
    made: list[Fleet] = []

    def make(**options: Any) -> Fleet:
        made.append(Fleet(store, root, **options))
        return made[-1]

    yield make
    for fleet in made:
        fleet.close()


def test_no_window_has_more_than_the_limit(fleets: Callable[..., Fleet]) -> None:
    """Four processes want all they can get; one of them is stopped for a while, for less than the pause P."""
    fleet = fleets(limit=20, window_s=1.0)
    for name in "abcd":
        fleet.start(name)
    fleet.wait_for_each("abcd", 1)
    before = fleet.count("b")
    fleet.stop_until("a", lambda: fleet.count("b") >= before + 25)
    fleet.wait_for(2, "a")
    assert fleet.end()["failed"] == 0
    assert fleet.fullest(1.0) <= 20


def test_permits_of_a_killed_process_come_back(fleets: Callable[..., Fleet]) -> None:
    """All are in its hands when it dies. Another one gets them, when its lease is over and its requests are."""
    clock = str(scaled_clock(scale(20.0)))
    fleet = fleets(clock=clock, limit=6, window_s=10.0)
    fleet.silent.add("dying")
    fleet.start("dying", tasks=6)
    fleet.wait_for(6)
    fleet.programs["dying"].kill()
    fleet.programs["dying"].wait(PATIENCE_S)
    killed_at = fleet.arrivals[-1].at
    fleet.start("heir")
    fleet.wait_until(lambda: fleet.count("heir") >= 6)
    heirs = [arrival.at for arrival in fleet.arrivals if arrival.name == "heir"]
    assert heirs[0] - killed_at >= 10.0
    assert fleet.fullest(10.0) <= 6


def test_calls_go_on_while_the_store_is_away(fleets: Callable[..., Fleet], store: Store) -> None:
    """With what the processes hold; no call fails, and when the store is back no permit is lost."""
    fleet = fleets(limit=120, window_s=2.0)
    for name in "ab":
        fleet.start(name, tasks=1, pause_s=0.05)
    fleet.wait_for_each("ab", 10)
    mend = store.stop()
    try:
        fleet.wait_for(10, "a")
        fleet.wait_until(lambda: fleet.count("b") >= 10)
    finally:
        mend()
    fleet.start("greedy", tasks=16)
    fleet.wait_until(lambda: fleet.count("greedy") >= 160)
    assert fleet.end()["failed"] == 0
    assert fleet.fullest(2.0) <= 120


def test_a_refusal_to_one_is_heard_by_all(fleets: Callable[..., Fleet], store: Store) -> None:
    """Another process sends nothing more soon after."""
    fleet = fleets(limit=1_000, window_s=1.0)
    fleet.start("steady", tasks=2, pause_s=0.005)
    fleet.wait_until(lambda: fleet.count("steady") >= 20)
    fleet.refused.add("refused")
    fleet.start("refused", tasks=1)
    fleet.wait_until(lambda: fleet.refused_at is not None)
    refused_at = fleet.refused_at or 0.0
    allowed_s = store.heard_s * slowness()
    time_left = threading.Event()
    assert not time_left.wait(2 * allowed_s)
    assert max(arrival.at for arrival in fleet.arrivals) - refused_at < allowed_s
