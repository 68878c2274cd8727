# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/exactly_once/ledger.py by tools/unasync.py; do not edit
"""What the owner of a client does about calls that may have been done: look at them, settle them, resume them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callwell.client._sync.exactly_once.once import OnceCall
from callwell.errors import InvalidOption

if TYPE_CHECKING:
    from callwell.client._sync.calls.caller import Caller
    from callwell.client.exactly_once.entry import Entry


class Ledger:
    """The calls of a client's account that are made exactly once.

    Args:
        caller: makes the calls.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._ledger = caller.config.ledger()

    def entries(self, *, settled: bool = False) -> tuple[Entry, ...]:
        """The calls of which it is not known whether they were done, the oldest first.

        Args:
            settled: also those of which it is, as long as they are remembered.
        """
        return tuple(entry for entry in self._ledger.all() if settled or not entry.settled)

    def get(self, name: str) -> Entry:
        """A call by its name.

        Raises:
            UnknownName: there is none.
        """
        return self._ledger.get(name)

    def settle(self, entry: Entry | str, *, done: bool) -> Entry:
        """Say whether a call was done, after having looked.

        Args:
            entry: the call, or its name.
            done: it was done.

        Raises:
            UnknownName: there is no such call.
            NameTaken: it is settled, or somebody is at work on it.
        """
        return self._ledger.settle(entry if isinstance(entry, str) else entry.name, done=done)

    def resume(self, entry: Entry | str) -> Any:
        """Find out whether a call was done, and do it if it surely was not.

        Args:
            entry: the call, or its name.

        Returns:
            what the call would have returned.

        Raises:
            UnknownName: there is no such call.
            InvalidOption: what it makes carries no mark: look by yourself, and settle it.
            NameTaken: it is settled.
            OutcomeUnknown: the client's deadline came first.
        """
        known = self._ledger.get(entry if isinstance(entry, str) else entry.name)
        if known.marker is None:
            text = f"a call whose objects carry a mark: look whether {known.sent} was done, and settle it"
            raise InvalidOption("entry", known.name, text)
        found = self._caller.find_operation(known.operation)
        once = OnceCall(self._caller, found, found.binder.bind(known.arguments), known.arguments)
        return self._caller.result(found, once.resume(known))
