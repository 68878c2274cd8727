# SPDX-License-Identifier: Apache-2.0
"""Keys in use in files that git ignores, but a build ships."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.readiness.check import Check, Finding, Group, NotApplicable, Severity, Unchecked
from callwell.readiness.checks.leaks.exact_match import search_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.project import Project


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Search what images, packages and front ends ship, such as bundles, source maps and wheels."""
    files = [file for file in project.files if file.shipped_by]
    if not files and not project.files.problems():
        raise NotApplicable("no build ships files that git ignores")
    yield from search_files(project, files)


CHECK = Check(
    id="leaks.keys-shipped",
    group=Group.LEAKS,
    title="No key in use is in what a build ships",
    severity=Severity.ERROR,
    why=(
        "Images, packages and front ends are copied to others. A file that git ignores is in them all the same if the "
        "build takes it, and a bundler copies keys into scripts and source maps."
    ),
    fix="Leave the file out of the build, or the key out of the bundle, and revoke the key.",
    run=run,
)
