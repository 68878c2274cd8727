# SPDX-License-Identifier: Apache-2.0
"""A download against storage that expires, breaks off, changes and lies: one version's bytes, or a failure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.core import download
from callwell.core.download import (
    Download,
    DownloadDone,
    DownloadFailed,
    DownloadReason,
    FetchRange,
    ReadBody,
    RequestUrl,
)
from callwell.core.storage_head import FileVersion, StorageHead
from tests.core.storing import Storage, Turn, scripts, three, versions


@given(versions=versions, script=scripts, announced=st.booleans(), once=st.booleans())
def test_with_strong_tags_it_is_one_version_or_a_failure(
    versions: list[bytes],
    script: list[Turn],
    announced: bool,  # noqa: FBT001 - drawn
    once: bool,  # noqa: FBT001 - drawn
) -> None:
    """Whatever storage does, even if it ignores `If-Range`: what is finished is exactly one version of the file.

    Where a URL is good once, none is used again.
    """
    storage = Storage(versions, script, announced=announced, once=once)
    if isinstance(storage.fetch(), DownloadDone):
        assert storage.right


@given(
    versions=versions,
    script=scripts,
    tags=st.sampled_from(["weak", "none", "dated", "weak-dated"]),
    announced=st.booleans(),
)
def test_without_strong_tags_it_is_one_version_or_a_failure(
    versions: list[bytes],
    script: list[Turn],
    tags: str,
    announced: bool,  # noqa: FBT001 - drawn
) -> None:
    """Weak ETags that never change, none at all, or dates: parts are joined only where a date proves that they may be.

    Storage says how long its bodies are: one that does not, and breaks off, looks like one that is whole.
    """
    whole = [turn._replace(sized=True) for turn in script]
    storage = Storage(versions, whole, tags=tags, announced=announced)
    if isinstance(storage.fetch(), DownloadDone):
        assert storage.right


def test_a_416_does_not_confirm_a_coded_file() -> None:
    """One byte of a gzip stream came; the storage then says that the plain file, under the same tag, has one byte."""
    broken = Turn(cut=1, sized=False, coded=True)
    storage = Storage([b"a"], [broken, Turn(), Turn()], announced=False)
    assert isinstance(storage.fetch(), DownloadDone)
    assert storage.right


def test_a_change_of_the_same_size_is_seen_by_its_tag() -> None:
    """Storage that ignores `If-Range` and answers with a part of another version: begun again, not mixed."""
    storage = Storage([b"aaaa", b"bbbb"], [Turn(cut=2), *(Turn(version=1, pinned=False),) * 9])
    assert storage.fetch() == DownloadDone(4)
    assert bytes(storage.file) == b"bbbb"


def test_a_part_without_a_tag_keeps_the_pin() -> None:
    """A part need not repeat the ETag: the next request is still pinned. Without a pin the file begins again."""
    state, _ = download.accept_head(Download(), StorageHead(200, 9, None, FileVersion('"x"')))
    state, _ = download.interrupt(download.add_bytes(state, 3))
    state, _ = download.accept_head(state, StorageHead(206, 6, 3))
    assert download.interrupt(download.add_bytes(state, 3))[1] == FetchRange(6, '"x"', 1)
    state, _ = download.accept_head(Download(), StorageHead(200, 9, None, FileVersion('W/"x"')))
    assert download.interrupt(download.add_bytes(state, 3))[1] == FetchRange(0, None, 1)


def test_a_tag_pins_nothing_while_there_is_nothing() -> None:
    """A break before the first byte is followed by a plain request."""
    state, _ = download.accept_head(Download(), StorageHead(200, 9, None, FileVersion('"x"')))
    assert download.interrupt(state)[1] == FetchRange(0, None, 1)


def test_a_part_that_begins_elsewhere() -> None:
    """A part that leaves a gap is requested again, not written; one that overlaps is written where it belongs."""
    state = Download(offset=5, size=9, version=FileVersion('"x"'))
    assert download.accept_head(state, StorageHead(206, 2, 7))[1] == FetchRange(5, '"x"', 1)
    assert download.accept_head(state._replace(failures=1), StorageHead(206, 2, 7))[1] == FetchRange(0, None, 2)
    assert download.accept_head(state, StorageHead(206, 6, 3))[1] == ReadBody(3)


def test_more_bytes_than_announced() -> None:
    """A body that is longer than the file is damaged: begun again."""
    assert download.end_body(Download(offset=12, size=9))[1] == RequestUrl()


@pytest.mark.parametrize("tags", ["none", "weak"])
def test_a_change_of_the_same_size_is_not_mixed_without_tags(tags: str) -> None:
    """Storage without validators: what broke off is begun again."""
    storage = Storage([b"aaaa", b"bbbb"], [Turn(cut=2), Turn(version=1)], tags=tags)
    assert storage.fetch() == DownloadDone(4)
    assert bytes(storage.file) == b"bbbb"


@given(
    size=st.integers(0, 40),
    script=st.lists(st.tuples(st.sampled_from([0, 0, 403, 500]), st.none() | st.integers(1, 9))),
    announced=st.booleans(),
    tags=st.sampled_from(["strong", "dated", "weak-dated"]),
)
def test_nothing_is_fetched_twice(
    size: int,
    script: list[tuple[int, int | None]],
    announced: bool,  # noqa: FBT001 - drawn
    tags: str,
) -> None:
    """While validators are strong and ranges work, every byte is sent once, through any breaks and expiries."""
    storage = Storage([b"x" * size], [*(Turn(*item) for item in script), Turn()], announced=announced, tags=tags)
    if isinstance(storage.fetch(), DownloadDone):
        assert storage.sent == len(storage.file) == size


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ([Turn(status=403)], DownloadReason.EXPIRED),
        ([Turn(status=500)], DownloadReason.INTERRUPTED),
        ([Turn(status=429)], DownloadReason.REFUSED),
        ([Turn(cut=0)], DownloadReason.INTERRUPTED),
        ([Turn(cut=5, ranges=False)], DownloadReason.INTERRUPTED),
        ([Turn(cut=5, sized=False, ranges=False)], DownloadReason.INTERRUPTED),
        ([Turn(cut=1, placed=False)], DownloadReason.INTERRUPTED),
        ([Turn(status=416)], DownloadReason.MISMATCH),
        ([Turn(cut=5), Turn(version=1, cut=5, pinned=False)], DownloadReason.MISMATCH),
        ([Turn(cut=5), Turn(version=1, cut=5)], DownloadReason.INTERRUPTED),
    ],
)
def test_it_gives_up(script: list[Turn], why: DownloadReason) -> None:
    """Without progress beyond the furthest byte every trouble has an end, and says which it was."""
    end = Storage([b"a" * 9, b"b" * 11], script, announced=False).fetch()
    assert isinstance(end, DownloadFailed)
    assert end.reason is why


@given(script=scripts, versions=versions)
def test_it_always_ends(script: list[Turn], versions: list[bytes]) -> None:
    """A file of a few bytes takes a bounded number of actions, whatever happens."""
    storage = Storage(versions, script)
    storage.fetch()
    longest = max(map(len, versions))
    rounds = (download.MAX_RESTARTS + 1) * (longest + 1)
    assert storage.count <= rounds * download.MAX_ATTEMPTS * (download.MAX_FRESH_URLS + 1)


def test_a_size_that_the_provider_announces_wrongly() -> None:
    """A file that is never as long as announced is damaged, not accepted."""
    state, action = download.accept_url(Download(), 10)
    steps = 0
    while not isinstance(action, DownloadFailed):
        steps += 1
        if isinstance(action, RequestUrl):
            state, action = download.accept_url(state, 10)
        else:
            assert isinstance(action, FetchRange)
            state, action = download.accept_head(state, StorageHead(200, 9))
    assert (action.reason, steps <= 3 * download.MAX_RESTARTS) == (DownloadReason.MISMATCH, True)


@pytest.mark.parametrize("size", [None, 0])
def test_an_empty_file(size: int | None) -> None:
    """A file of no bytes is whole when its body has ended."""
    state, action = download.accept_url(Download(), size)
    assert action == FetchRange(0, None, 0)
    state, action = download.accept_head(state, StorageHead(200, 0))
    assert action == ReadBody(0)
    assert download.end_body(state)[1] == DownloadDone(0)


def test_a_stored_download_goes_on() -> None:
    """What is on disk is not fetched again, and if that is all, nothing is."""
    state, action = download.accept_url(Download(offset=5, size=9, version=FileVersion('"x"')), 9)
    assert action == FetchRange(5, '"x"', 0)
    assert download.accept_url(state._replace(offset=9), 9)[1] == DownloadDone(9)
    assert download.accept_url(state, 12) == (Download(restarts=1, announced_size=12), FetchRange(0, None, 0))


def test_a_size_that_is_announced_anew_is_that_of_another_file() -> None:
    """What was there of the old one is not whole because the new one is shorter."""
    state, step = download.accept_url(Download(), 9)
    state, step = download.accept_head(state, StorageHead(206, 5, 0, FileVersion('"x"'), None, 5))
    assert step == ReadBody(0)
    state, step = download.interrupt(download.add_bytes(state, 4))
    state, step = download.accept_url(state, 4)
    assert (state.offset, state.restarts, step) == (0, 1, FetchRange(0, None, 1))


def test_only_the_storage_says_that_a_part_was_the_last() -> None:
    """It may have another version than the provider speaks of: what lies beyond is requested."""
    state, _ = download.accept_url(Download(), 5)
    state, _ = download.accept_head(state, StorageHead(206, 5, 0, FileVersion('"x"'), None, 5))
    state, step = download.end_body(download.add_bytes(state, 5))
    assert step == FetchRange(5, '"x"', 0)
    assert download.accept_head(state, StorageHead(416))[1] == DownloadDone(5)
    state, step = download.accept_head(state, StorageHead(206, 4, 5, FileVersion('"x"'), None, 9))
    assert step == ReadBody(5)
    assert download.end_body(download.add_bytes(state, 4))[1] == RequestUrl()


def test_a_body_that_broke_off_is_not_whole_by_chance() -> None:
    """Storage that does not say how much it sends, and broke off just where another version would end."""
    versions = three((10, 0, 9))
    script = [Turn(cut=9, ranges=False, sized=False), Turn(status=400), Turn(status=429, version=2)]
    storage = Storage(versions, script)
    assert (storage.fetch(), bytes(storage.file)) == (DownloadFailed(DownloadReason.REFUSED, 429), versions[0][:9])


def test_a_wrong_checksum_starts_again() -> None:
    """A damaged file is fetched again, a few times only."""
    state = Download(offset=9, size=9)
    for _ in range(download.MAX_RESTARTS):
        state, action = download.restart(state)
        assert action == RequestUrl()
    assert download.restart(state)[1] == DownloadFailed(DownloadReason.MISMATCH)
