# SPDX-License-Identifier: Apache-2.0
"""One file behind a signed URL that expires: what to ask for next, and when it is whole.

::

          Url                  Opened: 200 or 206          Ended, right size
    URL ───────> FETCH ───────────────────────> BODY ───────────────────────> Finish
     ^             │ 403, 400, 401, 404: expired │ broken off: go on from the last byte
     └─────────────┴─────────────────────────────┘

A large file is fetched in pieces (`ranges`) if its size is known and storage answers a request for the first of them
with that piece and a strong ETag: then `Read.several` begins a round, which ends with `joined`. A size that only the
storage tells is known when the whole file has begun to come: that answer is left. Storage that does anything else is
read as one stream, and what it sent beyond the first gap comes again.

A broken body is continued with `Range` from its last byte, pinned by `If-Range` with a strong ETag; without one, the
announced size is the pin, and a file whose size changed is begun again: a change that keeps the size goes unseen by
storage without ETags. Every byte beyond the furthest restores the attempts; a URL is asked for again at most `MAX_URLS`
times without progress. Storage says 403 for an expired signature and some
services 400, 401 or 404: none of them proves that the file is gone, only the provider's own answer does, so a fresh
URL is asked for. Where it is known which status says that there is no such file, that ends it.

Where a URL is good for one request, every request but the first after `given` is preceded by `Ask`. Pieces are longer
there, since each of them costs a call.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.core import ranges
from callwell.core.ranges import PART

if TYPE_CHECKING:
    from callwell.core.ranges import Head, Round, Span, Split

MAX_ATTEMPTS: Final = 6
"""Attempts in a row that bring no byte."""

MAX_URLS: Final = 4
"""Fresh URLs in a row that bring no byte."""

ONCE: Final = 8
"""How many times longer pieces are where each needs a URL of its own."""

MAX_RESTARTS: Final = 3
"""Times that a file may change under a download."""

EXPIRED: Final = frozenset({400, 401, 403, 404, 410})
WHOLE: Final = 200
UNSATISFIABLE: Final = 416


class Why(StrEnum):
    """Why a download failed."""

    UNAVAILABLE = "unavailable"
    EXPIRED = "expired"
    BROKEN = "broken"
    DAMAGED = "damaged"
    REFUSED = "refused"


class Download(NamedTuple):
    """Where a download stands. Plain values: it can be stored at any time.

    Attributes:
        offset: bytes that are safe on disk.
        size: bytes in all, where known.
        etag: the strong ETag of what is being read.
        urls: fresh URLs since the last byte.
        failures: attempts since the last byte.
        restarts: times that the file changed.
        best: the most bytes that were ever safe: one that came before is no progress.
        split: how it may be fetched in pieces; None for one stream.
        islands: what is safe on disk beyond the offset.
        once: a URL is good for one request.
        absent: statuses of the storage which say that there is no such file.
    """

    offset: int = 0
    size: int | None = None
    etag: str | None = None
    urls: int = 0
    failures: int = 0
    restarts: int = 0
    best: int = 0
    split: Split | None = None
    islands: tuple[Span, ...] = ()
    once: bool = False
    absent: tuple[int, ...] = ()


class Ask(NamedTuple):
    """Get a fresh signed URL from the provider."""


class Fetch(NamedTuple):
    """Get the bytes from `offset` on.

    Attributes:
        offset: 0 for the whole file.
        etag: for `If-Range`, if there is one.
        failures: failed attempts since the last byte, by which the wait before this one is chosen.
        stop: the first byte that is not wanted; None for all there are.
    """

    offset: int
    etag: str | None
    failures: int
    stop: int | None = None


class Read(NamedTuple):
    """Write the body at `offset`, after cutting the file to that length, and report every piece.

    Attributes:
        offset: where the body begins.
        several: instead, begin a round of pieces with it; the file is cut unless something is safe beyond.
    """

    offset: int
    several: bool = False


class Finish(NamedTuple):
    """The file is whole."""

    size: int


class Fail(NamedTuple):
    """The file cannot be had."""

    why: Why
    status: int = 0


Action = Ask | Fetch | Read | Finish | Fail


def given(state: Download, size: int | None, *, once: bool = False) -> tuple[Download, Action]:
    """A fresh URL has come.

    Args:
        state: where the download stands.
        size: bytes, if the provider announces them.
        once: the URL is good for one request.
    """
    state = state._replace(once=once)
    if size is not None and state.size is not None and size != state.size:
        return _restart(state._replace(size=size))
    state = state._replace(size=size if size is not None else state.size)
    if state.offset and state.offset == state.size and not state.failures:  # what broke off here may have gone on
        return state, Finish(state.offset)
    return state, _fetch(state)


def opened(state: Download, head: Head) -> tuple[Download, Action]:
    """Storage has begun to answer.

    Args:
        state: where the download stands.
        head: what it says; a part that does not say where it begins could be any part.
    """
    if head.status in state.absent:
        return state, Fail(Why.UNAVAILABLE, head.status)
    if head.status in EXPIRED:
        return _ask(state, head.status)
    if head.status == UNSATISFIABLE:
        return _restart(state)
    if head.status not in (WHOLE, PART):
        why = Why.REFUSED if head.status < 500 else Why.BROKEN  # noqa: PLR2004 - server errors
        return _again(state, why, head.status)
    if head.status == PART and head.start is None:
        return _again(state, Why.BROKEN, head.status)
    if head.status == PART and None not in (head.strong, _pin(state)) and head.strong != _pin(state):
        return _restart(state)
    return _accepted(state, head)


def received(state: Download, count: int) -> Download:
    """`count` more bytes are safe on disk."""
    offset = state.offset + count
    if offset <= state.best:
        return state._replace(offset=offset)
    return state._replace(offset=offset, best=offset, urls=0, failures=0)


def begun(state: Download) -> Round:
    """A round of pieces, the first of which storage has begun to send."""
    return ranges.begun(_pieces(state), state.size or 0, state.etag or "", state.offset, state.islands)


def joined(state: Download, done: Round) -> tuple[Download, Action]:
    """A round of pieces is over.

    Args:
        state: where the download stood when it began.
        done: how it ended.
    """
    offset, count = ranges.whole(done.safe), sum(span.stop - span.start for span in done.safe)
    state, best = state._replace(offset=offset, islands=done.safe[1:] if offset else done.safe), state.best
    if count > best:
        state = state._replace(best=count, urls=0, failures=0)
    if offset == state.size:
        return state, Finish(offset)
    if done.status in state.absent:
        return state, Fail(Why.UNAVAILABLE, done.status)
    if done.status in EXPIRED:
        return _ask(state, done.status)
    return (state, _onward(state)) if count > best else _again(state, Why.BROKEN, done.status)


def ended(state: Download) -> tuple[Download, Action]:
    """The body has ended as its framing said that it would."""
    if state.size is None or state.offset == state.size:
        return state._replace(size=state.offset), Finish(state.offset)
    if state.offset > state.size:
        return _restart(state)
    return _again(state, Why.BROKEN)


def broke(state: Download) -> tuple[Download, Action]:
    """The exchange ended before its time."""
    return _again(state, Why.BROKEN)


def damaged(state: Download) -> tuple[Download, Action]:
    """The file is whole, but its checksum is wrong."""
    return _restart(state)


def _accepted(state: Download, head: Head) -> tuple[Download, Action]:
    """Storage sends the file or a part of it: is it the right one, and is it read as one stream or in pieces?"""
    part, todo = head.status == PART, _pieces(state)
    offset = (head.start or 0) if part else 0
    pin = head.strong or (_pin(state) if part else None)
    total = head.total if part and todo else None if head.length is None else offset + head.length
    if offset > state.offset or (state.size is not None and total is not None and total != state.size):
        return _restart(state._replace(size=state.size if part else total))
    if part and todo and pin is not None and offset == state.offset:
        return state._replace(etag=pin), Read(offset, several=True)
    split = None if todo or state.offset or pin is None else state.split
    size = state.size if total is None else total
    state = state._replace(offset=offset, size=size, etag=pin, split=split, islands=())
    in_vain = bool(part and todo) or bool(_pieces(state) and not part)
    return state, _onward(state) if in_vain else Read(offset)


def _onward(state: Download) -> Ask | Fetch:
    return Ask() if state.once else _fetch(state)


def _fetch(state: Download) -> Fetch:
    todo = _pieces(state)
    return Fetch(state.offset, _pin(state), state.failures, todo[0].stop if todo else None)


def _pin(state: Download) -> str | None:
    """The tag of what is safe on disk."""
    return state.etag if state.offset or state.islands else None


def _pieces(state: Download) -> tuple[Span, ...]:
    if state.split is None or state.size is None:
        return ()
    split = state.split._replace(piece=ONCE * state.split.piece) if state.once else state.split
    return ranges.pieces(split, state.size, state.offset, state.islands)


def _ask(state: Download, status: int) -> tuple[Download, Action]:
    if state.urls >= MAX_URLS:
        return state, Fail(Why.EXPIRED, status)
    return state._replace(urls=state.urls + 1), Ask()


def _again(state: Download, why: Why, status: int = 0) -> tuple[Download, Action]:
    failures = state.failures + 1
    if failures >= MAX_ATTEMPTS:
        return state, Fail(why, status)
    state = state._replace(failures=failures)
    return state, _onward(state)


def _restart(state: Download) -> tuple[Download, Action]:
    if state.restarts >= MAX_RESTARTS:
        return state, Fail(Why.DAMAGED)
    return state._replace(offset=0, best=0, etag=None, islands=(), restarts=state.restarts + 1), Ask()
