# SPDX-License-Identifier: Apache-2.0
"""A large description is read once. Its index holds the same, and is ignored where it could say something else."""

from __future__ import annotations

import json
import os
import random
import signal
import stat
from typing import TYPE_CHECKING, Any

import pytest

from callwell.description import catalog, index
from callwell.description.loading import load_provider
from callwell.folders import Folder
from tests.description.tiny import OPENAPI, PROFILE, THING
from tests.processes.disks import limited_files, mounted, run_killed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from callwell.description.provider import Provider


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A description that is large enough for an index, with an empty cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    described = tmp_path / "large"
    described.mkdir()
    limits = {"type": "integer", "maximum": 2**70, "minimum": -(2**63)}
    document: dict[str, Any] = {**OPENAPI, "x-filler": "x" * index.MIN_BYTES}
    schemas = OPENAPI["components"]["schemas"] | {
        "Thing": {**THING, "properties": {**THING["properties"], "n": limits}}
    }
    document["components"] = {**OPENAPI["components"], "schemas": schemas}
    document["paths"] = {
        **OPENAPI["paths"],
        "/others": {
            "get": {
                "operationId": "others.get",
                "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "other.json#/Other"}}}}},
            }
        },
    }
    (described / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    (described / "other.json").write_text('{"Other": {"type": "object", "properties": {"a": {}}}}', encoding="utf-8")
    (described / "profile.toml").write_text(PROFILE, encoding="utf-8")
    return described


def written(folder: Path) -> Path:
    """The index of a description."""
    [file] = (folder.parent / "cache" / "callwell").iterdir()
    return file


def is_indexed(provider: Provider) -> bool:
    """Whether a provider came from an index."""
    return isinstance(provider.api.operations, index.Operations)


def test_it_holds_the_same(folder: Path) -> None:
    """The second client finds the records of the first, in their order, and only the user may read the file."""
    first = catalog.load(folder)
    second = catalog.load(folder)
    assert (is_indexed(first), is_indexed(second)) == (False, True)
    assert first == second == load_provider(folder)
    assert list(first.api.operations) == list(second.api.operations)
    assert stat.S_IMODE(written(folder).stat().st_mode) == 0o600


def test_only_what_is_used_is_decoded(folder: Path) -> None:
    """An operation is decoded when it is used, and a schema that two share is one object again."""
    catalog.load(folder)
    operations = catalog.load(folder).api.operations
    listed = operations["things.list"].response_schema["properties"]["things"]["items"]["properties"]
    assert listed["size"] == operations["things.import"].response_schema["items"]["properties"]["size"]
    assert listed["n"]["maximum"] == 2**70
    assert len(vars(operations)["_decoded"]) == 2
    assert operations["things.list"] is operations["things.list"]


@pytest.mark.parametrize("name", ["openapi.json", "profile.toml", "other.json"])
def test_an_edit_is_noticed(folder: Path, name: str) -> None:
    """An edit of any file is noticed, even one that keeps its size and time."""
    catalog.load(folder)
    file = folder / name
    before = file.stat()
    text = file.read_text(encoding="utf-8")
    at = text.index("a", 3)
    changed = {"openapi.json": text.replace("x-filler", "y-filler"), "profile.toml": text.replace('"Tiny"', '"Tinx"')}
    file.write_text(changed.get(name, text.replace('"a"', '"b"')), encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, at > 0) == (before.st_size, True)
    assert catalog.load(folder) == load_provider(folder)
    assert is_indexed(catalog.load(folder))


def test_damage_is_ignored(folder: Path) -> None:
    """A flipped bit, a cut file and another version's file raise nothing: the index is made again."""
    catalog.load(folder)
    file = written(folder)
    intact = file.read_bytes()
    chance = random.Random(7)
    damaged = [b"", intact[:-1], intact.replace(b"index 1", b"index 0"), index.MAGIC, intact + b"x"]
    for _ in range(20):
        position = chance.randrange(len(intact))
        damaged.append(
            intact[:position] + bytes([intact[position] ^ 1 << chance.randrange(8)]) + intact[position + 1 :]
        )
    for content in damaged:
        file.write_bytes(content)
        assert not is_indexed(catalog.load(folder))
        assert file.read_bytes() == intact


def _link(cache: Path) -> None:
    index_file = next(cache.iterdir())
    index_file.rename(cache.parent / "elsewhere")
    index_file.symlink_to(cache.parent / "elsewhere")


def _make_file_of_cache(cache: Path) -> None:
    next(cache.iterdir()).unlink()
    cache.rmdir()
    cache.write_text("in the way", encoding="utf-8")


@pytest.mark.parametrize("change", [_link, _make_file_of_cache])
def test_a_cache_that_cannot_be_used(folder: Path, change: Callable[[Path], None]) -> None:
    """A link is not followed, and a cache that cannot be written is no reason to fail."""
    catalog.load(folder)
    cache = folder.parent / "cache" / "callwell"
    change(cache)
    assert not is_indexed(catalog.load(folder))
    if change is _link:
        assert (cache.parent / "elsewhere").read_bytes() == written(folder).read_bytes()
        assert not written(folder).is_symlink()
    else:
        assert cache.read_text(encoding="utf-8") == "in the way"


def test_a_disk_without_room(folder: Path) -> None:
    """What cannot be written whole is not there, on a full disk and on one that is read-only."""
    cache = folder.parent / "cache" / "callwell"
    with limited_files(1000):
        assert not is_indexed(catalog.load(folder))
    assert list(cache.iterdir()) == []
    with mounted(cache, "ro"):
        assert not is_indexed(catalog.load(folder))
    catalog.load(folder)
    assert is_indexed(catalog.load(folder))


def test_a_process_that_is_killed(folder: Path) -> None:
    """It leaves no index, and the next process removes what is left of it; one that writes meanwhile is left alone."""
    cache = folder.parent / "cache" / "callwell"
    assert run_killed(folder.parent, 1000, "operations", str(folder)) == -signal.SIGXFSZ
    [part] = cache.iterdir()
    with Folder.at(cache) as held:
        assert held.lock()
        assert not is_indexed(catalog.load(folder))
        assert list(cache.iterdir()) == [part]
    catalog.load(folder)
    assert part != written(folder)
    assert is_indexed(catalog.load(folder))


def test_a_small_description_has_none(folder: Path) -> None:
    """What is read at once needs no index."""
    (folder / "openapi.json").write_text(json.dumps(OPENAPI), encoding="utf-8")
    assert catalog.load(folder) == load_provider(folder)
    assert not (folder.parent / "cache").exists()
