# SPDX-License-Identifier: Apache-2.0
"""Uploads to an emulated provider that loses responses, resets, throttles and fails: each video once, byte for byte."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from callwell import AsyncClient, errors
from callwell.emulator.options import EmulatorOptions
from callwell.keys import Key
from clips import clip
from tests.integration.filming import COUNT, PIECE, ROOMY, SIZE, Site, upload_and_kill
from tests.processes.program import renewed, start

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

OPTIONS = EmulatorOptions(provider=("apivideo",), settings=ROOMY)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """An emulator that is in no hurry about quotas."""
    return Site(renewed(OPTIONS), tmp_path)


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[Site]:
    """The same in a process of its own, for a test that kills programs amid their requests."""
    with start(OPTIONS) as running:
        yield Site(running, tmp_path)


def test_a_film_is_there_byte_for_byte(site: Site) -> None:
    """In pieces, with its title, in the state that was waited for; progress is reported; nothing is kept."""
    reported: list[int] = []
    with site.client() as client:
        done = client.videos.upload(
            site.film, title="film", piece_size=PIECE, progress=reported.append, wait="playable"
        )
        assert client.config.state.keys("upload:") == []
    assert (done.size, done.pieces, done.resent, done.warnings) == (SIZE, COUNT, 0, ())
    assert done.answer.get("title") == "film"
    assert (reported == sorted(reported), reported[-1]) == (True, SIZE)
    site.check(done.target)


def test_a_small_file_goes_in_one_piece(site: Site) -> None:
    """As bytes, as an open file and as a path alike."""
    small = site.folder / "small.mp4"
    small.write_bytes(clip())
    with site.client() as client, small.open("rb") as opened:
        for file in (small, str(small), small.read_bytes(), opened):
            done = client.videos.upload(file, title="small")
            assert (done.pieces, done.size) == (1, small.stat().st_size)
            assert client.videos.status(video_id=done.target)["encoding"].get("playable") is not None


FAULTS: dict[str, list[dict[str, Any]]] = {
    "lost replies": [{"operation": "videos.upload", "fault": "lost_reply", "nth": [1, 2, 5]}],
    "resets": [{"operation": "videos.upload", "fault": "reset", "nth": [2, 3, 4]}],
    "500 before": [{"operation": "videos.upload", "fault": "error_before", "status": 500, "nth": [1, 4]}],
    "500 after": [{"operation": "videos.upload", "fault": "error_after", "status": 500, "nth": [3, 5]}],
    "429": [{"operation": "videos.upload", "fault": "throttle_after", "retry_after_s": 1, "nth": [2, 3]}],
    "half an answer": [{"operation": "videos.upload", "fault": "truncated", "nth": [1, 5]}],
    "a status that fails": [
        {"operation": "videos.upload", "fault": "lost_reply", "nth": [2]},
        {"operation": "videos.status", "fault": "error_before", "status": 503, "nth": [1, 2]},
    ],
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_goes_wrong_costs_no_byte(site: Site, case: str) -> None:
    """Whether a piece has arrived is asked, not guessed: nothing that is there is sent again."""
    site.faults(*FAULTS[case])
    with site.client() as client:
        done = client.videos.upload(site.film, title="film", piece_size=PIECE)
    assert site.counts()["resent_bytes"] == 0
    assert done.answer.get("videoId") == done.target
    site.check(done.target)


def test_the_async_side_too(site: Site) -> None:
    """The same with a stream that is awaited, and one that is not."""
    site.faults({"operation": "videos.upload", "fault": "lost_reply", "nth": [2, 5]})
    point = site.running.endpoint("apivideo")

    async def chunks() -> AsyncIterator[bytes]:
        for start_ in range(0, SIZE, 700_001):
            yield site.content[start_ : start_ + 700_001]

    async def work() -> Any:
        async with AsyncClient("apivideo", key=Key(point.key), base_url=point.base_url) as client:
            return await client.videos.upload(chunks(), title="film", piece_size=PIECE)

    done = asyncio.run(work())
    assert (done.pieces, done.size) == (COUNT, SIZE)
    site.check(done.target)


def test_a_kill_in_the_middle_costs_what_was_in_flight(own_site: Site) -> None:
    """Three times; then the same call ends it, in the same video, and sends nothing twice that had arrived."""
    site = own_site
    for pieces in (1, 2, 3):
        upload_and_kill(site, pieces)
    with site.client() as client:
        done = client.upload("videos.upload", str(site.film), title="film", piece_size=PIECE, pieces=2)
    assert site.counts()["resent_bytes"] <= 3 * 2 * PIECE
    site.check(done.target)


def test_a_delegated_upload_names_its_video_from_the_second_piece_on(site: Site) -> None:
    """One video and not one for each piece, several pieces at once, without the key."""
    site.faults({"operation": "videos.upload_with_token", "fault": "lost_reply", "nth": [3]})
    with site.client() as client:
        token = client.upload_tokens.create(ttl=600).get("token", "")
        done = client.videos.upload_with_token(site.film, token=token, piece_size=PIECE)
    assert (done.pieces, done.answer.get("title")) == (COUNT, "film.mp4")
    site.check(done.target)


def test_the_first_piece_of_a_delegated_upload_cannot_be_looked_up(site: Site) -> None:
    """The name of what it created is lost: the outcome is unknown, and that is reported."""
    site.faults({"operation": "videos.upload_with_token", "fault": "lost_reply", "nth": [1]})
    with site.client() as client:
        token = client.upload_tokens.create(ttl=600).get("token", "")
        with pytest.raises(errors.OutcomeUnknown):
            client.videos.upload_with_token(site.film, token=token, piece_size=PIECE)


def test_an_expired_token_names_what_is_left(site: Site) -> None:
    """Before the first piece nothing is; in the middle the video is named."""
    with site.client() as client:
        with pytest.raises(errors.Unauthorized):
            client.videos.upload_with_token(site.film, token="to-no-such", piece_size=PIECE)
        token = client.upload_tokens.create(ttl=600).get("token", "")
        fault = {"operation": "videos.upload_with_token", "fault": "error_before", "nth": [3]}
        site.faults(fault | {"code": "authentication-invalid-upload-token", "status": 401})
        with pytest.raises(errors.UploadStopped) as caught:
            client.videos.upload_with_token(site.film, token=token, piece_size=PIECE, pieces=1)
        assert isinstance(caught.value.__cause__, errors.Unauthorized)
        assert (caught.value.confirmed, caught.value.pieces) == (2, COUNT)
        assert str(caught.value.target) in str(caught.value)
        done = client.videos.upload_with_token(site.film, token=token, piece_size=PIECE)
    assert done.target == caught.value.target
    site.check(done.target)


def test_a_stream_of_unknown_length(site: Site) -> None:
    """Its pieces are sent as they come, the last one with their number; also when it ends with a piece."""
    for size in (2 * PIECE, 2 * PIECE + 1, 1000):
        content = clip(size)
        with site.client() as client:
            done = client.videos.upload(iter([content[:7], b"", content[7:]]), title="stream", piece_size=PIECE)
            status = client.call("videos.status", video_id=done.target)
            assert status["ingest"]["receivedParts"]["total"] == done.pieces
        assert (done.size, done.pieces) == (len(content), -(-len(content) // PIECE))


def test_the_sandbox_says_what_it_does(site: Site) -> None:
    """Nothing is cut of a film of two seconds; it is stamped, and gone in a day."""
    with site.client("sandbox") as client:
        short = client.videos.upload(site.film, title="film")
        unseen = client.videos.upload(site.film, title="film", check=False)
    assert [warning.kind for warning in short.warnings] == ["watermark", "deleted"]
    assert [warning.kind for warning in unseen.warnings] == ["cut", "watermark", "deleted"]
    assert abs((short.warnings[1].at or 0) - time.time() - 86_400) < 60


def test_a_video_that_vanished_is_begun_again(site: Site) -> None:
    """What was half there is gone: the same call makes another."""
    site.faults({"operation": "videos.upload", "fault": "error_before", "nth": [3], "status": 403})
    with site.client() as client:
        with pytest.raises(errors.UploadStopped) as caught:
            client.videos.upload(site.film, title="film", piece_size=PIECE, pieces=1)
        client.videos.delete(video_id=caught.value.target or "")
        done = client.videos.upload(site.film, title="film", piece_size=PIECE)
    assert done.target != caught.value.target
    site.check(done.target)
