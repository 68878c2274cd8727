# SPDX-License-Identifier: Apache-2.0
"""The accounts of shared states that this process uses: clients share one holding per account, one keeper per state.

A shared state is never on the path of a call: calls take their permits from the process's holding of an account
(`leases.account`), batched like those of a private record (`permit_batch`), and one thread exchanges them with the pool
(`leases.keeper`). Clients of the same account, sync or async, in any thread or event loop, use the same holding. The
last one to close releases it.

The keeper has its own state object, opened once, and all clients poll through it for changes by other processes.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.client.concurrency import state_thread
from callwell.client.quota.leases.account import LeasedAccount
from callwell.client.quota.leases.keeper import LeaseKeeper
from callwell.client.quota.permit_batch import AccountHandle, PermitBatcher
from callwell.core.quota.record import to_account_quotas
from callwell.forks import reset_after_fork

if TYPE_CHECKING:
    from callwell.clock import Clock
    from callwell.core.rules.profile import Profile
    from callwell.state.base import State

Place = tuple[str, str]
"""The address of a state, and the clock of its users."""

Key = tuple[Place, str, str, float, tuple[str, ...]]
"""Place and name of an account, and what its profile says: version, longest hold, undocumented quotas."""


class _StateKeeper(NamedTuple):
    """The keeper of a state.

    Attributes:
        keeper: the keeper.
        state: its state.
        is_own: the state was opened for the keeper.
    """

    keeper: LeaseKeeper
    state: State
    is_own: bool


class _SharedAccount:
    """The objects that the clients of one account share.

    Attributes:
        account: the process's holding.
        batcher: the clients' interface to it.
        clients: the number of clients.
    """

    def __init__(self, account: LeasedAccount, clock: Clock) -> None:
        self.account = account
        self.batcher = PermitBatcher(account, clock)
        self.clients = 0
        account.flush = self.batcher.flush
        account.forget = self.batcher.forget


class SharedAccounts:
    """All shared accounts of this process."""

    def __init__(self) -> None:
        self._keepers: dict[Place, _StateKeeper] = {}
        self._shared: dict[Key, _SharedAccount] = {}
        self._lock = threading.Lock()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Replace the lock, which another thread may have held."""
        self._lock = threading.Lock()

    def join(self, profile: Profile, name: str, state: State, clock: Clock) -> AccountHandle:
        """Use an account.

        Args:
            profile: the provider's profile, with the quotas.
            name: of the account: provider, environment, origin and account.
            state: the state with the pool's record. The keeper opens its own.
            clock: where times come from.
        """
        place = (state.address, str(clock))
        with self._lock:
            kept = self._keepers.get(place)
            if kept is None:
                clone = state.clone()
                kept = _StateKeeper(LeaseKeeper(clone, clock), clone, clone is not state)
            own = to_account_quotas(profile.quotas, profile.retry)
            key = (place, name, own.version, own.max_hold_s, own.adaptives)
            shared = self._shared.get(key)
            if shared is None:
                shared = _SharedAccount(LeasedAccount(profile, name, kept.state, clock, kept.keeper.wake), clock)
                kept.keeper.add(shared.account)
            shared.clients += 1
            self._shared[key] = shared
            self._keepers[place] = kept
        return AccountHandle(shared.batcher, partial(self._release, key), kept.state)

    def _release(self, key: Key) -> None:
        """Release an account for one client. The last one returns the permits, and waits for that."""
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
