# SPDX-License-Identifier: Apache-2.0
"""The contract of a state: named records, each changed in one atomic step.

`tests/contract/test_state.py` checks every implementation against it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")
R = TypeVar("R")

DELETE: Final[Any] = object()
"""What a change returns to delete the record."""


class Cell(NamedTuple, Generic[T]):
    """The name and type of one record.

    Attributes:
        key: a unique name; its parts are joined by `:`, from the general to the specific.
        type: the record's type: frozen structs or named tuples of plain values.
        empty: the value of a record that was never written.
        damaged: the value to assume for an unreadable record, which is logged; None to raise instead.
    """

    key: str
    type: type[T]
    empty: T
    damaged: T | None = None


class State(Protocol):
    """Named records that calls share.

    Attributes:
        shared: other processes can read and change the records, which outlive this one.
        address: where the records are; equal for all states in this process with the same records.
        server_wall: the time of day of the server that stores the records, in seconds since the epoch, as of the
            running update (for use inside a change) or the last `entries`. None if there is no server.
    """

    shared: bool
    server_wall: float | None

    @property
    def address(self) -> str:
        """See above."""
        ...

    @property
    def call_locks(self) -> Path | None:
        """The file in which each running call locks a byte, see `client.exactly_once.holder`.

        None if the processes that share the state do not share a file.
        """
        ...

    def update(self, cell: Cell[T], change: Callable[[T], tuple[T, R]]) -> R:
        """Replace a record with the result of `change`, atomically; a file has the change when this returns.

        Args:
            cell: the record.
            change: takes the record, and returns the new one, or `DELETE`, and a result. It is called once, must not
                block, and must not use this state. If it raises, nothing is changed.

        Returns:
            the result of `change`.

        Raises:
            StateError: the record cannot be read or written, or is damaged.
        """
        ...

    def read(self, cell: Cell[T]) -> T:
        """The current record.

        Raises:
            StateError: it cannot be read, or is damaged.
        """
        ...

    def keys(self, prefix: str) -> list[str]:
        """The keys of all stored records that begin with `prefix`, in order.

        Raises:
            StateError: they cannot be read.
        """
        ...

    def remove(self, prefix: str) -> None:
        """Delete all records whose keys have this prefix, regardless of their current values.

        If others may change a record, delete it with `update`, which decides and deletes in one step.

        Raises:
            StateError: they cannot be deleted.
        """
        ...

    def notify(self, topic: str) -> None:
        """Notify all listeners of a topic, in this process and in the others that share the records.

        A lost notification must cost only time: the information itself must be in a record.

        Args:
            topic: a string of at most 1,000 bytes, usually a key or its prefix.
        """
        ...

    def listen(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call `callback` with each topic that is notified from now on, within 250 ms on one machine.

        Args:
            callback: called in any thread. It must not block, and must not use this state. A forked child does not
                listen until it calls this.

        Returns:
            a function that ends it: the callback is not called after that function has returned.

        Raises:
            StateError: signals cannot be received.
        """
        ...

    def clone(self) -> State:
        """Another handle of the same records, which is opened on first use and stays open when this one is closed.

        It is this object if the records live in it.
        """
        ...

    def close(self) -> None:
        """Close files and connections, and end all listening. Using records afterwards reopens the state."""
        ...
