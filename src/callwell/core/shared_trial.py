# SPDX-License-Identifier: Apache-2.0
"""A single trial of a new key for all processes of an account.

Every process reads the same new key within a second, and each could send the provider's canary. One is enough: a
process claims the trial, sends the canary, and records the result. The others use the old key until then, and adopt the
verdict without a request of their own::

    nothing known ──claim──> claimed ──accepted──> ACCEPTED for VERDICT_S, then nothing is known
                      ^         │ ────refused───> REFUSED until the next trial, then it can be claimed
                      └─────────┘ no result, or the claimant has been silent for CLAIM_S

A verdict is believed only briefly. A process that comes later sends its own canary, which costs one request; an old
verdict about a key that has died since would cost calls.

All times are seconds since the epoch, which processes on several machines compare; a clock that is off by a few seconds
causes one extra canary or delays one.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from callwell.core.key_trial import FIRST_RETRY_S, MAX_RETRY_S

CLAIM_S: Final = 15.0
"""How long a process holds a trial: a canary is given up after 10 s."""

VERDICT_S: Final = 60.0
"""How long an acceptance is believed: all processes that make calls have read the key by then."""


class SharedTrial(Struct, frozen=True, array_like=True):
    """What an account's processes know about one new key.

    Attributes:
        claimant: the process that is trying it; empty if none is.
        claimed_until: when another may try it instead.
        accepted_at: when the provider accepted it; 0 if it has not.
        retry_at: when a refused key may be tried again; 0 if it was not refused.
        refused: how often it was refused.
        reason: the reason for the last refusal, for display.
    """

    claimant: str = ""
    claimed_until: float = 0.0
    accepted_at: float = 0.0
    retry_at: float = 0.0
    refused: int = 0
    reason: str = ""


UNKNOWN: Final = SharedTrial()


class TrialStep(Enum):
    """What a process does with a new key."""

    TRY = "send the canary"
    WAIT = "another process tries it"
    ACCEPTED = "use it"
    REFUSED = "set it aside"


class Claim(NamedTuple):
    """The answer to a process that wants to try a key.

    Attributes:
        step: what to do.
        reason: the reason for a refusal, for display.
    """

    step: TrialStep
    reason: str = ""


def claim(trial: SharedTrial, process: str, now: float) -> tuple[SharedTrial, Claim]:
    """Ask to try a key.

    Args:
        trial: what is known about the key.
        process: the process that asks.
        now: seconds since the epoch.

    Returns:
        the trial afterwards, and what the process does.
    """
    if is_accepted(trial, now):
        return trial, Claim(TrialStep.ACCEPTED)
    if now < trial.retry_at <= now + MAX_RETRY_S:
        return trial, Claim(TrialStep.REFUSED, trial.reason)
    # A claim that ends much later than one made now is from a wrong clock, and is ignored.
    if trial.claimant not in ("", process) and now < trial.claimed_until <= now + 2 * CLAIM_S:
        return trial, Claim(TrialStep.WAIT)
    return replace(trial, claimant=process, claimed_until=now + CLAIM_S), Claim(TrialStep.TRY)


def is_accepted(trial: SharedTrial, now: float) -> bool:
    """Whether the provider has accepted the key so recently that it is believed.

    Args:
        trial: what is known about the key.
        now: seconds since the epoch.
    """
    return bool(trial.accepted_at) and abs(now - trial.accepted_at) < VERDICT_S


def record_accepted(now: float) -> SharedTrial:
    """The trial after the provider has accepted the key."""
    return SharedTrial(accepted_at=now)


def record_refused(trial: SharedTrial, reason: str, now: float) -> SharedTrial:
    """The trial after the provider has refused the key: each refusal doubles the time until the next trial.

    Args:
        trial: what was known.
        reason: the reason, for display.
        now: seconds since the epoch.
    """
    wait_s = min(FIRST_RETRY_S * 2**trial.refused, MAX_RETRY_S)
    return SharedTrial(retry_at=now + wait_s, refused=min(trial.refused + 1, 16), reason=reason)


def release(trial: SharedTrial, process: str) -> SharedTrial:
    """The trial after a process gave it up without a result: another process may have a connection."""
    if trial.claimant != process:
        return trial
    return replace(trial, claimant="", claimed_until=0.0)
