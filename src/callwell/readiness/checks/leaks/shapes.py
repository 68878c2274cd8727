# SPDX-License-Identifier: Apache-2.0
"""Keys of known shapes in the files of today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.readiness.check import Check, Finding, Group, Severity, Unseen
from callwell.readiness.checks.leaks.shape_findings import report_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.project import Project


def look(project: Project) -> Iterator[Finding | Unseen]:
    """Look at all files that are kept, and at those that a build ships."""
    seen = project.shapes.start_files().result()
    yield from report_shapes(project, seen, lambda _: "is in the file")


CHECK = Check(
    id="leaks.shapes",
    group=Group.LEAKS,
    title="No file has a string shaped like a key",
    severity=Severity.ERROR,
    why="Whoever can read the project, or what a build makes of it, can use the key: at any provider, not only yours.",
    fix="Revoke the key, keep the new one outside the tree, and accept the finding if it is not a key.",
    look=look,
    prepare=lambda project: project.shapes.want_files(),
)
