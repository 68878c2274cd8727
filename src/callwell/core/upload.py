# SPDX-License-Identifier: Apache-2.0
"""One large file that is sent in pieces, several at once: which piece next, and which are there.

::

               take                   stored
        TODO ───────────> FLYING ───────────────────> CONFIRMED ──all of them──> CHECKED
        ^ ^                 │ lost                     │  ^                         │ Finish
        │ │                 v                          │  │ reported: there
        │ │             DOUBTFUL ──Ask──> ASKED ───────┼──┤
        │ │                                 │          │  │
        │ └─────────────────────────────────┘          │  │
        │     reported: not there    refused because it is there, after doubt
        └──────────────────────────────────────────────┘
              reported not to be there, twice

A piece whose answer was lost is never sent again before the provider has been asked what has arrived. What it names is
confirmed; the rest goes again. A lost request may still arrive after that: then one of the two copies is refused, since
the other one is there (or since with it the file was whole), and that counts as success for a piece that was in doubt,
and for no other. After a death of the process every piece that was not confirmed is in doubt: what was in flight then
was stored nowhere.

One question is under way at a time. It waits a little, so that it speaks of all pieces that were lost meanwhile: a
provider that refuses four pieces at once is asked once. Its account is believed over the answers to the pieces: what it
does not name in two reports one after the other is forgotten, and goes again. When all pieces are confirmed, it is
asked what it has: if that is not what was sent, the upload fails.
Where the first piece makes the object, it goes alone: if its answer is lost, nobody can name the object, and the upload
fails. Of several workers, who gets `Rest` is done: whoever is still sending or asking goes on by itself.
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
"""Times that one piece may end in doubt."""

MAX_CHECKS: Final = 8
"""Questions about the whole file before a provider that still says something else is believed: within half a minute."""

SURE_CHECKS: Final = 3
"""The same where the provider has no word for a file that is whole: its size may lag behind."""


class UploadReason(StrEnum):
    """Why an upload failed."""

    REFUSED = "refused"
    BROKEN = "broken"
    NAMELESS = "nameless"
    OTHER = "other"
    DIFFERS = "differs"
    UNSETTLED = "unsettled"
    FAILED = "failed"
    FORGOTTEN = "forgotten"


class Upload(NamedTuple):
    """Where an upload stands. Plain values: it can be stored at any time.

    Attributes:
        piece: bytes of every piece but the last.
        size: bytes of the file; None for a stream whose end has not been seen.
        total: pieces of it, likewise.
        target: the name of the object to which they belong.
        there: codes by which a piece is refused because it is there already.
        whole: codes by which it is refused because the whole file is.
        confirmed: pieces that the provider has, in order, no two runs adjacent.
        flying: pieces under way.
        doubtful: pieces whose answer was lost.
        asked: those of them about which the provider is being asked at this moment.
        tried: for pieces that were in doubt: how often.
        revived: another process may have sent any of the others.
        unsure: nothing may be sent before the provider has been asked.
        why: it has failed.
        piece_failed: by which piece; 0 for none in particular.
        maker: the name of the call that makes the object, as long as there is none.
        asking: a worker is about to ask the provider what has arrived, or does so.
        known: the pieces that were confirmed when it asked.
        missed: those of them that the last report did not name.
        checked: the provider has said that it has the file as it was sent.
        checks: how often it has said something else after all pieces were confirmed.
        begun: pieces that were sent at least once, by whichever process.
        resent: bytes that were sent more than once, likewise.
    """

    piece: int
    size: int | None = None
    total: int | None = None
    target: str | None = None
    there: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    confirmed: tuple[PieceRange, ...] = ()
    flying: tuple[int, ...] = ()
    doubtful: tuple[int, ...] = ()
    asked: tuple[int, ...] = ()
    tried: tuple[tuple[int, int], ...] = ()
    revived: bool = False
    unsure: bool = False
    why: UploadReason | None = None
    piece_failed: int = 0
    maker: str = ""
    asking: bool = False
    known: tuple[PieceRange, ...] = ()
    missed: tuple[PieceRange, ...] = ()
    checked: bool = False
    checks: int = 0
    begun: tuple[PieceRange, ...] = ()
    resent: int = 0


class SendPiece(NamedTuple):
    """Send a piece.

    Attributes:
        number: from 1.
        again: it was sent before.
    """

    number: int
    again: bool = False


class ReadPiece(NamedTuple):
    """Read the stream's next piece, and tell by `came`."""


class QueryStatus(NamedTuple):
    """Ask the provider what has arrived: call `asked` when the question goes out, then `reported` or `unreported`.

    Attributes:
        tries: by which the wait before the question is chosen; 0 for none.
    """

    tries: int


class Idle(NamedTuple):
    """Nothing is left for this worker."""


class UploadDone(NamedTuple):
    """The provider has every piece, and nothing that it says contradicts that."""


class UploadFailed(NamedTuple):
    """The upload has failed.

    Attributes:
        why: how.
        number: the piece; 0 for none in particular.
    """

    why: UploadReason
    number: int


Action = SendPiece | ReadPiece | QueryStatus | Idle | UploadDone | UploadFailed


def start_upload(rule: UploadRule, piece: int, size: int | None, target: str | None) -> Upload:
    """An upload of which nothing has been sent.

    Args:
        rule: what the provider takes.
        piece: bytes of a piece.
        size: bytes of the file; None for a stream.
        target: the object, if there is one.
    """
    count = None if size is None else ceil(size / piece)
    return Upload(piece, size, count, target, rule.received_codes, rule.complete_codes)


def resume(state: Upload) -> Upload:
    """An upload that was found in store: its process has died, or is at work beside this one."""
    fresh = state._replace(flying=(), doubtful=(), asked=(), tried=(), known=(), missed=())
    return fresh._replace(asking=False, checked=False, checks=0, revived=True, unsure=True)


def piece_bounds(state: Upload, number: int) -> tuple[int, int]:
    """Where a piece of a file begins, and how many bytes it has."""
    start = (number - 1) * state.piece
    return start, min(state.piece, (state.size or 0) - start)


def next_action(state: Upload) -> tuple[Upload, Action]:
    """What a worker does next."""
    if state.why is not None:
        return state, UploadFailed(state.why, state.piece_failed)
    complete = _is_complete(state)
    if complete and state.checked:
        return state, UploadDone()
    if not state.asking and (state.unsure or state.doubtful or state.missed or (complete and not state.flying)):
        return state._replace(asking=True), QueryStatus(_query_backoff(state))
    if state.unsure or complete:
        return state, Idle()
    number = _next_piece(state)
    if (state.target is None and state.flying) or (state.total is not None and number > state.total):
        return state, Idle()
    again = ranges.contains(state.begun, number)
    if state.size is None and not again:
        return state, Idle() if state.flying or state.asking else ReadPiece()
    return _start_piece(state, number), SendPiece(number, again)


def add_piece(state: Upload, *, last: bool) -> tuple[Upload, SendPiece]:
    """The stream's next piece was read.

    Args:
        state: where the upload stands.
        last: no other follows.
    """
    number = _next_piece(state)
    return _start_piece(state, number)._replace(total=number if last else None), SendPiece(number)


def confirm_piece(state: Upload, number: int, target: str | None = None) -> Upload:
    """A piece has arrived.

    Args:
        state: where the upload stands.
        number: the piece.
        target: the object, as the answer names it.
    """
    confirmed = ranges.merge(state.confirmed, PieceRange(number, number))
    return _end_piece(state, number)._replace(confirmed=confirmed, target=state.target or target)


def doubt_piece(state: Upload, number: int) -> Upload:
    """A piece may have arrived or not."""
    state = _end_piece(state, number)
    if state.target is None:
        return _fail(state, UploadReason.NAMELESS, number)
    state = _count_doubts(state, [number], UploadReason.BROKEN)
    return state if state.why is not None else state._replace(doubtful=(*state.doubtful, number))


def reject_piece(state: Upload, number: int, code: str | None) -> Upload:
    """A piece was refused: because it is there already, or for a reason that ends the upload."""
    doubt = state.revived or state.checked or number in dict(state.tried)
    if doubt and code is not None and code in (*state.there, *state.whole):
        return confirm_piece(state, number)
    return _fail(_end_piece(state, number), UploadReason.REFUSED, number)


def start_query(state: Upload) -> Upload:
    """The question goes out: it is about the pieces that are in doubt now."""
    return state._replace(doubtful=(), asked=state.doubtful, known=state.confirmed)


def apply_report(state: Upload, received: UploadStatus, size: int | None) -> Upload:
    """The provider has said what has arrived.

    A piece that was confirmed and is not named may be missing only until one server of the provider hears of it from
    another: a second report is waited for, unless the upload was found in store.

    Args:
        state: where the upload stands.
        received: what it said.
        size: bytes of all pieces; None while that is not known.
    """
    known = state.known
    alone = state.unsure
    state = end_query(state)
    if received.failed:
        return _fail(state, UploadReason.FAILED, 0)
    if received.arrived and state.total is not None and not state.flying:
        return _apply_whole_file(state, received, size)
    if received.total is not None and state.total is not None and received.total != state.total:
        return _fail(state, UploadReason.OTHER, 0)
    if received.parts is not None:
        state = _apply_pieces(state, known, received.parts, alone=alone)
    if state.why is not None or state.missed or state.flying or not _is_complete(state):
        return state
    return _verify(state, received, size)


def end_query(state: Upload) -> Upload:
    """The provider does not say what has arrived: what is sent again is refused where it is there."""
    return state._replace(asking=False, asked=(), known=(), unsure=False)


def skip_verification(state: Upload) -> Upload:
    """Nobody can say whether the file is there as it was sent: the answers to its pieces count."""
    return end_query(state)._replace(checked=_is_complete(state))


def count_confirmed(state: Upload) -> int:
    """How many pieces are confirmed."""
    return sum(run.last - run.first + 1 for run in state.confirmed)


def count_confirmed_bytes(state: Upload) -> int:
    """How many bytes are confirmed; of a stream, as if every piece were full."""
    whole = count_confirmed(state) * state.piece
    if state.size is None or state.total is None or not ranges.contains(state.confirmed, state.total):
        return whole
    return whole - state.total * state.piece + state.size


def _is_complete(state: Upload) -> bool:
    return state.total is not None and state.confirmed == (PieceRange(1, state.total),)


def _query_backoff(state: Upload) -> int:
    """By what the wait before a question is chosen: the more often its pieces were in doubt, the longer."""
    if state.unsure:
        return 0
    tried = dict(state.tried)
    return max(state.checks, 1 if state.missed else 0, *(tried.get(number, 0) for number in state.doubtful), 0)


def _apply_pieces(
    state: Upload, known: tuple[PieceRange, ...], parts: tuple[PieceRange, ...], *, alone: bool
) -> Upload:
    """The confirmed pieces, as the provider names them."""
    flying = ranges.from_numbers(state.flying)
    confirmed = state.confirmed
    for run in ranges.subtract(parts, flying):
        confirmed = ranges.merge(confirmed, run)
    missing = ranges.subtract(known, parts)
    gone = missing if alone else ranges.subtract(missing, ranges.subtract(missing, state.missed))
    state = state._replace(confirmed=ranges.subtract(confirmed, gone), missed=ranges.subtract(missing, gone))
    latest = max((run.last for run in state.begun), default=0)
    if state.size is None and gone and gone[0].first < latest:  # of a stream, only the piece at hand can be sent again
        return _fail(state, UploadReason.FORGOTTEN, gone[0].first)
    return _count_doubts(state, ranges.numbers(gone), UploadReason.FORGOTTEN)


def _apply_whole_file(state: Upload, received: UploadStatus, size: int | None) -> Upload:
    """The provider says that it has a whole file, and nothing is under way: it is ours, or it is not."""
    total = received.total or state.total or 0
    if received.parts and received.parts != (PieceRange(1, total),):
        return _fail(state, UploadReason.DIFFERS, 0)
    theirs = not state.revived and ranges.subtract((PieceRange(1, total),), state.begun)
    if (theirs or total != state.total) and (received.size is None or received.size != size):
        return _fail(state, UploadReason.OTHER, 0)
    state = state._replace(total=total, confirmed=(PieceRange(1, total),), doubtful=(), missed=())
    return _verify(state, received, size)


def _verify(state: Upload, received: UploadStatus, size: int | None) -> Upload:
    """Every piece is there: is the file?"""
    checks = state.checks + 1
    state = state._replace(checks=checks)
    if received.arrived is False:
        return _fail(state, UploadReason.UNSETTLED, 0) if checks >= MAX_CHECKS else state
    other_size = None not in (received.size, size) and received.size != size
    if not other_size and received.same is not False:
        return state._replace(checked=True)
    sure = received.arrived or checks >= SURE_CHECKS
    return _fail(state, UploadReason.DIFFERS, 0) if sure else state


def _next_piece(state: Upload) -> int:
    """The first piece that is neither there nor under way nor in doubt."""
    busy = {*state.flying, *state.asked, *state.doubtful}
    number = 1
    for run in state.confirmed:
        while number < run.first and number in busy:
            number += 1
        if number < run.first:
            return number
        number = run.last + 1
    while number in busy:
        number += 1
    return number


def _start_piece(state: Upload, number: int) -> Upload:
    return state._replace(flying=(*state.flying, number), begun=ranges.merge(state.begun, PieceRange(number, number)))


def _end_piece(state: Upload, number: int) -> Upload:
    return state._replace(flying=tuple(one for one in state.flying if one != number))


def _count_doubts(state: Upload, numbers: Iterable[int], why: UploadReason) -> Upload:
    """Pieces were lost, or forgotten: one of them so often that the upload fails, if need be."""
    tried = dict(state.tried)
    for number in numbers:
        tried[number] = tried.get(number, 0) + 1
        if tried[number] >= MAX_DOUBTS:
            return _fail(state, why, number)
    return state._replace(tried=tuple(sorted(tried.items())))


def _fail(state: Upload, why: UploadReason, number: int) -> Upload:
    return state if state.why is not None else state._replace(why=why, piece_failed=number)
