# SPDX-License-Identifier: Apache-2.0
"""The contract of a state: named records, each changed in one step that nobody else can come between.

`tests/contract/test_state.py` holds every implementation to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")
R = TypeVar("R")


class Cell(NamedTuple, Generic[T]):
    """The name of one record.

    Attributes:
        key: unique; parts joined by `:`, from the general to the special.
        type: of the record: frozen tuples of plain values.
        empty: what it is before it was ever written.
        damaged: what it is taken to be if it cannot be read, which is logged; None if that is an error.
    """

    key: str
    type: type[T]
    empty: T
    damaged: T | None = None


class State(Protocol):
    """Named records that calls share.

    Attributes:
        shared: other processes may see and change the records, so that they outlive this one.
    """

    shared: bool

    @property
    def call_locks(self) -> Path | None:
        """The file in which each call that is under way locks a byte, see `client.exactly_once.holder`.

        None where the processes that share the state share no file.
        """
        ...

    def update(self, cell: Cell[T], change: Callable[[T], tuple[T, R]]) -> R:
        """Replace a record by what `change` makes of it, in one step, on disk (where there is one) when this returns.

        Args:
            cell: the record.
            change: from the record to its successor and an answer. It is called once, must not wait, and must not use
                this state; if it raises, nothing is changed.

        Returns:
            the answer.

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
        """Forget all records whose keys begin with `prefix`.

        Raises:
            StateError: they cannot be written.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
