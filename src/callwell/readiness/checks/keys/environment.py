# SPDX-License-Identifier: Apache-2.0
"""Keys of one environment at the place of another, such as a sandbox key in production."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from callwell.readiness.account_state import open_config, open_states
from callwell.readiness.check import Check, Finding, Group, NotApplicable, Severity, Unchecked
from callwell.readiness.key_places import label, read_key_places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.key_places import KeyPlace
    from callwell.readiness.project import ConfiguredAccount, Project


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Compare the keys of environments that have their own, and ask the state which environment accepted them."""
    accounts = [account for account in project.accounts if _has_own_keys(account)]
    if not accounts:
        raise NotApplicable("no provider of the project has environments with keys of their own")
    places = [at for at in read_key_places(accounts) if at.key is not None]
    pairs = [pair for pair in combinations(places, 2) if _share_a_key(*pair)]
    for first, second in pairs:
        names = f"{label(first.account)} and {label(second.account)}"
        what = f"{names} have the same key {second.key.fingerprint if second.key else ''}"
        yield Finding(what=what, place=second.place(project.root), identity=f"same {names}")
    compared = {label(at.account) for pair in pairs for at in pair}
    for shared in open_states(project):
        if isinstance(shared, Unchecked):
            yield shared
            continue
        for at in places:
            if at.key is None or at.account not in shared.accounts or label(at.account) in compared:
                continue
            with open_config(at.account, shared.state) as config:
                belongs_to = config.key_uses().find_environment(at.key.fingerprint)
            if belongs_to not in (None, at.account.environment):
                yield Finding(
                    what=f"{label(at.account)}: the key {at.key.fingerprint} belongs to environment {belongs_to}",
                    place=at.place(project.root),
                    identity=f"bound {label(at.account)}",
                )


def _share_a_key(first: KeyPlace, second: KeyPlace) -> bool:
    """Whether two environments of a provider have one key, although each should have its own."""
    provider = first.account.provider
    others = provider.environments_with_other_keys(first.account.environment)
    is_other = second.account.provider.name == provider.name and second.account.environment in others
    return is_other and first.key == second.key


def _has_own_keys(account: ConfiguredAccount) -> bool:
    return bool(account.provider.environments_with_other_keys(account.environment))


CHECK = Check(
    id="keys.environment",
    group=Group.KEYS,
    title="Each environment has its own key",
    severity=Severity.ERROR,
    why="The provider refuses the key of another environment, or trials run on real data.",
    fix="Put the key of the right environment there, or choose the other environment.",
    run=run,
)
