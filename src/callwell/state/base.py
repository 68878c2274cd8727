# SPDX-License-Identifier: Apache-2.0
"""The contract of a state: named records, each changed in one atomic step.

`tests/contract/test_state.py` holds every implementation to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")
R = TypeVar("R")

DELETE: Final[Any] = object()
"""What a change returns in place of a record that is to be forgotten."""


class Cell(NamedTuple, Generic[T]):
    """The name and type of one record.

    Attributes:
        key: a unique name; its parts are joined by `:`, from the general to the special.
        type: the record's type: frozen structs or named tuples of plain values.
        empty: the record before it was ever written.
        damaged: the record to assume if it cannot be read, which is logged; None to raise instead.
    """

    key: str
    type: type[T]
    empty: T
    damaged: T | None = None


class State(Protocol):
    """Named records that calls share.

    Attributes:
        shared: other processes can read and change the records, which outlive this one.
        address: where the records are, the same for all states in this process that have the same records.
        server_wall: the time of day of the server that holds the records, in seconds since the epoch, as of the update
            that runs: for a change to ask; or as of the last `entries`. None where there is no server.
    """

    shared: bool
    server_wall: float | None

    @property
    def address(self) -> str:
        """See above."""
        ...

    @property
    def call_locks(self) -> Path | None:
        """The file in which each call that is under way locks a byte, see `client.exactly_once.holder`.

        None where the processes that share the state share no file.
        """
        ...

    def update(self, cell: Cell[T], change: Callable[[T], tuple[T, R]]) -> R:
        """Replace a record by what `change` returns for it, in one step; a file has the change when this returns.

        Args:
            cell: the record.
            change: takes the record, and returns its successor, or `DELETE`, and a result. It is called once, must not
                wait, and must not use this state. If it raises, nothing is changed.

        Returns:
            that result.

        Raises:
            StateError: the record cannot be read or written, or is damaged.
        """
        ...

    def read(self, cell: Cell[T]) -> T:
        """The record as it is now.

        Raises:
            StateError: it cannot be read, or is damaged.
        """
        ...

    def keys(self, prefix: str) -> list[str]:
        """The keys of all written records that begin with `prefix`, in order.

        Raises:
            StateError: they cannot be read.
        """
        ...

    def remove(self, prefix: str) -> None:
        """Forget all records with this prefix of their keys, whatever they hold by now.

        Where others may change a record, forget it by `update`, which decides and forgets in one step.

        Raises:
            StateError: they cannot be written.
        """
        ...

    def notify(self, topic: str) -> None:
        """Call all who listen with a topic, in this process and in the others that share the records.

        One that is lost costs time only: what it is about must be in a record.

        Args:
            topic: a string of at most 1,000 bytes, for a key or the beginning of one.
        """
        ...

    def listen(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call `callback` with each topic that is notified from now on, within 250 ms on one machine.

        Args:
            callback: called in any thread. It must not wait, and must not use this state. A child of a fork listens to
                nothing until it calls this.

        Returns:
            what ends it: nothing is called once that has returned.

        Raises:
            StateError: signals cannot be received.
        """
        ...

    def clone(self) -> State:
        """A state of the same records that is opened with its first use, and lives on when this one is closed.

        It is this one where the records live in it.
        """
        ...

    def close(self) -> None:
        """Close files and connections, and end all listening. Records can be used again, which reopens them."""
        ...
