# SPDX-License-Identifier: Apache-2.0
"""Who takes part in a drill, and which keys were seen there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.client.setting_variables import base_url_variable, variable_names
from callwell.emulator.keys import key_fingerprint
from callwell.emulator.registry import can_play
from callwell.readiness.check import Finding, NotApplicable, Severity, Unchecked
from callwell.readiness.drills.program import find_real_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from callwell.emulator.ledger import LedgerRow
    from callwell.readiness.drills.stage import Stage
    from callwell.readiness.project import ConfiguredAccount, Project


def players(project: Project) -> tuple[ConfiguredAccount, ...]:
    """The accounts of providers that can be emulated, those that are not in use too: a program must not call them.

    Args:
        project: the project.

    Raises:
        NotApplicable: none of the providers in use can be emulated, or only staged changes are looked at.
    """
    if project.scope.staged:
        raise NotApplicable("only staged changes are looked at")
    in_use = _names(account for account in project.accounts if account.in_use)
    if not in_use:
        raise NotApplicable("no provider is in use")
    if not any(map(can_play, in_use)):
        raise NotApplicable(_not_proved(in_use))
    return tuple(account for account in project.accounts if can_play(account.provider.name))


def note_absent(project: Project) -> Iterator[Finding]:
    """A note about the providers in use that could not take part.

    Args:
        project: the project.
    """
    absent = [name for name in _names(one for one in project.accounts if one.in_use) if not can_play(name)]
    if absent:
        yield Finding(what=_not_proved(absent), severity=Severity.NOTE, identity=f"not emulated: {', '.join(absent)}")


def find_foreign_key(
    stage: Stage, accounts: Iterable[ConfiguredAccount], rows: Iterable[LedgerRow]
) -> Iterator[Unchecked]:
    """Keys that a program sent although the stage had not given them to it.

    Args:
        stage: the stage.
        accounts: all accounts of the project.
        rows: what arrived.
    """
    sent = {row.key for row in rows if row.key is not None}
    foreign = sorted(sent - stage.issued)
    if not foreign:
        return
    real = {key_fingerprint(key) for key in find_real_keys(accounts)}
    which = "a key of this project" if real.intersection(foreign) else "another key than the drill's"
    yield Unchecked(
        what=f"the program sent {which} to the emulator (fingerprint {', '.join(foreign)}), which refused it",
        fix=name_variables(stage),
    )


def nothing_arrived(stage: Stage) -> Unchecked:
    """Not one request of the program came to the emulator.

    Args:
        stage: the stage.
    """
    return Unchecked(what="none of the program's requests reached the emulator", fix=name_variables(stage))


def name_variables(stage: Stage) -> str:
    """What a program must do, so that it can be drilled.

    Args:
        stage: the stage.
    """
    addresses = " and ".join(
        base_url_variable(staged.account.provider.name, staged.account.environment) for staged in stage.in_use
    )
    keys = " and ".join(
        variable_names(staged.account.provider.name, staged.account.environment, "key", is_default=True)[0]
        for staged in stage.in_use
    )
    return f"In the program, take the address from {addresses} and the place of the key from {keys}."


def _names(accounts: Iterable[ConfiguredAccount]) -> list[str]:
    return list(dict.fromkeys(account.provider.name for account in accounts))


def _not_proved(names: Sequence[str]) -> str:
    return f"{', '.join(names)} cannot be emulated, so nothing is proved about calls to it"
