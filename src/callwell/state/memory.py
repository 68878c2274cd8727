# SPDX-License-Identifier: Apache-2.0
"""State that ends with the process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar

from callwell.forks import reset_after_fork
from callwell.state.base import DELETE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from callwell.state.base import Cell
    from callwell.state.listeners import Listeners

T = TypeVar("T")
R = TypeVar("R")


class MemoryState:
    """Records in a dictionary under one lock, for all threads of a process."""

    shared = False
    server_wall: float | None = None
    call_locks: Path | None = None

    def __init__(self) -> None:
        self._records: dict[str, Any] = {}
        self._listeners: Listeners | None = None
        self._lock = threading.Lock()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """A forked child starts with an empty state, since it does not share its parent's."""
        self._records = {}
        self._listeners = None
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """This object."""
        return f"memory:{id(self):x}"

    def update(self, cell: Cell[T], change: Callable[[T], tuple[T, R]]) -> R:
        """Replace a record with the result of `change`, atomically."""
        with self._lock:
            record, result = change(self._records.get(cell.key, cell.empty))
            if record is DELETE:
                self._records.pop(cell.key, None)
            else:
                self._records[cell.key] = record
        return result

    def read(self, cell: Cell[T]) -> T:
        """The current record."""
        record: T = self._records.get(cell.key, cell.empty)
        return record

    def keys(self, prefix: str) -> list[str]:
        """The keys of all stored records that begin with `prefix`, in order."""
        with self._lock:
            return sorted(key for key in self._records if key.startswith(prefix))

    def remove(self, prefix: str) -> None:
        """Delete all records whose keys have this prefix."""
        with self._lock:
            for key in [key for key in self._records if key.startswith(prefix)]:
                del self._records[key]

    def notify(self, topic: str) -> None:
        """Call all listeners, in this thread."""
        if self._listeners is not None:
            self._listeners.deliver(topic)

    def listen(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call `callback` with each topic that is notified from now on."""
        from callwell.state.listeners import Listeners  # not needed at start-up

        with self._lock:
            if self._listeners is None:
                self._listeners = Listeners()
            return self._listeners.add(callback)

    def clone(self) -> MemoryState:
        """This object, which has the records."""
        return self

    def close(self) -> None:
        """End all listening: there are no files or connections."""
        if self._listeners is not None:
            self._listeners.close()
