# SPDX-License-Identifier: Apache-2.0
"""Keys in environment variables, which a running program keeps until it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.readiness.check import Check, Finding, Group, NotApplicable, Severity, Unchecked
from callwell.readiness.key_places import label, read_key_places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.project import Project


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Check the kind of key source of each account in use."""
    places = read_key_places(project.in_use)
    if not places:
        raise NotApplicable("the project uses no provider with keys")
    for at in places:
        if not at.source.can_change:
            account = label(at.account)
            what = f"{account}: a new key needs a restart of the program, because {at.source.location} cannot change"
            yield Finding(what=what, place=at.place(project.root), identity=account)
        elif at.key is None:  # a new key is read there only if the one of today is
            yield at.unchecked(project.root)


CHECK = Check(
    id="keys.rotatable",
    group=Group.KEYS,
    title="A key can be replaced without a restart",
    severity=Severity.NOTE,
    why="After the old key is revoked, calls fail until all processes are restarted.",
    fix="Keep the key in its own file (key = file:PATH), which running programs read again within a second, or in "
    "a secret store, which they read again after a lease.",
    run=run,
)
