# SPDX-License-Identifier: Apache-2.0
"""Files arrive whole or in pieces, in any order and at once, for a container or by a delegated token."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.emulator.apivideo.harness import PIECE, Site, error_slug, form

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = Random(7).randbytes(3 * PIECE + 12_345)
PIECES = [FILE[start : start + PIECE] for start in range(0, len(FILE), PIECE)]


def kept(site: Site, video_id: str) -> str:
    """The digest of the file that the emulator has put together."""
    items = site.emulated.control("/ledger")[f"apivideo/{site.environment}"]["items"]
    return str(next(item["assets"]["source"]["sha256"] for item in items if item["id"] == video_id))


def piece_header(kind: str, number: int) -> str:
    """The Content-Range of a piece, counted from 0."""
    if kind == "part":
        return f"part {number + 1}/{len(PIECES)}"
    first = number * PIECE
    return f"bytes {first}-{first + len(PIECES[number]) - 1}/{len(FILE)}"


@pytest.mark.parametrize("kind", ["part", "bytes"])
def test_pieces_at_once_and_backwards(site: Site, kind: str) -> None:
    """Pieces sent together in the wrong order make the right file; one response is the video, the others its id."""
    video_id = site.video()

    def send(number: int) -> set[str]:
        answer = site.upload_form(f"/videos/{video_id}/source", PIECES[number], part=piece_header(kind, number))
        assert answer.status == 201, answer.body
        return set(answer.json)

    with ThreadPoolExecutor(4) as pool:
        keys = list(pool.map(send, reversed(range(len(PIECES)))))
    assert sorted(len(each) == 1 for each in keys) == [False, True, True, True]
    assert kept(site, video_id) == sha256(FILE).hexdigest()


def test_status_while_parts_come(site: Site) -> None:
    """The status lists the received pieces, and the total as soon as it is known."""
    video_id = site.video()
    path = f"/videos/{video_id}/source"
    assert site.status(video_id) == {
        "encoding": {
            "playable": False,
            "qualities": [],
            "metadata": dict.fromkeys(site.status(video_id)["encoding"]["metadata"]),
        }
    }
    site.upload_form(path, PIECES[1], part="part 2/*")
    assert site.status(video_id)["ingest"] == {
        "status": "uploading",
        "filesize": None,
        "receivedBytes": [],
        "receivedParts": {"parts": [2], "total": None},
    }
    site.upload_form(path, PIECES[0], part="part 1/*")
    site.upload_form(path, PIECES[2], part="part 3/3")
    assert site.status(video_id)["ingest"]["receivedParts"] == {"parts": [1, 2, 3], "total": 3}


def test_status_while_bytes_come(site: Site) -> None:
    """For ranges, the bytes are reported."""
    video_id = site.video()
    site.upload_form(f"/videos/{video_id}/source", PIECES[1], part=piece_header("bytes", 1))
    ingest = site.status(video_id)["ingest"]
    assert ingest["receivedBytes"] == [{"from": PIECE, "to": 2 * PIECE - 1, "total": len(FILE)}]
    assert ingest["filesize"] == len(FILE)


@pytest.mark.parametrize("field", ["file", "10m.mp4", "anything"])
def test_the_field_may_be_called_anything(site: Site, field: str) -> None:
    """The one file of the form is taken, whatever its field is called."""
    video_id = site.video()
    answer = site.upload_form(f"/videos/{video_id}/source", b"short", field=field)
    assert (answer.status, answer.json["videoId"]) == (201, video_id)


@pytest.mark.parametrize("first", [True, False])
def test_delegated_upload(site: Site, first: bool) -> None:  # noqa: FBT001 - a table of cases
    """A token is enough; the video is named by the first file, and `videoId` may come before or behind the file."""
    token = site.call("POST", "/upload-tokens", {"ttl": 60}).json["token"]
    result = site.upload_form(f"/upload?token={token}", PIECES[0], name="film.mp4.part.a", part="part 1/2")
    assert set(result.json) == {"videoId"}
    video_id = result.json["videoId"]
    parts = [("videoId", None, video_id.encode()), ("file", "b", b"end")]
    body, headers = form(*(parts if first else reversed(parts)))
    last = site.call("POST", f"/upload?token={token}", body, headers=headers | {"Content-Range": "part 2/2"})
    assert (last.status, last.json["title"]) == (201, "film.mp4.part.a")
    assert kept(site, video_id) == sha256(PIECES[0] + b"end").hexdigest()


def test_the_pieces_of_whoever_forgets_the_id(site: Site) -> None:
    """Without `videoId` every piece makes a video of its own, as it happens to the official clients."""
    token = site.call("POST", "/upload-tokens", {}).json["token"]
    for number in range(2):
        site.upload_form(f"/upload?token={token}", PIECES[number], part=f"part {number + 1}/2")
    assert len(site.call("GET", "/videos").json["data"]) == 2


def test_a_token_ends(site: Site) -> None:
    """After its `ttl` a token opens nothing, and is listed no more; one without end goes on."""
    short, endless = (site.call("POST", "/upload-tokens", {"ttl": ttl}).json for ttl in (60, 0))
    assert short["expiresAt"]
    assert endless["expiresAt"] is None
    site.emulated.control("/clock", {"advance_s": 61})
    assert (
        error_slug(site.upload_form(f"/upload?token={short['token']}", b"x")) == "authentication-invalid-upload-token"
    )
    assert [each["token"] for each in site.call("GET", "/upload-tokens").json["data"]] == [endless["token"]]
    assert site.upload_form(f"/upload?token={endless['token']}", b"x").status == 201


def test_bytes_in_vain_are_counted(site: Site) -> None:
    """A part that is there already is an error, and its bytes are counted."""
    video_id = site.video()
    for _ in range(2):
        answer = site.upload_form(f"/videos/{video_id}/source", PIECES[0], part="part 1/2")
    assert error_slug(answer) == "video-content-range-by-part-part-already-sent"
    assert site.counts()["resent_bytes"] == PIECE
    whole = site.upload(b"x" * 100)
    assert error_slug(site.upload_form(f"/videos/{whole}/source", b"x" * 100)) == "video-source-already-uploaded"
    assert site.counts()["resent_bytes"] == PIECE + 100


def test_two_videos_for_one_intention(site: Site) -> None:
    """Two videos with one marker are one too many; so are two with one title and one file. Others are not."""
    for title in ("a", "b"):
        site.video(title=title, metadata=[{"key": "callwell-call", "value": "once"}])
    assert site.counts()["duplicate_videos"] == 1
    for content in (b"same", b"same", b"other"):
        site.upload(content, title="c")
    assert site.counts()["duplicate_videos"] == 2


def test_an_upload_that_is_too_long_in_all(apivideo: Callable[..., Site]) -> None:
    """The piece that makes a file too large is refused, and a smaller one in its place completes it."""
    site = apivideo(max_video_bytes=str(PIECE + 10))
    video_id = site.video()
    path = f"/videos/{video_id}/source"
    site.upload_form(path, PIECES[0], part="part 1/2")
    assert error_slug(site.upload_form(path, b"x" * 11, part="part 2/2")) == "uploaded-file-too-large"
    assert site.upload_form(path, b"x" * 10, part="part 2/2").json["title"] == "A video"


def test_an_upload_that_nobody_ends(site: Site) -> None:
    """After seven days a container without a whole file is gone."""
    video_id = site.video()
    site.upload_form(f"/videos/{video_id}/source", PIECES[0], part="part 1/2")
    site.emulated.control("/clock", {"advance_s": 7 * 86_400})
    assert site.call("GET", f"/videos/{video_id}").status == 404
