# SPDX-License-Identifier: Apache-2.0
"""The records that a hook receives. They never contain a key, a body or a signed URL.

All notices of one call have the same number. Each `CallBegan` is followed by one `CallEnded`, and each `AttemptBegan`
by one `AttemptEnded`, even if the caller is cancelled.
"""

from __future__ import annotations

from msgspec import Struct


class CallBegan(Struct, frozen=True):
    """A call has begun.

    Attributes:
        provider: the provider's name.
        operation: the operation's name, or the method for requests outside the description.
        call: the number of the call, unique in the process.
    """

    provider: str
    operation: str
    call: int


class AttemptBegan(Struct, frozen=True):
    """A request is about to be sent.

    Attributes:
        provider: the provider's name.
        operation: the operation's name, or the method for requests outside the description.
        call: the number of the call.
        attempt: the number of the attempt, from 1.
        method: the HTTP method.
        url: the address without user, query and fragment.
        template: the path with its parameters in braces; None if unknown.
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


class AttemptEnded(Struct, frozen=True):
    """An attempt has ended, with or without a response.

    Attributes:
        provider: the provider's name.
        operation: the operation's name, or the method for requests outside the description.
        attempt: the number of the attempt, from 1.
        status: the HTTP status; None without a response.
        code: the provider's error code, if any.
        reason: why there is no response.
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


class FetchEnded(Struct, frozen=True):
    """A download request to the storage behind a signed URL has ended.

    Attributes:
        provider: the provider's name.
        operation: the operation that leads to the file.
        status: the HTTP status; None without a response.
        reason: why there is no response, or why it is incomplete.
        size: bytes that arrived.
        seconds: from sending to the end, by the client's clock, including the reader's time.
        url: the storage's address without path and query.
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


class Waiting(Struct, frozen=True):
    """A call waits before its next step.

    Attributes:
        provider: the provider's name.
        operation: the operation's name.
        seconds: how long it waits at most.
        reason: `quota`, `throttled`, `backoff`, `key` or `commit`.
        call: the number of the call; 0 in logs.
    """

    provider: str
    operation: str
    seconds: float
    reason: str
    call: int = 0


class KeyChanged(Struct, frozen=True):
    """A new key is in use.

    Attributes:
        provider: the provider's name.
        fingerprint: of the new key.
        generation: 0 for the first key of a client.
    """

    provider: str
    fingerprint: str
    generation: int


class KeySetAside(Struct, frozen=True):
    """The provider does not accept a new key, at least not yet: calls continue with the old one. Sent once per key.

    Attributes:
        provider: the provider's name.
        fingerprint: of the new key.
        location: where the key is kept.
        reason: the status and code of the refusal, or why the key could not be tried.
    """

    provider: str
    fingerprint: str
    location: str
    reason: str


class CallEnded(Struct, frozen=True):
    """A call has ended.

    Attributes:
        provider: the provider's name.
        operation: the operation's name.
        attempts: attempts made.
        outcome: `done`, `refused` or `unknown`.
        seconds: from its beginning, waits included, by the client's clock.
        possibly_billed: attempts without a complete response that may have been billed, if these are counted.
        call: the number of the call; 0 in logs.
    """

    provider: str
    operation: str
    attempts: int
    outcome: str
    seconds: float
    possibly_billed: int = 0
    call: int = 0


class ForeignSpending(Struct, frozen=True):
    """Others use the same quota. Sent when it is first noticed, and each time their use has doubled.

    Attributes:
        provider: the provider's name.
        quota: the quota's name.
        set_aside: permits that are set aside for the others.
        limit: the limit of the quota.
    """

    provider: str
    quota: str
    set_aside: int
    limit: int


class LimitLowered(Struct, frozen=True):
    """The provider announces a lower limit than the profile has; the lower one is used.

    Attributes:
        provider: the provider's name.
        quota: the quota's name.
        limit: the limit that the provider announces.
        documented: the limit in the profile.
    """

    provider: str
    quota: str
    limit: int
    documented: int


class ClockDiffers(Struct, frozen=True):
    """This machine's clock differs from the provider's. Sent once by each client.

    Attributes:
        provider: the provider's name.
        seconds: how far this machine is behind, at least; negative if it is ahead.
    """

    provider: str
    seconds: float


class Deprecated(Struct, frozen=True):
    """An operation is deprecated. Sent once per process.

    Attributes:
        provider: the provider's name.
        operation: the operation's name.
        since: when it was deprecated, in seconds since the epoch; None if the provider does not say.
        until: when it will stop responding, in seconds since the epoch; None if the provider does not say.
    """

    provider: str
    operation: str
    since: float | None
    until: float | None


class OneUser(Struct, frozen=True):
    """All calls so far were made for one end user, so others may be missing from the provider's count.

    Attributes:
        provider: the provider's name.
        calls: the number of calls that this client has made.
        user: the pseudonym under which the provider knows the end user.
    """

    provider: str
    calls: int
    user: str


Notice = (
    CallBegan
    | AttemptEnded
    | FetchEnded
    | Waiting
    | KeyChanged
    | KeySetAside
    | CallEnded
    | ForeignSpending
    | LimitLowered
    | ClockDiffers
    | Deprecated
    | OneUser
)
