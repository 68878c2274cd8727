# SPDX-License-Identifier: Apache-2.0
"""The object of an upload is made once, whatever is lost and whenever the process is killed; on purpose it is again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell.client.uploads.options import NO_UPLOAD
from callwell.core.upload import Upload
from callwell.emulator.options import EmulatorOptions
from callwell.state.base import Cell
from tests.integration.filming import COUNT, PIECE, ROOMY, Site, count_arrived, upload_and_kill
from tests.processes.program import renewed, start

if TYPE_CHECKING:
    from collections.abc import Iterator
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


@pytest.mark.parametrize("fault", ["lost_reply", "error_after", "truncated"])
def test_a_lost_answer_to_the_creation_makes_no_second_video(site: Site, fault: str) -> None:
    """It is found by its mark, for a file and for a stream; nothing of it stays in the ledger."""
    for file in (site.film, iter([site.content])):
        site.faults({"operation": "videos.create", "fault": fault, "nth": [1]})
        with site.client() as client:
            done = client.videos.upload(file, title="film", piece_size=PIECE)
            kinds = {key.partition(":")[0] for key in client.config.state.keys("")}
            # The last is written once a client has used its key for a while.
            assert kinds - {"key-processes"} == {"fleet", "key"}
        site.check(done.target)
        with site.client() as client:
            client.videos.delete(video_id=done.target)


@pytest.mark.parametrize("own", [False, True])
def test_a_kill_right_after_the_creation_makes_no_second_video(own_site: Site, own: bool) -> None:  # noqa: FBT001 - a case
    """The response hangs, and the process is killed: the same upload finds its video, also under a given name."""
    site = own_site
    site.faults({"operation": "videos.create", "fault": "hang", "nth": [1], "delay_s": 30})
    name = "talk 1" if own else None
    upload_and_kill(site, 1, "videos.create", name)
    with site.client() as client:
        once = client.with_options(exactly_once=name or False)
        done = once.upload("videos.upload", str(site.film), title="film", piece_size=PIECE, pieces=2)
    site.check(done.target)


def test_the_same_upload_can_be_repeated_on_purpose(site: Site) -> None:
    """Another video each time; under a name of the caller's the same one, of which nothing is sent again."""
    with site.client() as client:
        first, second = (client.videos.upload(site.film, title="film", piece_size=PIECE).target for _ in range(2))
        assert first != second
        named = client.with_options(exactly_once="talk 1")
        third, fourth = (named.videos.upload(site.film, title="film", piece_size=PIECE) for _ in range(2))
    assert third.target == fourth.target not in (first, second)
    assert (fourth.pieces, fourth.answer.get("title")) == (COUNT, "film")
    assert site.counts()["resent_bytes"] == 0
    assert count_arrived(site) == 3 * COUNT


def test_a_video_that_vanished_before_its_first_piece_is_made_again(own_site: Site) -> None:
    """What was made is gone: that is seen, and another one is made."""
    site = own_site
    site.faults({"operation": "videos.create", "fault": "hang", "nth": [1], "delay_s": 30})
    upload_and_kill(site, 1, "videos.create")
    with site.client() as client:
        (key,) = client.config.state.keys("upload:")
        name = client.config.state.read(Cell(key, Upload, NO_UPLOAD)).creation
        created = client.with_options(exactly_once=name).videos.create(title="film")
        client.videos.delete(video_id=created["videoId"])
        done = client.upload("videos.upload", str(site.film), title="film", piece_size=PIECE, pieces=2)
    site.check(done.target)
