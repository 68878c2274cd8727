# SPDX-License-Identifier: Apache-2.0
"""Addresses that lead elsewhere, where keys are never sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.client.calls.responses import origin
from callwell.readiness.check import Check, Finding, Group, Severity, Unchecked
from callwell.readiness.origins import place_of
from callwell.readiness.probe import probe_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.project import Project

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Ask each address once, and see whether it leads to another origin."""
    for probed in probe_all(project):
        if isinstance(probed, Unchecked):
            yield probed
            continue
        target, account, answer = probed
        if answer.status not in REDIRECTS or not answer.location:
            continue
        there = origin(answer.location)
        if there != origin(target.address):
            shown = "{}://{}:{}".format(*there)
            yield Finding(
                what=f"{target.address} redirects to {shown}, which gets no key",
                place=place_of(account.settings["base_url"], project.root),
                fix=f"If {shown} is the provider's new address, set base_url to it.",
                identity=f"redirect {target.address}",
            )


CHECK = Check(
    id="life.redirects",
    group=Group.LIFE,
    title="The provider's address does not redirect elsewhere",
    severity=Severity.ERROR,
    why="A key is never sent to another origin than the configured one, so redirected calls fail.",
    fix="Set base_url to the address that does not redirect.",
    run=run,
    online=True,
)
