# SPDX-License-Identifier: Apache-2.0
"""Profiles that say something about operations that the OpenAPI document does not have."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from callwell.readiness.check import Check, Finding, Group, NotApplicable, Place, Severity, Unchecked
from callwell.readiness.origins import name_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.project import Project

LOCATED_MESSAGE: Final = re.compile(r"(?P<file>[^:]+):(?P<line>\d+): (?P<text>.*)", re.DOTALL)
"""How the message of a faulty description begins."""


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Report what was ignored when descriptions were loaded, and which ones could not be loaded."""
    if not project.in_use and not project.failed_descriptions:
        raise NotApplicable("the project uses no provider")
    yield from project.failed_descriptions
    for provider in {account.provider.name: account.provider for account in project.in_use}.values():
        for message in provider.ignored:
            match = LOCATED_MESSAGE.fullmatch(message)
            place = Place(name_in(Path(match["file"]), project.root), int(match["line"])) if match else None
            text = match["text"] if match else message
            yield Finding(what=f"a rule of {provider.name} has no effect: {text}", place=place, identity=text)


CHECK = Check(
    id="life.description",
    group=Group.LIFE,
    title="The profile fits its OpenAPI document",
    severity=Severity.WARNING,
    why="A rule for an operation that was renamed or removed has no effect: a list ends early, a retry is not made.",
    fix="Correct the operation's name in profile.toml, or get the provider's newest document (callwell init).",
    run=run,
)
