# SPDX-License-Identifier: Apache-2.0
"""`callwell state`: what a state holds, without a password; what is old goes, and nothing else."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from callwell.cli.state import app
from callwell.client.exactly_once.entry import Entry, Status
from callwell.client.exactly_once.store import MAX_AGE_S, LedgerStore
from callwell.client.quota.leases.account import LeasedAccount
from callwell.clock import SystemClock
from callwell.core.quota.lease_records import LEASE_S
from callwell.core.quota.permits import Permit
from callwell.errors import UsageError
from callwell.providers import load
from callwell.state import open_state
from callwell.state.base import Cell

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = "acme:production:default"
NAMES = ("minute", "day")
PLACES = ("free", "cooling", "held", "spent_by_others", "withheld")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A state with two kinds of records."""
    if request.param == "postgresql":
        found: str = request.getfixturevalue("postgres_url").replace("postgres@", "postgres:hunter2@", 1)
    else:
        found = f"sqlite:///{tmp_path / 'state.db'}"
    state = open_state(found)
    for key in ("count:a", "count:b", "other"):
        state.update(Cell(key, int, 0), lambda count: (count + 1, None))
    state.close()
    return found


def ran(*arguments: str) -> Any:
    """What a command prints as JSON."""
    result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert "hunter2" not in result.output
    return json.loads(result.stdout)


def test_show(url: str) -> None:
    """Its schema, and number, size and ages of the records of each kind."""
    found = ran("show", "--state", url)
    assert found["schema"] >= 1
    assert [(kind["kind"], kind["records"], kind["bytes"]) for kind in found["kinds"]] == [
        ("count", 2, 10),
        ("other", 1, 5),
    ]
    assert all(0 <= kind["newest"] <= kind["oldest"] < 3600 for kind in found["kinds"])
    lines = CliRunner().invoke(app, ["show", "--state", url]).stdout.splitlines()
    assert lines[0] == f"{found['state']}: schema {found['schema']}"
    assert [line.split()[:3] for line in lines if line.startswith(("count", "other"))] == [
        ["count", "2", "10"],
        ["other", "1", "5"],
    ]


def test_show_who_holds_which_permits(url: str) -> None:
    """Of each process: its permits, those in flight, its needs, and the end of its lease; of each quota: its places."""
    state = open_state(url)
    profile = load("userplane").profile
    holders = [LeasedAccount(profile, ACCOUNT, state, SystemClock(), lambda: None) for _ in range(2)]
    for holder, waiting in zip(holders, (3, 1), strict=True):
        holder.exchange({NAMES: waiting})
    permit = holders[0].acquire(NAMES, retrying=False)
    assert isinstance(permit, Permit)
    holders[0].exchange({NAMES: 2})
    (account,) = ran("show", "--state", url)["accounts"]
    assert (account["account"], account["breaker"]) == (ACCOUNT, "closed")
    minute = next(quota for quota in account["quotas"] if quota["quota"] == "minute")
    assert sum(minute[place] for place in PLACES) == minute["limit"] == profile.quotas["minute"].limit
    assert minute["window_s"] == profile.quotas["minute"].window_s
    hands = [hand for holder in account["holders"] for hand in holder["hands"] if hand["quota"] == "minute"]
    assert sum(hand["permits"] for hand in hands) == minute["held"] > 0
    idle, busy = sorted(hands, key=lambda hand: hand["in_flight"])
    assert (idle["in_flight"], busy["in_flight"]) == (0, 1)
    assert busy["needs"] >= 1
    for holder in account["holders"]:
        assert holder["process"] == f"{socket.gethostname()}:{os.getpid()}"
        assert 0 < holder["ends_in_s"] <= LEASE_S
        free_in_s = {hand["quota"]: hand["free_in_s"] for hand in holder["hands"]}
        assert holder["ends_in_s"] + 60 < free_in_s["minute"] < 600 < free_in_s["day"]
    lines = CliRunner().invoke(app, ["show", "--state", url]).stdout.splitlines()
    assert ACCOUNT in lines
    assert sum(f":{os.getpid()} " in line and " in " in line for line in lines) == 2 * len(NAMES)
    for holder in holders:
        holder.exchange(leaving=True)
    state.close()


def test_prune(url: str) -> None:
    """Calls that were settled long ago are forgotten, with what pointed to them; the rest stays."""
    state = open_state(url)
    ledger = LedgerStore(ACCOUNT, state, SystemClock())
    now = SystemClock().wall()
    for name, changed in (("old", now - MAX_AGE_S - 60), ("new", now)):
        entry = Entry(name=name, digest=name, status=Status.DONE, named=True, began=changed, changed=changed)
        ledger.write(entry, first=True)
        ledger._retention.add(_digest(state, name), changed)
    assert ran("prune", "--state", url)["dropped"] == 2
    assert [entry.name for entry in ledger.entries()] == ["new"]
    assert ran("prune", "--state", url)["dropped"] == 0
    state.close()


def test_migrate(url: str) -> None:
    """It says which version the schema has then, and which the code must know."""
    found = ran("migrate", "--state", url)
    assert (found["schema"] >= found["needs"], found["needs"]) == (True, 1)


def test_memory_is_no_state_to_look_at() -> None:
    """It ends with the command."""
    with pytest.raises(UsageError, match="ends with its process"):
        CliRunner().invoke(app, ["show", "--state", "memory:"], catch_exceptions=False)


def _digest(state: Any, name: str) -> str:
    keys = [key for key in state.keys(f"once:{ACCOUNT}:") if state.read(Cell(key, Entry, Entry())).name == name]
    return str(keys[0].rpartition(":")[2])
