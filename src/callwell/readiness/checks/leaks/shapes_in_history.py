# SPDX-License-Identifier: Apache-2.0
"""Keys of known shapes in the history of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.readiness.check import Check, Finding, Group, Severity, Unseen
from callwell.readiness.checks.leaks.shape_findings import report_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.check import Place
    from callwell.readiness.project import Project


def look(project: Project) -> Iterator[Finding | Unseen]:
    """Look at all that was ever committed, each secret once."""
    result = project.shapes.start_history().result()
    yield from report_shapes(project, result, describe_origin)


def describe_origin(place: Place) -> str:
    """How a string came into the repository: by a commit, or as an object that no commit has."""
    return "was committed" if place.commit else "is in the repository, in no commit"


CHECK = Check(
    id="leaks.shapes-in-history",
    group=Group.LEAKS,
    title="No commit has a string shaped like a key",
    severity=Severity.ERROR,
    why="What was committed once is in every clone, and is found by those who look for keys, long after its removal.",
    fix="Revoke the key: taking it out of the history does not take it out of clones. Accept it once it is revoked.",
    look=look,
    prepare=lambda project: project.shapes.want_history(),
)
