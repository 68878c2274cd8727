# SPDX-License-Identifier: Apache-2.0
"""Real processes share one quota by leases, on SQLite and on PostgreSQL, whatever happens to one of them."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from callwell.clock import scaled_clock
from callwell.core.quota.permits import MAX_PAUSE_S
from tests.integration import fleet_member
from tests.integration.fleet import Fleet
from tests.patience import PATIENCE_S
from tests.processes.postgres_proxy import PostgresProxy
from tests.processes.scaled_clock import scale, slowness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


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
        made.append(Fleet(store.url, root, **options))
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


def test_another_version_stops_nobody(fleets: Callable[..., Fleet]) -> None:
    """A stricter profile joins while one process has all permits: both go on within it, and so does the last one."""
    fleet = fleets(limit=20, window_s=1.0)
    fleet.start("old", tasks=20)
    fleet.wait_for(25, "old")
    fleet.start("new", quotas={"window": (10, 1.0), "more": (600, 20.0)})
    joined_at = fleet.clock.now()
    fleet.wait_for(5, "new")
    fleet.wait_for(5, "old")
    waited_s = fleet.clock.now() - joined_at
    fleet.programs["old"].terminate()
    fleet.wait_for(15, "new")
    assert fleet.end()["failed"] == 0
    assert fleet.fullest_with("new", 1.0) <= 10
    # What a process that does not come back holds would be missing for longer.
    assert waited_s < fleet_member.RETRY.attempt_s + MAX_PAUSE_S
