# SPDX-License-Identifier: Apache-2.0
"""`callwell state`: what a state holds, without a password; what is old goes, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from callwell.cli.state import app
from callwell.client.exactly_once.entry import Entry, Status
from callwell.client.exactly_once.store import MAX_AGE_S, LedgerStore
from callwell.clock import SystemClock
from callwell.errors import UsageError
from callwell.state import open_state
from callwell.state.base import Cell

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = "acme:production:default"


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
