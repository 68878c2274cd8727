# SPDX-License-Identifier: Apache-2.0
"""A process of a fleet without its thread: it exchanges permits with the pool when a call finds none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.client.quota.leases.account import LeasedAccount
from callwell.core.quota.permits import Permit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.clock import Clock
    from callwell.core.quota.record import SendEnd
    from callwell.core.rules.profile import Profile
    from callwell.state.base import State


class Process:
    """What a process holds of the account `x`.

    Args:
        profile: the provider's.
        state: where the pool is.
        clock: its clock.
        boot: the name of the boot of its machine; that of this one, unless said.
        name: of the account.
    """

    def __init__(self, profile: Profile, state: State, clock: Clock, *, boot: str = "", name: str = "x") -> None:
        self.account = LeasedAccount(profile, name, state, clock, lambda: None)
        if boot:
            self.account._boot = boot

    def acquire(self, names: tuple[str, ...], waiting: int = 1) -> Permit | float:
        """A permit, or when to ask again.

        Args:
            names: the quotas.
            waiting: callers that wait, if there is none in hand.
        """
        got = self.account.acquire(names, retrying=False)
        if not isinstance(got, Permit):
            if self.account.exchange({names: waiting}).lost:
                self.account.exchange({names: waiting})
            got = self.account.acquire(names, retrying=False)
        return got

    def release(self, names: tuple[str, ...], permit: Permit, end: SendEnd) -> None:
        """The end of a request."""
        self.account.release(names, permit, end)

    def leave(self) -> None:
        """End, and give everything back."""
        self.account.exchange(leaving=True)

    def spent(self) -> Mapping[str, tuple[int, int]]:
        """What all processes have spent."""
        return self.account.spent(refresh=True)
