# SPDX-License-Identifier: Apache-2.0
"""What is remembered of a drill: when an account passed it or failed, and with which configuration."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from callwell.readiness.account_state import find_state_problem, open_config
from callwell.state import Cell, open_state

if TYPE_CHECKING:
    from callwell.readiness.project import ConfiguredAccount
    from callwell.state import State

ROTATION: Final = "rotation"
"""The drill in which the key is rotated."""


class DrillRecord(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The last drill of a kind.

    Attributes:
        at: when it ended, in seconds since the epoch; 0 if there was none.
        passed: whether all that it should prove holds.
        configuration: `digest_configuration` of the account at that time.
    """

    at: float = 0.0
    passed: bool = False
    configuration: str = ""


def record_drill(account: ConfiguredAccount, drill: str, *, passed: bool, at: float) -> bool:
    """Remember a drill in the state of the account's settings.

    Args:
        account: the account that took part.
        drill: the kind, such as `ROTATION`.
        passed: whether all that it should prove holds.
        at: when it ended, in seconds since the epoch.

    Returns:
        whether it could be remembered: `memory:` would forget it at once, and no state file is made for it, because
        an empty one would hide that nothing is known of the use of keys.

    Raises:
        CallwellError: the state cannot be opened or written.
    """
    url = str(account.settings["state"].value)
    if find_state_problem(url):
        return False
    state = open_state(url, existing=True)
    try:
        if not state.shared:
            return False
        record = DrillRecord(at=at, passed=passed, configuration=digest_configuration(account))
        state.update(_cell(account, drill, state), lambda _: (record, None))
    finally:
        state.close()
    return True


def read_drill(account: ConfiguredAccount, drill: str, state: State) -> DrillRecord | None:
    """The last drill of an account; None if there was none.

    Args:
        account: the account.
        drill: the kind, such as `ROTATION`.
        state: an open state.

    Raises:
        StateError: the record cannot be read.
    """
    record = state.read(_cell(account, drill, state))
    return record if record.at else None


def digest_configuration(account: ConfiguredAccount) -> str:
    """A digest of an account's settings: after a change, what a drill has proved is not known to hold.

    Args:
        account: the account.
    """
    settings = (f"{name}={setting.value}" for name, setting in sorted(account.settings.items()))
    return hashlib.blake2b("\n".join(settings).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _cell(account: ConfiguredAccount, drill: str, state: State) -> Cell[DrillRecord]:
    with open_config(account, state) as config:
        return Cell(f"drill:{config.account_key}:{drill}", DrillRecord, empty=DrillRecord(), damaged=DrillRecord())
