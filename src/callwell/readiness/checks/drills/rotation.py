# SPDX-License-Identifier: Apache-2.0
"""The rotation drill: the key dies while the program works."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from callwell.clock import SystemClock
from callwell.errors import CallwellError
from callwell.readiness.check import Check, Group, Severity
from callwell.readiness.drill_record import ROTATION, record_drill
from callwell.readiness.drills.players import note_absent
from callwell.readiness.drills.rotation import run_rotation_drill
from callwell.readiness.key_places import label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.check import Finding, Unseen
    from callwell.readiness.drills.verdict import DrillResult
    from callwell.readiness.project import Project


PROGRAM: Final = "the program"
"""The subject of a result that is about all accounts: see `DrillResult`."""


def look(project: Project) -> Iterator[Finding | Unseen]:
    """Run the drill."""
    results = drill(project)
    for result in results:
        yield from result.items()
    yield from note_absent(project)
    _remember(project, results)


def drill(project: Project) -> list[DrillResult]:
    """Run the drill.

    Args:
        project: the project.

    Raises:
        CouldNotLook: see `run_rotation_drill`.
        NotApplicable: the same.
    """
    return list(run_rotation_drill(project))


def _remember(project: Project, results: list[DrillResult]) -> None:
    """Record for each account in use how its drill ended, where its clients keep their state."""
    for account in project.in_use:
        own = [result for result in results if result.subject in (label(account), PROGRAM)]
        proofs = [proof for result in own for proof in result.proofs]
        passed = all(proof.holds for proof in proofs) and not any(result.unseen for result in own)
        if proofs:
            with suppress(CallwellError):  # `keys.rotation-drill` says it if the state cannot be used
                record_drill(account, ROTATION, passed=passed, at=SystemClock().wall())


CHECK = Check(
    id="drills.rotation",
    group=Group.DRILLS,
    title="The key can be rotated while the program works",
    severity=Severity.ERROR,
    why="A leaked key must be replaced at once. If that costs calls or a restart, it is put off until it is too late.",
    fix="Keep the key in a file of its own, and make the calls through Callwell: it reads the file again when the "
    "provider refuses the key.",
    look=look,
)
