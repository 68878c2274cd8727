# SPDX-License-Identifier: Apache-2.0
"""Uploads in pieces: every piece is there once in the end, and nothing is sent blind."""

from __future__ import annotations

from typing import Final, NamedTuple

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from msgspec.structs import replace

from callwell.core import piece_size, ranges, upload
from callwell.core.piece_size import MIB
from callwell.core.ranges import PieceRange
from callwell.core.rules.operations import UploadRule
from callwell.core.upload import Idle, QueryStatus, ReadPiece, SendPiece, Upload, UploadDone, UploadFailed, UploadReason
from callwell.core.upload_status import UploadStatus

RULE: Final = UploadRule(
    file="file",
    range="range",
    range_format="part {piece}/{pieces}",
    unknown_total="*",
    min_piece=5 * MIB,
    max_piece=200 * MIB,
    max_pieces=10_000,
    max_bytes=30 << 30,
    target="video_id",
    id="id",
    status="status",
    received="parts",
    total="total",
    received_codes=("THERE",),
    complete_codes=("WHOLE",),
)


def named(*parts: int, total: int | None = None) -> UploadStatus:
    """A report that names pieces."""
    return UploadStatus(pieces=ranges.from_numbers(parts), total=total)


def reported(state: Upload, *parts: int, total: int | None = None) -> Upload:
    """An upload after its query was answered."""
    return upload.apply_report(upload.start_query(state), named(*parts, total=total), state.size)


class Turn(NamedTuple):
    """What becomes of one request.

    Attributes:
        worker: who acts next.
        fate: `fine`, `lost` before it arrived, `done` and its response lost, `late`: it arrives after the next report.
        kill: the process dies first.
    """

    worker: int
    fate: str
    kill: bool = False


class UploadSimulation:
    """A provider that takes each piece once, workers, and what goes wrong.

    Args:
        count: pieces of the file.
        named: the object is there before.
        stream: the end of the file is not known before.
    """

    def __init__(self, count: int, *, named: bool = True, stream: bool = False) -> None:
        self.rest = count if stream else 0
        self.state = upload.start_upload(RULE, 10, None if stream else count * 10, "v" if named else None)
        self.count = count
        self.received_codes: set[int] = set()
        self.on_the_way: list[int] = []
        self.sent: list[int] = []
        self.sending: dict[int, int] = {}
        self.ended: UploadDone | UploadFailed | None = None
        self.killed_with = 0
        self.kept = self.state

    def arrive(self, number: int) -> str | None:
        """A piece arrives: how it is refused, if it is."""
        if len(self.received_codes) == self.count:
            return "WHOLE"
        if number in self.received_codes:
            return "THERE"
        self.received_codes.add(number)
        return None

    def kill(self) -> None:
        """The process dies; another goes on from what was stored. What was in flight arrives, or not, later."""
        self.on_the_way += self.sending.values()
        self.killed_with += len(self.sending)
        self.sending = {}
        self.state = upload.resume(self.kept)

    def act(self, turn: Turn) -> None:
        """One worker does its next step: it ends a request, or begins one."""
        if turn.worker in self.sending:
            self.end(self.sending.pop(turn.worker), turn.fate)
            return
        self.state, action = upload.next_action(self.state)
        if isinstance(action, ReadPiece):
            self.rest -= 1
            self.state, action = upload.add_piece(self.state, is_last=self.rest == 0)
        if isinstance(action, SendPiece):
            assert not any(run.first <= action.number <= run.last for run in self.state.confirmed)
            assert action.number not in self.sending.values()
            assert self.state.target or not self.sent
            self.sending[turn.worker] = action.number
            self.sent.append(action.number)
        elif isinstance(action, QueryStatus):
            total = self.count if self.state.total else None
            self.state = upload.start_query(self.state)
            self.state = upload.apply_report(self.state, named(*self.received_codes, total=total), self.state.size)
            while self.on_the_way:
                self.arrive(self.on_the_way.pop())
        elif isinstance(action, UploadDone | UploadFailed):
            self.ended = action

    def end(self, number: int, fate: str) -> None:
        """A request ends."""
        code = self.arrive(number) if fate in ("fine", "done") else None
        if fate == "late":
            self.on_the_way.append(number)
        if fate != "fine":
            self.state = upload.doubt_piece(self.state, number)
        elif code is not None:
            self.state = upload.reject_piece(self.state, number, code)
        else:
            self.state = upload.confirm_piece(self.state, number, "v")
            self.kept = self.state


turns = st.lists(
    st.builds(
        Turn,
        st.integers(0, 3),
        st.sampled_from(["fine", "fine", "lost", "done", "late"]),
        kill=st.sampled_from([False, False, False, True]),
    ),
    max_size=120,
)


@given(count=st.integers(1, 9), script=turns, kills=st.booleans(), stream=st.booleans())
def test_every_piece_arrives_once_or_the_upload_fails(
    *, count: int, script: list[Turn], kills: bool, stream: bool
) -> None:
    """Whatever is lost and whenever it dies, nothing confirmed is sent, and what is confirmed is there."""
    world = UploadSimulation(count, stream=stream)
    for turn in [*script, *(Turn(number % 4, "fine") for number in range(20 * count + 200))]:
        if turn.kill and kills and not stream:
            world.kill()
        world.act(turn)
        confirmed = {number for run in world.state.confirmed for number in range(run.first, run.last + 1)}
        assert confirmed <= world.received_codes
        if world.ended:
            break
    event(type(world.ended).__name__)
    if isinstance(world.ended, UploadDone):
        assert world.received_codes == set(range(1, count + 1))
    else:
        assert world.ended == UploadFailed(UploadReason.INTERRUPTED, world.state.failed_piece)


@given(count=st.integers(1, 9), script=turns)
def test_a_kill_costs_what_was_in_flight(count: int, script: list[Turn]) -> None:
    """If nothing else goes wrong, no more pieces are sent again than were in flight when it died."""
    world = UploadSimulation(count)
    for turn in [*script, *(Turn(number % 4, "fine") for number in range(20 * count + 200))]:
        if turn.kill:
            world.kill()
        world.act(turn._replace(fate="fine"))
        if world.ended:
            break
    assert world.ended == UploadDone()
    assert len(world.sent) <= count + world.killed_with


@given(script=turns)
def test_the_first_piece_goes_alone_where_it_makes_the_object(script: list[Turn]) -> None:
    """No other piece is sent before its response; if that is lost, so is the object's name."""
    world = UploadSimulation(5, named=False)
    for turn in [*script, *(Turn(number % 4, "fine") for number in range(300))]:
        world.act(turn)
        assert world.state.target or len(world.sent) <= 1
        if world.ended:
            break
    assert world.ended in (
        UploadDone(),
        UploadFailed(UploadReason.NO_TARGET, 1),
        UploadFailed(UploadReason.INTERRUPTED, world.state.failed_piece),
    )


def test_a_refusal_is_success_after_doubt_only() -> None:
    """Without doubt somebody else sent the piece, and what he sent is not known."""
    state = upload.start_upload(RULE, 10, 20, "v")
    state, _ = upload.next_action(state)
    assert upload.reject_piece(state, 1, "THERE").failure is UploadReason.REFUSED
    state, asked = upload.next_action(upload.doubt_piece(state, 1))
    assert asked == QueryStatus(1)
    state, again = upload.next_action(reported(state))
    assert again == SendPiece(1, again=True)
    for code in ("THERE", "WHOLE"):
        assert upload.reject_piece(state, 1, code).confirmed == (PieceRange(1, 1),)
    assert upload.next_action(upload.reject_piece(state, 1, "OTHER"))[1] == UploadFailed(UploadReason.REFUSED, 1)
    assert upload.next_action(upload.reject_piece(state, 1, None))[1] == UploadFailed(UploadReason.REFUSED, 1)


def test_one_question_speaks_of_all_that_is_in_doubt_when_it_goes_out() -> None:
    """Who asks waits a little first; the others go on, and what is lost after it has asked is asked about again."""
    state = upload.start_upload(RULE, 10, 50, "v")
    for _ in range(3):
        state, _ = upload.next_action(state)
    state, first = upload.next_action(upload.doubt_piece(state, 1))
    state, second = upload.next_action(upload.doubt_piece(state, 2))
    assert (first, second) == (QueryStatus(1), SendPiece(4))
    state = upload.start_query(state)
    assert state.queried == (1, 2)
    state = upload.apply_report(upload.doubt_piece(state, 3), named(1, total=5), 50)
    assert (state.confirmed, state.in_doubt) == ((PieceRange(1, 1),), (3,))
    assert upload.next_action(state)[1] == QueryStatus(1)


def test_who_goes_on_asks_before_sending_and_alone() -> None:
    """Until the response is there the others rest; an object of another plan is not touched."""
    state = upload.resume(upload.confirm_piece(upload.next_action(upload.start_upload(RULE, 10, 30, "v"))[0], 1))
    state, asked = upload.next_action(state)
    assert (asked, upload.next_action(state)[1]) == (QueryStatus(0), Idle())
    assert upload.next_action(reported(state, 1, 3, total=3))[1] == SendPiece(2)
    assert upload.next_action(reported(state, 1, 2, 3, total=3))[1] == UploadDone()
    assert upload.next_action(reported(state, 1, total=4))[1] == UploadFailed(UploadReason.OTHER_TARGET, 0)
    assert upload.next_action(upload.end_query(state))[1] == SendPiece(2)


def test_a_piece_that_is_always_lost_ends_it() -> None:
    """And so does one that a refusal ends for all workers."""
    state = upload.start_upload(RULE, 10, 10, "v")
    for tries in range(upload.MAX_DOUBTS):
        state, action = upload.next_action(state)
        assert action == SendPiece(1, again=tries > 0)
        state, _ = upload.next_action(upload.doubt_piece(state, 1))
        state = upload.end_query(upload.start_query(state))
    assert upload.next_action(state)[1] == UploadFailed(UploadReason.INTERRUPTED, 1)


def test_a_stream_is_read_when_nothing_is_under_way() -> None:
    """Its last piece is known when it is read; a lost one is not read again."""
    state, action = upload.next_action(upload.start_upload(RULE, 10, None, "v"))
    assert action == ReadPiece()
    state, sent = upload.add_piece(state, is_last=False)
    assert (sent, upload.next_action(state)[1]) == (SendPiece(1), Idle())
    state, action = upload.next_action(upload.confirm_piece(state, 1))
    assert action == ReadPiece()
    state, _ = upload.add_piece(state, is_last=True)
    state, _ = upload.next_action(upload.doubt_piece(state, 2))
    state, again = upload.next_action(upload.end_query(upload.start_query(state)))
    assert (again, state.total) == (SendPiece(2, again=True), 2)
    state, check = upload.next_action(upload.confirm_piece(state, 2))
    assert check == QueryStatus(0)
    assert upload.next_action(upload.skip_verification(upload.start_query(state)))[1] == UploadDone()


@pytest.mark.parametrize(
    ("size", "limit", "mebibytes"),
    [
        (1, 100, 16),
        (100 * MIB, None, 16),
        (1 << 30, 100, 21),
        (1 << 30, 40, 52),
        (30 << 30, 100, 200),
        (30 << 30, 1, 200),
        (None, 40, 16),
    ],
)
def test_the_size_of_a_piece(size: int | None, limit: int | None, mebibytes: int) -> None:
    """Small where it can be, larger where a file would else take most of a window's permits."""
    result = piece_size.choose_piece_size(RULE, size, limit)
    assert result == mebibytes * MIB
    assert -(-(size or RULE.max_bytes) // result) <= RULE.max_pieces


def test_the_size_of_a_piece_keeps_to_the_provider() -> None:
    """Never below its least or above its most, and never more pieces than it takes."""
    few = replace(RULE, max_pieces=10)
    assert piece_size.choose_piece_size(few, 1 << 30, None) == 103 * MIB
    assert piece_size.choose_piece_size(replace(RULE, max_piece=6 * MIB), 1 << 30, 40) == 6 * MIB
    assert piece_size.choose_piece_size(replace(RULE, min_piece=30 * MIB), 1, None) == 30 * MIB


@given(st.integers(1, 100), st.integers(1, 30))
def test_pieces_cover_the_file(size: int, length: int) -> None:
    """Each byte once, and what is safe is counted so."""
    state = upload.start_upload(RULE, length, size, "v")
    assert state.total is not None
    places = [upload.piece_bounds(state, number) for number in range(1, state.total + 1)]
    assert [start for start, _ in places] == [0, *(start + count for start, count in places[:-1])]
    assert sum(count for _, count in places) == size
    for number in range(1, state.total + 1):
        state = upload.confirm_piece(state, number)
        assert upload.count_confirmed_bytes(state) == sum(count for _, count in places[:number])


def test_a_query_from_before_the_last_piece_is_none_about_the_whole_file() -> None:
    """A piece that is confirmed while a query is under way need not be in its report: the provider is asked again."""
    state = upload.start_upload(RULE, 10, 20, "v")
    for _ in range(2):
        state, _ = upload.next_action(state)
    state, _ = upload.next_action(upload.doubt_piece(state, 1))
    state = upload.confirm_piece(upload.start_query(state), 2)
    assert upload.next_action(upload.apply_report(state, named(1), 20))[1] == QueryStatus(0)
    assert upload.next_action(upload.apply_report(state, named(1, 2), 20))[1] == UploadDone()


def test_it_can_be_stored() -> None:
    """All of it are plain values."""
    assert Upload(10)._asdict().keys() == Upload.__annotations__.keys()
