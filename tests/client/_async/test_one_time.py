# SPDX-License-Identifier: Apache-2.0
"""Files with single-use URLs: each request has a URL of its own, and nothing is requested twice."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from callwell import errors
from callwell.core.rules.operations import AssetRule, OperationRule
from tests.client._async.scripted_client import connect
from tests.client.acme import acme
from tests.client.running import run
from tests.client.storage import CONTENT, SPLIT, Storage, wanted
from tests.client.world import LOST, PIECE, ScriptedProvider, make_response

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.transport.base import NoReply, Request, Response

RULE = AssetRule(url="data.url", size="data.size", once=True, public="data.public", name="{thing_id}")


class Strict(Storage):
    """A storage that opens for each URL once."""

    def __init__(self, *spoil: Any, **facts: Any) -> None:
        super().__init__(*spoil, **facts)
        self.used: list[str] = []

    def __call__(self, request: Request) -> Response | NoReply:
        """What comes back; nothing but a refusal for a URL that was used."""
        if "storage.test" in request.url:
            self.used.append(request.url)
            if self.used.count(request.url) > 1:
                return make_response(403, b"used")
        return super().__call__(request)


def asset(storage: Storage, *, split: bool = False) -> Any:
    """The file of that storage."""
    provider = acme(operations={"things.file": OperationRule(asset=RULE)})
    result = connect(ScriptedProvider(storage), provider=provider).asset("things.file", thing_id="1")
    if split:
        result._split = SPLIT._replace(range_bytes=SPLIT.range_bytes // 8)
    return result


def check(storage: Strict, path: Path, **options: Any) -> None:
    """The file is saved whole, and no URL was used twice."""
    saved = run(lambda: asset(storage, split=options.pop("split", False)).save(path, **options))
    assert (saved.size, saved.sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert path.read_bytes() == CONTENT
    assert len(set(storage.used)) == len(storage.used) == storage.urls


def test_a_whole_file_takes_one_url(tmp_path: Path) -> None:
    """Nothing is requested that is not needed."""
    storage = Strict()
    check(storage, tmp_path / "f")
    assert storage.urls == 1


def test_each_reopening_takes_a_fresh_url(tmp_path: Path) -> None:
    """After a break, no response, a refusal: each time another URL, and the rest only."""
    storage = Strict()
    storage.spoil = [storage.cut(100), LOST, storage.cut(PIECE), make_response(503), make_response(403)]
    check(storage, tmp_path / "f")
    starts = [wanted(fetch)[0] for fetch in storage.fetches]
    assert starts == [0, 100, 100, *[100 + PIECE] * 3]
    assert storage.urls == 6


def test_each_range_takes_a_fresh_url(tmp_path: Path) -> None:
    """Pieces that come at once have a URL each; since a URL costs a call, they are eight times as long."""
    storage = Strict()
    check(storage, tmp_path / "f", split=True)
    assert sorted(map(wanted, storage.fetches)) == [
        (start * SPLIT.range_bytes, (start + 1) * SPLIT.range_bytes)
        for start in range(len(CONTENT) // SPLIT.range_bytes)
    ]


def test_ranges_that_break_take_fresh_urls(tmp_path: Path) -> None:
    """Whichever piece breaks off, and though only the storage says the size."""
    storage = Strict(size=None)
    storage.spoil_at = {start * SPLIT.range_bytes: [storage.cut(7)] for start in (1, 3, 7)}
    check(storage, tmp_path / "f", split=True)


def test_a_reader_takes_fresh_urls() -> None:
    """Also where the bytes are given out."""
    storage = Strict()
    storage.spoil = [storage.cut(5), storage.cut(6)]
    assert run(asset(storage).read) == CONTENT
    assert storage.urls == 3


def test_a_method_that_saves(tmp_path: Path) -> None:
    """A profile can name one: it takes the arguments and a path, in order or by name, and what was stopped goes on."""
    rule = replace(RULE, method="fetch")
    storage = Strict()
    things = connect(
        ScriptedProvider(storage), provider=acme(operations={"things.file": OperationRule(asset=rule)})
    ).things

    def stop(size: int) -> None:
        raise KeyError(size)

    with pytest.raises(KeyError):
        run(lambda: things.fetch("1", tmp_path / "f", progress=stop))
    run(lambda: things.fetch(thing_id="1", path=tmp_path / "f"))
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert [wanted(fetch)[0] for fetch in storage.fetches] == [0, PIECE]
    with pytest.raises(errors.InvalidOption, match="path"):
        run(lambda: things.fetch("1"))


def test_a_public_file_keeps_its_url(tmp_path: Path) -> None:
    """Where the provider says that everyone may have it, one URL is enough."""
    storage = Storage(public=True)
    storage.spoil = [storage.cut(100), storage.cut(100)]
    run(lambda: asset(storage).save(tmp_path / "f"))
    assert (storage.urls, len(storage.fetches)) == (1, 3)


def test_a_file_that_goes_meanwhile_is_reported(tmp_path: Path) -> None:
    """When there is no URL for the next piece any more, the save ends as one that finds none at its beginning."""
    storage = Strict()

    def gone(request: Request) -> Response | NoReply:
        storage._facts["url"] = None
        return storage.right(request)

    storage.spoil_at = {SPLIT.range_bytes: [gone]}
    with pytest.raises(errors.AssetUnavailable):
        run(lambda: asset(storage, split=True).save(tmp_path / "f", ranges=2))
    assert list(tmp_path.iterdir()) == []
