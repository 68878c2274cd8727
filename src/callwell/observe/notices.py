# SPDX-License-Identifier: Apache-2.0
"""What a hook receives: frozen records without a key, a body or a signed URL.

All notices of one call carry the same number. After each `CallBegan` comes one `CallEnded`, and after each
`AttemptBegan` one `AttemptEnded`, also where the caller is cancelled or leaves in another way.
"""

from __future__ import annotations

from typing import NamedTuple


class CallBegan(NamedTuple):
    """A call begins.

    Attributes:
        provider: the provider's name.
        operation: the operation's name, or the method for requests outside the description.
        call: the number of the call, unique in the process.
    """

    provider: str
    operation: str
    call: int


class AttemptBegan(NamedTuple):
    """A request is about to be sent.

    Attributes:
        provider: the provider's name.
        operation: the operation's name, or the method for requests outside the description.
        call: the number of the call.
        attempt: 1 for the first.
        method: the HTTP method.
        url: the address without user, query and fragment.
        template: the path with its parameters in braces, None where it is not known.
        host: the server's name or address.
        port: the server's port.
    """

    provider: str
    operation: str
    call: int
    attempt: int
    method: str
    url: str
    template: str | None
    host: str
    port: int


class AttemptEnded(NamedTuple):
    """One arrival was made, or could not be.

    Attributes:
        provider: the provider's name.
        operation: the operation's name, or the method for requests outside the description.
        attempt: 1 for the first.
        status: the HTTP status, None without an answer.
        code: the provider's error code, if any.
        reason: why there is no answer.
        seconds: from sending to the end, by the client's clock.
        call: the number of the call; 0 in logs.
    """

    provider: str
    operation: str
    attempt: int
    status: int | None
    code: str | None
    reason: str
    seconds: float
    call: int = 0


class FetchEnded(NamedTuple):
    """A request for a file's bytes has ended, at the storage to which a signed URL leads.

    Attributes:
        provider: the provider's name.
        operation: the operation that leads to the file.
        status: the HTTP status, None without an answer.
        reason: why there is no answer, or why it broke off.
        size: bytes that arrived.
        seconds: from sending to the end, by the client's clock, the reader's own time included.
        url: the storage's address, without the path and the signature.
        host: the storage's name or address.
        port: the storage's port.
    """

    provider: str
    operation: str
    status: int | None
    reason: str
    size: int
    seconds: float
    url: str
    host: str
    port: int


class Waiting(NamedTuple):
    """A call waits.

    Attributes:
        provider: the provider's name.
        operation: the operation's name.
        seconds: for how long at the most; it may be shorter.
        why: `quota`, `throttled`, `backoff`, `key` or `commit`.
        call: the number of the call; 0 in logs.
    """

    provider: str
    operation: str
    seconds: float
    why: str
    call: int = 0


class KeyChanged(NamedTuple):
    """A new key is in use.

    Attributes:
        provider: the provider's name.
        fingerprint: of the new key.
        generation: 0 for the first key of a client.
    """

    provider: str
    fingerprint: str
    generation: int


class CallEnded(NamedTuple):
    """A call has ended.

    Attributes:
        provider: the provider's name.
        operation: the operation's name.
        attempts: arrivals made.
        outcome: `done`, `refused` or `unknown`.
        seconds: from its beginning, waits included, by the client's clock.
        possibly_billed: arrivals without a whole answer that the provider may have billed, as far as that is counted.
        call: the number of the call; 0 in logs.
    """

    provider: str
    operation: str
    attempts: int
    outcome: str
    seconds: float
    possibly_billed: int = 0
    call: int = 0


class ForeignSpending(NamedTuple):
    """Others spend the same quota. Given when this is first seen, and each time that the amount has doubled.

    Attributes:
        provider: the provider's name.
        quota: the quota's name.
        parked: permits that are kept back because of it.
        limit: of how many.
    """

    provider: str
    quota: str
    parked: int
    limit: int


class LimitLowered(NamedTuple):
    """The provider names a lower limit than the profile, and it is obeyed.

    Attributes:
        provider: the provider's name.
        quota: the quota's name.
        limit: what the provider says.
        described: what the profile says.
    """

    provider: str
    quota: str
    limit: int
    described: int


class ClockDiffers(NamedTuple):
    """This machine's time of day is far from the provider's. Given once by a client.

    Attributes:
        provider: the provider's name.
        seconds: by how much this machine is surely behind; below zero if it is ahead.
    """

    provider: str
    seconds: float


class Deprecated(NamedTuple):
    """An operation is deprecated. Given once in a process.

    Attributes:
        provider: the provider's name.
        operation: the operation's name.
        since: since when, in seconds since the epoch, if the provider says so.
        until: when it stops responding, likewise.
    """

    provider: str
    operation: str
    since: float | None
    until: float | None


class OneUser(NamedTuple):
    """All calls were made for one end user. If that ID stands for several, the others are not counted.

    Attributes:
        provider: the provider's name.
        calls: calls of this client so far.
        user: the end user's ID at the provider.
    """

    provider: str
    calls: int
    user: str


class NotRecorded(NamedTuple):
    """The end of a request could not be written into the state, which costs the call nothing.

    Its permits count as used until the request is surely over.

    Attributes:
        provider: the provider's name.
        operation: the operation's name.
        reason: why, in words.
    """

    provider: str
    operation: str
    reason: str


Notice = (
    CallBegan
    | AttemptEnded
    | FetchEnded
    | Waiting
    | KeyChanged
    | CallEnded
    | ForeignSpending
    | LimitLowered
    | ClockDiffers
    | Deprecated
    | OneUser
    | NotRecorded
)
