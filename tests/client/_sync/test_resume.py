# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_resume.py by tools/unasync.py; do not edit
"""Saves that are to be resumed: what has come stays under a name of its own, and another save goes on from it."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from callwell.client.downloads.partial_file import PartialFile
from callwell.core.download import Download
from callwell.core.storage_head import FileVersion
from tests.client._sync.scripted_client import connect
from tests.client.running import run
from tests.client.storage import CONTENT, SPLIT, Storage, wanted
from tests.client.world import PIECE, ScriptedProvider, make_response

if TYPE_CHECKING:
    from pathlib import Path


def save(storage: Storage, path: Path, *, split: bool = False, **options: Any) -> Any:
    """Save it."""
    asset = connect(ScriptedProvider(storage)).asset("things.file", thing_id="1")
    asset._split = SPLIT if split else asset._split
    return run(partial(asset.save, path, **{"resume": True, **options}))


def stopped(storage: Storage, path: Path, *, at: int = 2 * PIECE, split: bool = False) -> dict[str, Any]:
    """Stop a save when so many bytes are there; the record that it leaves."""

    def stop(size: int) -> None:
        if size >= at:
            raise KeyError(size)

    with pytest.raises(KeyError):
        save(storage, path, progress=stop, split=split)
    record = path.with_name(f".{path.name}.part.json").read_text()
    assert "storage.test" not in record
    assert "secret" not in record
    reported: dict[str, Any] = json.loads(record)
    return reported


def check(result: Any, path: Path, content: bytes = CONTENT) -> None:
    """The file is whole, and nothing is beside it."""
    assert (result.size, result.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_another_save_goes_on(tmp_path: Path) -> None:
    """What is there is not fetched again; the rest is pinned by the ETag."""
    storage = Storage()
    assert stopped(storage, tmp_path / "f") == {"etag": '"one"', "size": len(CONTENT), "safe": [[0, 2 * PIECE]]}
    assert sorted(file.name for file in tmp_path.iterdir()) == [".f.part", ".f.part.json"]
    storage.fetches.clear()
    reported = list[int]()
    check(save(storage, tmp_path / "f", progress=reported.append), tmp_path / "f")
    assert [wanted(fetch) for fetch in storage.fetches] == [(2 * PIECE, None)]
    assert dict(storage.fetches[0].headers)["if-range"] == '"one"'
    assert reported == [3 * PIECE, 4 * PIECE]


def test_pieces_that_came_early_stay(tmp_path: Path) -> None:
    """Also those beyond the first gap: what is missing is fetched, and nothing else."""
    storage = Storage()
    piece = SPLIT.range_bytes
    with PartialFile(tmp_path / "f", resume=True, progress=None) as saving:
        saving.set_version(Download(size=len(CONTENT), version=FileVersion('"one"')))
        for start in (0, 2 * piece, 6 * piece):
            saving.writer.write(start, CONTENT[start : start + piece])
    check(save(storage, tmp_path / "f", split=True), tmp_path / "f")
    missing = [(piece, 2 * piece), *((start * piece, (start + 1) * piece) for start in (3, 4, 5, 7))]
    assert sorted(map(wanted, storage.fetches)) == missing


@pytest.mark.parametrize("new", [CONTENT[::-1], CONTENT + b"more", b"short"])
def test_a_file_that_changed_is_begun_again(tmp_path: Path, new: bytes) -> None:
    """Nothing of the old version is in the new one."""
    storage = Storage(size=None)
    stopped(storage, tmp_path / "f")
    storage.content = new
    storage.etag = '"two"'
    check(save(storage, tmp_path / "f"), tmp_path / "f", new)


def test_a_whole_file_is_confirmed_by_the_storage(tmp_path: Path) -> None:
    """A save that was killed before its last step asks for the last byte, and begins again if that is another's."""
    storage = Storage()
    stopped(storage, tmp_path / "f", at=len(CONTENT))
    storage.fetches.clear()
    check(save(storage, tmp_path / "f"), tmp_path / "f")
    assert [wanted(fetch) for fetch in storage.fetches] == [(len(CONTENT) - 1, None)]
    (tmp_path / "f").unlink()
    stopped(storage, tmp_path / "f", at=len(CONTENT))
    storage.content = CONTENT[::-1]
    storage.etag = '"two"'
    check(save(storage, tmp_path / "f"), tmp_path / "f", CONTENT[::-1])


@pytest.mark.parametrize(
    "record",
    [
        "",
        "{",
        "[]",
        '{"etag": "\\"one\\"", "size": 9, "safe": [[0, 131072]]}',
        '{"etag": "\\"one\\"", "size": null, "safe": [[0, 999999]]}',
        '{"etag": "\\"one\\"", "size": null, "safe": [[5, 3]]}',
        '{"etag": "\\"one\\"", "size": null, "safe": [[4, 8], [0, 2]]}',
        '{"etag": "\\"one\\"", "size": null, "safe": [[-3, 8]]}',
        '{"etag": "\\"one\\"", "size": null, "safe": []}',
    ],
)
def test_a_record_that_cannot_be_is_none(tmp_path: Path, record: str) -> None:
    """The file is begun again."""
    storage = Storage()
    stopped(storage, tmp_path / "f")
    (tmp_path / ".f.part.json").write_text(record)
    storage.fetches.clear()
    check(save(storage, tmp_path / "f"), tmp_path / "f")
    assert wanted(storage.fetches[0]) == (0, None)


@pytest.mark.parametrize("etag", ['W/"one"', ""])
def test_without_a_strong_tag_nothing_is_left(tmp_path: Path, etag: str) -> None:
    """Nothing would say that the rest is of the same version."""
    storage = Storage()
    storage.etag = etag

    def stop(_: int) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        save(storage, tmp_path / "f", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_what_is_left_stays_when_nothing_can_be_had(tmp_path: Path) -> None:
    """A provider that has no file at present takes nothing away."""
    storage = Storage()
    stopped(storage, tmp_path / "f")
    with pytest.raises(errors.AssetUnavailable):
        save(Storage(url=None), tmp_path / "f")
    with pytest.raises(errors.AssetError):
        save(Storage(*[make_response(403)] * 50), tmp_path / "f")
    check(save(storage, tmp_path / "f"), tmp_path / "f")


def test_two_saves_at_once_are_reported(tmp_path: Path) -> None:
    """The second one leaves the first alone."""
    storage = Storage()
    with PartialFile(tmp_path / "f", resume=True, progress=None) as saving:
        with pytest.raises(errors.FileProblem, match="another process is saving this file"):
            save(storage, tmp_path / "f")
        assert (tmp_path / ".f.part").exists()
        saving.publish()
    assert storage.fetches == []


def test_a_place_that_cannot_be_keeps_what_came(tmp_path: Path) -> None:
    """A folder of the file's name is reported when all has come, and need not come again."""
    (tmp_path / "f").mkdir()
    storage = Storage()
    with pytest.raises(errors.FileProblem):
        save(storage, tmp_path / "f")
    (tmp_path / "f").rmdir()
    storage.fetches.clear()
    check(save(storage, tmp_path / "f"), tmp_path / "f")
    assert [wanted(fetch) for fetch in storage.fetches] == [(len(CONTENT) - 1, None)]
