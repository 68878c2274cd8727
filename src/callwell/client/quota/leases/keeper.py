# SPDX-License-Identifier: Apache-2.0
"""The keeper: the one thread of a process that exchanges permits with a shared state.

It sleeps until an exchange of one of its accounts is due, or something wakes it: a call without a permit, a 429, or a
signal that another process changed a record. It starts with the first of those, so a process that only opens a client
has no thread, and a forked child starts its own. It never keeps the interpreter alive; at the end of the process it
returns all permits.

All times of leases are in the account's clock, like the pause P and the windows. A clock that runs faster than the
machine's only makes exchanges more frequent, up to one per `MIN_WAIT_S`.
"""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from math import inf
from typing import TYPE_CHECKING, Final

from callwell.errors import StateError
from callwell.forks import reset_after_fork
from callwell.observe.logs import LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.client.quota.leases.account import LeasedAccount
    from callwell.clock import Clock
    from callwell.core.quota.lease_records import Grant
    from callwell.state.base import State

CLOSE_TIMEOUT_S: Final = 5.0
"""Real seconds that closing a client or a process waits for its last exchange, which takes milliseconds. Permits that
are not returned expire, see `core.quota.leases`."""

MIN_WAIT_S: Final = 0.002
"""Real seconds between two checks for due exchanges: an exchange with a file takes about one millisecond."""

MAX_LAST_REPORTS: Final = 2
"""The most exchanges of an account that is being closed: the answer to the previous report may be missing."""

KEEPERS: Final = weakref.WeakSet["LeaseKeeper"]()
"""All keepers of this process."""


class LeaseKeeper:
    """Exchanges the permits of all accounts of one state.

    Args:
        state: the state.
        clock: the source of times.

    Attributes:
        clock: see above.
    """

    def __init__(self, state: State, clock: Clock) -> None:
        self.clock = clock
        self._state = state
        self._accounts: list[LeasedAccount] = []
        self._reset()
        reset_after_fork(self)
        KEEPERS.add(self)

    def after_fork(self) -> None:
        """Forget the thread, which exists only in the parent process."""
        self._reset()

    def add(self, account: LeasedAccount) -> None:
        """Exchange an account's permits from now on.

        Args:
            account: the account.
        """
        with self._lock:
            self._accounts.append(account)

    def remove(self, account: LeasedAccount, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Return the permits of an account, and stop exchanging them.

        Args:
            account: the account.
            timeout_s: the most real seconds to wait for the store.
        """
        is_idle = account.is_idle  # before the lock: callers that hold the account's lock wake this keeper
        with self._lock:
            self._accounts.remove(account)
            if self._thread is None or is_idle:
                return
            gone = threading.Event()
            self._removed.append((account, gone))
        self._wake_thread()
        gone.wait(timeout_s)

    def wake(self) -> None:
        """Check now whether an exchange is due; start the thread if there is none."""
        if self._thread is None:
            self._start()
        self._wake_thread()

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Return all permits, and end the thread.

        Args:
            timeout_s: the most real seconds to wait for that.
        """
        self.stop()
        with self._lock:
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)

    def stop(self) -> None:
        """Return all permits, and end the thread, without waiting for that."""
        self._is_closing = True
        self._wake_thread()

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait until it has nothing to do; returns whether that happened before the timeout in real seconds."""
        while self._thread is not None and self._idle.wait(timeout_s):
            if not self._event.is_set():
                return True
        return self._thread is None

    def _wake_thread(self) -> None:
        self._idle.clear()
        self._event.set()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._idle = threading.Event()
        self._removed: list[tuple[LeasedAccount, threading.Event]] = []
        self._signalled: set[str] = set()
        self._thread: threading.Thread | None = None
        self._is_closing = False

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._is_closing:
                thread = threading.Thread(target=self._run, name="callwell-keeper", daemon=True)
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        with self._lock:
            # Ctrl-C may have struck between start and assignment.
            self._thread = self._thread or threading.current_thread()
            if self._thread is not threading.current_thread():
                return
        stop_listening: Callable[[], None] | None = None
        may_listen = True
        try:
            while not self._is_closing:
                # Cleared before checking: anything that happens during the check is seen in the next round.
                self._event.clear()
                due_at = self._exchange_due()
                if may_listen:
                    # After the first exchange, since somebody waits for that.
                    stop_listening = self._listen()
                    may_listen = False
                else:
                    self._sleep_until(due_at)
            for account in self.accounts:
                self._return_all(account)
        finally:
            with self._lock:
                self._thread = None
            self._release_removed()
            self._idle.set()
            if stop_listening is not None:
                stop_listening()

    def _sleep_until(self, due_at: float) -> None:
        if not self._event.is_set():
            self._idle.set()
        if due_at < inf:
            self._event.wait(max(MIN_WAIT_S, self.clock.real_s(due_at - self.clock.now())))
        else:
            self._event.wait()

    def _listen(self) -> Callable[[], None] | None:
        try:
            return self._state.listen(self._on_topic)
        except Exception as error:  # noqa: BLE001 - such as that no thread can be started: exchanges go on
            LOGGER.warning("news from other processes arrives later, with the next exchange: %s", error)
            return None

    def _on_topic(self, topic: str) -> None:
        if any(account.cell.key == topic for account in self.accounts):
            self._signalled.add(topic)
            self._wake_thread()

    @property
    def accounts(self) -> tuple[LeasedAccount, ...]:
        """The accounts whose permits it exchanges."""
        with self._lock:
            return tuple(self._accounts)

    def _release_removed(self) -> None:
        """Return the permits of accounts that were removed."""
        while self._removed:
            account, gone = self._removed.pop(0)
            self._return_all(account)
            gone.set()

    def _exchange_due(self) -> float:
        """Make the exchanges that are due; returns when the next one is."""
        self._release_removed()
        next_at = inf
        signalled = self._signalled
        self._signalled = set()
        for account in self.accounts:
            is_due = account.due_at() <= self.clock.now()
            if is_due or (account.cell.key in signalled and not account.is_idle):
                self._exchange(account)
            next_at = min(next_at, account.due_at())
        return next_at

    def _exchange(self, account: LeasedAccount) -> None:
        try:
            self._announce(account, account.exchange())
        except StateError as error:
            if account.fail(error):
                LOGGER.warning("calls continue for a while with the permits that this process holds: %s", error)
        except Exception as error:  # noqa: BLE001 - a thread that ends leaves all callers waiting
            LOGGER.exception("permits could not be exchanged")
            account.fail(StateError(f"permits could not be exchanged: {error!r}"))
        account.callers.wake()

    def _announce(self, account: LeasedAccount, grant: Grant) -> None:
        """Notify all other processes if they must know immediately. This process is notified too, which is harmless."""
        if grant.urgent:
            self._state.notify(account.cell.key)

    def _return_all(self, account: LeasedAccount) -> None:
        for _ in range(MAX_LAST_REPORTS):
            account.flush()
            if account.is_idle:
                return
            try:
                self._announce(account, account.exchange(leaving=True))
            except Exception:  # noqa: BLE001 - whatever it is: the permits come back by themselves
                LOGGER.debug("permits were not returned", exc_info=True)
                return


@atexit.register
def _return_everything() -> None:
    keepers = tuple(KEEPERS)
    for keeper in keepers:
        keeper.stop()
    until = time.monotonic() + CLOSE_TIMEOUT_S
    for keeper in keepers:
        keeper.close(max(0.0, until - time.monotonic()))
