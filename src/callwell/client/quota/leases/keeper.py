# SPDX-License-Identifier: Apache-2.0
"""The keeper: the one thread of a process that exchanges permits with a shared state.

It sleeps until an exchange of one of its accounts is due, or somebody wakes it: a call without a permit, a 429, or a
signal that another process changed a record. It begins with the first of those, so a process that only opens a client
has no thread, and a forked child begins its own. It never keeps the interpreter alive; at its end it gives everything
back.
"""

from __future__ import annotations

import atexit
import threading
import weakref
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.errors import StateError
from callwell.forks import reset_after_fork
from callwell.observe.logs import LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.client.quota.leases.account import LeasedAccount
    from callwell.clock import Clock
    from callwell.core.quota.lease_records import Names
    from callwell.state.base import State

LEAVE_S: Final = 5.0
"""Real seconds that the end of a process waits for its last exchange: one takes milliseconds. What is not given back
comes back by itself, see `core.quota.leases`."""

_KEEPERS: Final = weakref.WeakSet["Keeper"]()


class Kept(NamedTuple):
    """An account that a keeper looks after.

    Attributes:
        account: the account.
        settle: brings its holding up to date before an exchange: what callers acquired ahead or have put off.
        waiting: says how many callers wait, by their quotas.
        arrived: wakes them after an exchange.
    """

    account: LeasedAccount
    settle: Callable[[], object]
    waiting: Callable[[], Mapping[Names, int]]
    arrived: Callable[[], None]


class Keeper:
    """Exchanges the permits of all accounts of one state.

    Args:
        state: the state.
        clock: where times come from.
    """

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self._kept: dict[str, Kept] = {}
        self._signalled: set[str] = set()
        self._reset()
        reset_after_fork(self)
        _KEEPERS.add(self)

    def after_fork(self) -> None:
        """Forget the thread, which only the parent process has."""
        self._reset()

    def add(self, kept: Kept) -> None:
        """Look after an account from now on.

        Args:
            kept: the account; there is none of the same record yet.
        """
        with self._lock:
            self._kept[kept.account.cell.key] = kept

    def remove(self, key: str) -> None:
        """Give the permits of an account back, and look after it no longer. This waits for the store.

        Args:
            key: of its record.
        """
        with self._lock:
            kept = self._kept.pop(key, None)
        if kept is not None:
            with self._exchanging:
                self._exchange(kept, leaving=True)

    def wake(self) -> None:
        """See at once whether an exchange is due; begin the thread if there is none."""
        if self._thread is None:
            self._start()
        self._event.set()

    def close(self, timeout_s: float = LEAVE_S) -> None:
        """Give all permits back, and end the thread.

        Args:
            timeout_s: real seconds to wait for that at most.
        """
        with self._lock:
            thread = self._thread
            self._is_closing = True
        if thread is not None and thread is not threading.current_thread():
            self._event.set()
            thread.join(timeout_s)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._exchanging = threading.Lock()
        self._event = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_closing = False

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._is_closing:
                self._thread = threading.Thread(target=self._run, name="callwell-keeper", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        stop_listening = self._listen()
        try:
            while not self._is_closing:
                # Cleared before looking: what comes while it looks is seen in the next round.
                self._event.clear()
                due_at = self._exchange_due()
                if due_at < inf:
                    self._event.wait(max(0.0, self._clock.real_s(due_at - self._clock.now())))
                else:
                    self._event.wait()
            for kept in self._all():
                with self._exchanging:
                    self._exchange(kept, leaving=True)
        finally:
            stop_listening()

    def _listen(self) -> Callable[[], None]:
        try:
            return self._state.listen(self._on_topic)
        except StateError as error:
            LOGGER.warning("what other processes learn is seen later, at the next exchange: %s", error)
            return lambda: None

    def _on_topic(self, topic: str) -> None:
        if topic in self._kept:
            self._signalled.add(topic)
            self._event.set()

    def _all(self) -> tuple[Kept, ...]:
        with self._lock:
            return tuple(self._kept.values())

    def _exchange_due(self) -> float:
        """Make the exchanges that are due; when the next one is."""
        next_at = inf
        for kept in self._all():
            key = kept.account.cell.key
            waiting = kept.waiting()
            is_due = kept.account.due_at(waiting) <= self._clock.now()
            if is_due or key in self._signalled:
                self._signalled.discard(key)
                with self._exchanging:
                    if key in self._kept:
                        self._exchange(kept)
            next_at = min(next_at, kept.account.due_at(kept.waiting()))
        return next_at

    def _exchange(self, kept: Kept, *, leaving: bool = False) -> None:
        account = kept.account
        kept.settle()
        try:
            grant = account.exchange(self._state, {} if leaving else kept.waiting(), leaving=leaving)
            if grant.urgent:
                # This process hears it too: one exchange more, which brings nothing new.
                self._state.notify(account.cell.key)
        except StateError as error:
            if account.fail(error):
                LOGGER.warning("calls go on with the permits that this process holds, for a while: %s", error)
        kept.arrived()


@atexit.register
def _leave() -> None:
    for keeper in tuple(_KEEPERS):
        keeper.close()
