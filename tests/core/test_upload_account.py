# SPDX-License-Identifier: Apache-2.0
"""What a provider says it has is believed: what it has forgotten goes again, and what it has wrongly is an error."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from msgspec.structs import replace

from callwell.core import ranges, upload, upload_status
from callwell.core.ranges import PieceRange
from callwell.core.rules.operations import UntilRule
from callwell.core.upload import (
    MAX_CHECKS,
    MAX_DOUBTS,
    SIZE_CHECKS,
    Idle,
    QueryStatus,
    SendPiece,
    Upload,
    UploadDone,
    UploadFailed,
    UploadReason,
)
from callwell.core.upload_status import UploadStatus
from tests.core.test_upload import RULE

PIECE: Final = 10


class Turn(NamedTuple):
    """What happens next.

    Attributes:
        worker: who acts.
        fate: what becomes of the request that this worker has under way: `fine`, `refused` before its effect, `lost`
            after it, or `late`: its effect comes after the next report.
        trick: what the provider does first: it forgets a piece, or its next report is an old one.
        kill: the process dies, and another goes on.
    """

    worker: int
    fate: str
    trick: str = ""
    kill: bool = False


class Adversary:
    """A provider that forgets, reports late and refuses while pieces are under way; and the workers that face it.

    Args:
        count: pieces of the file.
        states: it has words for its states.
    """

    def __init__(self, count: int, *, states: bool) -> None:
        self.count = count
        self.states = states
        self.size = count * PIECE - 3
        self.received_codes = set[int]()
        self.late = list[int]()
        self.old: set[int] | None = None
        self.message = set[int]()
        self.state = upload.start_upload(RULE, PIECE, self.size, "v")
        self.kept = self.state
        self.sending = dict[int, int]()
        self.querying = dict[int, bool]()
        self.sends = list[int]()
        self.questions = 0
        self.losses = 0
        self.tricks = 0
        self.kills = 0
        self.lies = 0
        self.ended: UploadDone | UploadFailed | None = None

    def play(self, turn: Turn) -> None:
        """One step."""
        if turn.kill:
            self.kill()
        if turn.trick == "forget" and self.received_codes:
            self.received_codes.discard(max(self.received_codes))
            self.tricks += 1
        if turn.trick == "old" and self.old is None:
            self.old = set(self.received_codes)
            self.tricks += 1
        if turn.worker in self.sending:
            self.answer(self.sending.pop(turn.worker), turn.fate)
        elif turn.worker in self.querying:
            self.report(turn.worker)
        else:
            self.act(turn.worker)

    def kill(self) -> None:
        """What was under way arrives later; who goes on knows what was stored."""
        self.late += self.sending.values()
        self.sending = {}
        self.querying = {}
        self.kills += 1
        self.state = upload.resume(self.kept)

    def act(self, worker: int) -> None:
        """A worker that has nothing under way takes something."""
        self.state, action = upload.next_action(self.state)
        if isinstance(action, SendPiece):
            assert action.number not in self.sending.values()
            assert action.again == (action.number in self.sends)
            self.sending[worker] = action.number
            self.sends.append(action.number)
            self.kept = self.state
        elif isinstance(action, QueryStatus):
            assert not self.querying
            self.querying[worker] = False
        elif isinstance(action, UploadDone | UploadFailed):
            self.ended = action
        else:
            assert isinstance(action, Idle)

    def answer(self, number: int, fate: str) -> None:
        """A piece is answered."""
        code = None
        if fate == "late":
            self.late.append(number)
        elif fate != "refused":
            code = self.arrive(number)
        if fate == "fine" and code is None:
            self.state = upload.confirm_piece(self.state, number)
            self.kept = self.state
        elif fate == "fine":
            self.state = upload.reject_piece(self.state, number, code)
        else:
            self.losses += 1
            self.state = upload.doubt_piece(self.state, number)

    def arrive(self, number: int) -> str | None:
        """A piece has its effect: how it is refused, if it is."""
        if number in self.received_codes:
            return "THERE"
        self.received_codes.add(number)
        return None

    def report(self, worker: int) -> None:
        """A question goes out, and then its response comes."""
        if not self.querying[worker]:
            self.querying[worker] = True
            self.state = upload.start_query(self.state)
            return
        del self.querying[worker]
        self.questions += 1
        there = self.received_codes if self.old is None else self.old
        self.old = None
        self.message = set(there)
        whole = there == set(range(1, self.count + 1))
        message = UploadStatus(
            pieces=ranges.from_numbers(there),
            is_whole=whole if self.states else None,
            size=self.size if whole else None,
        )
        self.state = upload.apply_report(self.state, message, self.size)
        self.kept = self.state
        while self.late:
            self.arrive(self.late.pop())


turns = st.lists(
    st.builds(
        Turn,
        st.integers(0, 3),
        st.sampled_from(["fine", "fine", "fine", "refused", "lost", "late"]),
        st.sampled_from(["", "", "", "forget", "old"]),
        kill=st.sampled_from([False, False, False, False, False, True]),
    ),
    max_size=100,
)


@given(count=st.integers(1, 8), states=st.booleans(), script=turns)
def test_an_upload_that_ends_well_is_whole_by_the_provider_s_own_account(
    *, count: int, states: bool, script: list[Turn]
) -> None:
    """Whatever it forgets, however late it reports and whenever the process dies: no half file counts as complete."""
    world = Adversary(count, states=states)
    for turn in [*script, *(Turn(number % 4, "fine") for number in range(60 * count + 400))]:
        world.play(turn)
        if world.ended:
            break
    event(str(world.ended))
    assert world.ended is not None
    if isinstance(world.ended, UploadDone):
        assert world.message == set(range(1, count + 1))  # what it forgets after its last report cannot be known
    else:
        assert world.ended.reason in (
            UploadReason.INTERRUPTED,
            UploadReason.PIECE_LOST,
            UploadReason.REFUSED,
            UploadReason.NOT_SETTLED,
        )
        assert world.tricks or world.losses or world.kills


@given(count=st.integers(1, 8), script=turns)
def test_questions_do_not_multiply(count: int, script: list[Turn]) -> None:
    """At most one for each piece that was lost, one for each kill, two for each trick, and one at the end."""
    world = Adversary(count, states=False)
    for turn in [*script, *(Turn(number % 4, "fine") for number in range(60 * count + 400))]:
        world.play(turn)
        if world.ended:
            break
    assert world.questions <= 1 + world.losses + world.kills + 3 * world.tricks


def test_four_refusals_at_once_are_one_question() -> None:
    """While one worker asks, the others send what is not in doubt."""
    state = upload.start_upload(RULE, PIECE, 40, "v")
    for _ in range(4):
        state, _ = upload.next_action(state)
    for number in (1, 2, 3, 4):
        state = upload.doubt_piece(state, number)
    state, first = upload.next_action(state)
    assert first == QueryStatus(1)
    assert [upload.next_action(state)[1] for _ in range(3)] == [Idle()] * 3
    state = upload.apply_report(upload.start_query(state), UploadStatus(pieces=()), 40)
    assert upload.next_action(state)[1] == SendPiece(1, again=True)


def complete(size: int = 30) -> Upload:
    """An upload with three confirmed pieces, which is about to query."""
    state = upload.start_upload(RULE, PIECE, size, "v")
    for number in (1, 2, 3):
        state, _ = upload.next_action(state)
        state = upload.confirm_piece(state, number)
    state, action = upload.next_action(state)
    assert action == QueryStatus(0)
    return upload.start_query(state)


ALL: Final = (PieceRange(1, 3),)


def ended(message: UploadStatus) -> Any:
    """The result of an upload if the provider always reports this, and how often it was queried."""
    state = complete()
    for asked in range(1, 50):
        state, action = upload.next_action(upload.apply_report(state, message, 30))
        if not isinstance(action, QueryStatus):
            return action, asked
        state = upload.start_query(state)
    raise AssertionError("it is queried forever")


@pytest.mark.parametrize(
    ("message", "end", "questions"),
    [
        (UploadStatus(), UploadDone(), 1),
        (UploadStatus(pieces=ALL), UploadDone(), 1),
        (UploadStatus(pieces=ALL, total=3, is_whole=True, size=30, checksum_matches=True), UploadDone(), 1),
        (UploadStatus(pieces=(), is_whole=True, size=30), UploadDone(), 1),
        (UploadStatus(pieces=ALL, is_whole=True, size=29), UploadFailed(UploadReason.MISMATCH, 0), 1),
        (UploadStatus(pieces=ALL, is_whole=True, size=0), UploadFailed(UploadReason.MISMATCH, 0), 1),
        (UploadStatus(pieces=ALL, is_whole=True, checksum_matches=False), UploadFailed(UploadReason.MISMATCH, 0), 1),
        (UploadStatus(pieces=(PieceRange(1, 2),), is_whole=True), UploadFailed(UploadReason.MISMATCH, 0), 1),
        (UploadStatus(size=29), UploadFailed(UploadReason.MISMATCH, 0), SIZE_CHECKS),
        (UploadStatus(pieces=ALL, is_whole=False), UploadFailed(UploadReason.NOT_SETTLED, 0), MAX_CHECKS),
        (UploadStatus(pieces=ALL, is_whole=False, size=10), UploadFailed(UploadReason.NOT_SETTLED, 0), MAX_CHECKS),
        (UploadStatus(pieces=ALL, has_failed=True), UploadFailed(UploadReason.FAILED, 0), 1),
        (UploadStatus(pieces=ALL, total=4), UploadFailed(UploadReason.OTHER_TARGET, 0), 1),
        (UploadStatus(pieces=(), is_whole=True, total=4), UploadFailed(UploadReason.OTHER_TARGET, 0), 1),
    ],
)
def test_what_the_provider_says_in_the_end_is_compared(message: UploadStatus, end: object, questions: int) -> None:
    """A difference fails the upload; what it leaves out proves nothing; what may lag is asked again."""
    assert ended(message) == (end, questions)


def test_a_piece_that_is_missing_once_is_asked_about_again() -> None:
    """One server of the provider may not have heard of it yet: nothing is sent for that."""
    state = upload.apply_report(complete(), UploadStatus(pieces=(PieceRange(1, 2),)), 30)
    state, action = upload.next_action(state)
    assert action == QueryStatus(1)
    assert (
        upload.next_action(upload.apply_report(upload.start_query(state), UploadStatus(pieces=ALL), 30))[1]
        == UploadDone()
    )


def test_a_piece_that_is_missing_twice_goes_again() -> None:
    """And is not an error if it is there after all."""
    state = complete()
    for _ in range(2):
        state, action = upload.next_action(
            upload.apply_report(state, UploadStatus(pieces=(PieceRange(1, 1), PieceRange(3, 3))), 30)
        )
        state = upload.start_query(state) if isinstance(action, QueryStatus) else state
    assert action == SendPiece(2, again=True)
    state, action = upload.next_action(upload.reject_piece(state, 2, "THERE"))
    assert (action, state.confirmed) == (QueryStatus(0), ALL)


def test_who_goes_on_believes_the_first_report() -> None:
    """What was confirmed long ago is not lagging behind."""
    state = upload.resume(complete())
    state, _ = upload.next_action(state)
    state = upload.apply_report(upload.start_query(state), UploadStatus(pieces=(PieceRange(2, 2),)), 30)
    assert upload.next_action(state)[1] == SendPiece(1, again=True)


def test_what_arrived_after_the_question_is_not_forgotten() -> None:
    """The report speaks of the moment when it was requested."""
    state = upload.start_upload(RULE, PIECE, 40, "v")
    for _ in range(3):
        state, _ = upload.next_action(state)
    state, _ = upload.next_action(upload.doubt_piece(state, 1))
    state = upload.confirm_piece(upload.start_query(state), 2)
    state = upload.apply_report(state, UploadStatus(pieces=()), 40)
    assert (state.confirmed, state.missing_once) == ((PieceRange(2, 2),), ())


def test_a_provider_that_forgets_again_and_again_fails_it() -> None:
    """Nothing goes on for ever."""
    state = complete()
    sends = 0
    for _ in range(100):
        state, action = upload.next_action(state)
        if isinstance(action, UploadFailed):
            break
        if isinstance(action, SendPiece):
            sends += 1
            state = upload.confirm_piece(state, action.number)
        elif isinstance(action, QueryStatus):
            state = upload.apply_report(upload.start_query(state), UploadStatus(pieces=(PieceRange(2, 3),)), 30)
        else:
            state = upload.apply_report(state, UploadStatus(pieces=(PieceRange(2, 3),)), 30)
    assert (action, sends) == (UploadFailed(UploadReason.PIECE_LOST, 1), MAX_DOUBTS - 1)


def test_a_forgotten_piece_of_a_stream_cannot_go_again() -> None:
    """Only the piece at hand can: no other bytes are sent in its place."""
    state = upload.start_upload(RULE, PIECE, None, "v")
    for number in (1, 2):
        state, _ = upload.next_action(state)
        state, _ = upload.add_piece(state, is_last=number == 2)
        state = upload.confirm_piece(state, number)
    for _ in range(2):
        state, _ = upload.next_action(state)
        state = upload.apply_report(upload.start_query(state), UploadStatus(pieces=(PieceRange(2, 2),)), 15)
    assert upload.next_action(state)[1] == UploadFailed(UploadReason.PIECE_LOST, 1)


SIZED: Final = replace(RULE, size="size")

STATUS: Final = UntilRule(
    at="ready", values=(True,), failed_at="made.state", failed=("failed", "broken"), pending=("working",)
)


@pytest.mark.parametrize(
    ("json", "word"),
    [
        ({"ready": False, "made": [{"state": "failed"}]}, "failed"),
        ({"ready": False, "made": [{"state": "done"}, {"state": "broken"}]}, "broken"),
        ({"ready": False, "made": [{"state": "failed"}, {"state": "working"}]}, None),
        ({"ready": True, "made": [{"state": "failed"}]}, None),
        ({"ready": "true", "made": [{"state": "failed"}]}, None),
        ({"ready": False, "made": {"state": "failed"}}, "failed"),
        ({"ready": False, "made": []}, None),
        ({"ready": False, "made": None}, None),
        ({"ready": False}, None),
        (None, None),
    ],
)
def test_a_failure_counts_when_the_provider_has_stopped_work(json: Any, word: str | None) -> None:
    """Of several things that it makes, one may fail while another still comes."""
    assert upload_status.find_failure(STATUS, json) == word


@pytest.mark.parametrize(
    ("value", "number"),
    [(5, 5), ("5", 5), (5.0, 5), (5.5, None), (True, None), ("5.5", None), ("", None), (None, None), ([5], None)],
)
def test_numbers_count_in_either_form(value: object, number: int | None) -> None:
    """What is not a whole number says nothing, and is named."""
    report = upload_status.parse_status(SIZED, {"size": value})
    assert (report.size, bool(report.unreadable)) == (number, number is None and value not in ("", None))


numbers = st.sets(st.integers(1, 30))


@given(one=numbers, other=numbers)
def test_runs_are_sets(one: set[int], other: set[int]) -> None:
    """Made of numbers, and taken from each other."""
    left = ranges.subtract(ranges.from_numbers(one), ranges.from_numbers(other))
    assert ranges.to_numbers(left) == sorted(one - other)
    assert left == ranges.from_numbers(one - other)
