# SPDX-License-Identifier: Apache-2.0
"""Creation exactly once against the emulated api.video: real connections that break, real processes that are killed."""

from __future__ import annotations

import json
import random
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from callwell import Client, errors, providers
from callwell.clock import parse_clock
from callwell.emulator.options import EmulatorOptions
from callwell.keys import Key
from tests.processes.program import Program, popen, renewed, start
from tests.processes.scaled_clock import clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.emulator.process import Running
    from callwell.providers.apivideo.client import Apivideo

CREATING: Final = Path(__file__).with_name("creating.py")
CAPTIONS: Final = b"WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n"
PICTURE: Final = b"\x89PNG\r\n\x1a\n" + bytes(100)

MARKED: Final = {"videos.create"}
"""The operations that create objects with a mark."""

UNMARKED: Final[dict[str, dict[str, Any]]] = {
    "upload_tokens.create": {},
    "live_streams.create": {"name": "n"},
    "players.create": {"name": "n"},
    "watermarks.upload": {"file": PICTURE},
    "webhooks.create": {"events": ["video.source.recorded"], "url": "http://127.0.0.1:1/"},
    "summaries.create": {"video_id": "VIDEO"},
    "captions.upload": {"video_id": "VIDEO", "language": "en", "file": CAPTIONS},
    "chapters.upload": {"video_id": "VIDEO", "language": "en", "file": CAPTIONS},
}
"""Those that create objects without one, with arguments."""

UPLOADS: Final = {"videos.upload", "videos.upload_with_token"}
"""Files in pieces: the provider reports what has arrived of them."""

OTHERS: Final = {"auth.refresh", "summaries.update_source"}
"""What creates nothing and may not be repeated for another reason."""


class Site:
    """An emulator, and clients of its production."""

    def __init__(self, running: Running, folder: Path) -> None:
        self.running = running
        self.point = running.endpoint("apivideo", "production")
        self.state = f"sqlite:///{folder / 'state.db'}"
        self.key_file = folder / "key"
        self.key_file.touch(mode=0o600)
        self.key_file.write_text(self.point.key)

    def client(self, **options: Any) -> Apivideo:
        """A client with the emulator's clock, in no hurry."""
        clock = parse_clock(self.running.endpoints.clock)
        usual = {"key": Key(self.point.key), "base_url": self.point.base_url, "clock": clock, "deadline_s": None}
        made: Apivideo = Client("apivideo", **{**usual, **options})
        return made

    def process(self, name: str) -> Program[str]:
        """A process that makes one video of that name."""
        job = {
            "key": f"file:{self.key_file}",
            "base_url": self.point.base_url,
            "state": self.state,
            "clock": self.running.endpoints.clock,
            "name": name,
        }
        command = [str(CREATING), json.dumps(job)]
        return popen(command)

    def steer(self, path: str, body: object = None) -> Any:
        """Tell the emulator something, or ask it."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.running.control + path, data)) as answer:  # noqa: S310 - this machine
            return json.load(answer)

    def faults(self, *rules: dict[str, Any]) -> None:
        """Put rules in force."""
        self.steer("/faults", [{"provider": "apivideo/production", **rule} for rule in rules])

    def counts(self) -> dict[str, Any]:
        """What the emulator has counted."""
        counts: dict[str, Any] = self.steer("/ledger")["apivideo/production"]["counts"]
        return counts


def options() -> EmulatorOptions:
    """A clock that runs 25 times as fast: a late commit is waited for two seconds."""
    settings = {"apivideo.writes": "100000", "apivideo.reads": "100000"}
    return EmulatorOptions(provider=("apivideo",), clock=clock(25), settings=settings)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """The emulator."""
    return Site(renewed(options()), tmp_path)


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[Site]:
    """The same in a process of its own, for a test that kills programs amid their requests."""
    with start(options()) as running:
        yield Site(running, tmp_path)


@pytest.mark.parametrize("seed", range(4))
def test_no_fault_makes_a_video_twice_or_loses_one(site: Site, seed: int) -> None:
    """Replies lost after the commit, requests lost before it, late commits, errors before and after."""
    site.faults(
        {"operation": "videos.create", "fault": "lost_reply", "rate": 0.25, "seed": seed},
        {"operation": "videos.create", "fault": "reset", "rate": 0.2, "seed": seed + 10},
        {"operation": "videos.create", "fault": "late_effect", "rate": 0.2, "seed": seed + 20, "delay_s": 60},
        {"operation": "videos.create", "fault": "error_after", "rate": 0.1, "seed": seed + 30},
        {"operation": "videos.create", "fault": "error_before", "rate": 0.1, "seed": seed + 40},
        {"operation": "videos.create", "fault": "truncated", "rate": 0.1, "seed": seed + 50},
        {"operation": "videos.list", "fault": "error_before", "rate": 0.1, "seed": seed + 60},
    )
    with site.client(exactly_once=True) as api, ThreadPoolExecutor(8) as pool:
        result = list(pool.map(lambda number: api.videos.create(title=f"video {number}")["videoId"], range(40)))
        assert api.ledger.entries(settled=True) == ()
    time.sleep(1.3)
    counts = site.counts()
    assert (len(set(result)), counts["videos"], counts["duplicate_videos"]) == (40, 40, 0)
    assert counts["duplicated_creations"] == 0
    assert counts["by_fault"].keys() >= {"lost_reply", "reset", "late_effect"}


def test_kills_make_no_video_twice_and_lose_none(own_site: Site) -> None:
    """Processes that make videos by name are killed at any moment and started again, until all have ended.

    A process that ends before it can be killed proves nothing, so there are more names until four were killed.
    """
    site = own_site
    site.faults(
        {"operation": "videos.create", "fault": "lost_reply", "rate": 0.3, "seed": 1},
        {"operation": "videos.create", "fault": "late_effect", "rate": 0.2, "seed": 2, "delay_s": 60},
        {"operation": "videos.create", "fault": "slow_body", "rate": 0.5, "seed": 3, "delay_s": 0.6},
    )
    dice = random.Random(5)
    kills = 0
    result = dict[str, str]()
    names: list[str] = []
    while kills < 4 or len(names) < 4:
        name = f"order {len(names)}"
        names.append(name)
        for _ in range(2):
            enough = site.counts()["attempts"] + dice.choice([1, 1, 2])
            process = site.process(name)
            while site.counts()["attempts"] < enough and process.poll() is None:
                time.sleep(0.002)
            process.kill()
            kills += process.wait() != 0
            process.communicate()
    left = names
    while left:
        for name, process in [(name, site.process(name)) for name in left]:
            result[name], complaints = process.communicate(timeout=120)
            assert (process.returncode, complaints) == (0, "")
        left = [name for name in names if not result[name]]
    counts = site.counts()
    assert (len(set(result.values())), counts["videos"]) == (len(names), len(names))
    assert counts["duplicate_videos"] == 0
    assert counts["duplicated_creations"] == 0
    with site.client(state=site.state) as api:
        assert api.ledger.entries() == ()
        assert {entry.name: entry.object_key for entry in api.ledger.entries(settled=True)} == result


def test_two_processes_that_race_for_one_name(site: Site) -> None:
    """One makes it, the other waits and gets the same."""
    site.faults({"operation": "videos.create", "fault": "slow_body", "nth": 1, "delay_s": 0.5})
    done = [process.communicate(timeout=60) for process in [site.process("order 1") for _ in range(3)]]
    assert len(set(done)) == 1
    assert (site.counts()["videos"], done[0][1]) == (1, "")


def test_threads_that_race_for_one_name(site: Site) -> None:
    """In one process as well."""
    gate = threading.Barrier(6)

    def make(api: Apivideo) -> str:
        gate.wait()
        return api.with_options(exactly_once="order 1").videos.create(title="t")["videoId"]

    with site.client() as api, ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(make, [api] * 6))) == 1
    assert site.counts()["videos"] == 1


def test_every_creating_operation_is_known_here() -> None:
    """An operation that may not be repeated is in one of the lists above, and those with a mark in the profile are."""
    from callwell.client.calls.operations import find_operation

    provider = providers.load("apivideo")
    unsafe = {name for name in provider.api.operations if not find_operation(provider, name).plan.traits.repeatable}
    assert unsafe == MARKED | UNMARKED.keys() | UPLOADS | OTHERS
    assert {name for name in unsafe if provider.rule(name).marker} == MARKED


@pytest.mark.parametrize("exactly_once", [False, True])
@pytest.mark.parametrize("operation", sorted(UNMARKED))
def test_what_carries_no_mark_is_never_made_twice(site: Site, operation: str, exactly_once: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """After a lost reply it is unknown, whatever was requested, and nothing is sent again; the ledger keeps it."""
    with site.client(exactly_once=exactly_once) as api:
        video = api.with_options(exactly_once=False).videos.create(title="t")["videoId"]
        site.faults({"operation": operation, "fault": "lost_reply", "nth": 1})
        given = {name: video if value == "VIDEO" else value for name, value in UNMARKED[operation].items()}
        with pytest.raises(errors.OutcomeUnknown) as caught:
            api.call(operation, **given)
        entries = api.ledger.entries()
        assert [entry.operation for entry in entries] == [operation] * exactly_once
        assert caught.value.sent.startswith("POST /")
        assert caught.value.sent in str(caught.value)
        assert site.key_file.read_text() not in str(entries)
        assert len([effect for effect in site.counts()["effects"] if operation in str(effect)]) == 1
