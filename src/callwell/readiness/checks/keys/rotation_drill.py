# SPDX-License-Identifier: Apache-2.0
"""Rotations that were not tried for a long time, or not with the settings of today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.clock import SystemClock
from callwell.emulator.registry import can_emulate
from callwell.readiness.account_state import open_states
from callwell.readiness.check import Check, Finding, Group, NotApplicable, Severity, Unchecked
from callwell.readiness.dates import DAY_S, to_day
from callwell.readiness.drill_record import ROTATION, digest_configuration, read_drill
from callwell.readiness.key_places import label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.drill_record import DrillRecord
    from callwell.readiness.project import ConfiguredAccount, Project

VALID_DAYS: Final = 90
"""A quarter: the longest life of keys at providers where they expire."""


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Read the record of the last drill of each account with which calls are made."""
    if not any(can_emulate(account.provider.name) for account in project.in_use):
        raise NotApplicable("no provider of the project can be emulated, so no drill can be made")
    for shared in open_states(project):
        if isinstance(shared, Unchecked):
            yield shared
            continue
        for account in shared.accounts:
            if not account.in_use or not can_emulate(account.provider.name):
                continue
            problem = _find_problem(account, read_drill(account, ROTATION, shared.state))
            if problem:
                yield Finding(what=f"{label(account)}: {problem}", place=shared.place, identity=label(account))


def _find_problem(account: ConfiguredAccount, record: DrillRecord | None) -> str:
    """What is wrong with the last drill of an account; empty if nothing is."""
    if record is None:
        return "a rotation of its key was never tried"
    day = to_day(record.at)
    if not record.passed:
        return f"the rotation drill of {day} failed"
    if record.configuration != digest_configuration(account):
        return f"the rotation drill of {day} had other settings"
    days = int((SystemClock().wall() - record.at) / DAY_S)
    return f"the last rotation drill, on {day}, is {days} days old" if days > VALID_DAYS else ""


CHECK = Check(
    id="keys.rotation-drill",
    group=Group.KEYS,
    title=f"A rotation drill was passed in the last {VALID_DAYS} days",
    severity=Severity.WARNING,
    why="A leaked key must be replaced within minutes, and an untested procedure fails then.",
    fix="Run callwell check --only drills, with the settings of production.",
    run=run,
)
