# SPDX-License-Identifier: Apache-2.0
"""One large file that is sent in pieces, in parallel: which piece is next, and which pieces the provider has.

::

          next_action: SendPiece           confirm_piece
    TODO ───────────────────────> IN FLIGHT ─────────────> CONFIRMED ── all of them ──> VERIFIED
     ^ ^                             │ doubt_piece           ^    │                        │ UploadDone
     │ │                             v                       │    │
     │ │                         IN DOUBT ── QueryStatus ──> QUERIED: what has arrived?
     │ └──── not there ──────────────────────────────────────┤    │
     │                                                       └─ there, or refused as a duplicate
     └───── confirmed, but missing from two reports in a row ─────┘

**Doubt.** A piece with a lost response is never sent again before the provider has been asked what has arrived. The
pieces that it names are confirmed; the rest is sent again. The lost request may still arrive after that, and then one
of the two copies is refused as a duplicate. For a piece that was in doubt, and for no other, that refusal means
success.

**The provider's report.** It counts for more than the responses to the pieces: a piece that two reports in a row leave
out is forgotten, and sent again. (One report may come from a server that has not heard of the piece yet.) When all
pieces are confirmed, the provider is asked what it has; if that is not what was sent, or cannot be read, the upload
fails. One query is under way at a time; it waits a little, to cover all pieces that are lost meanwhile.

**Resume.** After the death of a process, every piece that was not confirmed is in doubt, because what was in flight is
not recorded. So nothing is sent before the first query.

If the first piece creates the object, it is sent alone: if its response is lost, the object's ID is lost too, and the
upload fails. A worker that gets `Idle` is done; the others continue to send or query by themselves.
"""

from __future__ import annotations

from enum import StrEnum
from math import ceil
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.core import ranges
from callwell.core.ranges import PieceRange

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callwell.core.rules.operations import UploadRule
    from callwell.core.upload_status import UploadStatus

MAX_DOUBTS: Final = 6
"""How often one piece may end in doubt: as often as a call is attempted by default."""

MAX_CHECKS: Final = 8
"""Queries about the whole file before a deviating report is believed: with the waits between them, half a minute."""

SIZE_CHECKS: Final = 3
"""The same for a provider without a state for a complete file: the size it reports may lag behind."""


class UploadReason(StrEnum):
    """Why an upload failed."""

    REFUSED = "refused"
    INTERRUPTED = "interrupted"
    NO_TARGET = "no target"
    OTHER_TARGET = "other target"
    MISMATCH = "mismatch"
    NOT_SETTLED = "not settled"
    FAILED = "failed"
    PIECE_LOST = "piece lost"
    UNREADABLE = "unreadable"


class Upload(NamedTuple):
    """The state of an upload. Plain values: it can be stored at any time, as a list, so that fields keep their order.

    Attributes:
        piece_size: bytes of every piece but the last.
        size: bytes of the file; None for a stream until its end is read.
        total: pieces of the file; None for a stream until its end is read.
        target: the ID of the object that receives them.
        received_codes: error codes for a piece that was already received.
        complete_codes: error codes for a piece of a file that is already complete.
        confirmed: pieces that the provider has.
        in_flight: pieces being sent.
        in_doubt: pieces with a lost response.
        queried: the pieces in doubt that the current query covers.
        doubts: by piece number, how often it was in doubt.
        resumed: another call may have sent any of the other pieces.
        needs_query: nothing may be sent before the provider has been asked.
        failure: why it failed.
        failed_piece: the piece that failed; 0 for none in particular.
        creation: the name of the call that creates the object, see `client.uploads.position`.
        querying: a worker is querying the provider, or is about to.
        confirmed_at_query: the pieces that were confirmed when the query went out.
        missing_once: confirmed pieces that the last report left out.
        verified: the provider has confirmed that it has the file as sent.
        checks: how often the provider reported something else after all pieces were confirmed.
        sent: pieces that were sent at least once, by any call.
        resent_bytes: bytes that were sent more than once, by any call.
        holders: the calls that work on it, see `client.exactly_once.holder`.
        leases: holder → the time until which it counts as running if it cannot be seen, in seconds since the epoch.
    """

    piece_size: int
    size: int | None = None
    total: int | None = None
    target: str | None = None
    received_codes: tuple[str, ...] = ()
    complete_codes: tuple[str, ...] = ()
    confirmed: tuple[PieceRange, ...] = ()
    in_flight: tuple[int, ...] = ()
    in_doubt: tuple[int, ...] = ()
    queried: tuple[int, ...] = ()
    doubts: tuple[tuple[int, int], ...] = ()
    resumed: bool = False
    needs_query: bool = False
    failure: UploadReason | None = None
    failed_piece: int = 0
    creation: str = ""
    querying: bool = False
    confirmed_at_query: tuple[PieceRange, ...] = ()
    missing_once: tuple[PieceRange, ...] = ()
    verified: bool = False
    checks: int = 0
    sent: tuple[PieceRange, ...] = ()
    resent_bytes: int = 0
    holders: tuple[str, ...] = ()
    leases: dict[str, float] = {}  # noqa: RUF012 - never changed in place


class SendPiece(NamedTuple):
    """Send a piece.

    Attributes:
        number: from 1.
        again: it was sent before.
    """

    number: int
    again: bool = False


class ReadPiece(NamedTuple):
    """Read the stream's next piece, then call `add_piece`."""


class QueryStatus(NamedTuple):
    """Ask the provider what has arrived: call `start_query` when it goes out, then `apply_report` or `end_query`.

    Attributes:
        tries: chooses the wait before the query; 0 for none.
    """

    tries: int


class Idle(NamedTuple):
    """Nothing is left for this worker."""


class UploadDone(NamedTuple):
    """The provider has every piece, and none of its reports contradicts that."""


class UploadFailed(NamedTuple):
    """The upload has failed, at the piece of this number; 0 for none in particular."""

    reason: UploadReason
    number: int


Action = SendPiece | ReadPiece | QueryStatus | Idle | UploadDone | UploadFailed


def start_upload(rule: UploadRule, piece_size: int, size: int | None, target: str | None) -> Upload:
    """An upload before its first piece.

    Args:
        rule: what the provider takes.
        piece_size: bytes of a piece.
        size: bytes of the file; None for a stream.
        target: the object, if there is one.
    """
    return Upload(
        piece_size=piece_size,
        size=size,
        total=None if size is None else ceil(size / piece_size),
        target=target,
        received_codes=rule.received_codes,
        complete_codes=rule.complete_codes,
    )


def resume(state: Upload) -> Upload:
    """A stored upload: its process has died, or is still running next to this one."""
    state = state._replace(in_flight=(), in_doubt=(), queried=(), doubts=(), confirmed_at_query=(), missing_once=())
    return state._replace(querying=False, verified=False, checks=0, resumed=True, needs_query=True)


def piece_bounds(state: Upload, number: int) -> tuple[int, int]:
    """Where a piece of a file begins, and how many bytes it has."""
    start = (number - 1) * state.piece_size
    return start, min(state.piece_size, (state.size or 0) - start)


def next_action(state: Upload) -> tuple[Upload, Action]:
    """What a worker does next."""
    if state.failure is not None:
        return state, UploadFailed(state.failure, state.failed_piece)
    is_complete = _is_complete(state)
    if is_complete and state.verified:
        return state, UploadDone()
    is_landed = is_complete and not state.in_flight
    if not state.querying and (state.needs_query or state.in_doubt or state.missing_once or is_landed):
        return state._replace(querying=True), QueryStatus(_query_backoff(state))
    if state.needs_query or is_complete:
        return state, Idle()
    number = _next_piece(state)
    if (state.target is None and state.in_flight) or (state.total is not None and number > state.total):
        return state, Idle()
    again = ranges.contains(state.sent, number)
    if state.size is None and not again:  # only one piece of a stream is available
        return state, Idle() if state.in_flight or state.querying else ReadPiece()
    return _start_piece(state, number), SendPiece(number, again)


def add_piece(state: Upload, *, is_last: bool) -> tuple[Upload, SendPiece]:
    """The stream's next piece was read; none follows if it `is_last`."""
    number = _next_piece(state)
    return _start_piece(state, number)._replace(total=number if is_last else None), SendPiece(number)


def confirm_piece(state: Upload, number: int, target: str | None = None) -> Upload:
    """A piece has arrived, in the object with the ID `target`."""
    confirmed = ranges.merge(state.confirmed, PieceRange(number, number))
    return _end_piece(state, number)._replace(confirmed=confirmed, target=state.target or target)


def doubt_piece(state: Upload, number: int) -> Upload:
    """A piece may or may not have arrived."""
    state = _end_piece(state, number)
    if state.target is None:
        return _fail(state, UploadReason.NO_TARGET, number)
    state = _count_doubts(state, [number], UploadReason.INTERRUPTED)
    return state if state.failure is not None else state._replace(in_doubt=(*state.in_doubt, number))


def reject_piece(state: Upload, number: int, code: str | None) -> Upload:
    """A piece was refused, because it was already received, or for a reason that ends the upload."""
    was_in_doubt = state.resumed or state.verified or number in dict(state.doubts)
    if was_in_doubt and code is not None and code in (*state.received_codes, *state.complete_codes):
        return confirm_piece(state, number)
    return _fail(_end_piece(state, number), UploadReason.REFUSED, number)


def start_query(state: Upload) -> Upload:
    """A query is being sent, which covers the pieces that are in doubt now."""
    return state._replace(in_doubt=(), queried=state.in_doubt, confirmed_at_query=state.confirmed)


def apply_report(state: Upload, report: UploadStatus, size: int | None) -> Upload:
    """Apply the provider's report of what has arrived.

    Args:
        state: the state of the upload.
        report: the report.
        size: bytes of all pieces; None while that is not known.
    """
    confirmed_at_query = state.confirmed_at_query
    is_first = state.needs_query
    state = end_query(state)
    if report.has_failed:
        return _fail(state, UploadReason.FAILED, 0)
    if report.is_whole and state.total is not None and not state.in_flight:
        return _apply_whole_file(state, report, size)
    if report.total is not None and state.total is not None and report.total != state.total:
        return _fail(state, UploadReason.OTHER_TARGET, 0)
    if report.pieces is not None:
        state = _apply_pieces(state, confirmed_at_query, report.pieces, is_first=is_first)
    if state.failure is not None or state.missing_once or state.in_flight or not _is_complete(state):
        return state
    if state.confirmed not in (confirmed_at_query, report.pieces):
        return state  # the query was sent before the last piece had arrived, so it does not report the whole file
    return _verify(state, report, size)


def end_query(state: Upload) -> Upload:
    """The provider does not say what has arrived: pieces that it has will be refused when sent again."""
    return state._replace(querying=False, queried=(), confirmed_at_query=(), needs_query=False)


def skip_verification(state: Upload) -> Upload:
    """The provider cannot say whether the file is complete, so the responses to its pieces count."""
    return end_query(state)._replace(verified=_is_complete(state))


def count_confirmed(state: Upload) -> int:
    """How many pieces are confirmed."""
    return sum(known.last - known.first + 1 for known in state.confirmed)


def count_confirmed_bytes(state: Upload) -> int:
    """How many bytes are confirmed; for a stream, as if every piece were full."""
    count = count_confirmed(state) * state.piece_size
    if state.size is None or state.total is None or not ranges.contains(state.confirmed, state.total):
        return count
    return count - state.total * state.piece_size + state.size  # the last piece is shorter


def _is_complete(state: Upload) -> bool:
    return state.total is not None and state.confirmed == (PieceRange(1, state.total),)


def _query_backoff(state: Upload) -> int:
    """The number that selects the wait before a query: the more often its pieces were in doubt, the longer."""
    if state.needs_query:
        return 0
    doubts = dict(state.doubts)
    return max(state.checks, 1 if state.missing_once else 0, *(doubts.get(number, 0) for number in state.in_doubt), 0)


def _apply_pieces(
    state: Upload, confirmed_at_query: tuple[PieceRange, ...], reported: tuple[PieceRange, ...], *, is_first: bool
) -> Upload:
    """The confirmed pieces according to a report; after a resume, one report proves that a piece is missing."""
    confirmed = state.confirmed
    for known in ranges.subtract(reported, ranges.from_numbers(state.in_flight)):
        confirmed = ranges.merge(confirmed, known)
    missing = ranges.subtract(confirmed_at_query, reported)
    missing_for_the_first_time = ranges.subtract(missing, state.missing_once)
    gone = missing if is_first else ranges.subtract(missing, missing_for_the_first_time)
    state = state._replace(confirmed=ranges.subtract(confirmed, gone), missing_once=ranges.subtract(missing, gone))
    latest = max((known.last for known in state.sent), default=0)
    if state.size is None and gone and gone[0].first < latest:  # only the current piece of a stream can be sent again
        return _fail(state, UploadReason.PIECE_LOST, gone[0].first)
    return _count_doubts(state, ranges.to_numbers(gone), UploadReason.PIECE_LOST)


def _apply_whole_file(state: Upload, report: UploadStatus, size: int | None) -> Upload:
    """The provider says that it has a complete file, and nothing is in flight: is it ours?"""
    total = report.total or state.total or 0
    everything = (PieceRange(1, total),)
    if report.pieces and report.pieces != everything:
        return _fail(state, UploadReason.MISMATCH, 0)
    has_unsent = not state.resumed and bool(ranges.subtract(everything, state.sent))
    if (has_unsent or total != state.total) and (report.size is None or report.size != size):
        return _fail(state, UploadReason.OTHER_TARGET, 0)
    return _verify(state._replace(total=total, confirmed=everything, in_doubt=(), missing_once=()), report, size)


def _verify(state: Upload, report: UploadStatus, size: int | None) -> Upload:
    """Every piece has arrived: is it the file as sent?"""
    checks = state.checks + 1
    state = state._replace(checks=checks)
    if report.is_whole is False:
        return _fail(state, UploadReason.NOT_SETTLED, 0) if checks >= MAX_CHECKS else state
    has_other_size = None not in (report.size, size) and report.size != size
    if not has_other_size and report.checksum_matches is not False:
        if not report.unreadable or report.is_whole or report.checksum_matches or report.size is not None:
            return state._replace(verified=True)
        return _fail(state, UploadReason.UNREADABLE, 0) if checks >= SIZE_CHECKS else state
    is_sure = report.is_whole or checks >= SIZE_CHECKS
    return _fail(state, UploadReason.MISMATCH, 0) if is_sure else state


def _next_piece(state: Upload) -> int:
    """The first piece that is neither confirmed nor in flight nor in doubt."""
    busy = {*state.in_flight, *state.queried, *state.in_doubt}
    number = 1
    for known in state.confirmed:
        while number < known.first and number in busy:
            number += 1
        if number < known.first:
            return number
        number = known.last + 1
    while number in busy:
        number += 1
    return number


def _start_piece(state: Upload, number: int) -> Upload:
    sent = ranges.merge(state.sent, PieceRange(number, number))
    return state._replace(in_flight=(*state.in_flight, number), sent=sent)


def _end_piece(state: Upload, number: int) -> Upload:
    return state._replace(in_flight=tuple(other for other in state.in_flight if other != number))


def _count_doubts(state: Upload, numbers: Iterable[int], reason: UploadReason) -> Upload:
    """Pieces were lost or forgotten; if that happened to one of them too often, the upload fails."""
    doubts = dict(state.doubts)
    for number in numbers:
        doubts[number] = doubts.get(number, 0) + 1
        if doubts[number] >= MAX_DOUBTS:
            return _fail(state, reason, number)
    return state._replace(doubts=tuple(sorted(doubts.items())))


def _fail(state: Upload, reason: UploadReason, number: int) -> Upload:
    return state if state.failure is not None else state._replace(failure=reason, failed_piece=number)
