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

A body that broke off is continued with `Range` from its last byte only if its version is `lasting`: then `If-Range`
or the answer's own validators prove that both parts are of one version (`partial`). Without such a proof the file is
begun again from its first byte, for a change that keeps the size could not be seen.
What an answer says counts more than what is remembered. A part may be shorter than what was asked for: the rest is
asked for. A file whose size the storage does not say is whole when its whole body has ended, or when storage says that
nothing lies beyond the last byte (416). Places and sizes of a compressed answer are those of its compressed form.
Every byte beyond the furthest restores the attempts; a URL is asked for again at most `MAX_FRESH_URLS` times without
progress. Storage says 403 for an expired signature and some services 400, 401 or 404: none of them proves that the file
is gone, so a fresh URL is asked for. Where it is known which status says that there is no such file, that ends it.
Where a URL is good for one request, every request but the first after `given` is preceded by `Ask`. Pieces are longer
there, since each of them costs a call.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.core import parallel_download, partial
from callwell.core.partial import PARTIAL_CONTENT, UNKNOWN_VERSION

if TYPE_CHECKING:
    from callwell.core.parallel_download import DownloadRound, RangeSplit
    from callwell.core.partial import StorageHead, Version
    from callwell.core.ranges import ByteRange

MAX_ATTEMPTS: Final = 6
"""Attempts in a row that bring no byte."""

MAX_FRESH_URLS: Final = 4
"""Fresh URLs in a row that bring no byte."""

SINGLE_USE_FACTOR: Final = 8
"""How many times longer pieces are where each needs a URL of its own."""

MAX_RESTARTS: Final = 3
"""Times that a file may change under a download."""

EXPIRED_STATUSES: Final = frozenset({400, 401, 403, 404, 410})
OK_STATUS: Final = 200
RANGE_NOT_SATISFIABLE: Final = 416


class DownloadReason(StrEnum):
    """Why a download failed."""

    UNAVAILABLE = "unavailable"
    EXPIRED = "expired"
    BROKEN = "broken"
    DAMAGED = "damaged"
    REFUSED = "refused"
    CODED = "coded"
    PAGE = "page"
    UNREACHABLE = "unreachable"


class Download(NamedTuple):
    """Where a download stands. Plain values: it can be stored at any time.

    Attributes:
        offset: bytes that are safe on disk, in the form in which the storage sends them.
        size: bytes in all, as the storage says of this version.
        version: what the storage says of the version that is being read.
        urls: fresh URLs since the last byte.
        failures: attempts since the last byte.
        restarts: times that the file changed.
        best: the most bytes that were ever safe: one that came before is no progress.
        split: how it may be fetched in pieces; None for one stream.
        islands: what is safe on disk beyond the offset.
        once: a URL is good for one request.
        absent: statuses of the storage which say that there is no such file.
        announced: bytes in all, as the provider says.
        coding: content codings of what is being read.
        part: what is being read is a part of the file.
        asked: the first byte that was asked for with it.
        stop: the first byte that is not in it, where the storage says so.
        wait_s: seconds for which the storage asked to be left alone.
        no_page: the file is surely no web page.
    """

    offset: int = 0
    size: int | None = None
    version: Version = UNKNOWN_VERSION
    urls: int = 0
    failures: int = 0
    restarts: int = 0
    best: int = 0
    split: RangeSplit | None = None
    islands: tuple[ByteRange, ...] = ()
    once: bool = False
    absent: tuple[int, ...] = ()
    announced: int | None = None
    coding: tuple[str, ...] = ()
    part: bool = False
    asked: int = 0
    stop: int | None = None
    wait_s: float = 0.0
    no_page: bool = False

    @property
    def whole(self) -> int | None:
        """Bytes of the whole file as the storage sends it, where known: the provider speaks of the decoded one."""
        if self.size is not None:
            return self.size
        return None if self.coding else self.announced


class RequestUrl(NamedTuple):
    """Get a fresh signed URL from the provider."""


class FetchRange(NamedTuple):
    """Get the bytes from `offset` on.

    Attributes:
        offset: 0 for the whole file.
        pin: the validator for `If-Range`, if there is one.
        failures: failed attempts since the last byte, by which the wait before this one is chosen.
        stop: the first byte that is not wanted; None for all there are.
        wait_s: seconds for which the storage asked to be left alone.
    """

    offset: int
    pin: str | None
    failures: int
    stop: int | None = None
    wait_s: float = 0.0


class ReadBody(NamedTuple):
    """Write the body at `offset`, after cutting the file to that length, and report every piece.

    Attributes:
        offset: where the body begins.
        several: instead, begin a round of pieces with it; the file is cut unless something is safe beyond.
    """

    offset: int
    several: bool = False


class DownloadDone(NamedTuple):
    """The file is whole."""

    size: int


class DownloadFailed(NamedTuple):
    """The file cannot be had."""

    why: DownloadReason
    status: int = 0


Action = RequestUrl | FetchRange | ReadBody | DownloadDone | DownloadFailed


def accept_url(
    state: Download, size: int | None, *, once: bool = False, no_page: bool = False
) -> tuple[Download, Action]:
    """A fresh URL has come.

    Args:
        state: where the download stands.
        size: bytes, if the provider announces them.
        once: the URL is good for one request.
        no_page: the file is surely no web page.
    """
    state = state._replace(once=once, no_page=no_page)
    if size is not None:
        known = state.announced if state.size is None or state.coding else state.size
        state = state._replace(announced=size)
        if known not in (None, size) and (state.offset or state.islands):
            if state.restarts >= MAX_RESTARTS:
                return state, DownloadFailed(DownloadReason.DAMAGED)
            return _fetch_rest(_discard_version(state))
    if state.offset and state.offset == state.size and not state.failures:  # what broke off here may have gone on
        return state, DownloadDone(state.offset)
    return _fetch_rest(state)


def accept_head(state: Download, head: StorageHead) -> tuple[Download, Action]:
    """Storage has begun to answer.

    Args:
        state: where the download stands.
        head: what it says.
    """
    if head.status in state.absent:
        return state, DownloadFailed(DownloadReason.UNAVAILABLE, head.status)
    if head.status in EXPIRED_STATUSES:
        return _request_fresh_url(state, head.status)
    if head.status == RANGE_NOT_SATISFIABLE:
        return _accept_unsatisfiable(state, head)
    if head.status not in (OK_STATUS, PARTIAL_CONTENT):
        why = DownloadReason.REFUSED if head.status < 500 else DownloadReason.BROKEN  # noqa: PLR2004 - server errors
        return _retry(state, why, head.status, head.wait_s)
    if head.page and state.no_page:
        return _retry(state, DownloadReason.PAGE, head.status)
    if not partial.DECODABLE.issuperset(head.coding):
        return state._replace(coding=head.coding), DownloadFailed(DownloadReason.CODED, head.status)
    return _accept_whole(state, head) if head.status == OK_STATUS else _accept_part(state, head)


def add_bytes(state: Download, count: int) -> Download:
    """`count` more bytes are safe on disk."""
    offset = state.offset + count
    if offset <= state.best:
        return state._replace(offset=offset)
    return state._replace(offset=offset, best=offset, urls=0, failures=0, wait_s=0.0)


def start_round(state: Download) -> DownloadRound:
    """A round of pieces, the first of which storage has begun to send."""
    return parallel_download.start_round(
        _missing_ranges(state), state.whole or 0, state.version, state.offset, state.islands
    )


def end_round(state: Download, done: DownloadRound) -> tuple[Download, Action]:
    """A round of pieces is over.

    Args:
        state: where the download stood when it began.
        done: how it ended.
    """
    offset = parallel_download.leading_bytes(done.safe)
    count = sum(span.stop - span.start for span in done.safe)
    best = state.best
    state = state._replace(offset=offset, islands=done.safe[1:] if offset else done.safe, wait_s=done.wait_s)
    if count > best:
        state = state._replace(best=count, urls=0, failures=0)
    if offset == state.size:
        return state, DownloadDone(offset)
    if offset == state.whole:
        return _next_request(state)  # the provider says so; the storage has not yet
    if done.status in state.absent:
        return state, DownloadFailed(DownloadReason.UNAVAILABLE, done.status)
    if done.status in EXPIRED_STATUSES:
        return _request_fresh_url(state, done.status)
    return _next_request(state) if count > best else _retry(state, DownloadReason.BROKEN, done.status, done.wait_s)


def end_body(state: Download) -> tuple[Download, Action]:
    """The body has ended as its framing said that it would."""
    whole = state.whole
    for limit in (state.stop, whole):
        if limit is not None and state.offset > limit:
            return _restart(state)
    if state.stop is not None and state.offset < state.stop:
        return _retry(state, DownloadReason.BROKEN)
    if state.offset == state.size or (not state.part and whole in (None, state.offset)):
        return state._replace(size=state.offset), DownloadDone(state.offset)
    if state.part and state.offset > state.asked:
        return _next_request(state)
    return _retry(state, DownloadReason.BROKEN)


def break_off(state: Download, *, permanent: bool = False) -> tuple[Download, Action]:
    """The exchange ended before its time.

    Args:
        state: where the download stands.
        permanent: another attempt would fail in the same way, for instance at a certificate.
    """
    if permanent:
        return state, DownloadFailed(DownloadReason.UNREACHABLE)
    return _retry(state, DownloadReason.BROKEN)


def restart(state: Download) -> tuple[Download, Action]:
    """The file is whole, but what it holds cannot be right."""
    return _restart(state)


def _accept_whole(state: Download, head: StorageHead) -> tuple[Download, Action]:
    """Storage sends the whole file, whatever was asked for."""
    if None not in (head.length, state.announced) and head.length != state.announced and not head.coding:
        return _restart(state)
    ranged = bool(state.offset or state.islands or _missing_ranges(state))
    split = None if ranged or head.coding or head.version.strong is None else state.split
    state = state._replace(offset=0, islands=(), split=split)
    state = state._replace(size=head.length, version=head.version, coding=head.coding)
    if _missing_ranges(state):
        return _next_request(state)
    return state._replace(part=False, asked=0, stop=head.length), ReadBody(0)


def _accept_part(state: Download, head: StorageHead) -> tuple[Download, Action]:
    """Storage sends a part of the file: does it fit to what is there?"""
    if not head.consistent or head.start is None or head.start > state.offset:
        return _reject_part(state, head.status)
    version = head.version
    size = head.total
    if head.start or state.islands:
        version = state.version
        size = state.size if size is None else size
        proof = partial.is_same_version(version, head.version)
        if proof is False or head.coding != state.coding or state.size not in (None, size):
            return _restart(state)
        if proof is None and version.pin is None:
            return _reject_part(state, head.status)
    if None not in (head.total, state.announced) and head.total != state.announced and not head.coding:
        return _restart(state)
    if None not in (head.stop, size) and (head.stop or 0) > (size or 0):
        return _restart(state)
    pieces = _missing_ranges(state)
    state = state._replace(size=size, version=version, coding=head.coding)
    if pieces and head.start == state.offset and version.strong is not None and not head.coding:
        return state, ReadBody(head.start, several=True)
    if pieces:
        return _next_request(state._replace(split=None))
    asked = state.offset
    stop = head.stop
    if stop is None and head.length is not None:
        stop = head.start + head.length
    return state._replace(offset=head.start, islands=(), part=True, asked=asked, stop=stop), ReadBody(head.start)


def _accept_unsatisfiable(state: Download, head: StorageHead) -> tuple[Download, Action]:
    """Storage says that nothing lies where bytes were asked for: is the file whole, or another one?"""
    proof = partial.is_same_version(state.version, head.version)
    same = proof or (proof is None and state.version.pin is not None)
    said = head.total
    if said is None and not state.coding:
        said = state.announced
    if same and state.offset and not state.islands and said == state.offset and state.size in (None, said):
        return state._replace(size=said), DownloadDone(state.offset)
    return _restart(state)


def _reject_part(state: Download, status: int) -> tuple[Download, Action]:
    """A part that could be any: the second in a row has the file asked for as a whole."""
    if state.failures:
        state = _discard_bytes(state)._replace(split=None)
    return _retry(state, DownloadReason.BROKEN, status)


def _next_request(state: Download) -> tuple[Download, RequestUrl | FetchRange]:
    return (state, RequestUrl()) if state.once else _fetch_rest(state)


def _fetch_rest(state: Download) -> tuple[Download, FetchRange]:
    if not state.version.lasting and (state.offset or state.islands):
        state = _discard_bytes(state)
    pin = state.version.pin if state.offset or state.islands else None
    pieces = _missing_ranges(state)
    return state, FetchRange(state.offset, pin, state.failures, pieces[0].stop if pieces else None, state.wait_s)


def _missing_ranges(state: Download) -> tuple[ByteRange, ...]:
    if state.split is None or state.whole is None or state.coding:
        return ()
    split = state.split._replace(piece=SINGLE_USE_FACTOR * state.split.piece) if state.once else state.split
    return parallel_download.missing_ranges(split, state.whole, state.offset, state.islands)


def _request_fresh_url(state: Download, status: int) -> tuple[Download, Action]:
    if state.urls >= MAX_FRESH_URLS:
        return state, DownloadFailed(DownloadReason.EXPIRED, status)
    return state._replace(urls=state.urls + 1), RequestUrl()


def _retry(state: Download, why: DownloadReason, status: int = 0, wait_s: float = 0.0) -> tuple[Download, Action]:
    failures = state.failures + 1
    if failures >= MAX_ATTEMPTS:
        return state, DownloadFailed(why, status)
    return _next_request(state._replace(failures=failures, wait_s=wait_s))


def _restart(state: Download) -> tuple[Download, Action]:
    if state.restarts >= MAX_RESTARTS:
        return state, DownloadFailed(DownloadReason.DAMAGED)
    return _discard_version(state), RequestUrl()


def _discard_version(state: Download) -> Download:
    """The file is another one than before; one that changes again and again is not fetched in pieces."""
    split = None if state.restarts else state.split
    return _discard_bytes(state)._replace(best=0, restarts=state.restarts + 1, split=split)


def _discard_bytes(state: Download) -> Download:
    """What is there is not to be used."""
    return state._replace(offset=0, islands=(), size=None, version=UNKNOWN_VERSION, coding=())
