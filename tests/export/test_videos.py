# SPDX-License-Identifier: Apache-2.0
"""An export of a provider without scopes: items with files in several languages, and with single-use URLs."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from callwell import Client
from callwell.client import AsyncClient
from callwell.emulator.options import EmulatorOptions
from callwell.errors import InvalidOption
from callwell.export import Export, ExportReport
from callwell.keys import Key
from clips import clip
from tests.emulator.harness import fetch
from tests.export.emulated import check_manifest, contents
from tests.processes.program import start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.emulator.process import Running
    from callwell.providers.apivideo.client import Apivideo

CAPTIONS = b"WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n"
CHAPTERS = b"WEBVTT\n\n00:00.000 --> 00:01.000\nOne\n"
ROOMY = {f"apivideo.{name}": "10000" for name in ("reads", "writes", "uploads")}


@pytest.fixture(scope="module")
def film() -> bytes:
    """A small video."""
    return clip(seconds=1)


@pytest.fixture
def running() -> Iterator[Running]:
    """A provider without any videos."""
    with start(EmulatorOptions(provider=("apivideo",), settings=ROOMY)) as emulator:
        yield emulator


@pytest.fixture
def api(running: Running) -> Iterator[Apivideo]:
    """A client of it."""
    point = running.endpoint("apivideo", "production")
    with Client("apivideo", base_url=point.base_url, key=Key(point.key)) as result:
        yield result


def uploaded(api: Apivideo, running: Running, film: bytes, **attributes: Any) -> str:
    """A video that can be played."""
    video = api.videos.create(title="t", **attributes)["videoId"]
    api.videos.upload(video_id=video, file=film)
    assert fetch(f"{running.control}/ledger").status == 200
    return video


def export(running: Running, folder: Path, **options: Any) -> ExportReport:
    """Export into a folder below."""

    async def work() -> ExportReport:
        point = running.endpoint("apivideo", "production")
        state = f"sqlite:///{folder / 'state.db'}"
        async with AsyncClient(
            "apivideo", base_url=point.base_url, key=Key(point.key), state=state, priority="batch"
        ) as client:
            return await Export(client, folder / "tree", **options).run()

    return asyncio.run(work())


def records(folder: Path) -> dict[str, Any]:
    """The records of the tree."""
    lines = (folder / "tree" / "videos.jsonl").read_text().splitlines()
    return {record["videoId"]: record for record in map(json.loads, lines)}


def calls(running: Running) -> list[str]:
    """What was called so far."""
    return [row["operation"] for row in fetch(f"{running.control}/ledger/requests").json if row["place"] == "api"]


def test_every_video_and_file(api: Apivideo, running: Running, film: bytes, tmp_path: Path) -> None:
    """Public and private ones, with captions and chapters in each language, and no URL anywhere."""
    public, private = (uploaded(api, running, film, public=public) for public in (True, False))
    for language in ("en", "fr"):
        api.captions.upload(video_id=private, language=language, file=CAPTIONS)
    api.chapters.upload(video_id=public, language="en", file=CHAPTERS)
    empty = api.videos.create(title="no file", mp4_support=True)["videoId"]
    report = export(running, tmp_path)
    tree = tmp_path / "tree"
    reported = records(tmp_path)
    assert (report.verdict, report.items, report.fetched, report.failed) == ("complete", 3, 3, {})
    check_manifest(tree)
    there = contents(tree)
    assert {path for path in there if "/" not in path} == {
        *("callwell-export.json", "manifest.json", "videos.jsonl", "gone.jsonl")
    }
    for video in (public, private):
        assert (tree / "videos" / video / "source.mp4").read_bytes() == film
        assert reported[video]["assets"]["mp4"]["file"] == f"videos/{video}/source.mp4"
    assert (tree / "videos" / private / "captions" / "fr.vtt").read_bytes() == CAPTIONS
    assert (tree / "videos" / public / "chapters" / "en.vtt").read_bytes() == CHAPTERS
    kinds = {video: sorted(record["assets"]) for video, record in reported.items()}
    assert kinds[private] == ["captions/en", "captions/fr", "mp4", "thumbnail"]
    assert kinds[public] == ["chapters/en", "mp4", "thumbnail"]
    assert reported[empty]["assets"]["mp4"] == dict.fromkeys(("file", "captured", "size", "sha256", "type"))
    assert reported[public]["title"] == "t"
    for path in (*tree.rglob("*"), *tmp_path.glob("state.db*")):
        assert path.is_dir() or b"/token/" not in path.read_bytes()
        assert path.is_dir() or b"/vod/" not in path.read_bytes()


def test_again(api: Apivideo, running: Running, film: bytes, tmp_path: Path) -> None:
    """Nothing is fetched that is there; a record that changed is, and what was deleted is noted."""
    kept, changed, deleted = (uploaded(api, running, film) for _ in "abc")
    export(running, tmp_path)
    before = contents(tmp_path / "tree")
    since = len(calls(running))
    assert export(running, tmp_path).fetched == 0
    assert calls(running)[since:] == ["videos.list"]
    assert contents(tmp_path / "tree") == before
    fetch(f"{running.control}/clock", "POST", body=b'{"advance_s": 5}')
    api.videos.update(video_id=changed, title="new")
    api.videos.delete(video_id=deleted)
    since = len(calls(running))
    report = export(running, tmp_path)
    assert (report.fetched, report.gone, report.items) == (1, 1, 3)
    fetched = ["captions.list", "chapters.list", "videos.get"]
    looked_for = ["discarded_videos.get", "videos.get"]
    assert sorted(calls(running)[since:]) == sorted([*fetched, *looked_for, "videos.list"])
    assert records(tmp_path)[changed]["title"] == "new"
    assert records(tmp_path)[kept]["title"] == "t"
    notes = map(json.loads, (tmp_path / "tree" / "gone.jsonl").read_text().splitlines())
    assert [(note["key"], note["status"]) for note in notes] == [(deleted, 404)]


def test_a_video_that_gets_its_file_later(api: Apivideo, running: Running, film: bytes, tmp_path: Path) -> None:
    """What was not there is requested again."""
    video = api.videos.create(title="later")["videoId"]
    export(running, tmp_path)
    api.videos.upload(video_id=video, file=film)
    assert fetch(f"{running.control}/ledger").status == 200
    assert export(running, tmp_path).fetched == 1
    assert (tmp_path / "tree" / "videos" / video / "source.mp4").read_bytes() == film


def test_there_are_no_scopes_to_choose_from(running: Running, tmp_path: Path) -> None:
    """Naming one is a mistake that is reported."""
    with pytest.raises(InvalidOption, match="workspace"):
        export(running, tmp_path, only=["x"])
