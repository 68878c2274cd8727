# SPDX-License-Identifier: Apache-2.0
"""The record of a key rotation: its steps, which of them are proved, and which command is carrying it out.

The steps depend on what the provider does with the old key when a new one is made::

    it stays valid:  create > stage > canary > switch > drain > revoke
    it is refused:   prepare > create > stage > canary > switch > drain > revoke

- prepare: everything is ready to store the new key. Where the old key dies first, calls wait from create to stage.
- create: the provider has made a new key. It proves itself by its fingerprint at the source.
- stage: the new key is where the processes read it, and looks right.
- canary: the provider has accepted it, in one request.
- switch: no process starts calls with the old key any more.
- drain: no call with the old key is under way in any process.
- revoke: the provider refuses the old key, and it is marked as revoked for all processes.

`core.rotation_steps` decides what proves a step. All times are seconds since the epoch: a rotation takes days, and may
involve several machines.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

CLAIM_S: Final = 30.0
"""How long a command holds a rotation after each check; it checks every few seconds."""


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
    """The proof of a step.

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
    """The record of a rotation, as stored in the state.

    Attributes:
        old: fingerprint of the key that is replaced; empty if there never was a rotation.
        overlaps: the old key stays valid when a new one is made.
        started_at: when it began.
        started_by: who began it, for display.
        new: fingerprint of the new key; empty while there is none.
        proofs: of the steps that are done, in order.
        taken_by: the command that is carrying it out; empty if none is.
        taken_until: when another command may take over.
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
        """Whether it has started and not ended."""
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
        """Whether a step is proved."""
        return any(proof.step is step for proof in self.proofs)


class RotationTaken(NamedTuple):
    """Another command is carrying out the rotation.

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
    """The rotation, held by one command for a while; the same command may renew its hold.

    Args:
        rotation: the rotation.
        by: the command.
        now: seconds since the epoch.
    """
    # A time much further away than one hold comes from a machine with a wrong clock, and is ignored.
    is_taken = rotation.taken_by not in ("", by) and now < rotation.taken_until <= now + 2 * CLAIM_S
    if is_taken:
        return RotationTaken(rotation.taken_by)
    return replace(rotation, taken_by=by, taken_until=now + CLAIM_S)


def release(rotation: Rotation, by: str) -> Rotation:
    """The rotation after a command has stopped: another may continue immediately."""
    return replace(rotation, taken_by="", taken_until=0.0) if rotation.taken_by == by else rotation


def abandon(rotation: Rotation, now: float) -> Rotation:
    """The rotation, abandoned. Nothing changes at the provider or the source."""
    return replace(rotation, ended=RotationEnd.ABANDONED, ended_at=now, taken_by="", taken_until=0.0)
