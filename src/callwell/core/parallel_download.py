# SPDX-License-Identifier: Apache-2.0
"""Ranges of one large file that are fetched in parallel: which are still missing, and which are safe.

A round starts when the storage has answered with a part of a file of known size, under a strong ETag, and every request
of the round is pinned by that tag, so that all ranges are of one version. Several workers take one range each, the
first in the file first. A range that breaks off continues from its last byte; a request that brought nothing ends its
worker; and after a response that does not fit (an expired URL, the whole file, another version, a refusal) no worker
makes another request. `download.end_round` decides what follows: the next round starts with a single request, which
meets the same problem if it persists.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

from callwell.core import ranges, storage_head
from callwell.core.ranges import ByteRange
from callwell.core.storage_head import PARTIAL_CONTENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.core.storage_head import FileVersion, StorageHead


class RangeSplit(NamedTuple):
    """When a file is fetched in ranges, and how.

    Attributes:
        parallel: ranges that are fetched in parallel: enough to exceed what a storage gives one connection, few enough
            to leave connections to others.
        range_bytes: bytes of a range: large enough for the request overhead to be negligible, small enough to keep all
            workers busy.
        min_bytes: bytes that must be missing for a split to be worth it: two ranges.
    """

    parallel: int = 4
    range_bytes: int = 8 << 20
    min_bytes: int = 16 << 20


class DownloadRound(NamedTuple):
    """The state of the ranges.

    Attributes:
        size: of the file.
        version: of all ranges, with a strong ETag.
        todo: ranges that no worker is fetching yet, in order.
        safe: what is on disk, in order, no two ranges touching.
        is_over: no further request is to be made.
        status: of the response that did not fit.
        retry_after_s: seconds that that response asked the client to wait.
    """

    size: int
    version: FileVersion
    todo: tuple[ByteRange, ...]
    safe: tuple[ByteRange, ...] = ()
    is_over: bool = False
    status: int = 0
    retry_after_s: float = 0.0


def missing_ranges(
    split: RangeSplit, size: int, offset: int, later_ranges: tuple[ByteRange, ...]
) -> tuple[ByteRange, ...]:
    """The ranges that are missing, or none if a split is not worth it.

    Args:
        split: the thresholds.
        size: of the file.
        offset: bytes that are safe, counted from the beginning.
        later_ranges: what is safe beyond them.
    """
    if split.parallel == 1 or not (later_ranges or size - offset >= split.min_bytes):
        return ()
    return tuple(_split_gaps(split.range_bytes, size, offset, later_ranges))


def start_round(
    todo: tuple[ByteRange, ...], size: int, version: FileVersion, *, offset: int, later_ranges: tuple[ByteRange, ...]
) -> DownloadRound:
    """A round; the storage has begun to send its first range.

    Args:
        todo: the ranges that are missing.
        size: of the file.
        version: of the file.
        offset: bytes that are safe, counted from the beginning.
        later_ranges: what is safe beyond them.
    """
    safe = (ByteRange(0, offset), *later_ranges) if offset else later_ranges
    return DownloadRound(size=size, version=version, todo=todo, safe=safe)


def take_range(state: DownloadRound) -> tuple[DownloadRound, ByteRange | None]:
    """The next range for a worker, if there is one to fetch."""
    if state.is_over or not state.todo:
        return state, None
    return state._replace(todo=state.todo[1:]), state.todo[0]


def is_requested_range(state: DownloadRound, wanted: ByteRange, head: StorageHead) -> bool:
    """Whether a response is the requested range, of the same version of the file.

    Args:
        state: the state of the round.
        wanted: the range.
        head: the response; without an ETag, it matched the one that the request was pinned to.
    """
    if head.status != PARTIAL_CONTENT or head.start != wanted.start or head.codings or not head.is_consistent:
        return False
    is_inside = head.stop is None or head.stop <= state.size
    has_size = head.total in (None, state.size)
    return is_inside and has_size and storage_head.is_same_version(state.version, head.version) is not False


def add_bytes(state: DownloadRound, wanted: ByteRange, count: int) -> tuple[DownloadRound, ByteRange]:
    """The first `count` bytes of a range are safe; returns the rest of it."""
    came = ByteRange(wanted.start, wanted.start + count)
    return state._replace(safe=ranges.merge(state.safe, came)), ByteRange(came.stop, wanted.stop)


def end_request(
    state: DownloadRound, left: ByteRange, requested: ByteRange, *, status: int = 0, retry_after_s: float = 0.0
) -> tuple[DownloadRound, ByteRange | None]:
    """A request has ended, and what its worker fetches next.

    Args:
        state: the state of the round.
        left: what is left of the range.
        requested: what was left of it when the request was made.
        status: of a response that did not fit; 0 for none, or one that did.
        retry_after_s: seconds that that response asks the client to wait.
    """
    if status:
        longest_s = max(retry_after_s, state.retry_after_s)
        state = state._replace(is_over=True, status=status, retry_after_s=longest_s)
    if left.start == left.stop:
        return take_range(state)
    if left.start > requested.start and not state.is_over:
        return state, left
    return state._replace(todo=tuple(sorted((left, *state.todo)))), None


def count_leading(safe: tuple[ByteRange, ...]) -> int:
    """Bytes that are safe, counted from the beginning."""
    return safe[0].stop if safe and safe[0].start == 0 else 0


def cut_ranges(safe: tuple[ByteRange, ...], offset: int) -> tuple[ByteRange, ...]:
    """Cut ranges off at an offset."""
    return tuple([ByteRange(known.start, min(known.stop, offset)) for known in safe if known.start < offset])


def are_disjoint(safe: tuple[ByteRange, ...]) -> bool:
    """Whether ranges are as `ranges.merge` gives them: none empty, in order, no two of them touching."""
    edges = [-1, *(edge for known in safe for edge in known)]
    return all(edge < other for edge, other in itertools.pairwise(edges))


def _split_gaps(range_bytes: int, size: int, offset: int, later_ranges: tuple[ByteRange, ...]) -> Iterator[ByteRange]:
    for later in (*later_ranges, ByteRange(size, size)):
        for start in range(offset, later.start, range_bytes):
            yield ByteRange(start, min(start + range_bytes, later.start))
        offset = later.stop
