# SPDX-License-Identifier: Apache-2.0
"""Tokens that several processes share, against the emulated provider that hands them out."""

from __future__ import annotations

import json
import random
import subprocess
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from callwell import Client, errors
from callwell.clock import parse_clock
from callwell.emulator.options import EmulatorOptions
from callwell.keys import Key
from tests.emulator.harness import fetch
from tests.patience import PATIENCE_S
from tests.processes.program import Program, popen, start
from tests.processes.scaled_clock import clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.emulator.process import Running
    from callwell.providers.apivideo.client import Apivideo

CALLING = Path(__file__).with_name("token_calling.py")
LIFE_S = 20
MOST_KILLS = 6
"""On a slow machine the clock is slow too, and there would be time for dozens."""

ISSUE = "auth.authenticate"
RENEW = "auth.refresh"


@dataclass
class Site:
    """An emulator with tokens that live for twenty seconds of a fast clock, and a folder."""

    running: Running
    folder: Path

    @property
    def job(self) -> dict[str, Any]:
        """What a client is made with."""
        point = self.running.endpoint("apivideo")
        file = self.folder / "key"
        file.write_text(point.key)
        return {"key": f"file:{file}", "base_url": point.base_url, "state": f"sqlite:///{self.folder / 'state.db'}"}

    @property
    def clock(self) -> Any:
        """The emulator's, before any move."""
        return parse_clock(self.running.endpoints.clock)

    def client(self, **options: Any) -> Apivideo:
        """A client in this process."""
        options = {**self.job, "auth": "token", "clock": self.clock, **options}
        return cast("Apivideo", Client("apivideo", **options))

    def process(self, until: float) -> Program[str]:
        """A process that calls until then."""
        job = json.dumps(self.job | {"clock": self.running.endpoints.clock, "until": until})
        command = [str(CALLING), job]
        return popen(command)

    def control(self, path: str, body: Any) -> Any:
        """Tell the emulator something."""
        return fetch(self.running.control + path, "POST", body=json.dumps(body).encode()).json

    def rows(self, *operations: str) -> list[dict[str, Any]]:
        """What arrived, all or of some operations."""
        rows = fetch(f"{self.running.control}/ledger/requests").json
        return [row for row in rows if not operations or row["operation"] in operations]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """An emulator of its own for each test."""
    settings = {"apivideo.token_life_s": str(LIFE_S)}
    with start(EmulatorOptions(provider=("apivideo",), clock=clock(25), settings=settings)) as running:
        yield Site(running, tmp_path)


def check_single_flight(rows: list[dict[str, Any]]) -> None:
    """No two requests for tokens were under way at once, and no token for renewal was used twice."""
    ended = [row for row in rows if row["ended_s"] is not None]
    assert not [(one, two) for one, two in pairwise(ended) if two["arrived_real_s"] < one["ended_real_s"]]
    bodies = [row["body_sha256"] for row in rows if row["operation"] == RENEW]
    assert len(set(bodies)) == len(bodies)


def test_processes_share_tokens_while_some_are_killed(site: Site) -> None:
    """One request for tokens at a time, none refused, and not one call that fails."""
    until = site.clock.now() + 160.0
    steady = [site.process(until) for _ in range(2)]
    dice = random.Random(2)
    kills = 0
    while kills < MOST_KILLS and site.clock.now() < until - 40.0:
        victim = site.process(until)
        try:
            victim.communicate(timeout=dice.uniform(0.5, 1.3))
        except subprocess.TimeoutExpired:
            victim.kill()
            victim.communicate()
            kills += 1
    for process in steady:
        out, complaints = process.communicate(timeout=2 * PATIENCE_S)  # minutes of a slow clock
        assert (process.returncode, complaints) == (0, "")
        assert int(out) > 0
    rows = site.rows(ISSUE, RENEW)
    assert kills >= 2
    assert {row["status"] for row in rows} <= {200, None}
    assert len([row for row in rows if row["operation"] == RENEW]) >= 3
    check_single_flight(rows)
    calls = site.rows("tags.list")
    late = [row for row in calls if row["status"] == 401]  # on a slow machine a token can end on its way
    ends = [row["arrived_s"] + LIFE_S for row in rows if row["status"] == 200]
    assert all(any(end <= row["arrived_s"] for end in ends) for row in late)
    assert {row["status"] for row in calls} <= {200, 401, None}
    state = b"".join(path.read_bytes() for path in site.folder.iterdir() if path.is_file() and path.name != "key")
    assert b"tokens:" in state
    assert site.running.endpoint("apivideo").key.encode() not in state
    assert b"eyJ" not in state


def test_who_is_killed_while_it_gets_tokens_is_followed(site: Site) -> None:
    """Its lease ends after half a minute, and another takes over by the key."""
    site.control("/faults", [{"operation": ISSUE, "fault": "hang", "nth": 1, "delay_s": 60}])
    victim = site.process(site.clock.now() + 1000.0)
    while not site.rows(ISSUE):
        time.sleep(0.02)
    victim.kill()
    victim.communicate()
    began = site.clock.now()
    with site.client() as api:
        assert list(api.tags.list()) == []
    assert site.clock.now() - began < 60.0
    assert len(site.rows(ISSUE)) == 2


def test_a_token_that_ended_early_is_renewed(site: Site) -> None:
    """The emulator's clock leaps over its end: the call is sent again with a new one, unnoticed."""
    site.control("/reset", {"token_life_s": 3600})
    with site.client() as api:
        list(api.tags.list())
        site.control("/clock", {"advance_s": 4000})
        list(api.tags.list())
    assert [(row["operation"], row["status"]) for row in site.rows()] == [
        (ISSUE, 200),
        ("tags.list", 200),
        ("tags.list", 401),
        (RENEW, 200),
        ("tags.list", 200),
    ]


def test_a_renewal_whose_answer_is_lost_goes_by_the_key(site: Site) -> None:
    """What it used up is not used again."""
    site.control("/reset", {"token_life_s": 3600})
    site.control("/faults", [{"operation": RENEW, "fault": "lost_reply", "nth": 1}])
    with site.client() as api:
        list(api.tags.list())
        site.control("/clock", {"advance_s": 4000})
        list(api.tags.list())
    assert [row["operation"] for row in site.rows(ISSUE, RENEW)] == [ISSUE, RENEW, ISSUE]


def test_a_wrong_key_and_a_dead_one(site: Site) -> None:
    """Both are reported as a refused key; what needs no key goes on."""
    with site.client(key=Key("wrong"), state="memory:") as api, pytest.raises(errors.KeyRefused) as caught:
        list(api.tags.list())
    assert caught.value.code == "authentication-invalid-user-credentials"
    with site.client(key=Key(site.running.endpoint("apivideo").key)) as api:
        token = api.upload_tokens.create(ttl=600).get("token", "")
        site.control("/keys/revoke", {"provider": "apivideo/production"})
        assert api.videos.upload_with_token(token=token, file=b"not a film", check=False).target
        with pytest.raises(errors.KeyRefused, match=ISSUE):
            list(api.tags.list())
    shown = [row for row in site.rows("videos.upload_with_token") if row["key"]]
    assert shown == []
