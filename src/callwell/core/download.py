# SPDX-License-Identifier: Apache-2.0
"""One file behind a signed URL that expires: what to ask for next, and when the file is whole.

::

          accept_url             accept_head: 200, 206              end_body, right size
    URL ────────────> FETCH ─────────────────────────────> BODY ──────────────────────────> DownloadDone
     ^                  │ 400, 401, 403, 404, 410: expired? │ interrupt: continue from the last byte
     └──────────────────┴───────────────────────────────────┘

**Validators.** A body that broke off is continued with `Range` from its last byte only if `If-Range`, or the response's
own validators, can prove that both parts are of one version (`storage_head`). Without that proof the file starts again,
because a change that keeps the size would go unnoticed.

**Parts.** A part may be shorter than requested; then the rest is requested. A file of unknown size is complete when a
complete body of it has ended, or when the storage says that there is nothing after the last byte (416). Offsets and
sizes of a compressed response are those of its compressed form.

**Parallel ranges.** A large file of known size is fetched in several ranges in parallel if the storage answers the
request for the first one with that range and a strong ETag: `ReadBody.parallel` then starts a round, which ends with
`end_round`. A storage that does anything else is read as one stream, and bytes beyond the first gap are fetched again.

**Expiry.** Storages answer 403 for an expired signature, and some services 400, 401, 404 or 410 (`EXPIRED_STATUSES`).
None of them proves that the file is gone. Only the provider can, so it is asked for a fresh URL, unless the profile
names a status that means "no such file". If a URL works only once, each request is preceded by `RequestUrl`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.core import parallel_download, storage_head
from callwell.core.storage_head import PARTIAL_CONTENT, UNKNOWN_VERSION

if TYPE_CHECKING:
    from callwell.core.parallel_download import DownloadRound, RangeSplit
    from callwell.core.ranges import ByteRange
    from callwell.core.storage_head import FileVersion, StorageHead

MAX_ATTEMPTS: Final = 6
"""Consecutive attempts without a new byte: as many as a call makes by default."""

MAX_FRESH_URLS: Final = 4
"""Consecutive fresh URLs without a new byte: one may expire in transit, four do not."""

SINGLE_USE_FACTOR: Final = 8
"""How much longer ranges are where each needs a URL of its own, which costs a call."""

MAX_RESTARTS: Final = 3
"""How often a file may change during a download."""

EXPIRED_STATUSES: Final = frozenset({400, 401, 403, 404, 410})
OK_STATUS: Final = 200
RANGE_NOT_SATISFIABLE: Final = 416
SERVER_ERRORS: Final = 500


class DownloadReason(StrEnum):
    """Why a download failed."""

    UNAVAILABLE = "unavailable"
    EXPIRED = "expired"
    INTERRUPTED = "interrupted"
    MISMATCH = "mismatch"
    REFUSED = "refused"
    UNKNOWN_CODING = "unknown coding"
    WEB_PAGE = "web page"
    UNREACHABLE = "unreachable"


class Download(NamedTuple):
    """The state of a download. Plain values: it can be stored at any time.

    Attributes:
        offset: bytes that are safe on disk, counted from the beginning, in the encoding that the storage sends.
        size: bytes of the file, as the storage says of this version.
        version: the validators of the version that is being read.
        fresh_urls: fresh URLs since the last byte.
        failures: failed attempts since the last byte.
        restarts: how often the file changed.
        high_water: the most bytes that were ever safe; bytes that arrive again are not progress.
        split: how it may be fetched in ranges; None for one stream.
        later_ranges: what is safe on disk beyond the offset.
        single_use: a URL works for one request only.
        absent_statuses: statuses of the storage that mean "no such file".
        announced_size: bytes of the file, as the provider says.
        codings: content codings of what is being read.
        is_part: a part of the file is being read.
        requested_start: the first byte requested with it.
        part_stop: the first byte after it, where the storage says so.
        retry_after_s: seconds that the storage asked the client to wait.
        not_html: the file is certainly not a web page.
    """

    offset: int = 0
    size: int | None = None
    version: FileVersion = UNKNOWN_VERSION
    fresh_urls: int = 0
    failures: int = 0
    restarts: int = 0
    high_water: int = 0
    split: RangeSplit | None = None
    later_ranges: tuple[ByteRange, ...] = ()
    single_use: bool = False
    absent_statuses: tuple[int, ...] = ()
    announced_size: int | None = None
    codings: tuple[str, ...] = ()
    is_part: bool = False
    requested_start: int = 0
    part_stop: int | None = None
    retry_after_s: float = 0.0
    not_html: bool = False

    @property
    def known_size(self) -> int | None:
        """Bytes of the file as the storage sends it, if known; the provider's size is that of the decoded file."""
        if self.size is not None:
            return self.size
        return None if self.codings else self.announced_size


class RequestUrl(NamedTuple):
    """Get a fresh signed URL from the provider."""


class FetchRange(NamedTuple):
    """Get the bytes from `offset` on.

    Attributes:
        offset: 0 for the whole file.
        if_range: the validator for `If-Range`, if there is one.
        failures: failed attempts since the last byte; they choose the wait before this one.
        stop: the first byte that is not wanted; None for all of them.
        retry_after_s: seconds that the storage asked the client to wait.
    """

    offset: int
    if_range: str | None
    failures: int
    stop: int | None = None
    retry_after_s: float = 0.0


class ReadBody(NamedTuple):
    """Write the body at `offset`, after cutting the file to that length, and report every chunk.

    Attributes:
        parallel: start a round of ranges with it instead; the file is cut unless something beyond is safe.
    """

    offset: int
    parallel: bool = False


class DownloadDone(NamedTuple):
    """The file is whole."""

    size: int


class DownloadFailed(NamedTuple):
    """The file cannot be downloaded."""

    reason: DownloadReason
    status: int = 0


Action = RequestUrl | FetchRange | ReadBody | DownloadDone | DownloadFailed


def accept_url(
    state: Download, size: int | None, *, single_use: bool = False, not_html: bool = False
) -> tuple[Download, Action]:
    """A fresh URL has arrived.

    Args:
        state: the state of the download.
        size: bytes of the file, if the provider announces them.
        single_use: the URL works for one request only.
        not_html: the file is certainly not a web page.
    """
    state = state._replace(single_use=single_use, not_html=not_html)
    if size is not None:
        known = state.announced_size if state.size is None or state.codings else state.size
        state = state._replace(announced_size=size)
        if known not in (None, size) and (state.offset or state.later_ranges):
            if state.restarts >= MAX_RESTARTS:
                return state, DownloadFailed(DownloadReason.MISMATCH)
            return _fetch_rest(_discard_version(state))
    if state.offset and state.offset == state.size and not state.failures:  # the body may have been longer
        return state, DownloadDone(state.offset)
    return _fetch_rest(state)


def accept_head(state: Download, head: StorageHead) -> tuple[Download, Action]:
    """The storage has begun to answer."""
    if head.status in state.absent_statuses:
        return state, DownloadFailed(DownloadReason.UNAVAILABLE, head.status)
    if head.status in EXPIRED_STATUSES:
        return _request_fresh_url(state, head.status)
    if head.status == RANGE_NOT_SATISFIABLE:
        return _accept_unsatisfiable(state, head)
    if head.status not in (OK_STATUS, PARTIAL_CONTENT):
        reason = DownloadReason.REFUSED if head.status < SERVER_ERRORS else DownloadReason.INTERRUPTED
        return _retry(state, reason, head.status, head.retry_after_s)
    if head.is_html and state.not_html:
        return _retry(state, DownloadReason.WEB_PAGE, head.status)
    if not storage_head.DECODABLE.issuperset(head.codings):
        return state._replace(codings=head.codings), DownloadFailed(DownloadReason.UNKNOWN_CODING, head.status)
    return _accept_whole(state, head) if head.status == OK_STATUS else _accept_part(state, head)


def add_bytes(state: Download, count: int) -> Download:
    """`count` more bytes are safe on disk."""
    offset = state.offset + count
    if offset <= state.high_water:
        return state._replace(offset=offset)
    return state._replace(offset=offset, high_water=offset, fresh_urls=0, failures=0, retry_after_s=0.0)


def start_round(state: Download) -> DownloadRound:
    """A round of parallel ranges; the storage has begun to send the first one."""
    missing = _missing_ranges(state)
    return parallel_download.start_round(
        missing, state.known_size or 0, state.version, offset=state.offset, later_ranges=state.later_ranges
    )


def end_round(state: Download, done: DownloadRound) -> tuple[Download, Action]:
    """A round of parallel ranges, which started at this state, has ended."""
    offset = parallel_download.count_leading(done.safe)
    count = sum(known.stop - known.start for known in done.safe)
    has_progressed = count > state.high_water
    later_ranges = done.safe[1:] if offset else done.safe
    state = state._replace(offset=offset, later_ranges=later_ranges, retry_after_s=done.retry_after_s)
    if has_progressed:
        state = state._replace(high_water=count, fresh_urls=0, failures=0)
    if offset == state.size:
        return state, DownloadDone(offset)
    if offset == state.known_size:
        return _next_request(state)  # the provider's size is reached; the storage must confirm it
    if done.status in state.absent_statuses:
        return state, DownloadFailed(DownloadReason.UNAVAILABLE, done.status)
    if done.status in EXPIRED_STATUSES:
        return _request_fresh_url(state, done.status)
    if has_progressed:
        return _next_request(state)
    return _retry(state, DownloadReason.INTERRUPTED, done.status, done.retry_after_s)


def end_body(state: Download) -> tuple[Download, Action]:
    """The body has ended where its framing said it would."""
    for limit in (state.part_stop, state.known_size):
        if limit is not None and state.offset > limit:
            return restart(state)
    if state.part_stop is not None and state.offset < state.part_stop:
        return _retry(state, DownloadReason.INTERRUPTED)
    is_whole_body = not state.is_part and state.known_size in (None, state.offset)
    if state.offset == state.size or is_whole_body:
        return state._replace(size=state.offset), DownloadDone(state.offset)
    if state.is_part and state.offset > state.requested_start:
        return _next_request(state)
    return _retry(state, DownloadReason.INTERRUPTED)


def interrupt(state: Download, *, permanent: bool = False) -> tuple[Download, Action]:
    """The exchange ended early; if `permanent`, another attempt would fail in the same way."""
    if permanent:
        return state, DownloadFailed(DownloadReason.UNREACHABLE)
    return _retry(state, DownloadReason.INTERRUPTED)


def restart(state: Download) -> tuple[Download, Action]:
    """The bytes so far cannot be right, or belong to another version: start again from the first byte."""
    if state.restarts >= MAX_RESTARTS:
        return state, DownloadFailed(DownloadReason.MISMATCH)
    return _discard_version(state), RequestUrl()


def _accept_whole(state: Download, head: StorageHead) -> tuple[Download, Action]:
    """Accept the whole file, even if a part was requested."""
    if _contradicts_provider(state, head, head.content_length):
        return restart(state)
    asked_for_range = bool(state.offset or state.later_ranges or _missing_ranges(state))
    can_split = not asked_for_range and not head.codings and head.version.strong_etag is not None
    state = state._replace(offset=0, later_ranges=(), split=state.split if can_split else None)
    state = state._replace(size=head.content_length, version=head.version, codings=head.codings)
    if _missing_ranges(state):
        return _next_request(state)
    return state._replace(is_part=False, requested_start=0, part_stop=head.content_length), ReadBody(0)


def _accept_part(state: Download, head: StorageHead) -> tuple[Download, Action]:
    """The storage sends a part of the file: does it fit the bytes so far?"""
    if not head.is_consistent or head.start is None or head.start > state.offset:
        return _reject_part(state, head.status)
    version = head.version
    size = head.total
    if head.start or state.later_ranges:
        version = state.version
        size = state.size if size is None else size
        proof = storage_head.is_same_version(version, head.version)
        if proof is False or head.codings != state.codings or state.size not in (None, size):
            return restart(state)
        if proof is None and version.if_range is None:
            return _reject_part(state, head.status)
    if _contradicts_provider(state, head, head.total):
        return restart(state)
    if None not in (head.stop, size) and (head.stop or 0) > (size or 0):
        return restart(state)
    missing = _missing_ranges(state)
    requested_start = state.offset
    state = state._replace(size=size, version=version, codings=head.codings)
    if missing and head.start == requested_start and version.strong_etag is not None and not head.codings:
        return state, ReadBody(head.start, parallel=True)
    if missing:
        return _next_request(state._replace(split=None))
    stop = head.stop
    if stop is None and head.content_length is not None:
        stop = head.start + head.content_length
    state = state._replace(offset=head.start, later_ranges=(), is_part=True, requested_start=requested_start)
    return state._replace(part_stop=stop), ReadBody(head.start)


def _accept_unsatisfiable(state: Download, head: StorageHead) -> tuple[Download, Action]:
    """Decide after a 416 (no bytes at that offset): the file is complete, or it is another version."""
    proof = storage_head.is_same_version(state.version, head.version)
    is_same = proof or (proof is None and state.version.if_range is not None)
    size = state.size if state.codings else head.total  # a 416 does not say which coding its size is of
    if size is None and not state.codings:
        size = state.announced_size
    is_whole = state.offset and not state.later_ranges and size == state.offset and state.size in (None, size)
    if is_same and is_whole:
        return state._replace(size=size), DownloadDone(state.offset)
    return restart(state)


def _contradicts_provider(state: Download, head: StorageHead, size: int | None) -> bool:
    """Whether the storage's size contradicts the provider's, which is that of the decoded file."""
    return not head.codings and None not in (size, state.announced_size) and size != state.announced_size


def _reject_part(state: Download, status: int) -> tuple[Download, Action]:
    """Reject a part that cannot be placed; after the second in a row, request the whole file."""
    if state.failures:
        state = _discard_bytes(state)._replace(split=None)
    return _retry(state, DownloadReason.INTERRUPTED, status)


def _next_request(state: Download) -> tuple[Download, RequestUrl | FetchRange]:
    return (state, RequestUrl()) if state.single_use else _fetch_rest(state)


def _fetch_rest(state: Download) -> tuple[Download, FetchRange]:
    if not state.version.is_provable and (state.offset or state.later_ranges):
        state = _discard_bytes(state)
    missing = _missing_ranges(state)
    return state, FetchRange(
        offset=state.offset,
        if_range=state.version.if_range if state.offset or state.later_ranges else None,
        failures=state.failures,
        stop=missing[0].stop if missing else None,
        retry_after_s=state.retry_after_s,
    )


def _missing_ranges(state: Download) -> tuple[ByteRange, ...]:
    split = state.split
    if split is None or state.known_size is None or state.codings:
        return ()
    if state.single_use:
        split = split._replace(range_bytes=SINGLE_USE_FACTOR * split.range_bytes)
    return parallel_download.missing_ranges(split, state.known_size, state.offset, state.later_ranges)


def _request_fresh_url(state: Download, status: int) -> tuple[Download, Action]:
    if state.fresh_urls >= MAX_FRESH_URLS:
        return state, DownloadFailed(DownloadReason.EXPIRED, status)
    return state._replace(fresh_urls=state.fresh_urls + 1), RequestUrl()


def _retry(
    state: Download, reason: DownloadReason, status: int = 0, retry_after_s: float = 0.0
) -> tuple[Download, Action]:
    failures = state.failures + 1
    if failures >= MAX_ATTEMPTS:
        return state, DownloadFailed(reason, status)
    return _next_request(state._replace(failures=failures, retry_after_s=retry_after_s))


def _discard_version(state: Download) -> Download:
    """The file has changed; one that changes again and again is read as one stream."""
    split = None if state.restarts else state.split
    return _discard_bytes(state)._replace(high_water=0, restarts=state.restarts + 1, split=split)


def _discard_bytes(state: Download) -> Download:
    """The bytes so far must not be used."""
    return state._replace(offset=0, later_ranges=(), size=None, version=UNKNOWN_VERSION, codings=())
