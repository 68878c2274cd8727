# SPDX-License-Identifier: Apache-2.0
"""Strings shaped like keys in the history of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.readiness.check import Check, Finding, Group, Severity, Unchecked
from callwell.readiness.checks.leaks.shape_findings import report_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.check import Place
    from callwell.readiness.project import Project


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Scan everything that was ever committed, each secret once."""
    result = project.shapes.start_history().result()
    yield from report_shapes(project, result, describe_origin)


def describe_origin(place: Place) -> str:
    """How a string is in the repository: in a commit, or in an object that no commit has."""
    return "was committed" if place.commit else "is in the repository, in no commit"


CHECK = Check(
    id="leaks.shapes-in-history",
    group=Group.LEAKS,
    title="No commit has a string shaped like a key",
    severity=Severity.ERROR,
    why="Every clone has what was committed once, and people who search for keys find it long after its removal.",
    fix="Revoke the key: taking it out of the history does not take it out of clones. Accept it once it is revoked.",
    run=run,
    prepare=lambda project: project.shapes.request_history(),
)
