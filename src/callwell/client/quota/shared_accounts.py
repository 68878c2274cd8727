# SPDX-License-Identifier: Apache-2.0
"""The accounts of shared states that this process uses: its clients share one holding of each, and one keeper a state.

A state that processes share is never used on the way of a call: calls take their permits from what the process holds of
an account (`leases.account`), batched as those of a private record are (`permit_batch`), and one thread exchanges that
with the pool (`leases.keeper`). Clients of the same account, sync or async, in any thread or event loop, use the same
holding. The last one that is closed gives it back.

The keeper has a state of its own. All clients look by that one at what other processes do: it is opened once.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.client.concurrency import state_thread
from callwell.client.quota.leases.account import LeasedAccount
from callwell.client.quota.leases.keeper import Keeper
from callwell.client.quota.permit_batch import Membership, PermitBatcher
from callwell.core.quota.record import to_account_quotas
from callwell.forks import reset_after_fork

if TYPE_CHECKING:
    from callwell.clock import Clock
    from callwell.core.rules.profile import Profile
    from callwell.state.base import State

Place = tuple[str, str]
"""The address of a state, and the clock of its users."""

Key = tuple[Place, str, str, float, tuple[str, ...]]
"""Place and name of an account; what its profile says: version, longest hold, undocumented quotas."""


class _StateKeeper(NamedTuple):
    """The keeper of a state.

    Attributes:
        keeper: the keeper.
        state: its state.
        is_own: the state was opened for it.
    """

    keeper: Keeper
    state: State
    is_own: bool


class _SharedAccount:
    """What the clients of one account share.

    Attributes:
        account: what the process holds.
        batcher: the same as clients use it.
        clients: how many they are.
    """

    def __init__(self, account: LeasedAccount, clock: Clock) -> None:
        self.account = account
        self.batcher = PermitBatcher(account, clock)
        self.clients = 0
        account.settle = self.batcher.flush
        account.forget = self.batcher.forget


class SharedAccounts:
    """All of them, in this process."""

    def __init__(self) -> None:
        self._keepers: dict[Place, _StateKeeper] = {}
        self._shared: dict[Key, _SharedAccount] = {}
        self._lock = threading.Lock()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """No other thread holds the lock."""
        self._lock = threading.Lock()

    def join(self, profile: Profile, name: str, state: State, clock: Clock) -> Membership:
        """Use an account.

        Args:
            profile: the provider's profile, with the quotas.
            name: of the account: provider, environment, origin and account.
            state: where the record of the pool is. The keeper opens its own.
            clock: where times come from.
        """
        place = (state.address, str(clock))
        with self._lock:
            kept = self._keepers.get(place)
            if kept is None:
                twin = state.twin()
                kept = _StateKeeper(Keeper(twin, clock), twin, twin is not state)
            own = to_account_quotas(profile.quotas, profile.retry)
            key = (place, name, own.version, own.max_hold_s, own.adaptives)
            shared = self._shared.get(key)
            if shared is None:
                shared = _SharedAccount(LeasedAccount(profile, name, kept.state, clock, kept.keeper.wake), clock)
                kept.keeper.add(shared.account)
            shared.clients += 1
            self._shared[key] = shared
            self._keepers[place] = kept
        return Membership(shared.batcher, partial(self._leave, key), kept.state)

    def _leave(self, key: Key) -> None:
        """Let go of an account for one client. The last one gives the permits back, and waits for that."""
        place = key[0]
        with self._lock:
            shared = self._shared[key]
            kept = self._keepers[place]
            shared.clients -= 1
            if shared.clients:
                return
            del self._shared[key]
            is_last = all(other[0] != place for other in self._shared)
            if is_last:
                del self._keepers[place]
        if not is_last:
            kept.keeper.remove(shared.account)
            return
        try:
            kept.keeper.close()
        finally:
            if kept.is_own:
                kept.state.close()
                state_thread.end(kept.state)


ACCOUNTS: Final = SharedAccounts()
