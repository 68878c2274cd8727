# SPDX-License-Identifier: Apache-2.0
"""The sample project has every fault that a check looks for, and its fixed copy has none."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from callwell.cli.check_accounts import open_project
from callwell.demo.sample_project import SAMPLES, write_sample
from callwell.readiness import registry
from callwell.readiness.drill_record import ROTATION, record_drill
from callwell.readiness.project import Scope
from callwell.readiness.run import run_check

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from callwell.readiness.report import CheckResult

PLANTED: Final = (
    *("leaks.keys-in-files", "leaks.keys-shipped", "leaks.keys-in-logs", "leaks.keys-in-history"),
    *("keys", "code"),
    *("life.environment", "life.deadline", "life.retries", "life.shared-state", "life.end-user", "life.media"),
    *("life.sandbox-leftovers", "life.description", "life.network", "life.files"),
)
"""The checks with a fault in the sample."""


def run_all(folder: Path, *, fixed: bool) -> dict[str, CheckResult]:
    """Write the sample, and run all checks on it that send nothing."""
    folder.mkdir()
    root = write_sample(folder, fixed=fixed)
    project = open_project(root, Scope(offline=True, samples=root / SAMPLES), ())
    if fixed:
        for account in project.in_use:
            assert record_drill(account, ROTATION, passed=True, at=time.time())
    return {check.id: run_check(project, check) for check in registry.select(PLANTED)}


def test_every_fault_is_found_and_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each check finds its fault, says where it is, and finds nothing in the fixed copy; not even a note."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    faulty = run_all(tmp_path / "faulty", fixed=False)
    assert [name for name, result in faulty.items() if not result.findings] == []
    fixed = run_all(tmp_path / "mended", fixed=True)
    assert {name: result.findings for name, result in fixed.items() if result.findings} == {}
    assert {name: result.unchecked for name, result in fixed.items() if result.unchecked} == {}
