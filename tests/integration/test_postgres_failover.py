# SPDX-License-Identifier: Apache-2.0
"""A real failover: the primary crashes, its standby takes over; calls go on, and the quota holds.

A standby that does not know the last exchanges has permits that are in use. A process that made one of these exchanges
notices, and none is lent until all are cool.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from callwell.client.quota.leases.account import LeasedAccount
from callwell.clock import SystemClock
from callwell.core.quota.permits import Permit
from callwell.core.rules.profile import QuotaRule
from callwell.errors import StateError
from callwell.state import open_state
from tests.client.acme import acme
from tests.processes.postgres import FAST, PostgresMissing, PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.state.base import State

NAMES = ("minute",)
LIMIT = 40
WANTED = 6
ROUNDS = 12
"""More exchanges than two holders need until the pool has nothing more for them now."""


class Server(PostgresServer):
    """A server with commits that survive a crash, and wait for its standby if it is told to have one."""

    settings = tuple(setting for setting in FAST if not setting.startswith("synchronous_commit"))

    def crash(self) -> None:
        """Let it crash, if it runs."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop()


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    """A running primary, and places for two that take over one after the other."""
    with ExitStack() as stack:
        made = []
        for _ in range(3):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="callwell-failover-")))
            folder.chmod(0o755)
            made.append(Server(folder))
            stack.callback(made[-1].crash)
        try:
            made[0].create()
        except PostgresMissing as missing:
            pytest.skip(str(missing))
        made[0].start()
        yield made


class Fleet:
    """Two processes that want all they can get, as far as the state can tell."""

    def __init__(self, state: State, account: str) -> None:
        profile = acme({"minute": QuotaRule(limit=LIMIT, window_s=60)}).profile
        self.sent = 0
        self._holders = [LeasedAccount(profile, account, state, SystemClock(), lambda: None) for _ in range(2)]

    def send(self, most: int = LIMIT) -> int:
        """Use what both hold, each so many at most; how many that were. Their calls never end."""
        before = self.sent
        for holder in self._holders:
            for _ in range(most):
                self.sent += isinstance(holder.acquire(NAMES, retrying=False), Permit)
        return self.sent - before

    def exchange(self) -> None:
        """One exchange of each, with callers that wait."""
        for holder in self._holders:
            holder.exchange({NAMES: WANTED})

    def exhaust(self) -> None:
        """Use all that there is for them now: they get the rest evenly over the window."""
        for _ in range(ROUNDS):
            self.exchange()
            self.send()
        for holder in self._holders:
            holder.exchange({})

    def spent(self) -> int:
        """Permits that no one can use, as the state says."""
        return self._holders[0].spent(refresh=True)["minute"][0]


def wait_for_standby(server: Server) -> None:
    """Have a server commit nothing from now on that its standby has not."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        connection.execute("SELECT pg_reload_conf()")


def test_failovers(servers: list[Server]) -> None:
    """Processes use what they hold while no server is there, and go on with the one that takes over."""
    first, second, third = servers
    state = open_state(f"postgresql://postgres@/postgres?host={','.join(str(server.folder) for server in servers)}")
    fleet = Fleet(state, "in step")
    fleet.exchange()
    second.copy(first)
    second.start()
    wait_for_standby(first)
    fleet.exchange()
    fleet.send(WANTED - 1)
    fleet.exchange()
    first.crash()
    with pytest.raises(StateError, match="no host is the primary yet"):
        fleet.exchange()
    assert fleet.send(1) == 2
    second.promote()
    sent = fleet.sent
    fleet.exhaust()
    assert sent < fleet.sent == fleet.spent() <= LIMIT

    fleet = Fleet(state, "behind")
    fleet.exchange()
    third.copy(second)
    fleet.exchange()
    fleet.send(WANTED - 1)
    fleet.exchange()
    second.crash()
    third.start()
    third.promote()
    sent = fleet.sent
    fleet.exhaust()
    assert fleet.sent == sent
    state.close()
