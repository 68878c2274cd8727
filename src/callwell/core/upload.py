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
from callwell.core.ranges import Run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callwell.core.received import Received
    from callwell.core.rules.operations import UploadRule

MAX_TRIES: Final = 6
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
    confirmed: tuple[Run, ...] = ()
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
    known: tuple[Run, ...] = ()
    missed: tuple[Run, ...] = ()
    checked: bool = False
    checks: int = 0
    begun: tuple[Run, ...] = ()
    resent: int = 0


class Send(NamedTuple):
    """Send a piece.

    Attributes:
        number: from 1.
        again: it was sent before.
    """

    number: int
    again: bool = False


class Read(NamedTuple):
    """Read the stream's next piece, and tell by `came`."""


class Ask(NamedTuple):
    """Ask the provider what has arrived: call `asked` when the question goes out, then `reported` or `unreported`.

    Attributes:
        tries: by which the wait before the question is chosen; 0 for none.
    """

    tries: int


class Rest(NamedTuple):
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


Action = Send | Read | Ask | Rest | UploadDone | UploadFailed


def begun(rule: UploadRule, piece: int, size: int | None, target: str | None) -> Upload:
    """An upload of which nothing has been sent.

    Args:
        rule: what the provider takes.
        piece: bytes of a piece.
        size: bytes of the file; None for a stream.
        target: the object, if there is one.
    """
    count = None if size is None else ceil(size / piece)
    return Upload(piece, size, count, target, rule.there, rule.whole)


def revived(state: Upload) -> Upload:
    """An upload that was found in store: its process has died, or is at work beside this one."""
    fresh = state._replace(flying=(), doubtful=(), asked=(), tried=(), known=(), missed=())
    return fresh._replace(asking=False, checked=False, checks=0, revived=True, unsure=True)


def where(state: Upload, number: int) -> tuple[int, int]:
    """Where a piece of a file begins, and how many bytes it has."""
    start = (number - 1) * state.piece
    return start, min(state.piece, (state.size or 0) - start)


def take(state: Upload) -> tuple[Upload, Action]:
    """What a worker does next."""
    if state.why is not None:
        return state, UploadFailed(state.why, state.piece_failed)
    complete = _complete(state)
    if complete and state.checked:
        return state, UploadDone()
    if not state.asking and (state.unsure or state.doubtful or state.missed or (complete and not state.flying)):
        return state._replace(asking=True), Ask(_patience(state))
    if state.unsure or complete:
        return state, Rest()
    number = _next(state)
    if (state.target is None and state.flying) or (state.total is not None and number > state.total):
        return state, Rest()
    again = ranges.has(state.begun, number)
    if state.size is None and not again:
        return state, Rest() if state.flying or state.asking else Read()
    return _flown(state, number), Send(number, again)


def came(state: Upload, *, last: bool) -> tuple[Upload, Send]:
    """The stream's next piece was read.

    Args:
        state: where the upload stands.
        last: no other follows.
    """
    number = _next(state)
    return _flown(state, number)._replace(total=number if last else None), Send(number)


def stored(state: Upload, number: int, target: str | None = None) -> Upload:
    """A piece has arrived.

    Args:
        state: where the upload stands.
        number: the piece.
        target: the object, as the answer names it.
    """
    confirmed = ranges.joined(state.confirmed, Run(number, number))
    return _landed(state, number)._replace(confirmed=confirmed, target=state.target or target)


def lost(state: Upload, number: int) -> Upload:
    """A piece may have arrived or not."""
    state = _landed(state, number)
    if state.target is None:
        return _failed(state, UploadReason.NAMELESS, number)
    state = _tried(state, [number], UploadReason.BROKEN)
    return state if state.why is not None else state._replace(doubtful=(*state.doubtful, number))


def refused(state: Upload, number: int, code: str | None) -> Upload:
    """A piece was refused: because it is there already, or for a reason that ends the upload."""
    doubt = state.revived or state.checked or number in dict(state.tried)
    if doubt and code is not None and code in (*state.there, *state.whole):
        return stored(state, number)
    return _failed(_landed(state, number), UploadReason.REFUSED, number)


def asked(state: Upload) -> Upload:
    """The question goes out: it is about the pieces that are in doubt now."""
    return state._replace(doubtful=(), asked=state.doubtful, known=state.confirmed)


def reported(state: Upload, received: Received, size: int | None) -> Upload:
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
    state = unreported(state)
    if received.failed:
        return _failed(state, UploadReason.FAILED, 0)
    if received.arrived and state.total is not None and not state.flying:
        return _whole(state, received, size)
    if received.total is not None and state.total is not None and received.total != state.total:
        return _failed(state, UploadReason.OTHER, 0)
    if received.parts is not None:
        state = _accounted(state, known, received.parts, alone=alone)
    if state.why is not None or state.missed or state.flying or not _complete(state):
        return state
    return _judged(state, received, size)


def unreported(state: Upload) -> Upload:
    """The provider does not say what has arrived: what is sent again is refused where it is there."""
    return state._replace(asking=False, asked=(), known=(), unsure=False)


def unchecked(state: Upload) -> Upload:
    """Nobody can say whether the file is there as it was sent: the answers to its pieces count."""
    return unreported(state)._replace(checked=_complete(state))


def done(state: Upload) -> int:
    """How many pieces are confirmed."""
    return sum(run.last - run.first + 1 for run in state.confirmed)


def safe_bytes(state: Upload) -> int:
    """How many bytes are confirmed; of a stream, as if every piece were full."""
    whole = done(state) * state.piece
    if state.size is None or state.total is None or not ranges.has(state.confirmed, state.total):
        return whole
    return whole - state.total * state.piece + state.size


def _complete(state: Upload) -> bool:
    return state.total is not None and state.confirmed == (Run(1, state.total),)


def _patience(state: Upload) -> int:
    """By what the wait before a question is chosen: the more often its pieces were in doubt, the longer."""
    if state.unsure:
        return 0
    tried = dict(state.tried)
    return max(state.checks, 1 if state.missed else 0, *(tried.get(number, 0) for number in state.doubtful), 0)


def _accounted(state: Upload, known: tuple[Run, ...], parts: tuple[Run, ...], *, alone: bool) -> Upload:
    """The confirmed pieces, as the provider names them."""
    flying = ranges.of(state.flying)
    confirmed = state.confirmed
    for run in ranges.without(parts, flying):
        confirmed = ranges.joined(confirmed, run)
    missing = ranges.without(known, parts)
    gone = missing if alone else ranges.without(missing, ranges.without(missing, state.missed))
    state = state._replace(confirmed=ranges.without(confirmed, gone), missed=ranges.without(missing, gone))
    latest = max((run.last for run in state.begun), default=0)
    if state.size is None and gone and gone[0].first < latest:  # of a stream, only the piece at hand can be sent again
        return _failed(state, UploadReason.FORGOTTEN, gone[0].first)
    return _tried(state, ranges.numbers(gone), UploadReason.FORGOTTEN)


def _whole(state: Upload, received: Received, size: int | None) -> Upload:
    """The provider says that it has a whole file, and nothing is under way: it is ours, or it is not."""
    total = received.total or state.total or 0
    if received.parts and received.parts != (Run(1, total),):
        return _failed(state, UploadReason.DIFFERS, 0)
    theirs = not state.revived and ranges.without((Run(1, total),), state.begun)
    if (theirs or total != state.total) and (received.size is None or received.size != size):
        return _failed(state, UploadReason.OTHER, 0)
    state = state._replace(total=total, confirmed=(Run(1, total),), doubtful=(), missed=())
    return _judged(state, received, size)


def _judged(state: Upload, received: Received, size: int | None) -> Upload:
    """Every piece is there: is the file?"""
    checks = state.checks + 1
    state = state._replace(checks=checks)
    if received.arrived is False:
        return _failed(state, UploadReason.UNSETTLED, 0) if checks >= MAX_CHECKS else state
    other_size = None not in (received.size, size) and received.size != size
    if not other_size and received.same is not False:
        return state._replace(checked=True)
    sure = received.arrived or checks >= SURE_CHECKS
    return _failed(state, UploadReason.DIFFERS, 0) if sure else state


def _next(state: Upload) -> int:
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


def _flown(state: Upload, number: int) -> Upload:
    return state._replace(flying=(*state.flying, number), begun=ranges.joined(state.begun, Run(number, number)))


def _landed(state: Upload, number: int) -> Upload:
    return state._replace(flying=tuple(one for one in state.flying if one != number))


def _tried(state: Upload, numbers: Iterable[int], why: UploadReason) -> Upload:
    """Pieces were lost, or forgotten: one of them so often that the upload fails, if need be."""
    tried = dict(state.tried)
    for number in numbers:
        tried[number] = tried.get(number, 0) + 1
        if tried[number] >= MAX_TRIES:
            return _failed(state, why, number)
    return state._replace(tried=tuple(sorted(tried.items())))


def _failed(state: Upload, why: UploadReason, number: int) -> Upload:
    return state if state.why is not None else state._replace(why=why, piece_failed=number)
