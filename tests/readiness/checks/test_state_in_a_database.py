# SPDX-License-Identifier: Apache-2.0
"""Checks of a state in PostgreSQL: they read it, and change nothing in the database."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import psycopg
import pytest

from callwell.readiness import registry
from callwell.readiness.drill_record import ROTATION, record_drill
from callwell.readiness.report import CheckOutcome
from callwell.readiness.run import run_check
from callwell.state import Cell, open_state
from tests.readiness.accounts import make_account, make_project

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.readiness.report import CheckResult

KEY: Final = "uspl_" + "database" * 4
LOOKING: Final = (
    *("leaks.keys-in-logs", "keys.unused", "keys.age", "keys.one-per-system", "keys.rotation-drill", "life.files"),
)
"""The checks that look into a state."""


def check(check_id: str, folder: Path, url: str) -> CheckResult:
    """Run one check."""
    (folder / "key").write_text(KEY, encoding="ascii")
    (folder / "project").mkdir(exist_ok=True)
    account = make_account("userplane", key=f"file:{folder / 'key'}", state=url)
    return run_check(make_project(folder / "project", None, account), registry.load(check_id))


def tables(url: str) -> list[str]:
    """The tables of the schema."""
    with psycopg.connect(url) as connection:
        query = "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"
        return sorted(name for (name,) in connection.execute(query))


def test_an_empty_database_stays_empty(tmp_path: Path, postgres_url: str) -> None:
    """It has no records to look at, which is said; it can be written, and no drill is remembered there."""
    outcomes = {check_id: check(check_id, tmp_path, postgres_url).outcome for check_id in LOOKING}
    assert outcomes.pop("life.files") is CheckOutcome.PASSED
    assert set(outcomes.values()) == {CheckOutcome.INCOMPLETE}
    with pytest.raises(Exception, match="no client has used it"):
        record_drill(make_account("userplane", state=postgres_url), ROTATION, passed=True, at=1.0)
    assert tables(postgres_url) == []


def test_keys_in_records(tmp_path: Path, postgres_url: str) -> None:
    """A key in a record is found, and a state without one passes; a drill is remembered there."""
    state = open_state(postgres_url)
    account = make_account("userplane", state=postgres_url, key=f"file:{tmp_path / 'key'}")
    (tmp_path / "key").write_text(KEY, encoding="ascii")
    assert record_drill(account, ROTATION, passed=True, at=time.time())
    assert check("leaks.keys-in-logs", tmp_path, postgres_url).outcome is CheckOutcome.PASSED
    assert check("keys.rotation-drill", tmp_path, postgres_url).outcome is CheckOutcome.PASSED
    state.update(Cell("note", str, ""), lambda _: (f"key={KEY}", None))
    state.close()
    (finding,) = check("leaks.keys-in-logs", tmp_path, postgres_url).findings
    assert "in a record of the state" in finding.what
    assert KEY not in str(finding)


def test_a_role_without_rights(tmp_path: Path, postgres_url: str) -> None:
    """It cannot make the tables, nor write into those that others have made."""
    role = f"reader_{time.time_ns()}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN")
        (schema,) = connection.execute("SELECT current_schema()").fetchone() or ("",)
        connection.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO {role}')
    limited = postgres_url.replace("postgres@", f"{role}@", 1)
    (finding,) = check("life.files", tmp_path, limited).findings
    assert "the role lacks the privileges" in finding.what
    open_state(postgres_url).close()
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'GRANT SELECT ON ALL TABLES IN SCHEMA "{schema}" TO {role}')
    (finding,) = check("life.files", tmp_path, limited).findings
    assert "grant it SELECT, INSERT, UPDATE and DELETE" in finding.fix
    assert check("leaks.keys-in-logs", tmp_path, limited).outcome is CheckOutcome.PASSED


def test_a_database_that_cannot_be_reached(tmp_path: Path) -> None:
    """Every check says so, without the password."""
    url = f"postgresql://app:hidden-word@/none?host={tmp_path}"
    for check_id in LOOKING:
        result = check(check_id, tmp_path, url)
        assert result.outcome is CheckOutcome.INCOMPLETE, check_id
        assert "hidden-word" not in str(result.unchecked)
