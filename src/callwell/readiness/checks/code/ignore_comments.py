# SPDX-License-Identifier: Apache-2.0
"""Ignore comments without effect: they name no check, or give no reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.readiness import registry
from callwell.readiness.check import Check, Finding, Group, Place, Severity, Unchecked
from callwell.readiness.comments import all_comments, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.comments import IgnoreComment
    from callwell.readiness.project import Project


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Check every comment in the files."""
    for file in project.files:
        try:
            lines = read_lines(file.path)
        except FileNotFoundError:  # a link that leads nowhere has no text
            continue
        except OSError as error:
            fix = "Make it readable for the user that runs the check."
            yield Unchecked(what=f"the file cannot be read: {error.strerror}", place=Place(file.name), fix=fix)
            continue
        for comment in all_comments(lines):
            yield from _faults(comment, file.name)


def _faults(comment: IgnoreComment, name: str) -> Iterator[Finding]:
    place = Place(path=name, line=comment.line)
    for check_id in comment.checks:
        if check_id not in registry.CHECKS:
            yield Finding(what=f"the comment accepts nothing: there is no check {check_id}", place=place)
        elif not comment.reason:
            yield Finding(
                what=f"the comment accepts nothing, because it gives no reason to ignore {check_id}", place=place
            )


CHECK = Check(
    id="code.ignore-comments",
    group=Group.CODE,
    title="Every ignore comment names a check and gives a reason",
    severity=Severity.ERROR,
    why="Without a reason, the next person who reads the code cannot judge an ignored finding.",
    fix="Write the check's ID and the reason: `callwell: ignore=ID reason`; or fix the problem and delete the comment.",
    run=run,
)
