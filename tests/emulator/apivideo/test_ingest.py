# SPDX-License-Identifier: Apache-2.0
"""What becomes of a file: it is looked at, encoded, stamped and cut by the environment's rules, and served."""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import av
import pytest

from clips import clip, picture
from tests.emulator.apivideo.harness import JPEG, Site
from tests.emulator.harness import fetch

if TYPE_CHECKING:
    from collections.abc import Callable


@cache
def film(seconds: int = 2) -> bytes:
    """A small video."""
    return clip(seconds=seconds)


def assets(site: Site, video_id: str) -> Any:
    """Where everything of a video is."""
    return site.call("GET", f"/videos/{video_id}").json["assets"]


def pictures(content: bytes) -> list[Any]:
    """All pictures of a file."""
    with av.open(io.BytesIO(content), "r") as container:
        return list(container.decode(video=0))


def light(frame: Any, row: float) -> int:
    """How bright the middle of a row of the picture is; `row` from 0, the top, to 1."""
    grey = frame.reformat(format="gray")
    plane = bytes(grey.planes[0])
    line = grey.planes[0].line_size
    return int(plane[int(row * grey.height) * line + grey.width // 2])


def stamped(content: bytes) -> bool:
    """Whether the sandbox's bars are in the picture, on the first frame and on the last."""
    frames = pictures(content)
    return all(
        light(frame, 0.45) > 200 and light(frame, 0.55) < 40 and light(frame, 0.65) > 200
        for frame in (frames[0], frames[-1])
    )


def test_production_serves_what_came(site: Site) -> None:
    """In production the mp4 is the file byte for byte, with its facts in the status; a range of it can be fetched."""
    video_id = site.upload(film())
    status = site.status(video_id)
    assert (status["ingest"]["status"], status["encoding"]["playable"]) == ("ingested", True)
    assert status["ingest"]["filesize"] == len(film())
    metadata = status["encoding"]["metadata"]
    assert (metadata["width"], metadata["height"], metadata["duration"], metadata["aspectRatio"]) == (
        320,
        180,
        2,
        "16/9",
    )
    assert (metadata["videoCodec"], metadata["audioCodec"], metadata["samplerate"]) == ("h264", "aac", 48000)
    url = assets(site, video_id)["mp4"]
    answer = fetch(url)
    assert (answer.status, answer.body) == (200, film())
    assert not stamped(answer.body)
    part = fetch(url, headers={"Range": "bytes=100-199", "If-Range": answer.headers["etag"]})
    assert (part.status, part.body) == (206, film()[100:200])


def test_playlist_and_thumbnail(site: Site) -> None:
    """The playlist leads to segments that play, and the thumbnail is a JPEG."""
    shown = assets(site, site.upload(film()))
    master = fetch(shown["hls"]).body.decode()
    inner = urljoin(shown["hls"], next(line for line in master.splitlines() if line[:1] not in ("", "#")))
    segments = [line for line in fetch(inner).body.decode().splitlines() if line[:1] not in ("", "#")]
    content = b"".join(fetch(urljoin(inner, segment)).body for segment in segments)
    assert len(pictures(content)) == 20
    assert len(pictures(fetch(shown["thumbnail"]).body)) == 1
    assert fetch(shown["player"]).status == 200


def test_the_sandbox_stamps_and_cuts(apivideo: Callable[..., Site]) -> None:
    """In the sandbox the picture is stamped from the first frame to the last, and ends after 30 seconds."""
    site = apivideo("sandbox")
    video_id = site.upload(clip(seconds=33, sound=False))
    assert site.status(video_id)["encoding"]["metadata"]["duration"] == 30
    shown = assets(site, video_id)
    content = fetch(shown["mp4"]).body
    assert stamped(content)
    assert len(pictures(content)) == 300
    assert stamped(fetch(shown["thumbnail"]).body)


def test_the_sandbox_forgets(apivideo: Callable[..., Site]) -> None:
    """A day after its upload a video of the sandbox is gone; a minute before it was there."""
    site = apivideo("sandbox")
    video_id = site.upload(film())
    site.emulated.control("/clock", {"advance_s": 86_340})
    assert site.call("GET", f"/videos/{video_id}").status == 200
    site.emulated.control("/clock", {"advance_s": 61})
    assert site.call("GET", f"/videos/{video_id}").status == 404


def test_production_keeps(site: Site) -> None:
    """In production it is kept."""
    video_id = site.upload(b"x")
    site.emulated.control("/clock", {"advance_s": 400 * 86_400})
    assert site.call("GET", f"/videos/{video_id}").status == 200


def test_sound_is_kept(apivideo: Callable[..., Site]) -> None:
    """What is stamped can still be heard, in the mp4 and in the playlist's segments."""
    site = apivideo("sandbox")
    content = fetch(assets(site, site.upload(film()))["mp4"]).body
    with av.open(io.BytesIO(content), "r") as container:
        seconds = sum(frame.samples for frame in container.decode(audio=0)) / 48_000
    assert 1.9 < seconds < 2.1


def test_the_same_file_becomes_the_same_bytes(apivideo: Callable[..., Site]) -> None:
    """Two encodings of one file are equal."""
    site = apivideo("sandbox")
    one, other = (fetch(assets(site, site.upload(film()))["mp4"]).body for _ in range(2))
    assert one == other


@pytest.mark.parametrize("content", [b"text", b"\0" * 5_000, film()[:600]])
def test_what_nobody_can_read(site: Site, content: bytes) -> None:
    """A file that is not a video was received, but every quality has failed."""
    video_id = site.upload(content)
    status = site.status(video_id)
    assert status["ingest"]["status"] == "ingested"
    assert {each["status"] for each in status["encoding"]["qualities"]} == {"failed"}
    assert status["encoding"]["playable"] is False
    assert fetch(assets(site, video_id)["mp4"]).status == 404


def test_steps_follow_the_clock(apivideo: Callable[..., Site]) -> None:
    """With an ingest delay every step takes its time of the emulator's clock, and nothing is played before the last."""
    site = apivideo(ingest_delay_s="100")
    video_id = site.upload(film())
    seen = []
    for _ in range(4):
        status = site.status(video_id)
        qualities = {each["status"] for each in status["encoding"]["qualities"]} or {None}
        seen.append((status["ingest"]["status"], qualities.pop(), status["encoding"]["playable"]))
        assert (fetch(assets(site, video_id)["mp4"]).status == 200) == status["encoding"]["playable"]
        site.emulated.control("/clock", {"advance_s": 100})
    assert seen == [
        ("uploaded", None, False),
        ("ingesting", None, False),
        ("ingested", "encoding", False),
        ("ingested", "encoded", True),
    ]


def test_qualities(site: Site) -> None:
    """There is a quality for every height up to the file's own, and one mp4 if that is wanted."""
    status = site.status(site.upload(clip(seconds=1, width=640, height=480)))
    assert [(each["type"], each["quality"]) for each in status["encoding"]["qualities"]] == [
        *(("hls", "240p"), ("hls", "360p"), ("hls", "480p"), ("mp4", "480p")),
    ]
    without = site.upload(film(), mp4Support=False)
    assert "mp4" not in assets(site, without)
    assert [each["type"] for each in site.status(without)["encoding"]["qualities"]] == ["hls"]


def test_another_container(site: Site) -> None:
    """What is not MP4 is made one."""
    video_id = site.upload(clip(seconds=1, kind="matroska"))
    content = fetch(assets(site, video_id)["mp4"]).body
    assert content[4:8] == b"ftyp"
    assert len(pictures(content)) == 10


def test_a_watermark_of_the_account(site: Site) -> None:
    """A picture that the video was made with is burnt in where it was wanted."""
    white = picture("png", width=64, height=64)
    watermark = site.upload_form("/watermarks", white).json["watermarkId"]
    place = {"id": watermark, "bottom": "0px", "right": "0px", "width": "50%", "height": "50%"}
    marked = fetch(assets(site, site.upload(film(), watermark=place))["mp4"]).body
    assert bytes(pictures(marked)[5].planes[0]) != bytes(pictures(film())[5].planes[0])
    plain = pictures(film())[5]
    frame = pictures(marked)[5]
    assert abs(light(plain, 0.1) - light(frame, 0.1)) < 12


def test_clip(site: Site) -> None:
    """Only the part that was wanted is left."""
    video_id = site.upload(film(), clip={"startTimecode": "00:00:01", "endTimecode": "00:00:02"})
    assert len(pictures(fetch(assets(site, video_id)["mp4"]).body)) == 10
    assert site.status(video_id)["encoding"]["metadata"]["duration"] == 1


def test_copies(site: Site) -> None:
    """A video made from another one has its file, also when the other is gone."""
    first = site.upload(film())
    result = site.call("POST", "/videos", {"title": "copy", "source": first})
    assert (result.status, result.json["source"]["uri"]) == (202, f"/videos/{first}")
    site.call("DELETE", f"/videos/{first}")
    site.wait_until_idle()
    assert fetch(assets(site, result.json["videoId"])["mp4"]).body == film()


def test_private_assets_are_opened_once(site: Site) -> None:
    """Every GET of a private video has new tokens; each opens one asset once, and nothing else opens it."""
    video_id = site.upload(film(), public=False)
    first, second = (assets(site, video_id)["mp4"] for _ in range(2))
    assert first != second
    assert [fetch(first).status, fetch(first).status, fetch(second).status] == [200, 403, 200]
    assert fetch(f"{site.base}/vod/{video_id}/mp4/source.mp4").status == 401
    assert fetch(f"{site.base}/vod/{video_id}/token/wrong/mp4/source.mp4").status == 403
    player = assets(site, video_id)["player"]
    assert [fetch(player).status, fetch(player).status] == [200, 403]


def test_a_private_playlist_leads_on(site: Site) -> None:
    """What a private playlist names can be fetched without further tokens, the playlist itself only once."""
    url = assets(site, site.upload(film(), public=False))["hls"]
    master = fetch(url).body.decode()
    assert fetch(url).status == 403
    inner = urljoin(url, next(line for line in master.splitlines() if line[:1] not in ("", "#")))
    segment = next(line for line in fetch(inner).body.decode().splitlines() if line[:1] not in ("", "#"))
    assert fetch(urljoin(inner, segment)).status == 200


def test_thumbnails(site: Site) -> None:
    """An uploaded thumbnail is served as it came, before there is a file."""
    video_id = site.video()
    assert site.upload_form(f"/videos/{video_id}/thumbnail", JPEG).json["videoId"] == video_id
    answer = fetch(assets(site, video_id)["thumbnail"])
    assert (answer.body, answer.headers["content-type"]) == (JPEG, "image/jpeg")


def test_what_is_discarded_is_not_served(site: Site) -> None:
    """A deleted video's assets are gone."""
    video_id = site.upload(film())
    url = assets(site, video_id)["mp4"]
    site.call("DELETE", f"/videos/{video_id}")
    assert fetch(url).status == 404
