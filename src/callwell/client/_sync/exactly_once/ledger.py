# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/exactly_once/ledger.py by tools/unasync.py; do not edit
"""Lists, settles and resumes exactly-once calls that may have been done."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from callwell.client._sync.concurrency.primitives import use_state
from callwell.client._sync.exactly_once.once import OnceCall
from callwell.client.exactly_once.marker import ObjectMarker
from callwell.errors import InvalidOption

if TYPE_CHECKING:
    from callwell.client._sync.calls.caller import Caller
    from callwell.client.exactly_once.entry import Entry


class Ledger:
    """The exactly-once calls of a client's account.

    Args:
        caller: makes the calls.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._store = caller.config.ledger()

    def entries(self, *, settled: bool = False) -> tuple[Entry, ...]:
        """The calls that may or may not have been done, the oldest first.

        Args:
            settled: also list settled calls, as long as they are remembered.
        """
        return tuple(entry for entry in self._store.entries() if settled or not entry.settled)

    def get(self, name: str) -> Entry:
        """A call by its name.

        Raises:
            UnknownName: there is none.
        """
        return self._store.get(name)

    def settle(self, entry: Entry | str, *, done: bool) -> Entry:
        """Record whether a call was done, after you have checked.

        Args:
            entry: the call, or its name.
            done: whether it was done.

        Raises:
            UnknownName: there is no such call.
            NameTaken: it is settled already, or under way.
        """
        return self._store.settle(entry if isinstance(entry, str) else entry.name, done=done)

    def resume(self, entry: Entry | str) -> Any:
        """Find out whether a call was done, and make it if it certainly was not.

        Args:
            entry: the call, or its name.

        Returns:
            the call's result.

        Raises:
            UnknownName: there is no such call.
            InvalidOption: the object that it creates carries no marker: check yourself, and settle it.
            NameTaken: it is settled.
            OutcomeUnknown: the client's deadline came first.
        """
        name = entry if isinstance(entry, str) else entry.name
        stored = use_state(self._store.state, partial(self._store.get, name))
        if stored.marker is None:
            expected = f"a call that creates objects with a marker: check whether {stored.sent} was done, and settle it"
            raise InvalidOption("entry", stored.name, expected)
        operation = self._caller.find_operation(stored.operation)
        call = OnceCall(
            self._caller,
            operation.plan,
            operation.binder.bind(stored.arguments),
            stored.arguments,
            marker=ObjectMarker.for_operation(self._caller.config.provider, operation.plan.operation, operation),
        )
        return self._caller.result(operation, call.resume(stored))
