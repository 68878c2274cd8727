# SPDX-License-Identifier: Apache-2.0
"""Real processes that share one state and are killed at the worst moments, judged from outside."""

from __future__ import annotations

import json
import random
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from callwell.clock import parse_clock
from callwell.emulator.options import EmulatorOptions
from tests.export.emulated import Site, check_manifest, check_truth, contents
from tests.patience import PATIENCE_S
from tests.processes.program import Program, popen, start
from tests.processes.scaled_clock import clock

if TYPE_CHECKING:
    from collections.abc import Iterator

CALLING = Path(__file__).with_name("calling.py")
MINUTE_S = 60.0
MOST_KILLS = 8
"""On a slow machine the clock is slow too, and there would be time for dozens."""

RECORDINGS = 18
CALLS = 111
"""Those of an export of that world, when nothing goes wrong: lists, six for each recording, fewer where one expired."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A small world and the quota as documented, on a fast clock."""
    with start(
        EmulatorOptions(provider=("userplane",), clock=clock(25), window="sliding", recordings=RECORDINGS, seed=3)
    ) as running:
        yield Site(running, tmp_path)


def calling(site: Site, until: float) -> Program[str]:
    """A process that calls until then."""
    job = {
        "key": f"file:{site.key_file}",
        "base_url": site.running.endpoint("userplane").base_url,
        "state": f"sqlite:///{site.state}",
        "clock": site.running.endpoints.clock,
        "until": until,
    }
    command = [str(CALLING), json.dumps(job)]
    return popen(command)


def killed(process: Program[str], after_s: float) -> bool:
    """Kill it then, unless it has ended by itself."""
    try:
        _, complaints = process.communicate(timeout=after_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True
    assert (process.returncode, complaints) == (0, "")
    return False


def test_one_quota_for_three_processes_one_of_which_is_killed(site: Site) -> None:
    """They never go over it, hardly idle under it, and what the killed one held comes back."""
    clock = parse_clock(site.running.endpoints.clock)
    until = clock.now() + 5.2 * MINUTE_S
    steady = [calling(site, until) for _ in range(2)]
    dice = random.Random(1)
    kills = 0
    while kills < MOST_KILLS and clock.now() < until - MINUTE_S:
        kills += killed(calling(site, until), dice.uniform(0.4, 1.5))
    done = [process.communicate(timeout=2 * PATIENCE_S) for process in steady]  # minutes of a slow clock
    assert [(process.returncode, complaints) for process, (_, complaints) in zip(steady, done, strict=True)] == [
        (0, "")
    ] * 2
    counts = site.counts()
    assert kills >= 5
    assert (counts["over_quota"], counts["over_quota_all_arrivals"], counts["failed_calls"]) == (0, 0, 0)
    assert counts["by_status"].keys() <= {"200", "None"}
    assert counts["quota_used"] > 0.75
    shares = [int(text) for text, _ in done]
    assert min(shares) > 50


def test_an_export_that_is_killed_ten_times(site: Site) -> None:
    """It ends with the same bytes as one that was not, within the quota, and requests nothing that it has."""
    faults = [
        {"operation": "*", "fault": "error_before", "rate": 0.02, "seed": 1},
        {"operation": "*", "fault": "lost_reply", "rate": 0.01, "seed": 2},
        {"operation": "storage", "fault": "truncated", "rate": 0.03, "seed": 3},
        {"operation": "*", "fault": "early_expiry", "rate": 0.02, "seed": 4},
    ]
    site.faults(*faults)
    dice = random.Random(4)
    kills = 0
    for number in range(10):  # of an export that says at once what it has
        enough = site.counts()["attempts"] + dice.randint(5, 11)
        process = site.process(workers=2)
        # Faults and kills may leave no item whole so far. The last export goes on until one is, as what is whole is to
        # be requested no more.
        while process.poll() is None:
            if site.counts()["attempts"] >= enough and (number < 9 or site.finished_items()):
                break
            time.sleep(0.01)
        kills += killed(process, 0.0)
    output, complaints = (process := site.process()).communicate(timeout=120)
    assert (process.returncode, complaints) == (0, "")
    report = json.loads(output)
    counts = site.counts()
    assert kills == 10
    assert (report["verdict"], report["items"], report["fetched"] < RECORDINGS) == ("complete", RECORDINGS, True)
    assert (counts["over_quota"], counts["keys_seen_elsewhere"]) == (0, 0)
    assert counts["attempts"] < 2 * CALLS
    check_truth(site.tree, site.truth())
    check_manifest(site.tree)
    site.reset(per_minute=100_000, per_day=100_000)
    site.export(site.folder / "calm", state="memory:")
    assert contents(site.folder / "calm") == contents(site.tree)


def test_two_exports_of_one_account_share_its_quota(site: Site) -> None:
    """Into two folders at once: two whole trees, one quota.

    That they use it up is held where no machine can be too slow for it, in `test_account.py`.
    """
    processes = [site.process(site.folder / name, only=[]) for name in ("a", "b")]
    for process in processes:
        _, complaints = process.communicate(timeout=120)
        assert (process.returncode, complaints) == (0, "")
    counts = site.counts()
    assert (counts["over_quota"], counts["failed_calls"]) == (0, 0)
    assert counts["attempts"] >= 2 * CALLS - 12  # some files have expired
    assert contents(site.folder / "a") == contents(site.folder / "b")


def test_an_export_into_the_same_folder_twice_at_once(site: Site) -> None:
    """One of the two is refused because another is at work, and the tree is whole."""
    first = site.process()
    while not (site.tree / "callwell-export.json").exists():
        time.sleep(0.02)
    second = site.process()
    _, complaints = second.communicate(timeout=PATIENCE_S)
    assert second.returncode == 7
    assert complaints == f"FileProblem: {site.tree}: another export is using this folder; wait until it has ended"
    _, complaints = first.communicate(timeout=120)
    assert (first.returncode, complaints) == (0, "")
    check_truth(site.tree, site.truth())
    check_manifest(site.tree)
