# SPDX-License-Identifier: Apache-2.0
"""What proves a step of a key rotation, and what the next step waits for.

A step is never taken on trust if it can be verified: `advance` compares the record with evidence, and either records a
proof or says what is missing. A person confirms only what nothing else can show: prepare, and revoke if the old key is
no longer available to be tried.

Until the new key is accepted, another one may take its place at the source. Afterwards the source must keep it.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from callwell.core.key_rotation import Rotation, RotationEnd, RotationProof, RotationStep
from callwell.core.key_trial import NOT_TRIED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ANSWER_S: Final = 3.0
"""How long to wait for processes that have not reported: live ones answer a signal immediately."""

MAX_NAMES: Final = 8
"""The most processes that a sentence names; `callwell keys reload` lists all of them."""


class Action(Enum):
    """What advances a rotation."""

    PERSON = "a person does something"
    CONFIRM = "a person does something, and confirms it"
    TRY_NEW = "the canary is sent with the new key"
    TRY_OLD = "the canary is sent with the old key"
    ASK = "all processes are asked to read their source"
    MARK = "the old key is marked as revoked"
    WAIT = "time passes"


class ProcessUse(NamedTuple):
    """What a process last reported about the keys that it uses.

    Attributes:
        process: host and process ID.
        fingerprint: of the key that it starts calls with.
        draining: fingerprints of other keys that running calls use.
        is_silent: it has not reported for so long that it has ended or makes no calls.
    """

    process: str
    fingerprint: str
    draining: tuple[str, ...] = ()
    is_silent: bool = False

    def is_using(self, fingerprint: str) -> bool:
        """Whether it starts calls with a key, or has calls under way with it."""
        return self.fingerprint == fingerprint or fingerprint in self.draining


class OldKeyTrial(Enum):
    """What is known about whether the provider accepts the old key."""

    UNKNOWN = "it cannot be tried here: its text is not known, there is no canary, or there was no clear answer"
    NOT_TRIED = "it was not tried"
    ACCEPTED = "the provider still accepts it"
    REFUSED = "the provider refuses it"


class Evidence(NamedTuple):
    """What was observed at one moment.

    Attributes:
        staged: fingerprint of the key at the source; empty if it cannot be read.
        problem: why the key there cannot be used, in one sentence; empty if it can.
        is_rewritten: the source was written since the last check, with the same key.
        earlier_use: when the staged key was used before this rotation, for display; empty if never.
        accepted: how the provider has accepted the staged key, for display; empty if it has not.
        refusal: why the provider refuses the staged key; empty if it does not.
        asked_at: when all processes were last asked to read their source; 0 if they were not.
        processes: the processes that use keys of the provider.
        old_key: whether the provider accepts the old key.
        marked_at: when the old key was marked as revoked; 0 if it is not.
        confirmed: steps that a person has confirmed.
    """

    staged: str = ""
    problem: str = ""
    is_rewritten: bool = False
    earlier_use: str = ""
    accepted: str = ""
    refusal: str = ""
    asked_at: float = 0.0
    processes: tuple[ProcessUse, ...] = ()
    old_key: OldKeyTrial = OldKeyTrial.UNKNOWN
    marked_at: float = 0.0
    confirmed: frozenset[RotationStep] = frozenset()


class PendingStep(NamedTuple):
    """What a step waits for.

    Attributes:
        step: the step.
        action: what advances it.
        reason: what is missing, in words.
        is_refused: the provider refuses the new key.
    """

    step: RotationStep
    action: Action
    reason: str
    is_refused: bool = False


def advance(rotation: Rotation, evidence: Evidence, now: float) -> tuple[Rotation, PendingStep | None]:
    """Record everything that the evidence proves.

    Args:
        rotation: a rotation that is under way.
        evidence: what is seen now.
        now: seconds since the epoch.

    Returns:
        the rotation afterwards, and what its next step waits for; None if it is done.
    """
    rotation = _follow_source(rotation, evidence)
    while (step := rotation.next_step) is not None:
        lost = _find_lost_key(rotation, evidence)
        judged = PendingStep(step, Action.PERSON, lost) if lost else JUDGES[step](rotation, evidence, now)
        if isinstance(judged, PendingStep):
            return rotation, judged
        if step is RotationStep.CREATE:
            rotation = replace(rotation, new=evidence.staged)
        fingerprint = rotation.old if step in ABOUT_THE_OLD_KEY else rotation.new
        proof = RotationProof(step=step, at=now, fingerprint=fingerprint, seen=judged)
        rotation = replace(rotation, proofs=(*rotation.proofs, proof))
    return replace(rotation, ended=RotationEnd.DONE, ended_at=now), None


ABOUT_THE_OLD_KEY: Final = (RotationStep.PREPARE, RotationStep.DRAIN, RotationStep.REVOKE)


def _follow_source(rotation: Rotation, evidence: Evidence) -> Rotation:
    """The rotation, back at create if the new key was replaced or removed before the provider accepted it."""
    if not rotation.new or rotation.has_proved(RotationStep.CANARY) or evidence.staged in ("", rotation.new):
        return rotation
    kept = tuple(proof for proof in rotation.proofs if proof.step is RotationStep.PREPARE)
    return replace(rotation, new="", proofs=kept)


def _find_lost_key(rotation: Rotation, evidence: Evidence) -> str:
    """What is wrong with the source after a new key was staged; empty if the key is still there."""
    if not rotation.new or (evidence.staged == rotation.new and not evidence.problem):
        return ""
    if evidence.problem:
        return f"the new key {rotation.new} cannot be read any more: {evidence.problem}"
    which = "the old key again" if evidence.staged == rotation.old else f"another key, {evidence.staged}"
    return f"the source has {which}: put the accepted key {rotation.new} back, or abandon this rotation"


def _judge_prepare(_rotation: Rotation, evidence: Evidence, _now: float) -> str | PendingStep:
    if RotationStep.PREPARE in evidence.confirmed:
        return "confirmed: everything is ready to store the new key"
    return PendingStep(
        RotationStep.PREPARE, Action.CONFIRM, "the old key may die when the new one is made: get ready to store it"
    )


def _judge_create(rotation: Rotation, evidence: Evidence, _now: float) -> str | PendingStep:
    if evidence.problem or not evidence.staged:
        return PendingStep(RotationStep.CREATE, Action.PERSON, evidence.problem or "the source has no key")
    if evidence.staged == rotation.old:
        again = "was written again with" if evidence.is_rewritten else "still has"
        return PendingStep(RotationStep.CREATE, Action.PERSON, f"the source {again} the old key {rotation.old}")
    if evidence.earlier_use:
        return f"a key that is not new: {evidence.earlier_use}"
    return "a key that no process on this state has used before"


def _judge_stage(_rotation: Rotation, _evidence: Evidence, _now: float) -> str | PendingStep:
    return "it is at the source, and its format is right"  # a problem with it has already stopped `create`


def _judge_canary(_rotation: Rotation, evidence: Evidence, _now: float) -> str | PendingStep:
    if evidence.accepted:
        return evidence.accepted
    if evidence.refusal == NOT_TRIED:
        return PendingStep(
            RotationStep.CANARY,
            Action.TRY_NEW,
            "the new key could not be tried, and will be tried again: there was no clear answer in time",
        )
    if evidence.refusal:
        reason = f"the provider refuses the new key: {evidence.refusal}"
        return PendingStep(RotationStep.CANARY, Action.TRY_NEW, reason, is_refused=True)
    return PendingStep(RotationStep.CANARY, Action.TRY_NEW, "the provider has not accepted the new key yet")


def _judge_switch(rotation: Rotation, evidence: Evidence, now: float) -> str | PendingStep:
    if not evidence.asked_at:
        return PendingStep(RotationStep.SWITCH, Action.ASK, "all processes are asked to read the new key")
    slow = [use for use in evidence.processes if use.fingerprint == rotation.old]
    active = [use for use in slow if not use.is_silent]
    if active:
        return PendingStep(RotationStep.SWITCH, Action.WAIT, f"still with the old key: {_names(active)}")
    if slow and now < evidence.asked_at + ANSWER_S:
        return PendingStep(RotationStep.SWITCH, Action.WAIT, f"no answer yet from {_names(slow)}")
    users = sum(use.fingerprint == rotation.new and not use.is_silent for use in evidence.processes)
    none = "no process makes calls now; each reads the new key before its next one"
    return (f"{_count(users)} with it" if users else none) + _describe_silent(slow)


def _judge_drain(rotation: Rotation, evidence: Evidence, _now: float) -> str | PendingStep:
    users = [use for use in evidence.processes if use.is_using(rotation.old)]
    active = [use for use in users if not use.is_silent]
    if active:
        return PendingStep(RotationStep.DRAIN, Action.WAIT, f"calls with the old key are under way in {_names(active)}")
    return f"no call with it is under way{_describe_silent(users)}"


def _judge_revoke(rotation: Rotation, evidence: Evidence, _now: float) -> str | PendingStep:
    is_dead = evidence.old_key is OldKeyTrial.REFUSED
    is_confirmed = RotationStep.REVOKE in evidence.confirmed
    can_try = evidence.old_key is not OldKeyTrial.UNKNOWN
    if not is_dead and not is_confirmed and (rotation.overlaps or not can_try):
        return PendingStep(RotationStep.REVOKE, Action.CONFIRM, "the old key is to be revoked at the provider")
    if not is_dead and can_try:
        still = "still accepts" if evidence.old_key is OldKeyTrial.ACCEPTED else "has not been asked about"
        return PendingStep(RotationStep.REVOKE, Action.TRY_OLD, f"the provider {still} the old key")
    if not evidence.marked_at:
        return PendingStep(RotationStep.REVOKE, Action.MARK, "the old key is marked as revoked for all processes")
    how = "the provider refuses it" if is_dead else "confirmed to be revoked at the provider, and not tried"
    return f"{how}; marked as revoked for all processes"


JUDGES: Final[Mapping[RotationStep, Callable[[Rotation, Evidence, float], str | PendingStep]]] = {
    RotationStep.PREPARE: _judge_prepare,
    RotationStep.CREATE: _judge_create,
    RotationStep.STAGE: _judge_stage,
    RotationStep.CANARY: _judge_canary,
    RotationStep.SWITCH: _judge_switch,
    RotationStep.DRAIN: _judge_drain,
    RotationStep.REVOKE: _judge_revoke,
}
"""What each step needs: the text of its proof, or what is missing."""


def _names(uses: list[ProcessUse]) -> str:
    names = [use.process for use in uses[:MAX_NAMES]]
    if len(uses) > MAX_NAMES:
        names.append(f"{len(uses) - MAX_NAMES} more")
    return ", ".join(names)


def _count(number: int) -> str:
    return "1 process begins its calls" if number == 1 else f"{number} processes begin their calls"


def _describe_silent(uses: list[ProcessUse]) -> str:
    """Processes that used the old key and can no longer report about it."""
    return f"; no answer from (ended or paused): {_names(uses)}" if uses else ""
