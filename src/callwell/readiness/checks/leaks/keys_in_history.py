# SPDX-License-Identifier: Apache-2.0
"""Keys in use in the history of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.readiness.check import Check, CouldNotLook, Finding, Group, NotApplicable, Severity, Unseen
from callwell.readiness.checks.leaks.exact_match import say_how_to_revoke, say_what_is_missing
from callwell.readiness.git import GitError
from callwell.readiness.history.keys import find_committed_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.project import Project


def look(project: Project) -> Iterator[Finding | Unseen]:
    """Look at every content that a file ever had, and at messages and names of branches and tags."""
    if project.scope.staged:
        raise NotApplicable("only the staged changes were asked for")
    yield from say_what_is_missing(project)
    histories = project.histories
    yield from histories.unseen
    for repository in histories.repositories:
        try:
            for one in find_committed_keys(project.keys_in_use, histories, repository):
                if isinstance(one, Unseen):
                    yield one
                    continue
                times = "" if one.versions == 1 else f", in {one.versions} versions of the file"
                how = "was committed" if one.place.commit else "is in the repository, in no commit"
                yield Finding(
                    what=f"{one.key} {how}, {one.encoding}{times}",
                    place=one.place,
                    fix=say_how_to_revoke(project, one.key),
                    identity=f"{one.key.fingerprint} {one.encoding}",
                )
        except GitError as error:
            raise CouldNotLook(f"git could not read the history: {error}", "Run `git fsck`.") from error


CHECK = Check(
    id="leaks.keys-in-history",
    group=Group.LEAKS,
    title="No key in use was ever committed",
    severity=Severity.ERROR,
    why="What was committed once is in every clone, and stays there when the file is changed.",
    fix="Revoke the key first: a history that was written again leaves the clones of others as they are.",
    look=look,
)
