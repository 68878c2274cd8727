# SPDX-License-Identifier: Apache-2.0
"""Uploads to an emulated provider that forgets pieces, has another file than was sent, or cannot use it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from callwell.emulator.options import EmulatorOptions
from clips import clip
from tests.integration.filming import COUNT, PIECE, ROOMY, SIZE, UPLOADING, Site, count_arrived, upload_and_kill
from tests.processes.program import renewed, run, start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


OPTIONS = EmulatorOptions(provider=("apivideo",), settings=ROOMY, clock="50")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """An emulator that is in no hurry about quotas."""
    return Site(renewed(OPTIONS), tmp_path)


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[Site]:
    """The same in a process of its own, for a test that kills programs amid their requests."""
    with start(OPTIONS) as running:
        yield Site(running, tmp_path)


def sent(site: Site, **more: Any) -> Any:
    """What an upload gives or raises."""
    with site.client() as client:
        try:
            return client.videos.upload(site.film, title="film", piece_size=PIECE, **more)
        except errors.CallwellError as error:
            return error


@pytest.mark.parametrize("nth", [[1], [3], [5], [2, 4, 6]])
def test_a_forgotten_piece_goes_again(site: Site, nth: list[int]) -> None:
    """The provider's own account says that it is missing; the report says what that cost."""
    site.faults({"operation": "videos.upload", "fault": "forgotten_piece", "nth": nth})
    done = sent(site, pieces=1)
    assert (done.pieces, done.size) == (COUNT, SIZE)
    assert count_arrived(site) == COUNT + len(nth)
    last = SIZE - (COUNT - 1) * PIECE
    assert done.resent == sum(last if number == COUNT else PIECE for number in nth[:1]) + (len(nth) - 1) * PIECE
    site.check(done.target)


@pytest.mark.parametrize("value", ["short", "long"])
def test_another_size_than_was_sent_is_an_error(site: Site, value: str) -> None:
    """It names the video and both sizes; the same call does not go on with it, but makes another one."""
    site.faults({"operation": "videos.status", "fault": "wrong_size", "nth": list(range(1, 9)), "value": value})
    failed = sent(site)
    assert isinstance(failed, errors.UploadMismatch)
    assert (failed.what, failed.sent, failed.found == SIZE) == ("size", SIZE, False)
    assert failed.target is not None
    assert failed.target in str(failed)
    assert f"{SIZE} were sent" in str(failed)
    site.faults()
    assert sent(site).target != failed.target


def test_a_size_that_nobody_knows_yet_is_no_difference(site: Site) -> None:
    """The provider says null until it has looked."""
    with site.client() as client:
        small = client.videos.upload(clip(), title="small", wait="ingested")
    assert (small.pieces, small.resent) == (1, 0)


def test_a_file_that_the_provider_cannot_use_ends_the_wait_at_once(site: Site) -> None:
    """No call waits an hour for a state that will never come; the error names the video."""
    site.faults({"operation": "videos.status", "fault": "failed_work", "nth": list(range(1, 99))})
    with site.client() as client:
        before = client.config.clock.now()
        with pytest.raises(errors.ProcessingFailed) as caught:
            client.videos.upload(site.film, title="film", piece_size=PIECE, wait="playable")
        assert client.config.clock.now() - before < 3_600
    assert caught.value.state == "failed"
    assert "never be playable" in str(caught.value)
    assert caught.value.target is not None


def test_what_is_no_film_ends_the_wait_by_itself(site: Site) -> None:
    """The emulated provider finds out when it looks at the file."""
    with site.client() as client, pytest.raises(errors.ProcessingFailed):
        client.videos.upload(b"no film at all", title="text", check=False, wait="playable")


def test_refusals_do_not_multiply_questions(site: Site) -> None:
    """Four pieces are refused by 503 at once: that is one question, and one at the end."""
    site.faults({"operation": "videos.upload", "fault": "error_before", "status": 503, "nth": [1, 2, 3, 4]})
    done = sent(site, pieces=4)
    assert count_arrived(site, "videos.status") <= 1 + 4
    assert count_arrived(site) == COUNT + 4
    assert done.resent <= 4 * PIECE
    site.check(done.target)


def test_the_figures_of_another_process_count(own_site: Site) -> None:
    """What was under way when it was killed was sent again, and the report of the next process says so."""
    site = own_site
    upload_and_kill(site, 3)
    point = site.running.endpoint("apivideo")
    job = {"base_url": point.base_url, "key": point.key, "state": site.state, "file": str(site.film)}
    done = json.loads(run([str(UPLOADING), json.dumps(job)]).stdout)
    again = count_arrived(site) - COUNT
    assert done["pieces"] == COUNT
    assert again <= 3
    # Two pieces were under way at the kill: of what the library had taken of them, some may never have left.
    assert done["resent"] in range(max(0, again - 1) * PIECE, (again + 2) * PIECE + 1)
    site.check(done["target"])


def test_a_question_that_cannot_be_asked_is_asked_by_the_same_call(site: Site) -> None:
    """All pieces are there, but that cannot be verified: it is not a success, and nothing is sent again."""
    site.faults({"operation": "videos.status", "fault": "error_before", "status": 400, "nth": [1]})
    failed = sent(site, wait="playable")
    assert isinstance(failed, errors.UploadStopped)
    assert (failed.confirmed, failed.pieces) == (COUNT, COUNT)
    done = sent(site, wait="playable")
    assert (count_arrived(site), done.pieces, done.target) == (COUNT, COUNT, failed.target)
    site.check(done.target)
