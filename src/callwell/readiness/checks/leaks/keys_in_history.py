# SPDX-License-Identifier: Apache-2.0
"""Keys in use in the history of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.readiness.check import CannotCheck, Check, Finding, Group, NotApplicable, Severity, Unchecked
from callwell.readiness.checks.leaks.exact_match import report_unsearchable_keys, revocation_steps
from callwell.readiness.git import GitError
from callwell.readiness.history.keys import find_committed_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.project import Project


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Search every version of every file, all messages, and the names of branches and tags."""
    if project.scope.staged:
        raise NotApplicable("only the staged changes were asked for")
    yield from report_unsearchable_keys(project)
    histories = project.histories
    yield from histories.unchecked
    for repository in histories.repositories:
        try:
            for one in find_committed_keys(project.keys_in_use, histories, repository):
                if isinstance(one, Unchecked):
                    yield one
                    continue
                times = "" if one.versions == 1 else f", in {one.versions} versions of the file"
                how = "was committed" if one.place.commit else "is in the repository, in no commit"
                yield Finding(
                    what=f"{one.key} {how}, {one.encoding}{times}",
                    place=one.place,
                    fix=revocation_steps(project, one.key),
                    identity=f"{one.key.fingerprint} {one.encoding}",
                )
        except GitError as error:
            raise CannotCheck(f"git could not read the history: {error}", "Run `git fsck`.") from error


CHECK = Check(
    id="leaks.keys-in-history",
    group=Group.LEAKS,
    title="No key in use was ever committed",
    severity=Severity.ERROR,
    why="Every clone has what was committed once, even after the file was changed.",
    fix="Revoke the key first: rewriting the history does not change the clones of others.",
    run=run,
)
