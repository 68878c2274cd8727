# SPDX-License-Identifier: Apache-2.0
"""Keys in use in the files that git tracks, or would track."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.readiness.check import Check, Finding, Group, Severity, Unchecked
from callwell.readiness.checks.leaks.exact_match import search_files
from callwell.readiness.files.logs import is_log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.project import Project


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Search all sources: code, notebooks, Dockerfiles, CI configuration, archives."""
    files = (file for file in project.files if not file.shipped_by and not is_log(file.name))
    return search_files(project, files)


CHECK = Check(
    id="leaks.keys-in-files",
    group=Group.LEAKS,
    title="No key in use is in the files of the project",
    severity=Severity.ERROR,
    why="Everyone who can read the repository, now or later, can call the provider in your name and at your cost.",
    fix="Revoke the key, and keep a new one in an environment variable or in a file outside the tree.",
    run=run,
)
