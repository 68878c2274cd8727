# SPDX-License-Identifier: Apache-2.0
"""The throttle drill: the provider refuses calls with 429."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.readiness.check import Check, Group, Severity
from callwell.readiness.drills.accounts import note_not_emulated
from callwell.readiness.drills.fault_drill import THROTTLE, run_fault_drill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.check import Finding, Unchecked
    from callwell.readiness.project import Project


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Run the drill."""
    for result in run_fault_drill(THROTTLE, project):
        yield from result.items()
    yield from note_not_emulated(project)


CHECK = Check(
    id="drills.throttle",
    group=Group.DRILLS,
    title="No call is lost when the provider throttles",
    severity=Severity.ERROR,
    why="A client that ignores a 429 loses calls, and one that retries at once is throttled for longer or blocked.",
    fix="Make the calls through Callwell, and leave its retries on.",
    run=run,
)
