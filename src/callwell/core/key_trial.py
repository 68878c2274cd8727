# SPDX-License-Identifier: Apache-2.0
"""When a new key is tried: immediately, again later after a refusal, and early when the old key is refused.

A trial is one request with the new key while an older one works, and it ends in one of three ways:

- It succeeds. The key is accepted, and `core.keyring` makes it the active one.
- The old key succeeded where the new one was refused (`record_refusal`). The provider may not know the new key yet, so
  it is tried again, after longer and longer waits.
- Both keys got the same response (`record_same_response`), as for an object that does not exist, so it says nothing
  about the new key. The next call tries the key again. After a few such trials in a row it waits as after a refusal,
  because each trial costs one request.

If the old key is refused while a new one waits for its next trial, the new one is tried immediately: the old one may
have died in a way that the profile does not describe. That happens once per kind of refusal in `SAME_REFUSAL_S`, since
the refusal may be about the operation instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

FIRST_RETRY_S: Final = 30.0
"""Seconds until a refused new key is tried again; a provider may take that long to activate it."""

MAX_RETRY_S: Final = 3_600.0
"""The wait doubles up to this: a wrong key then costs one request an hour."""

NOT_TRIED: Final = "it could not be tried"
"""The reason for a trial without a clear response, which says nothing about the key."""

MAX_SAME_RESPONSES: Final = 5
"""Consecutive trials that may end with the same response for both keys before the wait after a refusal applies."""

SAME_REFUSAL_S: Final = 10.0
"""How long the same kind of refusal of the active key triggers no second trial. If that key has died, calls fail at
most this long after the provider has activated the new one; if it has not, two requests in this time are the price."""

MAX_REFUSAL_KINDS: Final = 16
"""Kinds of refusal that are remembered: a limit, for providers that give each error its own code."""


class KeyTrial(Struct, frozen=True):
    """What is known about the trials of the newest key.

    Attributes:
        retry_at: when a key that is set aside is tried again, in monotonic seconds.
        retry_s: the wait after the next refusal.
        refused: the number of refusals.
        same_responses: trials in a row that showed nothing.
        refusal_kinds: kinds of refusal of the active key, each with the time until which it triggers no other trial.
    """

    retry_at: float = float("inf")
    retry_s: float = FIRST_RETRY_S
    refused: int = 0
    same_responses: int = 0
    refusal_kinds: Mapping[str, float] = {}


def set_aside(trial: KeyTrial, now: float) -> KeyTrial:
    """The trial after an unsuccessful response, before the old key's response is known."""
    return replace(trial, retry_at=now + trial.retry_s)


def record_refusal(trial: KeyTrial, now: float) -> KeyTrial:
    """The trial after the provider has refused the new key but not the old one."""
    return replace(
        trial,
        retry_at=now + trial.retry_s,
        retry_s=min(2 * trial.retry_s, MAX_RETRY_S),
        refused=trial.refused + 1,
    )


def record_same_response(trial: KeyTrial, now: float) -> KeyTrial:
    """The trial after both keys got the same response."""
    trial = replace(trial, same_responses=trial.same_responses + 1)
    if trial.same_responses <= MAX_SAME_RESPONSES:
        return replace(trial, retry_at=now)
    return replace(trial, retry_at=now + trial.retry_s, retry_s=min(2 * trial.retry_s, MAX_RETRY_S))


def try_after_refusal(trial: KeyTrial, refusal: str, now: float) -> KeyTrial | None:
    """The trial after the active key was refused; None if the same refusal triggered a trial a moment ago.

    Args:
        trial: what is known.
        refusal: the kind of refusal: status, code, and whether a gateway may have written it.
        now: monotonic seconds.
    """
    refusal_kinds = {kind: until for kind, until in trial.refusal_kinds.items() if until > now}
    if refusal in refusal_kinds or len(refusal_kinds) >= MAX_REFUSAL_KINDS:
        return None
    refusal_kinds[refusal] = now + SAME_REFUSAL_S
    return replace(trial, retry_at=float("inf"), refusal_kinds=refusal_kinds)
