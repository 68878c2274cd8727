# SPDX-License-Identifier: Apache-2.0
"""What a hook receives: frozen records without a key, a body or a signed URL."""

from __future__ import annotations

from typing import NamedTuple


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
    """

    provider: str
    operation: str
    attempt: int
    status: int | None
    code: str | None
    reason: str
    seconds: float


class Waiting(NamedTuple):
    """A call waits.

    Attributes:
        provider: the provider's name.
        operation: the operation's name.
        seconds: for how long at the most; it may be shorter.
        why: `quota`, `throttled`, `backoff`, `key` or `commit`.
    """

    provider: str
    operation: str
    seconds: float
    why: str


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
    """

    provider: str
    operation: str
    attempts: int
    outcome: str
    seconds: float


Notice = AttemptEnded | Waiting | KeyChanged | CallEnded
