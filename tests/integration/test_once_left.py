# SPDX-License-Identifier: Apache-2.0
"""A call that ended without a record makes no other wait, though its process lives on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from callwell.emulator.options import EmulatorOptions
from tests.integration.test_once import Site
from tests.processes.program import popen, start
from tests.processes.scaled_clock import clock

if TYPE_CHECKING:
    from collections.abc import Iterator

LEAVING: Final = Path(__file__).with_name("leaving.py")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The emulator on a clock that runs 25 times as fast: a probe waits for late commits."""
    options = {"apivideo.writes": "100000", "apivideo.reads": "100000"}
    with start(EmulatorOptions(provider=("apivideo",), clock=clock(25), settings=options)) as running:
        yield Site(running, tmp_path)


@pytest.mark.parametrize("how", ["fail", "cancel", "lose"])
def test_another_process_takes_the_call_over_at_once(site: Site, how: str) -> None:
    """The state failed after Send, the task was cancelled, or its loop was closed: one video is made in all."""
    fault = {"fault": "lost_reply"} if how == "fail" else {"fault": "hang", "delay_s": 60}
    site.faults({"operation": "videos.create", "nth": 1, **fault})
    job = {
        "how": how,
        "key": f"file:{site.key_file}",
        "base_url": site.point.base_url,
        "state": site.state,
        "clock": site.running.endpoints.clock,
        "name": "order 1",
    }
    process = popen([str(LEAVING), json.dumps(job)])
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "left\n"
        with site.client(state=site.state, deadline_s=600.0) as api:
            (entry,) = api.ledger.entries()
            assert entry.call is not None
            created = api.with_options(exactly_once="order 1").videos.create(title="order 1")
            assert api.ledger.get("order 1").object_key == created["videoId"]
        assert process.poll() is None, "the first process has ended"
    finally:
        process.kill()
        process.communicate()
    counts = site.counts()
    assert (counts["videos"], counts["duplicate_videos"]) == (1, 0)
