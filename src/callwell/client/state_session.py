# SPDX-License-Identifier: Apache-2.0
"""What a client uses of a state that processes share: it is given back when the client is closed, or collected.

To give it back waits for the store, which may be locked or out of reach. So a thread does that: who closes a client
waits for the thread, but not for long, and a garbage collector does not wait at all.
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
    from callwell.client.quota.permit_batch import Membership

CLOSE_S: Final = 5.0
"""Real seconds that closing a client waits for its store: that takes milliseconds, unless the store hangs. The thread
goes on, and what is not given back comes back by itself, see `core.quota.leases`."""


class StateSession:
    """What one client uses. It does not know the client, which could not be collected otherwise.

    Args:
        config: the client's configuration.
        membership: its account's permits, and the state of their keeper.
        looks: looks at what other processes record about keys.
    """

    def __init__(self, config: ClientConfig, membership: Membership, looks: KeyPoller | None = None) -> None:
        self._name = config.provider.name
        self._states = (membership.state or config.state, config.state)
        self._own = config.state if config.owns_state else None
        self._membership = membership
        self._looks = looks
        self._finalizer: weakref.finalize[..., object] | None = None

    def give_back_after(self, user: object) -> None:
        """Give everything back, with a warning, if what uses it is collected before this is closed."""
        self._finalizer = weakref.finalize(user, self._on_collected)
        self._finalizer.atexit = False  # the keepers have their own way out, see `leases.keeper`

    def close(self) -> None:
        """Give everything back, after all that was handed to the states' threads. It waits for the store."""
        if self._finalizer is not None:
            self._finalizer.detach()
        try:
            if self._looks is not None:
                self._looks.close()
            for state in self._states:
                state_thread.finish(state)
        finally:
            self._membership.leave()
            if self._own is not None:
                self._own.close()
                state_thread.end(self._own)

    def _on_collected(self) -> None:
        """The client was collected: in any thread, between any two lines, so that no lock may be waited for here."""
        with suppress(RuntimeError):  # the interpreter ends, and starts no thread
            threading.Thread(target=self._close_quietly, name="callwell-closing", daemon=True).start()
        warnings.warn(f"a client of {self._name} was not closed", ResourceWarning, stacklevel=2)

    def _close_quietly(self) -> None:
        try:
            self.close()
        except Exception:  # noqa: BLE001 - whatever it is, no one waits for it
            LOGGER.warning("a client of %s that was not closed left its state in disorder", self._name, exc_info=True)
