# SPDX-License-Identifier: Apache-2.0
"""Key files in the project or in another work tree of git: one `git add` away from being published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.keys.exposure import find_work_tree, is_mounted_secret
from callwell.readiness.check import Check, Finding, Group, Place, Severity, Unchecked
from callwell.readiness.key_places import follow, key_files
from callwell.readiness.origins import name_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.project import Project


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Check whether a key file is in the project, or in another git work tree."""
    root = project.root.resolve()
    for path in key_files(project):
        place = Place(name_in(path, root))
        try:
            file = follow(path)
        except OSError as error:
            what = f"the key file cannot be followed: {error.strerror}"
            yield Unchecked(what=what, place=place, fix="Name the file that has the key.")
            continue
        if is_mounted_secret(file):
            continue
        tree = find_work_tree(file)
        if file.is_relative_to(root):
            yield Finding(what="the key file is inside the project", place=place, identity="project")
        elif tree is not None:
            yield Finding(
                what=f"the key file is inside a work tree of git ({tree})",
                place=place,
                identity="work tree",
                severity=Severity.WARNING,
            )


CHECK = Check(
    id="keys.inside-tree",
    group=Group.KEYS,
    title="Key files are outside the source tree",
    severity=Severity.ERROR,
    why="Sooner or later, files in the tree get into commits, images, archives and backups, even ignored ones.",
    fix="Move the file to a folder outside, such as ~/.config, and name it there: key = file:PATH.",
    run=run,
)
