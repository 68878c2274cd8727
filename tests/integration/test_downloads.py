# SPDX-License-Identifier: Apache-2.0
"""Files of the emulated api.video behind single-use URLs, fetched by processes that are killed."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from callwell import Client
from callwell.emulator.options import EmulatorOptions
from callwell.keys import Key
from clips import clip
from tests.emulator.harness import fetch
from tests.processes.program import run, start

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from callwell.emulator.process import Running
    from callwell.providers.apivideo.client import Apivideo

SAVING = Path(__file__).with_name("saving.py")
MIB = 1 << 20


@pytest.fixture(scope="module")
def emulator() -> Iterator[Running]:
    """Both environments of the provider."""
    with start(EmulatorOptions(provider=("apivideo",))) as running:
        yield running


@pytest.fixture
def api(emulator: Running) -> Iterator[Apivideo]:
    """A client of the production, which gives files back as they came."""
    point = emulator.endpoint("apivideo", "production")
    with Client("apivideo", base_url=point.base_url, key=Key(point.key)) as result:
        yield result


def uploaded(api: Apivideo, emulator: Running, film: bytes, **attributes: Any) -> str:
    """A video that can be played."""
    video = api.videos.create(title="t", **attributes)["videoId"]
    api.videos.upload(video_id=video, file=film)
    assert fetch(f"{emulator.control}/ledger").status == 200  # waits until it has been worked on
    return video


def requests(emulator: Running, place: str) -> list[Any]:
    """What became of the requests to the API, or for files (`storage`)."""
    return [row for row in fetch(f"{emulator.control}/ledger/requests").json if row["place"] == place]


def save(emulator: Running, key: Path, video: str, path: Path, size: int = 0) -> subprocess.CompletedProcess[str]:
    """Save it in a process of its own, which kills itself when so many bytes have come."""
    point = emulator.endpoint("apivideo", "production")
    job = {"base_url": point.base_url, "key": f"file:{key}", "video": video, "path": str(path), "bytes": size}
    return run([str(SAVING), json.dumps(job)])


def test_a_download_that_is_killed_is_gone_on_with(api: Apivideo, emulator: Running, tmp_path: Path) -> None:
    """By another process, from where the last one stood, with a URL of its own for each request."""
    film = clip(60 * MIB, seconds=1)
    video = uploaded(api, emulator, film, public=False)
    path = tmp_path / "film.mp4"
    key = tmp_path / "key"
    key.touch(0o600)
    key.write_text(emulator.endpoint("apivideo", "production").key)
    before = len(requests(emulator, "storage"))
    dice = random.Random(1)
    there = 0
    for _ in range(4):
        assert save(emulator, key, video, path, dice.randint(9 * MIB, 12 * MIB)).returncode == -9
        assert not path.exists()
        kept = json.loads((tmp_path / ".film.mp4.part.json").read_text())
        assert kept.keys() == {"etag", "size", "safe"}
        now = sum(stop - start for start, stop in kept["safe"])
        assert now >= there + 8 * MIB
        there = now
    done = save(emulator, key, video, path)
    assert (done.returncode, done.stdout, done.stderr) == (0, hashlib.sha256(film).hexdigest(), "")
    assert path.read_bytes() == film
    assert sorted(file.name for file in tmp_path.iterdir()) == ["film.mp4", "key"]
    rows = requests(emulator, "storage")[before:]
    assert {row["status"] for row in rows} <= {200, 206}
    assert len(rows) <= 5 * (1 + 4)


def test_a_probe_uses_a_url_up(api: Apivideo, emulator: Running) -> None:
    """A URL of a private video opens once, be it for a `HEAD` or a range; who saves it is not disturbed by that."""
    film = clip(seconds=1)
    video = uploaded(api, emulator, film, public=False)
    for method, headers, status in (("HEAD", {}, 200), ("GET", {"Range": "bytes=0-1"}, 206)):
        url = (api.videos.get(video_id=video).get("assets") or {}).get("mp4", "")
        assert fetch(url, method, headers=headers).status == status
        assert fetch(url).status == 403
    assert api.videos.mp4(video_id=video).read() == film


def test_a_public_video_costs_one_call(api: Apivideo, emulator: Running, tmp_path: Path) -> None:
    """Its URL can be used again, so that its pieces cost none."""
    film = clip(33 * MIB, seconds=1)
    video = uploaded(api, emulator, film)
    before = len(requests(emulator, "api"))
    assert api.videos.download(video, tmp_path / "f").sha256 == hashlib.sha256(film).hexdigest()
    assert [row["operation"] for row in requests(emulator, "api")[before:]] == ["videos.get"]
