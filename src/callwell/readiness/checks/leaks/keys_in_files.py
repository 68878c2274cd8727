# SPDX-License-Identifier: Apache-2.0
"""Keys in use in the files that git keeps, or would keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.readiness.check import Check, Finding, Group, Severity, Unseen
from callwell.readiness.checks.leaks.exact_match import look_in_files
from callwell.readiness.files.logs import is_log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.project import Project


def look(project: Project) -> Iterator[Finding | Unseen]:
    """Look into the sources: code, notebooks, containers, CI configuration, and archives among them."""
    files = (file for file in project.files if not file.shipped_by and not is_log(file.name))
    return look_in_files(project, files)


CHECK = Check(
    id="leaks.keys-in-files",
    group=Group.LEAKS,
    title="No key in use is in the files of the project",
    severity=Severity.ERROR,
    why="Everyone who can read the repository, now or later, can call the provider in your name and at your cost.",
    fix="Take the key out of the file, keep it in an environment variable or a file outside the tree, and revoke it.",
    look=look,
)
