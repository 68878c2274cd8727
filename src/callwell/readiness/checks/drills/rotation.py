# SPDX-License-Identifier: Apache-2.0
"""The rotation drill: the key dies while the program works."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from callwell.clock import SystemClock
from callwell.errors import CallwellError
from callwell.readiness.check import Check, Group, Severity
from callwell.readiness.drills.accounts import note_not_emulated
from callwell.readiness.drills.rotation import record_results, run_rotation_drill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.check import Finding, Unchecked
    from callwell.readiness.project import Project


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Run the drill, and keep its result."""
    results = list(run_rotation_drill(project))
    for result in results:
        yield from result.items()
    yield from note_not_emulated(project)
    with suppress(CallwellError):  # `keys.rotation-drill` says it if the state cannot be used
        record_results(results, SystemClock().wall())


CHECK = Check(
    id="drills.rotation",
    group=Group.DRILLS,
    title="The key can be rotated while the program works",
    severity=Severity.ERROR,
    why="A leaked key must be replaced at once. If that costs calls or a restart, it is put off until it is too late.",
    fix="Keep the key in its own file, and make the calls through Callwell: it reads the file again when the "
    "provider refuses the key.",
    run=run,
)
