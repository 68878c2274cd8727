# SPDX-License-Identifier: Apache-2.0
"""What the ledger holds of one call that is made exactly once."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from callwell.core.call import Call  # noqa: TC001 - a stored `Entry` is read by its annotations


class Status(StrEnum):
    """What is known of a call.

    Attributes:
        OPEN: it is being made, or the process that made it died.
        UNKNOWN: whoever made it has given up: it may have been done.
        DONE: it was done.
        NOT_DONE: it was not, and will not be.
    """

    OPEN = "open"
    UNKNOWN = "unknown"
    DONE = "done"
    NOT_DONE = "not done"


class Entry(NamedTuple):
    """One call in the ledger. It holds no key.

    Attributes:
        name: unique in the account: the caller's own name for the call, or its marker.
        named: the name is the caller's.
        provider: the provider's name.
        environment: the environment's.
        operation: the operation, or the method for requests outside the description.
        sent: method and path of the request.
        arguments: what the call was given; without files, and without secrets where it is never repeated from here.
        digest: of the request, by which another one under the same name is told apart.
        marker: by which what it makes is found again, where the provider can store one.
        status: what is known.
        began: when the call began, in seconds since the epoch.
        changed: when the entry was last written.
        call: where the call stands, its times in seconds since the epoch; None before it was sent.
        holder: who is at work on it.
        until: how long nobody else may be, in seconds since the epoch, unless it is seen whether the holder lives.
        made: the key of the object that was made, where the provider's lists have one.
        clock: of which boot and clock `offset` and `until_s` are.
        offset: seconds since the epoch minus monotonic ones, by which the times of `call` were written.
        until_s: the same as `until` in monotonic seconds, which nobody can set.
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
    until: float = 0.0
    made: str | None = None
    clock: str = ""
    offset: float = 0.0
    until_s: float = 0.0

    @property
    def settled(self) -> bool:
        """It is known whether it was done."""
        return self.status in (Status.DONE, Status.NOT_DONE)
