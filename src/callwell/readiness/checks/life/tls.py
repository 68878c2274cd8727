# SPDX-License-Identifier: Apache-2.0
"""Connections that cannot be made safely, and certificates that are about to end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.readiness.check import Check, Finding, Group, NotApplicable, Severity, Unchecked
from callwell.readiness.origins import place_of
from callwell.readiness.probe import ProbeFailure, probe, report_probe_failure, target_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.project import Project

DAY_S: Final = 86_400.0
EXPIRES_SOON_S: Final = 14 * DAY_S
"""Seconds before its end from which a certificate counts as overlooked: authorities' programs renew at 30 days."""


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Make a connection to each address, as calls do."""
    accounts = {target_of(account): account for account in project.in_use}
    encrypted = {target: account for target, account in accounts.items() if target.address.startswith("https:")}
    if not encrypted:
        raise NotApplicable("no address in use is encrypted")
    for target, account in encrypted.items():
        answer = probe(project, account)
        place = place_of(account.settings["base_url"], project.root)
        if isinstance(answer, ProbeFailure):
            if not answer.permanent:
                yield report_probe_failure(target, answer)
                continue
            yield Finding(
                what=f"no connection to {target.address} can be made: {answer.reason}",
                place=place,
                identity=f"connection {target.address}",
            )
            continue
        left_s = None if answer.expires_s is None else answer.expires_s - answer.received_at
        if left_s is not None and left_s < EXPIRES_SOON_S:
            is_own = account.settings["base_url"].is_set
            yield Finding(
                what=f"the certificate of {target.address} ends in {max(0.0, left_s) / DAY_S:.0f} days",
                place=place,
                fix="Renew it." if is_own else "Ask the provider, or wait: it may renew it in the last days.",
                identity=f"certificate {target.address}",
                severity=Severity.WARNING if is_own else Severity.NOTE,
            )


CHECK = Check(
    id="life.tls",
    group=Group.LIFE,
    title="Connections to the provider are encrypted and verified",
    severity=Severity.ERROR,
    why="Whoever can read a connection gets the key, and an expired certificate stops all calls at once.",
    fix="Fix what the finding names: the certificate, the address, the proxy, or the file of authorities.",
    run=run,
    online=True,
)
