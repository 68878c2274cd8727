# SPDX-License-Identifier: Apache-2.0
"""One file behind a signed URL that expires: what to ask for next, and when it is whole.

::

          Url                  Opened: 200 or 206          Ended, right size
    URL ───────> FETCH ───────────────────────> BODY ───────────────────────> Finish
     ^             │ 403, 400, 401, 404: expired │ broken off: go on from the last byte
     └─────────────┴─────────────────────────────┘

A broken body is continued with `Range` from its last byte, pinned by `If-Range` with a strong ETag; without one, the
announced size is the pin, and a file whose size changed is begun again: a change that keeps the size goes unseen by
storage without ETags. Every byte beyond the furthest restores the attempts; a URL is asked for again at most `MAX_URLS`
times without progress. Storage says 403 for an expired signature and some
services 400, 401 or 404: none of them proves that the file is gone, only the provider's own answer does, so a fresh
URL is asked for.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

MAX_ATTEMPTS: Final = 6
"""Attempts in a row that bring no byte."""

MAX_URLS: Final = 4
"""Fresh URLs in a row that bring no byte."""

MAX_RESTARTS: Final = 3
"""Times that a file may change under a download."""

EXPIRED: Final = frozenset({400, 401, 403, 404, 410})
WHOLE: Final = 200
PART: Final = 206
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
        best: the furthest offset so far: a byte that came before is no progress.
    """

    offset: int = 0
    size: int | None = None
    etag: str | None = None
    urls: int = 0
    failures: int = 0
    restarts: int = 0
    best: int = 0


class Ask(NamedTuple):
    """Get a fresh signed URL from the provider."""


class Fetch(NamedTuple):
    """Get the bytes from `offset` on.

    Attributes:
        offset: 0 for the whole file.
        etag: for `If-Range`, if there is one.
        failures: failed attempts since the last byte, by which the wait before this one is chosen.
    """

    offset: int
    etag: str | None
    failures: int


class Read(NamedTuple):
    """Write the body at `offset`, after cutting the file to that length, and report every piece."""

    offset: int


class Finish(NamedTuple):
    """The file is whole."""

    size: int


class Fail(NamedTuple):
    """The file cannot be had."""

    why: Why
    status: int = 0


Action = Ask | Fetch | Read | Finish | Fail


def given(state: Download, size: int | None) -> tuple[Download, Action]:
    """A fresh URL has come, with the size that the provider announces."""
    if size is not None and state.size is not None and size != state.size:
        return _restart(state._replace(size=size))
    state = state._replace(size=size if size is not None else state.size)
    if state.size is not None and state.offset == state.size and state.offset:
        return state, Finish(state.offset)
    return state, _fetch(state)


def opened(
    state: Download, status: int, length: int | None, start: int | None, etag: str | None
) -> tuple[Download, Action]:
    """Storage has begun to answer.

    Args:
        state: where the download stands.
        status: the HTTP status.
        length: bytes of this body, if announced.
        start: the first byte's place in the file, from `Content-Range`; a part without one could be any part.
        etag: the answer's ETag; a weak one does not count.
    """
    strong = etag if etag and not etag.startswith("W/") else None
    if status in EXPIRED:
        return _ask(state, status)
    if status == UNSATISFIABLE:
        return _restart(state)
    if status not in (WHOLE, PART):
        return _again(state, Why.REFUSED if status < 500 else Why.BROKEN, status)  # noqa: PLR2004 - server errors
    if status == PART and start is None:
        return _again(state, Why.BROKEN, status)
    if status == PART and None not in (strong, state.etag) and strong != state.etag:
        return _restart(state)
    offset = (start or 0) if status == PART else 0
    pin = strong or (state.etag if status == PART else None)
    total = None if length is None else offset + length
    if offset > state.offset or (state.size is not None and total is not None and total != state.size):
        return _restart(state._replace(size=total if status == WHOLE else state.size))
    return state._replace(offset=offset, size=state.size if total is None else total, etag=pin), Read(offset)


def received(state: Download, count: int) -> Download:
    """`count` more bytes are safe on disk."""
    offset = state.offset + count
    if offset <= state.best:
        return state._replace(offset=offset)
    return state._replace(offset=offset, best=offset, urls=0, failures=0)


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


def _fetch(state: Download) -> Fetch:
    return Fetch(state.offset, state.etag if state.offset else None, state.failures)


def _ask(state: Download, status: int) -> tuple[Download, Action]:
    if state.urls >= MAX_URLS:
        return state, Fail(Why.EXPIRED, status)
    return state._replace(urls=state.urls + 1), Ask()


def _again(state: Download, why: Why, status: int = 0) -> tuple[Download, Action]:
    failures = state.failures + 1
    if failures >= MAX_ATTEMPTS:
        return state, Fail(why, status)
    state = state._replace(failures=failures)
    return state, _fetch(state)


def _restart(state: Download) -> tuple[Download, Action]:
    if state.restarts >= MAX_RESTARTS:
        return state, Fail(Why.DAMAGED)
    return state._replace(offset=0, best=0, etag=None, restarts=state.restarts + 1), Ask()
