# SPDX-License-Identifier: Apache-2.0
"""Strings shaped like keys in the current files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.readiness.check import Check, Finding, Group, Severity, Unchecked
from callwell.readiness.checks.leaks.shape_findings import report_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.project import Project


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Scan all files that git tracks, and those that a build ships."""
    seen = project.shapes.start_files().result()
    yield from report_shapes(project, seen, lambda _: "is in the file")


CHECK = Check(
    id="leaks.shapes",
    group=Group.LEAKS,
    title="No file has a string shaped like a key",
    severity=Severity.ERROR,
    why="Whoever can read the project, or what a build makes of it, can use the key, whichever service it is for.",
    fix="Revoke the key and keep the new one outside the project. If it is not a key, accept the finding.",
    run=run,
    prepare=lambda project: project.shapes.request_files(),
)
