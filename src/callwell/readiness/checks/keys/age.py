# SPDX-License-Identifier: Apache-2.0
"""Keys near their expiry, or older than any key with an expiry can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.clock import SystemClock
from callwell.readiness.account_state import open_config, open_states
from callwell.readiness.check import Check, Finding, Group, NotApplicable, Severity, Unchecked
from callwell.readiness.dates import DAY_S, to_day
from callwell.readiness.key_places import label, read_key_places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.account_state import SharedState
    from callwell.readiness.key_places import KeyPlace
    from callwell.readiness.project import Project

OLD: Final = 0.8
"""The part of its life after which a key should be replaced: of 90 days, 18 are left."""


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Compare the first use of each key with the longest life that its provider gives to keys."""
    accounts = [account for account in project.in_use if account.provider.profile.key.expires_s is not None]
    if not accounts:
        raise NotApplicable("no provider of the project documents that its keys expire")
    places = read_key_places(accounts)
    for shared in open_states(project):
        if isinstance(shared, Unchecked):
            yield shared
            continue
        for at in places:
            if at.account in shared.accounts:
                yield from _check_age(at, shared, project)


def _check_age(at: KeyPlace, shared: SharedState, project: Project) -> Iterator[Finding]:
    longest_s = at.account.provider.profile.key.expires_s
    if at.key is None or longest_s is None:
        return
    with open_config(at.account, shared.state) as config:
        use = config.key_uses().read_all().get(at.key.fingerprint)
    if use is None or not use.first:
        return
    age_s = SystemClock().wall() - use.first
    key = f"{label(at.account)}: the key {at.key.fingerprint} is in use since {to_day(use.first)}"
    longest = int(longest_s / DAY_S)
    if age_s > longest_s:
        what = f"{key}, longer than the {longest} days that a key with an expiry can live, so it has none"
    elif age_s > OLD * longest_s:
        left = int((longest_s - age_s) / DAY_S) + 1
        what = f"{key}, and expires within {left} days if it was made for the longest life, {longest} days"
    else:
        return
    yield Finding(what=what, place=at.place(project.root), identity=f"{label(at.account)} {at.key.fingerprint}")


CHECK = Check(
    id="keys.age",
    group=Group.KEYS,
    title="No key is about to expire, and every key has an expiry",
    severity=Severity.WARNING,
    why="When a key expires, all calls fail, and a stolen key without an expiry works forever.",
    fix="Make a new key with an expiry, replace this one with it, and delete this one.",
    run=run,
)
