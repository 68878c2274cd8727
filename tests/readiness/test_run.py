# SPDX-License-Identifier: Apache-2.0
"""Checks are run one by one, and none passes silently."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell.errors import UnknownName, UsageError
from callwell.readiness import registry
from callwell.readiness.check import CannotCheck, Check, Finding, Group, NotApplicable, Severity, Unchecked
from callwell.readiness.project import Project, Scope
from callwell.readiness.report import CheckOutcome
from callwell.readiness.run import run_check, run_checks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FINDING = Finding(what="a fault")
UNSEEN = Unchecked(what="a folder is not readable")


def make_check(
    *items: Finding | Unchecked | Exception, severity: Severity = Severity.ERROR, online: bool = False
) -> Check:
    """A check that says these things in this order."""

    def run(_: Project) -> Iterator[Finding | Unchecked]:
        for item in items:
            if isinstance(item, Exception):
                raise item
            yield item

    return Check(
        id="keys.planted",
        group=Group.KEYS,
        title="A planted check",
        severity=severity,
        why="",
        fix="",
        run=run,
        online=online,
    )


@pytest.mark.parametrize(
    ("check", "outcome", "exit_code"),
    [
        (make_check(), CheckOutcome.PASSED, 0),
        (make_check(FINDING), CheckOutcome.FOUND, 1),
        (make_check(UNSEEN), CheckOutcome.INCOMPLETE, 2),
        (make_check(UNSEEN, FINDING), CheckOutcome.FOUND, 1),
        (make_check(FINDING, severity=Severity.NOTE), CheckOutcome.PASSED, 0),
        (make_check(FINDING, CannotCheck("no git here")), CheckOutcome.FOUND, 1),
        (make_check(CannotCheck("no git here")), CheckOutcome.INCOMPLETE, 2),
        (make_check(NotApplicable("no front end")), CheckOutcome.NOT_APPLICABLE, 0),
        (make_check(UsageError("wrong")), CheckOutcome.INCOMPLETE, 2),
        (make_check(PermissionError(13, "Permission denied")), CheckOutcome.INCOMPLETE, 2),
        (make_check(FINDING, online=True), CheckOutcome.SKIPPED, 0),
    ],
)
def test_how_a_check_ends(tmp_path: Path, check: Check, outcome: CheckOutcome, exit_code: int) -> None:
    """Findings outweigh what could not be seen, and that outweighs a pass."""
    report = run_checks(Project(tmp_path, scope=Scope(offline=True)), [check])
    assert [result.outcome for result in report.results] == [outcome]
    assert report.exit_code == exit_code


def test_a_bug_of_a_check_is_not_hidden(tmp_path: Path) -> None:
    """An error that no check should raise ends the command as a bug, not as a check that could not run."""
    with pytest.raises(KeyError):
        run_check(Project(tmp_path), make_check(KeyError("x")))


@pytest.mark.parametrize("check_id", registry.CHECKS)
def test_every_check_is_described(check_id: str) -> None:
    """ID and group agree with the table, and a person is told why and what to do."""
    check = registry.load(check_id)
    assert check.id == check_id
    assert check_id.startswith(f"{check.group}.")
    assert check.title
    assert not check.title.endswith(".")
    assert check.why.endswith(".")
    assert check.fix.endswith(".")


def test_checks_are_selected_by_id_and_by_group() -> None:
    """Groups stand for all their checks, and an unknown name is an error."""
    keys = {check.id for check in registry.select(only=["keys"])}
    assert keys == {check_id for check_id in registry.CHECKS if check_id.startswith("keys.")}
    assert "keys.file-mode" not in {check.id for check in registry.select(skip=["keys.file-mode"])}
    with pytest.raises(UnknownName, match="file-mod"):
        list(registry.select(only=["keys.file-mod"]))
