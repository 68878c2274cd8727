# SPDX-License-Identifier: Apache-2.0
"""The outcome ledger in the state: one record for each exactly-once call, under its name.

The call that owns a record is its holder, and only the holder sends. On one machine it can be seen whether a holder is
still running (`holder`); otherwise the record is held until the time written in it, which is the server's time if a
server stores the records. A holder that comes back later and finds another one in its place sends nothing.

A call that the caller did not name is forgotten when it is settled, since it cannot be asked for again. A named one is
kept for `MAX_AGE_S`, so that a later run of the same program finds it.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeVar

from callwell.client.exactly_once.entry import Entry, Status, shift_times
from callwell.client.exactly_once.holder import CallLocks
from callwell.client.retention import Retention
from callwell.clock import boot_id
from callwell.errors import NameTaken, StateError, UnknownName
from callwell.state import server_time
from callwell.state.base import DELETE, Cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.clock import Clock
    from callwell.state.base import State

R = TypeVar("R")

MAX_AGE_S: Final = 90 * 86_400.0
"""Seconds for which a settled call with a name is remembered: a quarterly job still finds it."""

MAX_SETTLED: Final = 100_000
"""Settled calls that are remembered per account, so that the state does not grow without limit."""

NO_ENTRY: Final = Entry()
"""The record of a name that was never used."""


class LedgerStore:
    """The exactly-once calls of one account.

    Args:
        account: its name in the state.
        state: holds the records.
        clock: gives the times in them.
        max_settled: the most settled calls that are remembered.

    Attributes:
        state: holds the records. Its methods and those of the ledger block: see `use_state` for event loops.
        locks: the locks of the calls that share the state.
        clock_name: the boot and clock that monotonic times in the records belong to.
    """

    def __init__(self, account: str, state: State, clock: Clock, *, max_settled: int = MAX_SETTLED) -> None:
        self.state = state
        self.locks = CallLocks(state.call_locks)
        self.clock_name = f"{boot_id()} {clock}"
        self._records = f"once:{account}:"
        self._clock = clock
        self._retention = Retention(
            f"once-old:{account}:",
            self._delete_settled,
            state=state,
            clock=clock,
            max_age_s=MAX_AGE_S,
            max_records=max_settled,
        )

    def claim(self, draft: Entry, *, may_begin: bool = True) -> Entry:
        """Claim a call for its holder, unless another call holds it.

        Args:
            draft: the call as it would begin, with its `holder` and the times until which the holder claims it.
            may_begin: the call may begin now; otherwise it must have begun earlier, and must not be settled.

        Returns:
            the current entry. If it has another holder, somebody else is making the call; if its status is done,
            nothing is left to do.

        Raises:
            NameTaken: the name belongs to another request, or the call is settled and may not begin again.
        """

        def change(found: Entry) -> tuple[Entry, Entry]:
            if found.name and found.digest != draft.digest:
                raise _name_taken(found, "is the name of another request: use a new name for each thing you create")
            if not may_begin and (not found.name or found.settled):
                raise _name_taken(draft, "was settled in the meantime")
            if found.status is Status.DONE:
                return found, found
            if not found.name or found.status is Status.NOT_DONE:
                begun = draft._replace(marker=found.marker or draft.marker)
                return begun, begun
            if self._is_held(found):
                return found, found
            same_clock = found.clock_name == draft.clock_name
            taken_over = found._replace(
                holder=draft.holder,
                held_until_wall=draft.held_until_wall,
                held_until=draft.held_until,
                changed=draft.changed,
                clock_name=draft.clock_name,
                wall_offset_s=found.wall_offset_s if same_clock else draft.wall_offset_s,
            )
            return taken_over, taken_over

        return self._update(self._cell(draft.name), change)

    def write(self, entry: Entry, *, first: bool = False) -> bool:
        """Write the holder's knowledge about a call.

        Args:
            entry: the call.
            first: it has not been written before.

        Returns:
            whether it was written. It is not if the call is settled or another holder has it, except for the fact that
            it was done, which is accepted from anyone.
        """

        def change(found: Entry) -> tuple[Entry, bool]:
            is_ours = found.holder == entry.holder if found.name else first
            if not found.settled and (is_ours or entry.status is Status.DONE):
                return entry, True
            return (found if found.name else DELETE), False

        return self._update(self._cell(entry.name), change)

    def release(self, name: str, holder: str) -> None:
        """Let others claim a call that its holder will not make. A failing state changes nothing."""

        def change(found: Entry) -> tuple[Entry, None]:
            if found.holder == holder:
                found = found._replace(held_until_wall=0.0, held_until=0.0)
            return (found if found.name else DELETE), None

        with suppress(StateError):
            self._update(self._cell(name), change)

    def end(self, entry: Entry) -> None:
        """Record how a call ended; forget it if it has no name, since it could not be found again."""
        if entry.named or not entry.settled:
            if self.write(entry) and entry.settled:
                self._retention.add(_digest_name(entry.name), entry.changed)
            return

        def change(found: Entry) -> tuple[Entry, None]:
            is_over = entry.status is Status.DONE or found.holder == entry.holder
            return (DELETE if is_over or not found.name else found), None

        self._update(self._cell(entry.name), change)

    def delete(self, name: str) -> None:
        """Forget a settled call that will not be asked for again."""
        entry = self.state.update(self._cell(name), lambda found: (DELETE, found))
        self._retention.remove(_digest_name(entry.name), entry.changed)

    def settle(self, name: str, *, done: bool) -> Entry:
        """Record what a person found out about a call.

        Args:
            name: of the call.
            done: whether it was done.

        Raises:
            UnknownName: there is no call of that name.
            NameTaken: it is settled already, or under way.
        """
        self.get(name)

        def change(found: Entry) -> tuple[Entry, Entry]:
            if found.settled:
                raise _name_taken(found, f"was settled before: {found.status}")
            if self._is_held(found):
                raise _name_taken(found, "is being made at the moment: wait until it has ended")
            status = Status.DONE if done else Status.NOT_DONE
            settled = found._replace(status=status, holder="", held_until_wall=0.0, changed=self._clock.wall())
            return (settled if settled.named else DELETE), settled

        settled = self._update(self._cell(name), change)
        if settled.named:
            self._retention.add(_digest_name(settled.name), settled.changed)
        return settled

    def get(self, name: str) -> Entry:
        """A call by its name.

        Raises:
            UnknownName: there is none.
        """
        entry = self.state.read(self._cell(name))
        if not entry.name:
            raise UnknownName("entry", name, [known.name for known in self.entries()], owner="the ledger")
        return entry

    def entries(self) -> tuple[Entry, ...]:
        """All calls, settled or not, the oldest first."""
        keys = (key for key in self.state.keys(self._records) if ":" not in key.removeprefix(self._records))
        found = (self.state.read(_entry_cell(key)) for key in keys)
        return tuple(sorted((entry for entry in found if entry.name), key=lambda entry: entry.began))

    def sweep(self) -> None:
        """Forget named calls that were settled long ago, or many calls ago."""
        self._retention.sweep()

    def _is_held(self, entry: Entry) -> bool:
        if not entry.holder or not entry.held_until_wall:
            return False
        alive = self.locks.is_alive(entry.holder)
        if alive is not None:
            return alive
        if entry.clock_name == self.clock_name:
            return entry.held_until > self._clock.now()
        return entry.held_until_wall > self._clock.wall()

    def wall(self) -> float:
        """The time of day that other machines compare with, for use inside a change: see `server_time`."""
        return self._clock.wall() + (server_time.ahead_s(self.state, self._clock) or 0.0)

    def _update(self, cell: Cell[Entry], change: Callable[[Entry], tuple[Entry, R]]) -> R:
        """Change an entry, whose times are the server's in the state and this machine's in `change`."""

        def change_stored(stored: Entry) -> tuple[Entry, R]:
            ahead = server_time.ahead_s(self.state, self._clock)
            if not ahead:
                return change(stored)
            changed, result = change(shift_times(stored, -ahead))
            return (changed if changed is DELETE else shift_times(changed, ahead)), result

        return self.state.update(cell, change_stored)

    def _cell(self, name: str) -> Cell[Entry]:
        return _entry_cell(f"{self._records}{_digest_name(name)}")

    def _delete_settled(self, digest: str, changed_at_wall: int) -> None:
        """Forget a settled call, unless it was made again in the meantime: see `Retention`."""

        def change(found: Entry) -> tuple[Entry, None]:
            is_old = found.settled and int(found.changed) == changed_at_wall
            return (DELETE if is_old or not found.name else found), None

        self.state.update(_entry_cell(f"{self._records}{digest}"), change)


def new_marker() -> str:
    """A new marker: 128 random bits, so it is unique."""
    return secrets.token_hex(16)


def _name_taken(entry: Entry, why: str) -> NameTaken:
    return NameTaken(
        f"{entry.provider} {entry.operation}: {entry.name!r} {why}", name=entry.name, object_key=entry.object_key
    )


def _entry_cell(key: str) -> Cell[Entry]:
    return Cell(key, Entry, NO_ENTRY)


def _digest_name(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:32]
