# SPDX-License-Identifier: Apache-2.0
"""The drill with server errors: each read fails once with a 503."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.readiness.check import Check, Group, Severity
from callwell.readiness.drills.accounts import note_not_emulated
from callwell.readiness.drills.fault_drill import SERVER_ERRORS, run_fault_drill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.check import Finding, Unchecked
    from callwell.readiness.project import Project


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Run the drill."""
    for result in run_fault_drill(SERVER_ERRORS, project):
        yield from result.items()
    yield from note_not_emulated(project)


CHECK = Check(
    id="drills.server-errors",
    group=Group.DRILLS,
    title="No read is lost when the provider fails for a moment",
    severity=Severity.ERROR,
    why="Every service fails now and then; a read that is not repeated is lost for no reason.",
    fix="Make the calls through Callwell, and leave its retries on.",
    run=run,
)
