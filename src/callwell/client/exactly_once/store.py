# SPDX-License-Identifier: Apache-2.0
"""The outcome ledger: calls that are made exactly once, written down before their first byte leaves.

One record for each call, under its name. Who is at work on a call holds its record as long as it lives, which on one
machine is seen: see `holder`. Where it cannot be, it holds it until the call's deadline. Only the holder sends.

A call without a name of the caller's is forgotten when it is settled: nobody will ask for it again. A named one is
kept for `KEPT_S`, and `MOST` of an account, so that the same program, run again, finds it.
"""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from callwell.client.exactly_once.entry import Entry, Status
from callwell.client.exactly_once.holder import is_alive
from callwell.client.retention import Retention
from callwell.clock import boot_id
from callwell.errors import NameTaken, UnknownName
from callwell.state.base import Cell

if TYPE_CHECKING:
    from callwell.clock import Clock
    from callwell.state.base import State

MAX_AGE_S: Final = 90 * 86_400.0
"""For how long a settled call of a caller's own name is remembered."""

MAX_SETTLED: Final = 100_000
"""How many of them, for one account."""

NO_ENTRY: Final = Entry()
"""What is read where nothing was written."""


class LedgerStore:
    """The calls of one account that are made exactly once.

    Args:
        account: its name in the state.
        state: where the records are.
        clock: whose time of day is noted.
        most: settled calls that are remembered.

    Attributes:
        clock_name: of which boot and clock monotonic times in the records are.
    """

    def __init__(self, account: str, state: State, clock: Clock, *, most: int = MAX_SETTLED) -> None:
        self._records = f"once:{account}:"
        self._state = state
        self._clock = clock
        self.clock_name = f"{boot_id()} {clock}"
        index = f"once-old:{account}:"
        self._fading = Retention(
            self._records, index, self._settled_at, state=state, clock=clock, kept_s=MAX_AGE_S, most=most
        )

    def begin(self, draft: Entry, *, anew: bool = True) -> Entry:
        """Take a call up, if it may be.

        Args:
            draft: the call, as it would begin; its `holder` wants to work on it until `until`.
            anew: it may begin now; else it must have begun, and must not be settled.

        Returns:
            the call as it stands: somebody else's if the holder is another one, done if there is nothing to do.

        Raises:
            NameTaken: the name belongs to another request, or the call is settled and may not begin anew.
        """

        def change(found: Entry) -> tuple[Entry, Entry]:
            if found.name and found.digest != draft.digest:
                raise _name_taken(found, "is the name of another request: give each thing that you create its own")
            if not anew and (not found.name or found.settled):
                raise _name_taken(draft, "was settled meanwhile")
            if found.status is Status.DONE:
                return found, found
            if not found.name or found.status is Status.NOT_DONE:
                taken = draft._replace(marker=found.marker or draft.marker)
            elif self._held(found):
                return found, found
            else:
                taken = found._replace(
                    holder=draft.holder,
                    until=draft.until,
                    until_s=draft.until_s,
                    changed=draft.changed,
                    clock=draft.clock,
                    offset=found.offset if found.clock == draft.clock else draft.offset,
                )
            return taken, taken

        return self._state.update(self._cell(draft.name), change)

    def write(self, entry: Entry, *, first: bool = False) -> bool:
        """Write what the holder of a call knows.

        Args:
            entry: the call.
            first: it was not written before.

        Returns:
            whether it still is the holder.
        """

        def change(found: Entry) -> tuple[Entry, bool]:
            ours = found.holder == entry.holder if found.name else first
            ours = (ours and not found.settled) or (entry.status is Status.DONE and not found.settled)
            return (entry, True) if ours else (found, False)

        return self._state.update(self._cell(entry.name), change)

    def end(self, entry: Entry) -> None:
        """Note how a call has ended, and forget it unless it may be asked for again."""
        if entry.named or not entry.settled:
            if self.write(entry) and entry.settled:
                self._fading.note(_digest_name(entry.name), entry.changed)
        elif entry.status is Status.DONE or self._state.read(self._cell(entry.name)).holder == entry.holder:
            self._state.remove(self._cell(entry.name).key)

    def forget(self, name: str) -> None:
        """Forget a call that was settled: nobody will ask for it again."""
        entry = self._state.read(self._cell(name))
        self._state.remove(self._cell(name).key)
        self._fading.drop(_digest_name(entry.name), entry.changed)

    def settle(self, name: str, *, done: bool) -> Entry:
        """Note what somebody has found out.

        Args:
            name: of the call.
            done: it was done.

        Raises:
            UnknownName: there is no call of that name.
            NameTaken: it is settled already, or somebody is at work on it.
        """
        self.get(name)

        def change(found: Entry) -> tuple[Entry, Entry]:
            if found.settled:
                raise _name_taken(found, f"was settled before: {found.status}")
            if self._held(found):
                raise _name_taken(found, "is being made at the moment: wait for its end")
            status = Status.DONE if done else Status.NOT_DONE
            settled = found._replace(status=status, holder="", until=0.0, changed=self._clock.wall())
            return settled, settled

        settled = self._state.update(self._cell(name), change)
        if settled.named:
            self._fading.note(_digest_name(settled.name), settled.changed)
        else:
            self._state.remove(self._cell(name).key)
        return settled

    def get(self, name: str) -> Entry:
        """A call by its name.

        Raises:
            UnknownName: there is none.
        """
        entry = self._state.read(self._cell(name))
        if not entry.name:
            raise UnknownName("entry", name, [one.name for one in self.all()], where="the ledger")
        return entry

    def all(self) -> tuple[Entry, ...]:
        """All calls, settled or not, the oldest first."""
        keys = (key for key in self._state.keys(self._records) if ":" not in key.removeprefix(self._records))
        found = (self._state.read(_cell(key)) for key in keys)
        return tuple(sorted((entry for entry in found if entry.name), key=lambda entry: entry.began))

    def _held(self, entry: Entry) -> bool:
        if not entry.holder or not entry.until:
            return False
        alive = is_alive(entry.holder)
        if alive is not None:
            return alive
        if entry.clock == self.clock_name:
            return entry.until_s > self._clock.now()
        return entry.until > self._clock.wall()

    def sweep(self) -> None:
        """Forget named calls that were settled long ago, or many calls ago."""
        self._fading.sweep()

    def _cell(self, name: str) -> Cell[Entry]:
        return _cell(f"{self._records}{_digest_name(name)}")

    def _settled_at(self, mark: str) -> float | None:
        record = self._state.read(_cell(f"{self._records}{mark}"))
        return record.changed if record.settled else None


def new_marker() -> str:
    """A mark that nobody has used: 128 random bits."""
    return secrets.token_hex(16)


def _name_taken(entry: Entry, why: str) -> NameTaken:
    return NameTaken(f"{entry.provider} {entry.operation}: {entry.name!r} {why}", name=entry.name, made=entry.made)


def _cell(key: str) -> Cell[Entry]:
    return Cell(key, Entry, NO_ENTRY)


def _digest_name(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:32]
