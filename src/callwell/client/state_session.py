# SPDX-License-Identifier: Apache-2.0
"""Releases a client's share of a shared state when the client is closed or garbage-collected.

Releasing it waits for the store, which may be locked or unreachable. So a thread does it: closing a client waits for
the thread, but not for long, and garbage collection does not wait at all.
"""

from __future__ import annotations

import threading
import warnings
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from callwell.client.concurrency import state_thread
from callwell.observe.logs import LOGGER

if TYPE_CHECKING:
    from callwell.client.config import ClientConfig
    from callwell.client.keys.poller import KeyPoller
    from callwell.client.quota.permit_batch import AccountHandle

CLOSE_S: Final = 5.0
"""Real seconds that closing a client waits for its store: it takes milliseconds, unless the store hangs. The thread
then continues, and permits that are not returned expire, see `core.quota.leases`."""


class StateSession:
    """One client's share. It does not refer to the client, which could not be garbage-collected otherwise.

    Args:
        config: the client's configuration.
        account_handle: its use of the account, with the keeper's state.
        poller: polls the key records of other processes.
    """

    def __init__(self, config: ClientConfig, account_handle: AccountHandle, poller: KeyPoller | None = None) -> None:
        self._name = config.provider.name
        self._states = (account_handle.state or config.state, config.state)
        self._own = config.state if config.owns_state else None
        self._account_handle = account_handle
        self._poller = poller
        self._finalizer: weakref.finalize[..., object] | None = None

    def close_on_collection(self, user: object) -> None:
        """Release everything, with a warning, if the user is garbage-collected before this is closed."""
        self._finalizer = weakref.finalize(user, self._on_collected)
        self._finalizer.atexit = False  # the keepers handle the end of the process themselves, see `leases.keeper`

    def close(self) -> None:
        """Release everything, after all work submitted to the states' threads. It waits for the store."""
        if self._finalizer is not None:
            self._finalizer.detach()
        try:
            if self._poller is not None:
                self._poller.close()
            for state in self._states:
                state_thread.finish(state)
        finally:
            self._account_handle.release()
            if self._own is not None:
                self._own.close()
                state_thread.end(self._own)

    def _on_collected(self) -> None:
        """The client was garbage-collected: in any thread, between any two lines, so this must not wait for a lock."""
        with suppress(RuntimeError):  # the interpreter is ending, and starts no threads
            threading.Thread(target=self._close_quietly, name="callwell-closing", daemon=True).start()
        warnings.warn(f"a client of {self._name} was not closed", ResourceWarning, stacklevel=2)

    def _close_quietly(self) -> None:
        try:
            self.close()
        except Exception:  # noqa: BLE001 - whatever it is, no one waits for it
            LOGGER.warning("a client of %s that was not closed could not release its state", self._name, exc_info=True)
