# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_assets.py by tools/unasync.py; do not edit
"""Files behind signed URLs: whole or not at all, resumed, and never with the key."""

from __future__ import annotations

import gc
import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from tests.client._sync.scripted_client import connect
from tests.client.acme import KEY, acme
from tests.client.running import run
from tests.client.storage import CONTENT, URL, Storage
from tests.client.world import LOST, PIECE, ScriptedProvider, count_held, make_response

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.transport.base import Request, Response


def saved(storage: Storage, path: Path, **options: Any) -> Any:
    """What saving gives or raises; afterwards nothing is lent and there is no file but the right one."""
    api = connect(ScriptedProvider(storage))

    def work() -> Any:
        with api:
            return api.asset("things.file", thing_id="1").save(path, **options)

    try:
        return run(work)
    except Exception as error:  # noqa: BLE001 - it is looked at
        assert list(path.parent.glob("*")) == []
        return error
    finally:
        gc.collect()
        assert count_held(api) == api._engine.transport.streams == 0


def test_a_file_is_saved(tmp_path: Path) -> None:
    """The file is whole, with its checksum, and progress is reported byte by byte."""
    reported: list[int] = []
    facts: list[Any] = []
    storage = Storage()
    result = saved(storage, tmp_path / "f", before=facts.append, progress=reported.append)
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert [file.name for file in tmp_path.iterdir()] == ["f"]
    assert (result.size, result.sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert (result.type, result.path) == ("video/webm", tmp_path / "f")
    assert reported == [PIECE, 2 * PIECE, 3 * PIECE, 4 * PIECE]
    assert facts[0].size == len(CONTENT)
    headers = dict(storage.fetches[0].headers)
    assert headers == {"accept": "*/*", "accept-encoding": "identity"}


def test_a_broken_body_is_continued(tmp_path: Path) -> None:
    """After a break the rest is requested, pinned by the ETag, with the same URL."""
    storage = Storage()
    storage.spoil = [storage.cut(100), LOST, storage.cut(PIECE), make_response(503)]
    result = saved(storage, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert result.sha256 == hashlib.sha256(CONTENT).hexdigest()
    ranges = [dict(fetch.headers).get("range") for fetch in storage.fetches]
    assert ranges == [None, "bytes=100-", "bytes=100-", f"bytes={100 + PIECE}-", f"bytes={100 + PIECE}-"]
    assert dict(storage.fetches[1].headers)["if-range"] == '"one"'
    assert storage.urls == 1


def test_an_expired_url_is_replaced(tmp_path: Path) -> None:
    """When storage refuses the signature, a fresh URL is requested and the download goes on from the last byte."""
    storage = Storage()
    storage.spoil = [storage.cut(PIECE), make_response(403, b"<Error/>")]
    assert saved(storage, tmp_path / "f").size == len(CONTENT)
    assert storage.urls == 2
    assert storage.fetches[-1].url == f"{URL}2"
    assert dict(storage.fetches[-1].headers)["range"] == f"bytes={PIECE}-"


def test_a_whole_answer_to_a_range_begins_again(tmp_path: Path) -> None:
    """Storage that ignores ranges, or has another file by now, sends all of it: the file is written again."""
    storage = Storage()
    storage.spoil = [storage.cut(PIECE), lambda _: storage.right(storage.fetches[0])]
    assert saved(storage, tmp_path / "f").sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_part_that_begins_earlier_is_cut_in(tmp_path: Path) -> None:
    """A part may overlap with what there is."""
    storage = Storage()

    def earlier(_: Request) -> Response:
        body = CONTENT[50:]
        return make_response(206, body, content_length=str(len(body)), content_range="bytes 50-/*", etag='"one"')

    storage.spoil = [storage.cut(PIECE), earlier]
    assert saved(storage, tmp_path / "f").sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_changed_file_is_begun_again(tmp_path: Path) -> None:
    """A file that changes under a download comes out as the new one, whole."""
    new = CONTENT[::-1]
    storage = Storage()

    def change(request: Request) -> Response:
        broken = storage.right(request, cut=PIECE)
        storage.content = new
        storage.etag = '"two"'
        return broken

    storage.spoil = [change]
    assert saved(storage, tmp_path / "f").sha256 == hashlib.sha256(new).hexdigest()
    assert (tmp_path / "f").read_bytes() == new


def test_a_file_that_shrank_is_cut(tmp_path: Path) -> None:
    """Nothing of a longer file is left behind a shorter one."""
    storage = Storage(size=None)

    def shrink(request: Request) -> Response:
        broken = storage.right(request, cut=PIECE)
        storage.content = b"short"
        storage.etag = '"two"'
        return broken

    storage.spoil = [shrink]
    assert saved(storage, tmp_path / "f").size == 5
    assert (tmp_path / "f").read_bytes() == b"short"


@pytest.mark.parametrize(
    ("spoilt", "expected", "words"),
    [
        (make_response(403), errors.AssetError, "every fresh URL was refused by the storage (HTTP 403)"),
        (make_response(418), errors.AssetError, "the storage refused it (HTTP 418)"),
        (LOST, errors.AssetError, "the storage broke off every time"),
        (make_response(500), errors.AssetError, "the storage broke off every time"),
        (
            make_response(200, b"short", content_length="5"),
            errors.AssetDamaged,
            "not what the provider announced (262144 bytes",
        ),
        (make_response(200, b"short"), errors.AssetError, "the storage broke off every time"),
    ],
)
def test_what_cannot_be_had_is_reported(tmp_path: Path, spoilt: Any, expected: type, words: str) -> None:
    """A download that does not succeed ends with an error without the signature, and leaves no file."""
    error = saved(Storage(*[spoilt] * 50), tmp_path / "f")
    assert type(error) is expected
    assert words in str(error)
    assert "secret" not in str(error) + repr(error)


def test_a_file_that_is_not_there_is_reported(tmp_path: Path) -> None:
    """No URL means no file, and the provider's reason is repeated."""
    error = saved(Storage(url=None, captured=False), tmp_path / "f")
    assert isinstance(error, errors.AssetUnavailable)
    assert (error.captured, str(error)) == (False, "acme things.file: no file: it was not captured")
    assert saved(Storage(url="", captured=None), tmp_path / "f").captured is None


@pytest.mark.parametrize("url", ["http://storage.test/f", "ftp://storage.test/f", "//[", "file:///etc/passwd"])
def test_storage_without_tls_is_refused(tmp_path: Path, url: str) -> None:
    """A provider behind TLS cannot send us anywhere else."""
    storage = Storage(url=url)
    error = saved(storage, tmp_path / "f")
    assert isinstance(error, errors.AssetError)
    assert storage.fetches == []


def test_the_key_is_never_shown_to_storage(tmp_path: Path) -> None:
    """No request to the storage holds the key, also where the storage has the provider's own origin."""
    world = ScriptedProvider(Storage())
    api = connect(world)
    run(lambda: api.asset("things.file", thing_id="1").save(tmp_path / "f"))
    assert [KEY in str(list(sent.request.headers)) for sent in world.sent] == [True, False]


@pytest.mark.parametrize("failing", ["before", "progress"])
def test_what_a_callback_raises_ends_the_save(tmp_path: Path, failing: str) -> None:
    """It comes through as it is, and nothing is left behind."""

    def fail(_: object) -> None:
        raise KeyError(failing)

    assert isinstance(saved(Storage(), tmp_path / "f", **{failing: fail}), KeyError)


def test_a_file_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    """Disk errors name the file, keep what was there before, and leave nothing of ours."""
    assert isinstance(saved(Storage(), tmp_path / "none" / "f"), errors.FileProblem)
    folder = tmp_path / "folder"
    folder.mkdir()
    api = connect(ScriptedProvider(Storage()))
    for path in (folder, tmp_path / ("x" * 256), "", "a\0b"):
        with pytest.raises((errors.FileProblem, errors.InvalidOption)):
            run(partial(api.asset("things.file", thing_id="1").save, path))
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]


def test_a_full_disk_is_reported(tmp_path: Path) -> None:
    """A device without room is a full disk; nothing is left behind."""

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    assert isinstance(saved(Storage(), tmp_path / "f", progress=full), errors.DiskFull)


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    """No bytes are announced and none come."""
    storage = Storage(size=0)
    storage.content = b""
    assert saved(storage, tmp_path / "f").size == 0
    assert (tmp_path / "f").read_bytes() == b""


def test_an_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    """A failed save leaves what was there."""
    (tmp_path / "f").write_text("old")
    api = connect(ScriptedProvider(Storage(*[LOST] * 50)))
    with pytest.raises(errors.AssetError):
        run(lambda: api.asset("things.file", thing_id="1").save(tmp_path / "f"))
    assert (tmp_path / "f").read_text() == "old"


def test_a_closed_client_downloads_nothing(tmp_path: Path) -> None:
    """Neither a fresh URL nor a byte is requested after closing."""
    storage = Storage()
    api = connect(ScriptedProvider(storage))
    asset = api.asset("things.file", thing_id="1")

    def work() -> None:
        with api:
            pass
        with pytest.raises(errors.ClosedError):
            asset.save(tmp_path / "f")

    run(work)
    assert (storage.urls, storage.fetches) == (0, [])


def test_waits_between_attempts_grow(tmp_path: Path) -> None:
    """A storage that fails is not hammered."""
    world = ScriptedProvider(Storage(LOST, LOST, LOST))
    api = connect(world, provider=acme({}))
    run(lambda: api.asset("things.file", thing_id="1").save(tmp_path / "f"))
    assert world.times == pytest.approx([0.0, 0.0, 0.375, 1.125, 2.625])


def test_what_leads_to_no_file_is_reported() -> None:
    """An operation that leads to no file is refused, with those that do."""
    with pytest.raises(errors.InvalidOption, match=r"things\.file"):
        connect(ScriptedProvider()).asset("things.get", thing_id="1")
