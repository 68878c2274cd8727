# SPDX-License-Identifier: Apache-2.0
"""The record of a rotation of a key: which steps it has, which are proved, and which command carries it on.

The steps depend on what the provider does with the old key when a new one is made::

    it stays valid:  create > stage > canary > switch > drain > revoke
    it is refused:   prepare > create > stage > canary > switch > drain > revoke

- prepare: all is ready to store the new key. Where the old key dies first, calls wait from create to stage.
- create: the provider has made a new key. It proves itself by its fingerprint at the source.
- stage: the new key is where the processes read it, and looks right.
- canary: the provider has accepted it, in one request.
- switch: no process begins a call with the old key any more.
- drain: no call with the old key is under way in any process.
- revoke: the provider refuses the old key, and it is marked as revoked for all processes.

`core.rotation_steps` decides what proves a step. All times are seconds since the epoch: a rotation goes on for days and
on several machines.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

CLAIM_S: Final = 30.0
"""For how long a command has a rotation to itself after each look: it looks every few seconds."""


class RotationStep(StrEnum):
    """A step of a rotation."""

    PREPARE = "prepare"
    CREATE = "create"
    STAGE = "stage"
    CANARY = "canary"
    SWITCH = "switch"
    DRAIN = "drain"
    REVOKE = "revoke"


class RotationEnd(StrEnum):
    """The state of a rotation."""

    NONE = ""
    DONE = "done"
    ABANDONED = "abandoned"


class RotationProof(Struct, frozen=True, array_like=True):
    """What has proved a step.

    Attributes:
        step: the step.
        at: when that was seen.
        fingerprint: of the key that it is about.
        seen: what was seen, for display.
    """

    step: RotationStep
    at: float
    fingerprint: str
    seen: str


class Rotation(Struct, frozen=True, array_like=True):
    """The record of a rotation, as it is kept in the state.

    Attributes:
        old: fingerprint of the key that is replaced; empty if there never was a rotation.
        overlaps: the old key stays valid when a new one is made.
        started_at: when it began.
        started_by: who began it, for display.
        new: fingerprint of the new key; empty while there is none.
        proofs: of the steps that are done, in order.
        taken_by: the command that carries it on now; empty if none does.
        taken_until: when another may do so.
        ended: how it ended, if it has.
        ended_at: when.
    """

    old: str = ""
    overlaps: bool = True
    started_at: float = 0.0
    started_by: str = ""
    new: str = ""
    proofs: tuple[RotationProof, ...] = ()
    taken_by: str = ""
    taken_until: float = 0.0
    ended: RotationEnd = RotationEnd.NONE
    ended_at: float = 0.0

    @property
    def is_under_way(self) -> bool:
        """Whether it has begun and not ended."""
        return bool(self.old) and self.ended is RotationEnd.NONE

    @property
    def steps(self) -> tuple[RotationStep, ...]:
        """All steps, in order."""
        every = tuple(RotationStep)
        return every[1:] if self.overlaps else every

    @property
    def next_step(self) -> RotationStep | None:
        """The first step without a proof; None if all are proved."""
        return next((step for step in self.steps if not self.has_proved(step)), None)

    def has_proved(self, step: RotationStep) -> bool:
        """Whether a step is done."""
        return any(proof.step is step for proof in self.proofs)


class RotationTaken(NamedTuple):
    """Another command carries the rotation on.

    Attributes:
        by: that command, for display.
    """

    by: str


def begin(old: str, *, overlaps: bool, by: str, now: float) -> Rotation:
    """A new rotation.

    Args:
        old: fingerprint of the key to be replaced.
        overlaps: it stays valid when a new one is made.
        by: who begins it, for display.
        now: seconds since the epoch.
    """
    return Rotation(old=old, overlaps=overlaps, started_at=now, started_by=by)


def take(rotation: Rotation, by: str, now: float) -> Rotation | RotationTaken:
    """The rotation taken by one command for a while; the same command may take it again.

    Args:
        rotation: the rotation.
        by: the command.
        now: seconds since the epoch.
    """
    # A time much further away than one taking is from a machine with a wrong clock, and binds no one.
    is_taken = rotation.taken_by not in ("", by) and now < rotation.taken_until <= now + 2 * CLAIM_S
    if is_taken:
        return RotationTaken(rotation.taken_by)
    return replace(rotation, taken_by=by, taken_until=now + CLAIM_S)


def release(rotation: Rotation, by: str) -> Rotation:
    """The rotation after a command has stopped: another may go on at once."""
    return replace(rotation, taken_by="", taken_until=0.0) if rotation.taken_by == by else rotation


def abandon(rotation: Rotation, now: float) -> Rotation:
    """The rotation given up. Nothing at the provider or the source is changed by that."""
    return replace(rotation, ended=RotationEnd.ABANDONED, ended_at=now, taken_by="", taken_until=0.0)
