# SPDX-License-Identifier: Apache-2.0
"""One large file that is sent in pieces, several at once: which piece next, and which are there.

::

               take                   stored
        TODO ───────────> FLYING ───────────────────> CONFIRMED
          ^                 │ lost                        ^
          │                 v             reported: there │
          │             DOUBTFUL ──Ask──> ASKED ──────────┤
          │                                 │             │
          └─────────────────────────────────┘             │
              reported: not there       refused because it is there, after doubt

A piece whose answer was lost is never sent again before the provider has been asked what has arrived. What it names is
confirmed; the rest goes again. A lost request may still arrive after that: then one of the two copies is refused, since
the other one is there (or since with it the file was whole), and that counts as success for a piece that was in doubt,
and for no other. After a death of the process every piece that was not confirmed is in doubt: what was in flight then
was stored nowhere.

Where the first piece makes the object, it goes alone, and nothing is known of the object until its answer comes: if
that is lost, nobody can name the object, and the upload fails.

Several workers take from one state. Who gets `Rest` has nothing more to do: whoever is still sending goes on by itself.
"""

from __future__ import annotations

from enum import StrEnum
from math import ceil
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.core import runs
from callwell.core.runs import Run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callwell.core.operation_rules import UploadRule

MAX_TRIES: Final = 6
"""Times that one piece may end in doubt."""

ALL: Final = 0
"""In the place of a piece's number: all of them."""


class Why(StrEnum):
    """Why an upload failed."""

    REFUSED = "refused"
    BROKEN = "broken"
    NAMELESS = "nameless"
    OTHER = "other"


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
        asked: those of them about which the provider is being asked.
        tried: for pieces that were in doubt: how often.
        revived: another process may have sent any of the others.
        unsure: nothing may be sent before the provider has been asked.
        why: it has failed.
        piece_failed: by which piece; 0 for none in particular.
        maker: the name of the call that makes the object, as long as there is none.
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
    why: Why | None = None
    piece_failed: int = 0
    maker: str = ""


class Send(NamedTuple):
    """Send a piece.

    Attributes:
        number: from 1.
        tries: how often it has ended in doubt, by which the wait before this time is chosen.
    """

    number: int
    tries: int = 0


class Read(NamedTuple):
    """Read the stream's next piece, and tell by `came`."""


class Ask(NamedTuple):
    """Ask the provider what has arrived, and tell by `reported`.

    Attributes:
        about: the pieces in doubt; `ALL` among them for any that another process may have sent.
    """

    about: tuple[int, ...]


class Rest(NamedTuple):
    """Nothing is left for this worker."""


class Finish(NamedTuple):
    """The provider has every piece."""


class Fail(NamedTuple):
    """The upload has failed.

    Attributes:
        why: how.
        number: the piece; 0 for none in particular.
    """

    why: Why
    number: int


Action = Send | Read | Ask | Rest | Finish | Fail


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
    return state._replace(flying=(), doubtful=(), asked=(), tried=(), revived=True, unsure=True)


def where(state: Upload, number: int) -> tuple[int, int]:
    """Where a piece of a file begins, and how many bytes it has."""
    start = (number - 1) * state.piece
    return start, min(state.piece, (state.size or 0) - start)


def take(state: Upload) -> tuple[Upload, Action]:
    """What a worker does next."""
    if state.why is not None:
        return state, Fail(state.why, state.piece_failed)
    if state.unsure:
        return (state, Rest()) if ALL in state.asked else (state._replace(asked=(ALL,)), Ask((ALL,)))
    if state.doubtful:
        return state._replace(doubtful=(), asked=(*state.asked, *state.doubtful)), Ask(state.doubtful)
    number = _next(state)
    if state.total is not None and state.confirmed == (Run(1, state.total),):
        return state, Finish()
    if state.target is None and state.flying:
        return state, Rest()
    if state.total is not None and number > state.total:
        return state, Rest()
    tries = dict(state.tried).get(number, 0)
    if state.size is None and not tries:
        return state, Rest() if state.flying or state.asked else Read()
    return _flown(state, number), Send(number, tries)


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
    return _landed(state, number)._replace(
        confirmed=runs.joined(state.confirmed, Run(number, number)), target=state.target or target
    )


def lost(state: Upload, number: int) -> Upload:
    """A piece may have arrived or not."""
    state = _landed(state, number)
    tries = dict(state.tried).get(number, 0) + 1
    if state.target is None:
        return _failed(state, Why.NAMELESS, number)
    if tries >= MAX_TRIES:
        return _failed(state, Why.BROKEN, number)
    tried = tuple(sorted({**dict(state.tried), number: tries}.items()))
    return state._replace(doubtful=(*state.doubtful, number), tried=tried)


def refused(state: Upload, number: int, code: str | None) -> Upload:
    """A piece was refused: because it is there already, or for a reason that ends the upload."""
    doubt = state.revived or number in dict(state.tried)
    if doubt and code is not None and code in (*state.there, *state.whole):
        return stored(state, number)
    return _failed(_landed(state, number), Why.REFUSED, number)


def reported(state: Upload, about: tuple[int, ...], parts: Iterable[int], total: int | None) -> Upload:
    """The provider has said what has arrived.

    Args:
        state: where the upload stands.
        about: why it was asked.
        parts: the pieces that it has.
        total: how many it expects, if it knows.
    """
    if total is not None and state.total is not None and total != state.total:
        return _failed(state, Why.OTHER, 0)
    for number in parts:
        if number not in state.flying:
            state = state._replace(confirmed=runs.joined(state.confirmed, Run(number, number)))
    return unreported(state, about)


def unreported(state: Upload, about: tuple[int, ...]) -> Upload:
    """The provider does not say what has arrived: what is sent again is refused where it is there."""
    unsure = state.unsure and ALL not in about
    return state._replace(asked=tuple(one for one in state.asked if one not in about), unsure=unsure)


def done(state: Upload) -> int:
    """How many pieces are confirmed."""
    return sum(run.last - run.first + 1 for run in state.confirmed)


def safe_bytes(state: Upload) -> int:
    """How many bytes are confirmed; of a stream, as if every piece were full."""
    whole = done(state) * state.piece
    if state.size is None or state.total is None or not runs.has(state.confirmed, state.total):
        return whole
    return whole - state.total * state.piece + state.size


def _next(state: Upload) -> int:
    """The first piece that is neither there nor under way nor in doubt."""
    busy, number = {*state.flying, *state.asked, *state.doubtful}, 1
    for run in (*state.confirmed, None):
        while (run is None or number < run.first) and number in busy:
            number += 1
        if run is None or number < run.first:
            break
        number = run.last + 1
    return number


def _flown(state: Upload, number: int) -> Upload:
    return state._replace(flying=(*state.flying, number))


def _landed(state: Upload, number: int) -> Upload:
    return state._replace(flying=tuple(one for one in state.flying if one != number))


def _failed(state: Upload, why: Why, number: int) -> Upload:
    return state if state.why is not None else state._replace(why=why, piece_failed=number)
