# SPDX-License-Identifier: Apache-2.0
"""The accounts in a drill, and reports about requests with unexpected keys, or none at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.client.setting_variables import base_url_variable, variable_names
from callwell.emulator.keys import key_fingerprint
from callwell.emulator.registry import can_emulate
from callwell.readiness.check import Finding, NotApplicable, Severity, Unchecked
from callwell.readiness.drills.program import read_real_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from callwell.emulator.ledger import LedgerRow
    from callwell.readiness.drills.setup import DrillSetup
    from callwell.readiness.project import ConfiguredAccount, Project


def drill_accounts(project: Project) -> tuple[ConfiguredAccount, ...]:
    """The accounts of providers that can be emulated, including unused ones, which the program must not call either.

    Args:
        project: the project.

    Raises:
        NotApplicable: none of the providers in use can be emulated, or only staged changes are checked.
    """
    if project.scope.staged:
        raise NotApplicable("only staged changes are checked")
    in_use = _names(account for account in project.accounts if account.in_use)
    if not in_use:
        raise NotApplicable("no provider is in use")
    if not any(map(can_emulate, in_use)):
        raise NotApplicable(_not_proved(in_use))
    return tuple(account for account in project.accounts if can_emulate(account.provider.name))


def note_not_emulated(project: Project) -> Iterator[Finding]:
    """Note the providers in use that cannot be emulated.

    Args:
        project: the project.
    """
    absent = [name for name in _names(one for one in project.accounts if one.in_use) if not can_emulate(name)]
    if absent:
        yield Finding(what=_not_proved(absent), severity=Severity.NOTE, identity=f"not emulated: {', '.join(absent)}")


def find_unknown_keys(
    setup: DrillSetup, accounts: Iterable[ConfiguredAccount], rows: Iterable[LedgerRow]
) -> Iterator[Unchecked]:
    """Report keys that a program sent, but did not get from the setup.

    Args:
        setup: the setup.
        accounts: all accounts of the project.
        rows: the recorded requests.
    """
    sent = {row.key for row in rows if row.key is not None}
    foreign = sorted(sent - setup.issued)
    if not foreign:
        return
    real = {key_fingerprint(key) for key in read_real_keys(accounts)}
    which = "a key of this project" if real.intersection(foreign) else "another key than the drill's"
    yield Unchecked(
        what=f"the program sent {which} to the emulator (fingerprint {', '.join(foreign)}), which refused it",
        fix=variables_hint(setup),
    )


def no_requests(setup: DrillSetup) -> Unchecked:
    """Report that no request of the program reached the emulator.

    Args:
        setup: the setup.
    """
    return Unchecked(what="none of the program's requests reached the emulator", fix=variables_hint(setup))


def variables_hint(setup: DrillSetup) -> str:
    """How a program must be configured for a drill.

    Args:
        setup: the setup.
    """
    addresses = " and ".join(
        base_url_variable(drilled.account.provider.name, drilled.account.environment) for drilled in setup.in_use
    )
    keys = " and ".join(
        variable_names(drilled.account.provider.name, drilled.account.environment, "key", is_default=True)[0]
        for drilled in setup.in_use
    )
    return f"In the program, take the address from {addresses} and the source of the key from {keys}."


def _names(accounts: Iterable[ConfiguredAccount]) -> list[str]:
    return list(dict.fromkeys(account.provider.name for account in accounts))


def _not_proved(names: Sequence[str]) -> str:
    return f"{', '.join(names)} cannot be emulated, so nothing is proved about calls to it"
