# SPDX-License-Identifier: Apache-2.0
"""Keys that are missing, or that the provider would refuse at first sight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.keys.format import find_format_error
from callwell.readiness.check import Check, Finding, Group, NotApplicable, Severity, Unchecked
from callwell.readiness.key_places import label, read_key_places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.project import Project


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Read the key of each account with which calls are made."""
    places = read_key_places(project.in_use)
    if not places:
        raise NotApplicable("the project uses no provider with keys")
    for at in places:
        account = label(at.account)
        if at.is_unknown:
            yield at.unchecked(project.root)
            continue
        if at.key is None:
            what = f"{account}: {at.problem}".replace("\n", " ")
            yield Finding(what=what, place=at.place(project.root), identity=f"missing {account}")
            continue
        wrong = find_format_error(at.key.reveal(), at.account.provider.profile.key)
        if wrong is not None:
            what = f"{account}: what is there {wrong}"
            yield Finding(what=what, place=at.place(project.root), identity=f"malformed {account}")


CHECK = Check(
    id="keys.present",
    group=Group.KEYS,
    title="Each account in use has a key of the right form",
    severity=Severity.ERROR,
    why="Without the key, no call can be made, and the checks for leaks cannot search for it.",
    fix="Put the key where the settings say, or name another place: key = file:PATH, or any key source.",
    run=run,
)
