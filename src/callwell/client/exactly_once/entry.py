# SPDX-License-Identifier: Apache-2.0
"""The ledger's record of one exactly-once call."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from msgspec.structs import replace

from callwell.core.call import Call  # noqa: TC001 - a stored `Entry` is read by its annotations


class Status(StrEnum):
    """What is known about a call.

    Attributes:
        OPEN: it is running, or its process died.
        UNKNOWN: its caller gave up: it may have been done.
        DONE: it was done.
        NOT_DONE: it was not done, and will not be.
    """

    OPEN = "open"
    UNKNOWN = "unknown"
    DONE = "done"
    NOT_DONE = "not done"


class Entry(NamedTuple):
    """One call in the ledger. It holds no key.

    It is stored as a list of values, so fields may be renamed but never reordered.

    Attributes:
        name: unique in the account: the caller's own name for the call, or its marker.
        named: the name is the caller's own.
        provider: the provider's name.
        environment: the environment's.
        operation: the operation, or the method for requests outside the description.
        sent: method and path of the request.
        arguments: the call's arguments, without files, and without secrets if the call is never repeated from the
            record.
        digest: of the request; it shows if a name was already used for another request.
        marker: identifies the object that it creates, where the provider can store a marker.
        status: what is known about it.
        began: when the call began, in seconds since the epoch.
        changed: when the entry was last written, in seconds since the epoch.
        call: the state of the call, with times in seconds since the epoch; None before it was sent.
        holder: the running call that owns the entry, see `holder`.
        held_until_wall: the time until which no other call may take it over, in seconds since the epoch; used where the
            holder's process cannot be seen.
        object_key: the key of the object that was created, where the provider's lists have one.
        clock_name: the boot and clock of `wall_offset_s` and `held_until`.
        wall_offset_s: seconds since the epoch minus monotonic seconds, with which the times of `call` were written.
        held_until: `held_until_wall` in monotonic seconds, unaffected by changes of the wall clock.
    """

    name: str = ""
    named: bool = False
    provider: str = ""
    environment: str = ""
    operation: str = ""
    sent: str = ""
    arguments: dict[str, Any] = {}  # noqa: RUF012 - never changed in place
    digest: str = ""
    marker: str | None = None
    status: Status = Status.OPEN
    began: float = 0.0
    changed: float = 0.0
    call: Call | None = None
    holder: str = ""
    held_until_wall: float = 0.0
    object_key: str | None = None
    clock_name: str = ""
    wall_offset_s: float = 0.0
    held_until: float = 0.0

    @property
    def settled(self) -> bool:
        """Whether it is known that the call was done, or that it was not."""
        return self.status in (Status.DONE, Status.NOT_DONE)


def shift_times(entry: Entry, seconds: float) -> Entry:
    """An entry with its times of day on another clock.

    Args:
        entry: the entry.
        seconds: by how much the other clock is ahead.
    """
    call = entry.call
    if call is not None:
        call = replace(call, wait_until=call.wait_until + seconds, last_closed_at=call.last_closed_at + seconds)
    return entry._replace(
        began=entry.began and entry.began + seconds,
        changed=entry.changed and entry.changed + seconds,
        call=call,
        held_until_wall=entry.held_until_wall and entry.held_until_wall + seconds,
        wall_offset_s=entry.wall_offset_s + seconds,
    )
