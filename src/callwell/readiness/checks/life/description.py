# SPDX-License-Identifier: Apache-2.0
"""Profiles that say something about operations that the OpenAPI document does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.readiness.check import Check, Finding, Group, NotApplicable, Severity, Unseen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.project import Project


def look(project: Project) -> Iterator[Finding | Unseen]:
    """Look at what loading each description has left out."""
    if not project.in_use:
        raise NotApplicable("the project uses no provider")
    for provider in {account.provider.name: account.provider for account in project.in_use}.values():
        for message in provider.ignored:
            yield Finding(what=f"a rule of {provider.name} is without effect: {message}", identity=message)


CHECK = Check(
    id="life.description",
    group=Group.LIFE,
    title="The profile fits its OpenAPI document",
    severity=Severity.WARNING,
    why="A rule for an operation that was renamed or removed has no effect: a list ends early, a retry is not made.",
    fix="Correct the operation's name in profile.toml, or get the provider's newest document (callwell init).",
    look=look,
)
