# SPDX-License-Identifier: Apache-2.0
"""Large files, fetched in pieces: whole or not at all, whatever happens to whichever piece."""

from __future__ import annotations

import gc
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from tests.client._async.scripted_client import connect
from tests.client.running import run
from tests.client.storage import CONTENT, SPLIT, URL, Storage, wanted
from tests.client.world import LOST, ScriptedProvider, count_held, make_response

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from callwell.core.parallel_download import RangeSplit
    from callwell.transport.base import NoReply, Request, Response

PIECE = SPLIT.range_bytes
LARGE = bytes(range(256)) * 4096 * 17
"""Seventeen MiB: three pieces."""


def saved(storage: Storage, path: Path, *, split: RangeSplit | None = SPLIT, **options: Any) -> Any:
    """What saving gives or raises; afterwards nothing is lent and there is no file but the right one."""
    api = connect(ScriptedProvider(storage))
    asset = api.asset("things.file", thing_id="1")
    asset._split = split or asset._split

    async def work() -> Any:
        async with api:
            return await asset.save(path, **options)

    try:
        return run(work)
    except Exception as error:  # noqa: BLE001 - it is looked at
        assert list(path.parent.glob("*")) == []
        return error
    finally:
        gc.collect()
        assert count_held(api) == api._engine.transport.streams == 0


def check(result: Any, path: Path, content: bytes = CONTENT) -> None:
    """The file and what is said about it."""
    expected = (len(content), hashlib.sha256(content).hexdigest())
    assert (result.size, result.sha256) == expected
    assert (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()) == expected
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def pieces(storage: Storage) -> list[tuple[int, int | None]]:
    """The ranges that were requested, in order of their place."""
    return sorted(map(wanted, storage.fetches), key=lambda span: (span[0], span[1] or len(storage.content)))


def cut(storage: Storage, count: int) -> Callable[[Request], Response | NoReply]:
    """A response that breaks off after some bytes."""
    return storage.cut(count)


def test_a_large_file_is_fetched_in_pieces(tmp_path: Path) -> None:
    """From 16 MiB on, in pieces of 8 MiB, all but the first pinned by the first one's tag; nothing comes twice."""
    storage = Storage(size=len(LARGE))
    reported = list[int]()
    storage.content = LARGE
    check(saved(storage, tmp_path / "f", split=None, progress=reported.append), tmp_path / "f", LARGE)
    assert pieces(storage) == [(0, 8 << 20), (8 << 20, 16 << 20), (16 << 20, 17 << 20)]
    tags = [dict(fetch.headers).get("if-range") for fetch in storage.fetches]
    assert tags == [None, '"one"', '"one"']
    assert reported == sorted(reported)
    assert (reported[-1], len(set(reported))) == (len(LARGE), len(reported))


@pytest.mark.parametrize(("size", "ranges"), [(len(LARGE), 1), ((16 << 20) - 1, 4)])
def test_a_small_file_or_one_range_is_one_stream(tmp_path: Path, size: int, ranges: int) -> None:
    """Below 16 MiB, or where the caller wants none, there are no ranges."""
    storage = Storage(size=size)
    storage.content = LARGE[:size]
    check(saved(storage, tmp_path / "f", split=None, ranges=ranges), tmp_path / "f", LARGE[:size])
    assert pieces(storage) == [(0, None)]


def test_a_size_that_the_provider_does_not_tell(tmp_path: Path) -> None:
    """Storage shows it by sending the whole file, which is dropped for its ranges."""
    storage = Storage(size=None)
    check(saved(storage, tmp_path / "f"), tmp_path / "f")
    assert len(storage.fetches) == 1 + 8


@pytest.mark.parametrize("at", [0, 1, 7])
def test_a_piece_that_breaks_off_is_continued(tmp_path: Path, at: int) -> None:
    """Whichever it is, from its last byte; no other byte is requested again."""
    storage = Storage()
    storage.spoil_at = {at * PIECE: [cut(storage, 100)]}
    check(saved(storage, tmp_path / "f"), tmp_path / "f")
    assert pieces(storage) == sorted(
        [*((start * PIECE, (start + 1) * PIECE) for start in range(8)), (at * PIECE + 100, (at + 1) * PIECE)]
    )


@pytest.mark.parametrize(
    "spoilt",
    [LOST, make_response(503), make_response(418), make_response(206, b"x"), make_response(200, b"x", etag="y")],
)
@pytest.mark.parametrize("at", [0, 3])
def test_a_piece_that_fails_is_fetched_again(tmp_path: Path, spoilt: Any, at: int) -> None:
    """No response, a refusal, a part of who knows what, another file: the piece comes later, the others stay."""
    storage = Storage()
    storage.spoil_at = {at * PIECE: [spoilt]}
    check(saved(storage, tmp_path / "f"), tmp_path / "f")


@pytest.mark.parametrize("at", [1, 4])
def test_an_expired_url_is_replaced_once_for_all(tmp_path: Path, at: int) -> None:
    """Whoever notices it, one fresh URL is requested, and nothing that is safe is fetched again."""
    storage = Storage()

    def right(request: Request) -> Response:
        return make_response(403, b"<Error/>") if request.url == f"{URL}1" else storage.right(request)

    storage.spoil_at = {start * PIECE: [right, right] for start in range(at, 8)}
    check(saved(storage, tmp_path / "f"), tmp_path / "f")
    assert storage.urls == 2
    good = [wanted(fetch) for fetch in storage.fetches if fetch.url == f"{URL}2" or wanted(fetch)[0] < at * PIECE]
    assert sorted(good) == [(start * PIECE, (start + 1) * PIECE) for start in range(8)]


@pytest.mark.parametrize("new", [CONTENT[::-1], CONTENT[:-5], CONTENT + b"more", b""])
@pytest.mark.parametrize("at", [1, 6])
def test_a_changed_file_is_begun_again(tmp_path: Path, new: bytes, at: int) -> None:
    """A file that changes while its pieces come is saved as the new one, whole; nothing of the old one is in it."""
    storage = Storage(size=None)

    def change(request: Request) -> Response:
        storage.content = new
        storage.etag = '"two"'
        return storage.right(request)

    storage.spoil_at = {at * PIECE: [change]}
    check(saved(storage, tmp_path / "f"), tmp_path / "f", new)


def test_storage_without_ranges_sends_the_whole_file(tmp_path: Path) -> None:
    """It is read as it comes, in one request."""
    storage = Storage(lambda _: make_response(200, CONTENT, content_length=str(len(CONTENT)), etag='"one"'))
    check(saved(storage, tmp_path / "f"), tmp_path / "f")
    assert len(storage.fetches) == 1


@pytest.mark.parametrize("etag", ['W/"one"', ""])
def test_storage_without_strong_tags_is_one_stream(tmp_path: Path, etag: str) -> None:
    """Nothing would hold its pieces together."""
    storage = Storage()
    storage.etag = etag
    check(saved(storage, tmp_path / "f"), tmp_path / "f")
    assert pieces(storage) == [(0, PIECE), (0, None)]


@pytest.mark.parametrize(
    ("spoilt", "words", "most"),
    [
        (make_response(403), "every fresh URL was refused", 8),
        (make_response(500), "broke off every time", 20),
        (LOST, "broke off", 20),
    ],
)
def test_storage_that_dies_is_not_hammered(tmp_path: Path, spoilt: Any, words: str, most: int) -> None:
    """Four workers give up no later than one would, and leave nothing.

    Each may send one request before it learns that another was refused; the four fresh URLs that follow are tried one
    by one.
    """
    storage = Storage()
    storage.spoil_at = {start * PIECE: [spoilt] * 99 for start in range(2, 8)}
    error = saved(storage, tmp_path / "f")
    assert isinstance(error, errors.AssetError)
    assert words in str(error)
    assert len(storage.fetches) <= 2 + most


@pytest.mark.parametrize("at", [1, 3, 8])
def test_what_progress_raises_ends_all_workers(tmp_path: Path, at: int) -> None:
    """It comes through as it is, from whichever worker; nothing is written after it, and nothing is left."""
    reported = list[int]()

    def fail(size: int) -> None:
        reported.append(size)
        if len(reported) == at:
            raise KeyError(size)

    assert isinstance(saved(Storage(), tmp_path / "f", progress=fail), KeyError)
    assert len(reported) == at


@pytest.mark.parametrize("ranges", [0, 17, -1, 2.5, None])
def test_a_number_of_ranges_that_is_none_is_reported(tmp_path: Path, ranges: Any) -> None:
    """Only a number will do."""
    error = saved(Storage(), tmp_path / "f", ranges=ranges)
    assert isinstance(error, errors.InvalidOption)
    assert "a number from 1 to 16" in str(error)


def test_a_reader_gets_the_bytes_in_order(tmp_path: Path) -> None:
    """Only files are fetched in pieces."""
    storage = Storage()
    api = connect(ScriptedProvider(storage))
    asset = api.asset("things.file", thing_id="1")
    asset._split = SPLIT
    assert run(asset.read) == CONTENT
    assert pieces(storage) == [(0, None)]
    assert list(tmp_path.iterdir()) == []
