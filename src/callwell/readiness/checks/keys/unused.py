# SPDX-License-Identifier: Apache-2.0
"""Keys that were used once and are used no more: if they still exist at the provider, they should not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.clock import SystemClock
from callwell.readiness.account_state import open_config, open_states
from callwell.readiness.check import Check, Finding, Group, Severity, Unchecked
from callwell.readiness.dates import DAY_S, to_day
from callwell.readiness.key_places import label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.account_state import SharedState
    from callwell.readiness.project import ConfiguredAccount, Project

UNUSED_DAYS: Final = 30
"""Longer than a job that runs once a month."""


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Read the use log of each account."""
    for shared in open_states(project):
        if isinstance(shared, Unchecked):
            yield shared
            continue
        for account in shared.accounts:
            yield from _check_account(account, shared)


def _check_account(account: ConfiguredAccount, shared: SharedState) -> Iterator[Finding]:
    now = SystemClock().wall()
    page = account.provider.profile.key.page
    with open_config(account, shared.state) as config:
        uses = config.key_uses().read_all()
        revoked = config.key_uses().read_revoked()
    for fingerprint, use in uses.items():
        days = int((now - use.last) / DAY_S)
        if use.last and days >= UNUSED_DAYS and fingerprint not in revoked:
            yield Finding(
                what=f"{label(account)}: the key {fingerprint} was last used {days} days ago, on {to_day(use.last)}",
                place=shared.place,
                fix=(
                    f"Delete it at the provider{f' ({page})' if page else ''}, then say so here: callwell keys revoked "
                    f"{fingerprint}"
                ),
                identity=f"{label(account)} {fingerprint}",
            )


CHECK = Check(
    id="keys.unused",
    group=Group.KEYS,
    title="No key is unused",
    severity=Severity.WARNING,
    why="Nobody notices if an unused key is stolen, and it gives the same access as the others.",
    fix="Delete unused keys at the provider.",
    run=run,
)
