# SPDX-License-Identifier: Apache-2.0
"""The callers of one process that wait for a permit of an account: counts and wakes them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

from callwell.forks import reset_after_fork

if TYPE_CHECKING:
    from callwell.core.quota.lease_records import Names


class Queue(Protocol):
    """Callers of one client that wait for permits of the same quotas."""

    @property
    def names(self) -> Names:
        """The quotas."""
        ...

    def count_waiting(self) -> int:
        """The number of waiting callers."""
        ...

    def wake_first(self) -> None:
        """Let the first caller ask again."""
        ...


class WaitingCallers:
    """The queues of all clients of an account, while the clients exist."""

    def __init__(self) -> None:
        self._queues = WeakSet[Queue]()
        self._lock = threading.Lock()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Replace the lock, which another thread may have held."""
        self._lock = threading.Lock()

    def add(self, queue: Queue) -> None:
        """Add a queue to count and wake its callers."""
        with self._lock:
            self._queues.add(queue)

    def count(self) -> dict[Names, int]:
        """The number of waiting callers, by their quotas."""
        waiting: dict[Names, int] = {}
        for queue in self._all():
            n = queue.count_waiting()
            if n:
                waiting[queue.names] = waiting.get(queue.names, 0) + n
        return waiting

    def wake(self) -> None:
        """Let the first caller of each queue ask again: permits may have arrived, or an error."""
        for queue in self._all():
            queue.wake_first()

    def _all(self) -> tuple[Queue, ...]:
        with self._lock:
            return tuple(self._queues)
