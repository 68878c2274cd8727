# SPDX-License-Identifier: Apache-2.0
"""Downloads from storage that sends less than was requested, does not know sizes, or contradicts itself."""

from __future__ import annotations

import pytest

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
from callwell.core.parallel_download import RangeSplit
from callwell.core.ranges import ByteRange
from callwell.core.storage_head import FileVersion, StorageHead
from tests.core.storing import Storage, Turn

TAG = FileVersion('"x"')
HALF = Download(offset=5, size=9, version=TAG, high_water=5)


@pytest.mark.parametrize("totals", [True, False])
@pytest.mark.parametrize("announced", [True, False])
def test_parts_that_are_shorter_than_requested(totals: bool, announced: bool) -> None:  # noqa: FBT001 - drawn
    """One after the other, without waiting, until the whole is there: by its size, or because nothing follows."""
    script = [Turn(cut=3, sized=False), Turn(short=2, totals=totals)]
    storage = Storage([b"0123456789"], [*script, *script[1:] * 9], announced=announced)
    assert storage.fetch() == DownloadDone(10)
    assert bytes(storage.file) == b"0123456789"


def test_a_short_part_is_no_failure() -> None:
    """What follows it is requested at once."""
    state, step = download.accept_head(HALF._replace(failures=1), StorageHead(206, 2, 5, TAG, 9, 7))
    assert step == ReadBody(5)
    assert download.end_body(download.add_bytes(state, 2))[1] == FetchRange(7, '"x"', 0)


def test_the_same_part_for_ever_is_a_failure() -> None:
    """Storage that answers every range with the beginning brings nothing, and comes to an end."""
    state = HALF
    step: download.Action = FetchRange(5, '"x"', 0)
    requests = 0
    while isinstance(step, FetchRange):
        requests += 1
        state, opened = download.accept_head(state, StorageHead(206, 3, 0, TAG, 9, 3))
        assert opened == ReadBody(0)
        state, step = download.end_body(download.add_bytes(state, 3))
    assert (step, requests) == (DownloadFailed(DownloadReason.INTERRUPTED), download.MAX_ATTEMPTS)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (StorageHead(416, total=5, version=TAG), DownloadDone(5)),
        (StorageHead(416, total=5), DownloadDone(5)),
        (StorageHead(416, total=5, version=FileVersion('"y"')), RequestUrl()),
        (StorageHead(416, total=7), RequestUrl()),
        (StorageHead(416), RequestUrl()),
    ],
)
def test_nothing_beyond_the_last_byte(head: StorageHead, expected: object) -> None:
    """A file of unknown size is whole if storage says that it ends here; anything else is another file."""
    assert download.accept_head(HALF._replace(size=None), head)[1] == expected


@pytest.mark.parametrize(
    "head",
    [
        StorageHead(206, 4, 5, FileVersion('"y"'), 9, 9),
        StorageHead(206, 4, 5, FileVersion('W/"x"'), 9, 9),
        StorageHead(206, 5, 5, TAG, 10, 10),
        StorageHead(206, 6, 5, TAG, None, 11),
        StorageHead(206, 4, 5, TAG, 9, 9, ("gzip",)),
    ],
)
def test_a_part_of_another_file(head: StorageHead) -> None:
    """Another tag, another size, another coding: nothing of it is put beside what is there."""
    state, step = download.accept_head(HALF, head)
    assert (state.offset, state.restarts, step) == (0, 1, RequestUrl())


@pytest.mark.parametrize(
    "head",
    [
        StorageHead(206, 4),
        StorageHead(206, 3, 5, TAG, 9, 9),
        StorageHead(206, 5, 5, TAG, 9, 9),
        StorageHead(206, 3, 6, TAG, 9, 9),
    ],
)
def test_a_part_that_cannot_be_placed(head: StorageHead) -> None:
    """It is requested again, and if that does not help, the whole file is."""
    state, step = download.accept_head(HALF, head)
    assert step == FetchRange(5, '"x"', 1)
    assert download.accept_head(state, head)[1] == FetchRange(0, None, 2)


def test_a_part_without_any_proof() -> None:
    """A response without validators, to a request that could not be pinned, may be of any version."""
    dated = FileVersion('W/"x"', "day", has_strong_date=True)
    state, step = download.accept_head(HALF._replace(version=dated), StorageHead(206, 4, 5, FileVersion(), 9, 9))
    assert (state.offset, step) == (5, FetchRange(5, None, 1))
    assert download.accept_head(HALF._replace(version=dated), StorageHead(206, 4, 5, dated, 9, 9))[1] == ReadBody(5)


def test_a_body_that_is_longer_than_its_range() -> None:
    """What has no place cannot be believed in the rest either."""
    state, _ = download.accept_head(HALF._replace(size=None), StorageHead(206, None, 5, TAG, None, 7))
    state, step = download.end_body(download.add_bytes(state, 4))
    assert (state.offset, step) == (0, RequestUrl())


def test_a_body_that_is_shorter_than_its_range() -> None:
    """Its framing said that it was over; it was not."""
    state, _ = download.accept_head(HALF, StorageHead(206, None, 5, TAG, 9, 9))
    assert download.end_body(download.add_bytes(state, 2))[1] == FetchRange(7, '"x"', 1)


def test_sizes_of_a_compressed_answer_are_its_own() -> None:
    """What the provider announces is the size of the file, and not of its compressed form."""
    state, step = download.accept_url(Download(), 100)
    state, step = download.accept_head(state, StorageHead(200, 20, None, TAG, codings=("gzip",)))
    assert step == ReadBody(0)
    state, step = download.interrupt(download.add_bytes(state, 5))
    assert step == FetchRange(5, '"x"', 1)
    state, step = download.accept_head(state, StorageHead(206, 15, 5, TAG, 20, 20, ("gzip",)))
    assert step == ReadBody(5)
    assert download.end_body(download.add_bytes(state, 15))[1] == DownloadDone(20)


def test_a_coding_that_cannot_be_undone() -> None:
    """Compressed bytes are never saved under the file's name."""
    state, step = download.accept_head(Download(), StorageHead(200, 20, None, TAG, codings=("br",)))
    assert (state.codings, step) == (("br",), DownloadFailed(DownloadReason.UNKNOWN_CODING, 200))


@pytest.mark.parametrize("status", [429, 503])
def test_what_the_storage_asks_for_is_waited_for(status: int) -> None:
    """Whatever the own pace would be; a byte ends it."""
    state, step = download.accept_head(HALF, StorageHead(status, retry_after_s=7.0))
    assert step == FetchRange(5, '"x"', 1, None, 7.0)
    state, _ = download.accept_head(state, StorageHead(206, 4, 5, TAG, 9, 9))
    assert download.interrupt(download.add_bytes(state, 1))[1] == FetchRange(6, '"x"', 1)


def test_an_error_without_a_wait_keeps_none() -> None:
    """A wait was requested before, and not again."""
    state, _ = download.accept_head(HALF, StorageHead(503, retry_after_s=7.0))
    assert download.accept_head(state, StorageHead(503))[1] == FetchRange(5, '"x"', 2)


def test_a_tag_that_changes_with_every_request() -> None:
    """Storage that makes one up each time: after the second change the file is read as one stream."""
    state, step = download.accept_url(Download(split=RangeSplit(parallel=2, range_bytes=3, min_bytes=4)), 9)
    assert step == FetchRange(0, None, 0, 3)
    for number in range(2):
        state, step = download.accept_head(state, StorageHead(206, 3, 0, FileVersion(f'"{number}"'), 9, 3))
        assert step == ReadBody(0, parallel=True)
        done = parallel_download.end_request(download.start_round(state), ByteRange(3, 6), ByteRange(3, 6), status=206)[
            0
        ]
        state, step = download.end_round(state, parallel_download.add_bytes(done, ByteRange(0, 3), 3)[0])
        state, step = download.accept_head(state, StorageHead(206, 3, 3, FileVersion('"other"'), 9, 6))
        assert step == RequestUrl()
        state, step = download.accept_url(state, 9)
    assert step == FetchRange(0, None, 0)
