# SPDX-License-Identifier: Apache-2.0
"""A file that is fetched in several pieces at once, from storage that does its worst."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from callwell.core import download, parallel_download
from callwell.core.download import (
    Download,
    DownloadDone,
    DownloadFailed,
    DownloadReason,
    FetchRange,
    ReadBody,
    RequestUrl,
)
from callwell.core.parallel_download import DownloadRound, RangeSplit
from callwell.core.ranges import ByteRange
from callwell.core.storage_head import FileVersion, StorageHead
from tests.core.storing import Storage, Turn, scripts, three, versions

SPLIT = RangeSplit(parallel=3, range_bytes=3, min_bytes=6)
TAG = '"x"'

splits = st.builds(RangeSplit, parallel=st.integers(1, 5), range_bytes=st.integers(1, 7), min_bytes=st.integers(0, 12))
orders = st.lists(st.integers(0, 4), min_size=1, max_size=20)


@example(
    versions=three((0, 1, 2)),
    script=[Turn(version=2, totals=False), Turn(status=400), Turn(version=1)],
    reported=(True, False),
    split=RangeSplit(parallel=2, range_bytes=1, min_bytes=0),
    order=[0],
)
@given(versions=versions, script=scripts, reported=st.tuples(st.booleans(), st.booleans()), split=splits, order=orders)
def test_it_is_one_version_or_a_failure(
    versions: list[bytes],
    script: list[Turn],
    reported: tuple[bool, bool],
    split: RangeSplit,
    order: list[int],
) -> None:
    """Whatever storage does to whichever piece: what is finished is exactly one version of the file.

    Where a URL is good once, no round begins with one that was used.
    """
    announced, once = reported
    storage = Storage(versions, script, announced=announced, split=split, order=order, once=once)
    if isinstance(storage.fetch(), DownloadDone):
        assert storage.right


@given(sizes=st.permutations([3, 8, 15]), script=scripts, split=splits, tags=st.sampled_from(["weak", "none"]))
def test_without_strong_tags_there_are_no_pieces(
    sizes: list[int], script: list[Turn], split: RangeSplit, tags: str
) -> None:
    """Requests that nothing pins could be answered from different versions: such a file is read as one stream."""
    whole = [turn._replace(sized=True) for turn in script]
    storage = Storage(three(tuple(sizes)), whole, tags=tags, split=split)
    done = storage.fetch()
    assert storage.rounds == 0
    if isinstance(done, DownloadDone):
        assert storage.right


@given(
    size=st.integers(0, 60),
    script=st.lists(st.tuples(st.sampled_from([0, 0, 0, 403, 500]), st.none() | st.integers(1, 9))),
    announced=st.booleans(),
    split=splits,
    order=orders,
)
def test_nothing_is_fetched_twice(
    size: int,
    script: list[tuple[int, int | None]],
    announced: bool,  # noqa: FBT001 - drawn
    split: RangeSplit,
    order: list[int],
) -> None:
    """While the file does not change and ranges work, every byte is written once, through any breaks and expiries."""
    turns = [*(Turn(*item) for item in script), Turn()]
    storage = Storage([b"x" * size], turns, announced=announced, split=split, order=order)
    if isinstance(storage.fetch(), DownloadDone):
        assert storage.sent == len(storage.file) == size


@given(size=st.integers(6, 60), order=orders)
def test_a_good_storage_is_asked_once_for_each_piece(size: int, order: list[int]) -> None:
    """One round, one request a piece, all of them at once."""
    storage = Storage([bytes(range(size))], [Turn()], split=SPLIT, order=order)
    assert storage.fetch() == DownloadDone(size)
    assert bytes(storage.file) == bytes(range(size))
    assert (storage.rounds, storage.count) == (1, -(-size // 3))


def test_a_size_that_only_storage_knows() -> None:
    """The whole file has begun to come, and is left for its pieces; a small one is read."""
    large, small = (Storage([b"x" * size], [Turn()], announced=False, split=SPLIT) for size in (9, 5))
    assert (large.fetch(), large.rounds, large.count) == (DownloadDone(9), 1, 1 + 3)
    assert (small.fetch(), small.rounds, small.count) == (DownloadDone(5), 0, 1)


@pytest.mark.parametrize(
    ("turn", "expected", "requests"),
    [
        (Turn(ranges=False), DownloadDone(9), 1),
        (Turn(placed=False), DownloadDone(9), 3),
        (Turn(status=403), DownloadFailed(DownloadReason.EXPIRED, 403), 1 + download.MAX_FRESH_URLS),
        (Turn(status=500), DownloadFailed(DownloadReason.INTERRUPTED, 500), download.MAX_ATTEMPTS),
    ],
)
def test_storage_without_ranges_gets_one_request(turn: Turn, expected: object, requests: int) -> None:
    """A whole file is read as it comes, or requested; everything else ends as it would without pieces."""
    storage = Storage([b"123456789"], [turn], split=SPLIT)
    assert (storage.fetch(), storage.rounds, storage.count) == (expected, 0, requests)


def begun(size: int = 12, most: int = 3) -> tuple[Download, DownloadRound]:
    """A download that has begun to receive its first range."""
    state, step = download.accept_url(Download(split=SPLIT._replace(parallel=most)), size)
    assert step == FetchRange(0, None, 0, 3)
    state, step = download.accept_head(state, StorageHead(206, 3, 0, FileVersion(TAG), size))
    assert step == ReadBody(0, parallel=True)
    return state, download.start_round(state)


def fetched(now: DownloadRound, *spans: ByteRange) -> DownloadRound:
    """A round in which some pieces have come."""
    for span in spans:
        now, _ = parallel_download.add_bytes(now, span, span.stop - span.start)
    return now


def test_a_round_that_ends_early_is_taken_up() -> None:
    """What is safe beyond a gap is kept, and pinned: the next request is for the gap."""
    state, now = begun()
    now = fetched(now, ByteRange(3, 6), ByteRange(9, 12))
    state, step = download.end_round(state, now)
    assert (state.offset, state.later_ranges, step) == (
        0,
        (ByteRange(3, 6), ByteRange(9, 12)),
        FetchRange(0, TAG, 0, 3),
    )
    state, step = download.accept_head(state, StorageHead(206, 3, 0, FileVersion(TAG), 12))
    assert step == ReadBody(0, parallel=True)
    assert download.start_round(state).todo == (ByteRange(0, 3), ByteRange(6, 9))
    state, step = download.accept_head(state, StorageHead(200, 12, None, FileVersion('"y"')))
    assert (step, state.later_ranges, state.split) == (ReadBody(0), (), None)


def test_an_expired_url_ends_the_round_and_is_replaced_once() -> None:
    """Whoever is refused keeps the others from asking; what they have is kept."""
    state, now = begun()
    now, first = parallel_download.take_range(now)
    now, second = parallel_download.take_range(now)
    assert (first, second) == (ByteRange(0, 3), ByteRange(3, 6))
    now, following = parallel_download.end_request(now, ByteRange(3, 6), ByteRange(3, 6), status=403)
    assert following is None
    now = fetched(now, ByteRange(0, 3))
    now, following = parallel_download.end_request(now, ByteRange(3, 3), ByteRange(0, 3))
    assert (following, now.todo) == (None, (ByteRange(3, 6), ByteRange(6, 9), ByteRange(9, 12)))
    state, step = download.end_round(state, now)
    assert (step, state.offset, state.fresh_urls) == (RequestUrl(), 3, 1)


def test_a_worker_that_gets_nothing_ends_and_one_that_gets_something_goes_on() -> None:
    """A broken piece is continued from its last byte; storage that sends nothing has fewer and fewer callers."""
    _, now = begun()
    now, span = parallel_download.take_range(now)
    assert span == ByteRange(0, 3)
    now, rest = parallel_download.add_bytes(now, span, 1)
    now, following = parallel_download.end_request(now, rest, span)
    assert following == ByteRange(1, 3)
    now, following = parallel_download.end_request(now, rest, rest)
    assert (following, now.todo[0]) == (None, ByteRange(1, 3))


def test_a_round_without_a_byte_is_a_failed_attempt() -> None:
    """As many in a row as without pieces, and it is given up."""
    state, now = begun()
    for failures in range(1, download.MAX_ATTEMPTS):
        state, step = download.end_round(state, now)
        assert step == FetchRange(0, None, failures, 3)
    assert download.end_round(state, now)[1] == DownloadFailed(DownloadReason.INTERRUPTED)


@pytest.mark.parametrize(
    ("head", "fits"),
    [
        (StorageHead(206, 3, 3, FileVersion(TAG), 12), True),
        (StorageHead(206, None, 3), True),
        (StorageHead(206, 3, 3, FileVersion('"y"'), 12), False),
        (StorageHead(206, 3, 3, FileVersion(f"W/{TAG}"), 12), False),
        (StorageHead(206, 3, 3, FileVersion(TAG), 13), False),
        (StorageHead(206, 3, 0, FileVersion(TAG), 12), False),
        (StorageHead(206, 3, None, FileVersion(TAG), 12), False),
        (StorageHead(200, 12, 3, FileVersion(TAG), 12), False),
        (StorageHead(403), False),
    ],
)
def test_only_the_requested_range_fits(head: StorageHead, fits: bool) -> None:  # noqa: FBT001 - a table of cases
    """Another place, another version or another size is not written."""
    assert parallel_download.is_requested_range(begun()[1], ByteRange(3, 6), head) == fits


@pytest.mark.parametrize(
    ("offset", "islands", "expected"),
    [
        (0, (), [(0, 3), (3, 6), (6, 9), (9, 10)]),
        (4, (), [(4, 7), (7, 10)]),
        (5, (), []),
        (2, ((4, 5), (9, 10)), [(2, 4), (5, 8), (8, 9)]),
        (8, ((9, 10),), [(8, 9)]),
    ],
)
def test_pieces_fill_the_gaps(offset: int, islands: tuple[tuple[int, int], ...], expected: list[object]) -> None:
    """Nothing that is safe is requested again, and little is not split, unless there is something safe beyond it."""
    found = parallel_download.missing_ranges(SPLIT, 10, offset, tuple(ByteRange(*island) for island in islands))
    assert list(found) == expected
    assert parallel_download.missing_ranges(SPLIT._replace(parallel=1), 10, offset, ()) == ()


@given(st.lists(st.integers(0, 9), unique=True))
def test_what_is_safe_is_kept_short(places: list[int]) -> None:
    """However pieces come, adjacent ones become one."""
    now = DownloadRound(10, FileVersion(TAG), ())
    for place in places:
        now, _ = parallel_download.add_bytes(now, ByteRange(place, place + 1), 1)
    assert {byte for span in now.safe for byte in range(*span)} == set(places)
    assert all(one.stop < two.start for one, two in zip(now.safe, now.safe[1:], strict=False))


def test_a_version_that_changed_takes_its_pieces_with_it() -> None:
    """A part of another version begins everything again: nothing of the old one is kept beyond a gap."""
    state, now = begun()
    state, _ = download.end_round(state, fetched(now, ByteRange(3, 6)))
    state, step = download.accept_head(state, StorageHead(206, 3, 0, FileVersion('"y"'), 12))
    assert (step, state.offset, state.later_ranges, state.restarts) == (RequestUrl(), 0, (), 1)
    assert download.accept_url(state, 12)[1] == FetchRange(0, None, 0, 3)
