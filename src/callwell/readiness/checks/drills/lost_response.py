# SPDX-License-Identifier: Apache-2.0
"""The drill with lost responses: something is created, and its response never arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.readiness.check import Check, Group, Severity
from callwell.readiness.drills.accounts import note_not_emulated
from callwell.readiness.drills.fault_drill import LOST_RESPONSE, run_fault_drill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.check import Finding, Unchecked
    from callwell.readiness.project import Project


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Run the drill."""
    for result in run_fault_drill(LOST_RESPONSE, project):
        yield from result.items()
    yield from note_not_emulated(project)


CHECK = Check(
    id="drills.lost-response",
    group=Group.DRILLS,
    title="Nothing is created twice when a response is lost",
    severity=Severity.ERROR,
    why="A POST without a response may have happened. Who repeats it may create, send or pay for something twice.",
    fix="Let Callwell make the call, with exactly_once if it must end by itself.",
    run=run,
)
