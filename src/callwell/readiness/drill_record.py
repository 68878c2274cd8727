# SPDX-License-Identifier: Apache-2.0
"""Records of drills in the state: when an account passed or failed, and with which configuration."""

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
"""The name of the rotation drill."""


class DrillRecord(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The last drill of a kind.

    Attributes:
        at: its end, in seconds since the epoch; 0 if there was none.
        passed: whether all proofs held.
        configuration: `digest_configuration` of the account at that time.
    """

    at: float = 0.0
    passed: bool = False
    configuration: str = ""


def record_drill(account: ConfiguredAccount, drill: str, *, passed: bool, at: float) -> bool:
    """Record a drill in the state that the account is configured with.

    Args:
        account: the account that took part.
        drill: the kind, such as `ROTATION`.
        passed: whether all proofs held.
        at: its end, in seconds since the epoch.

    Returns:
        whether it could be recorded: not with `memory:`, nor if the state file does not exist. No file is created,
        because an empty one would hide that the use of keys was never recorded.

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
    """A digest of an account's settings: after a change, an earlier drill proves nothing.

    Args:
        account: the account.
    """
    settings = (f"{name}={setting.value}" for name, setting in sorted(account.settings.items()))
    return hashlib.blake2b("\n".join(settings).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _cell(account: ConfiguredAccount, drill: str, state: State) -> Cell[DrillRecord]:
    with open_config(account, state) as config:
        return Cell(f"drill:{config.account_key}:{drill}", DrillRecord, empty=DrillRecord(), damaged=DrillRecord())
