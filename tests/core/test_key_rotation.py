# SPDX-License-Identifier: Apache-2.0
"""A rotation goes on by evidence alone: no step is skipped, and none is proved by what was not seen."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.core import key_rotation
from callwell.core.key_rotation import CLAIM_S, Rotation, RotationEnd, RotationProof, RotationStep, RotationTaken
from callwell.core.key_trial import NOT_TRIED
from callwell.core.rotation_steps import ANSWER_S, Action, Evidence, OldKeyTrial, PendingStep, ProcessUse, advance

NOW: Final = 1_000.0
OLD: Final = ProcessUse("a:1", "old")
NEW: Final = ProcessUse("b:2", "new")
DRAINING: Final = ProcessUse("c:3", "new", draining=("old",))
SILENT: Final = ProcessUse("d:4", "old", is_silent=True)
STAGED: Final = Evidence(staged="new")
ACCEPTED: Final = Evidence(staged="new", accepted="yes")
ASKED: Final = ACCEPTED._replace(asked_at=NOW - ANSWER_S)
CONFIRMED: Final = ASKED._replace(confirmed=frozenset({RotationStep.REVOKE}))


def begun(*, overlaps: bool = True) -> Rotation:
    """A rotation of the key `old`."""
    return key_rotation.begin("old", overlaps=overlaps, by="me", now=NOW - 10.0)


def at(step: RotationStep, *, overlaps: bool = True) -> Rotation:
    """The same at a step, with the new key staged if that comes before it."""
    rotation = begun(overlaps=overlaps)
    proofs = tuple(RotationProof(proved, NOW, "", "") for proved in rotation.steps[: rotation.steps.index(step)])
    return Rotation(
        old="old",
        overlaps=overlaps,
        new="" if step in (RotationStep.PREPARE, RotationStep.CREATE) else "new",
        proofs=proofs,
    )


WAITS: Final = {
    "no new key": (at(RotationStep.CREATE), Evidence(staged="old"), Action.PERSON, "still has the old key old"),
    "the same key again": (
        at(RotationStep.CREATE),
        Evidence(staged="old", is_rewritten=True),
        Action.PERSON,
        "written again",
    ),
    "no key at all": (at(RotationStep.CREATE), Evidence(problem="no key: it is empty"), Action.PERSON, "it is empty"),
    "no key of the provider": (
        at(RotationStep.CREATE),
        STAGED._replace(problem="it has spaces"),
        Action.PERSON,
        "spaces",
    ),
    "not tried": (at(RotationStep.CANARY), STAGED, Action.TRY_NEW, "not accepted"),
    "no answer": (at(RotationStep.CANARY), STAGED._replace(refusal=NOT_TRIED), Action.TRY_NEW, "no clear answer"),
    "refused": (
        at(RotationStep.CANARY),
        STAGED._replace(refusal="401 X9"),
        Action.TRY_NEW,
        "refuses the new key: 401 X9",
    ),
    "new key gone": (
        at(RotationStep.CANARY),
        Evidence(problem="no file"),
        Action.PERSON,
        "cannot be read any more: no file",
    ),
    "old key put back": (
        at(RotationStep.SWITCH),
        Evidence(staged="old"),
        Action.PERSON,
        "old key again: put the accepted",
    ),
    "third key": (at(RotationStep.DRAIN), Evidence(staged="third"), Action.PERSON, "another key, third"),
    "not asked": (at(RotationStep.SWITCH), ACCEPTED, Action.ASK, "asked"),
    "still old": (
        at(RotationStep.SWITCH),
        ASKED._replace(processes=(OLD, NEW)),
        Action.WAIT,
        "still with the old key: a:1",
    ),
    "silent": (
        at(RotationStep.SWITCH),
        ASKED._replace(processes=(SILENT,), asked_at=NOW),
        Action.WAIT,
        "no answer yet from d:4",
    ),
    "many": (at(RotationStep.SWITCH), ASKED._replace(processes=(OLD,) * 12), Action.WAIT, ", 4 more"),
    "draining": (at(RotationStep.DRAIN), ASKED._replace(processes=(DRAINING,)), Action.WAIT, "under way in c:3"),
    "old begun late": (at(RotationStep.DRAIN), ASKED._replace(processes=(OLD,)), Action.WAIT, "under way in a:1"),
    "not revoked": (at(RotationStep.REVOKE), ASKED, Action.CONFIRM, "to be revoked"),
    "to be tried": (
        at(RotationStep.REVOKE),
        CONFIRMED._replace(old_key=OldKeyTrial.NOT_TRIED),
        Action.TRY_OLD,
        "not been asked",
    ),
    "accepted": (
        at(RotationStep.REVOKE),
        CONFIRMED._replace(old_key=OldKeyTrial.ACCEPTED),
        Action.TRY_OLD,
        "still accepts",
    ),
    "to be marked": (at(RotationStep.REVOKE), CONFIRMED, Action.MARK, "marked"),
    "not ready": (at(RotationStep.PREPARE, overlaps=False), Evidence(staged="old"), Action.CONFIRM, "get ready"),
    "dead by itself": (
        at(RotationStep.REVOKE, overlaps=False),
        ASKED._replace(old_key=OldKeyTrial.NOT_TRIED),
        Action.TRY_OLD,
        "not been asked",
    ),
    "dead, not at hand": (at(RotationStep.REVOKE, overlaps=False), ASKED, Action.CONFIRM, "to be revoked"),
}


@pytest.mark.parametrize("case", WAITS.values(), ids=WAITS)
def test_what_a_step_waits_for(case: tuple[Rotation, Evidence, Action, str]) -> None:
    """The record stays as it was, and the reason says what is missing."""
    rotation, evidence, action, reason = case
    after, wait = advance(rotation, evidence, NOW)
    assert wait is not None
    assert (after.proofs, wait.step, wait.action) == (rotation.proofs, rotation.next_step, action)
    assert reason in wait.reason
    assert wait.is_refused == (evidence.refusal == "401 X9")


PROOFS: Final = {
    "staged": (at(RotationStep.CREATE), STAGED, "create", "no process on this state has used before"),
    "used earlier": (at(RotationStep.CREATE), STAGED._replace(earlier_use="in May"), "create", "not new: in May"),
    "accepted": (at(RotationStep.CANARY), ACCEPTED, "canary", "yes"),
    "none calls": (at(RotationStep.SWITCH), ASKED, "switch", "no process makes calls now"),
    "one calls": (
        at(RotationStep.SWITCH),
        ASKED._replace(processes=(NEW,)),
        "switch",
        "1 process begins its calls with it",
    ),
    "one is gone": (
        at(RotationStep.SWITCH),
        ASKED._replace(processes=(NEW, SILENT)),
        "switch",
        "no answer from (ended or paused): d:4",
    ),
    "drained": (at(RotationStep.DRAIN), ASKED._replace(processes=(NEW,)), "drain", "no call with it is under way"),
    "confirmed": (at(RotationStep.REVOKE), CONFIRMED._replace(marked_at=NOW), "revoke", "not tried; marked as revoked"),
    "seen": (
        at(RotationStep.REVOKE, overlaps=False),
        ASKED._replace(old_key=OldKeyTrial.REFUSED, marked_at=NOW),
        "revoke",
        "the provider refuses it; marked",
    ),
}


@pytest.mark.parametrize("case", PROOFS.values(), ids=PROOFS)
def test_what_proves_a_step(case: tuple[Rotation, Evidence, str, str]) -> None:
    """The proof has the time, and the fingerprint of the key that it is about."""
    rotation, evidence, step, seen = case
    after, _ = advance(rotation, evidence, NOW)
    proof = after.proofs[len(rotation.proofs)]
    about = "old" if step in ("drain", "revoke") else "new"
    assert (proof.step, proof.at, proof.fingerprint) == (step, NOW, about)
    assert seen in proof.seen


def test_a_refused_key_is_replaced_by_another_and_an_accepted_one_is_not() -> None:
    """Until it is accepted, the source may have the old key again or a third one."""
    staged, _ = advance(begun(), STAGED, NOW)
    again, wait = advance(staged, Evidence(staged="third"), NOW)
    assert (again.new, wait and wait.step) == ("third", RotationStep.CANARY)
    back, wait = advance(staged, Evidence(staged="old"), NOW)
    assert (back.new, back.proofs, wait and wait.step) == ("", (), RotationStep.CREATE)
    accepted, _ = advance(staged, ACCEPTED, NOW)
    assert advance(accepted, Evidence(staged="third"), NOW)[0] == accepted


def test_one_command_at_a_time() -> None:
    """It keeps a rotation by looking, another follows a dead one, and a wrong clock binds no one."""
    mine = key_rotation.take(begun(), "me", NOW)
    assert isinstance(mine, Rotation)
    assert key_rotation.take(mine, "you", NOW + CLAIM_S - 1) == RotationTaken("me")
    assert isinstance(key_rotation.take(mine, "me", NOW + 1), Rotation)
    assert isinstance(key_rotation.take(mine, "you", NOW + CLAIM_S), Rotation)
    assert isinstance(key_rotation.take(mine, "you", NOW - CLAIM_S - 1), Rotation)
    assert key_rotation.take(mine, "you", NOW - 1) == RotationTaken("me")
    assert key_rotation.release(mine, "you") == mine
    assert isinstance(key_rotation.take(key_rotation.release(mine, "me"), "you", NOW), Rotation)
    assert not key_rotation.abandon(mine, NOW).is_under_way


USES: Final = st.builds(
    ProcessUse,
    st.just("p:1"),
    st.sampled_from(["old", "new", "third"]),
    st.sampled_from([(), ("old",)]),
    st.booleans(),
)
EVIDENCE: Final = st.builds(
    Evidence,
    staged=st.sampled_from(["", "old", "new", "new", "third"]),
    problem=st.sampled_from(["", "", "bad"]),
    accepted=st.sampled_from(["", "yes"]),
    refusal=st.sampled_from(["", "401"]),
    asked_at=st.sampled_from([0.0, NOW - 10.0]),
    processes=st.lists(USES, max_size=2).map(tuple),
    old_key=st.sampled_from(OldKeyTrial),
    marked_at=st.sampled_from([0.0, NOW]),
    confirmed=st.sets(st.sampled_from([RotationStep.PREPARE, RotationStep.REVOKE])).map(frozenset),
)


@given(st.booleans(), st.lists(EVIDENCE, max_size=12))
def test_no_history_skips_a_step(overlaps: bool, history: list[Evidence]) -> None:  # noqa: FBT001 - drawn
    """Proofs are in order; a rotation is done only when the last evidence leaves no use of the old key."""
    rotation = begun(overlaps=overlaps)
    for evidence in history:
        after, wait = advance(rotation, evidence, NOW)
        proved = tuple(proof.step for proof in after.proofs)
        assert proved == after.steps[: len(proved)]
        assert (wait is None) == (after.ended is RotationEnd.DONE) == (after.next_step is None)
        if (
            len(proved) > len(rotation.proofs)
            and RotationStep.DRAIN in proved
            and not rotation.has_proved(RotationStep.DRAIN)
        ):
            assert not any(use.is_using("old") and not use.is_silent for use in evidence.processes)
        if wait is None:
            assert evidence.marked_at
            assert evidence.staged == after.new != "old"
            return
        assert isinstance(wait, PendingStep)
        assert wait.step is after.next_step
        rotation = after
