# SPDX-License-Identifier: Apache-2.0
"""The clock of this machine, compared with the provider's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.core.clock_offset import clock_error_s, observe
from callwell.readiness.check import Check, Finding, Group, Severity, Unchecked
from callwell.readiness.probe import probe_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.project import Project

TOLERANCE_S: Final = 30.0
"""Seconds that a clock may be wrong: half of what common checkers of tokens allow, and far more than NTP leaves."""


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Compare the `Date` of an answer with this machine's time of day, for each address."""
    for probed in probe_all(project):
        if isinstance(probed, Unchecked):
            yield probed
            continue
        target, account, answer = probed
        if answer.date_s is None:
            yield Unchecked(what=f"{target.address} answers without a Date")
            continue
        offset = observe(None, answer.date_s, answer.sent_at, answer.received_at)
        behind_s = clock_error_s(offset, answer.received_at, answer.received_at)
        if abs(behind_s) > TOLERANCE_S:
            direction = "behind" if behind_s > 0 else "ahead of"
            yield Finding(
                what=f"this machine's clock is {abs(behind_s):.0f} s {direction} that of {account.provider.name}",
                fix="Set the clock by NTP: timedatectl set-ntp true, or the setting of your host.",
                identity=f"clock {account.provider.name}",
            )


CHECK = Check(
    id="life.clock-skew",
    group=Group.LIFE,
    title="This machine's clock is accurate",
    severity=Severity.WARNING,
    why="Signed URLs, tokens and certificates are valid for a limited time. With a wrong clock they seem invalid.",
    fix="Synchronize the clock with NTP.",
    run=run,
    online=True,
)
