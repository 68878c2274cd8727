# SPDX-License-Identifier: Apache-2.0
"""What tests of uploads share: a film, both environments of an emulated provider, and uploads that are killed."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callwell import Client
from callwell.keys import Key
from clips import clip
from tests.emulator.harness import fetch
from tests.patience import PATIENCE_S
from tests.processes.program import popen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.emulator.process import Running
    from callwell.providers.apivideo.client import Apivideo

MIB = 1 << 20
PIECE = 5 * MIB
SIZE = 23 * MIB + 12_345
COUNT = 5
UPLOADING = Path(__file__).with_name("uploading.py")
ROOMY = {"apivideo.uploads": "10000", "apivideo.writes": "10000", "apivideo.reads": "10000"}


class Site:
    """Both environments of the provider, and a film.

    Args:
        running: the emulator.
        folder: for the film and the state.
    """

    def __init__(self, running: Running, folder: Path) -> None:
        self.running = running
        self.folder = folder
        self.film = folder / "film.mp4"
        self.content = clip(SIZE)
        self.film.write_bytes(self.content)

    @property
    def state(self) -> str:
        """Where positions are kept."""
        return f"sqlite:///{self.folder / 'state.db'}"

    def client(self, environment: str = "production") -> Apivideo:
        """A client of an environment."""
        point = self.running.endpoint("apivideo", environment)
        key = Key(point.key)
        base_url = point.base_url
        return Client("apivideo", environment=environment, key=key, base_url=base_url, state=self.state)

    def control(self, path: str, body: Any = None) -> Any:
        """A request to the control port."""
        data = None if body is None else json.dumps(body).encode()
        answer = fetch(self.running.control + path, "GET" if body is None else "POST", body=data)
        assert answer.status == 200, answer.body
        return answer.json

    def faults(self, *rules: Mapping[str, Any]) -> None:
        """What goes wrong from now on."""
        self.control("/faults", list(rules))

    def counts(self, environment: str = "production") -> Any:
        """What has arrived, when all of it has been looked at."""
        return self.control("/ledger")[f"apivideo/{environment}"]["counts"]

    def check(self, target: str, environment: str = "production") -> None:
        """There is one video with the film's bytes, and no other."""
        counts = self.counts(environment)
        assert (counts["videos"], counts["duplicate_videos"]) == (1, 0)
        with self.client(environment) as client:
            saved = client.asset("videos.mp4", video_id=target).save(self.folder / "back.mp4")
        assert saved.sha256 == hashlib.sha256(self.content).hexdigest()


def upload_and_kill(site: Site, count: int, operation: str = "videos.upload", name: str | None = None) -> None:
    """Upload in a process, and kill it when so many requests have arrived.

    Pieces from that one on get no response until then: a kill that comes late finds the upload where it was.
    """
    point = site.running.endpoint("apivideo")
    job = {"base_url": point.base_url, "key": point.key, "state": site.state, "file": str(site.film), "name": name}
    if operation == "videos.upload":
        last = max(1, count - count_arrived(site))
        site.faults({"operation": operation, "fault": "hang", "nth": [last, last + 1], "delay_s": 60})
    process = popen([str(UPLOADING), json.dumps(job)])
    until = time.monotonic() + PATIENCE_S
    while count_arrived(site, operation) < count:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.002)
    process.kill()
    process.communicate()
    if operation == "videos.upload":
        site.faults()


def count_arrived(site: Site, operation: str = "videos.upload") -> int:
    """Requests that have arrived; of the usual operation, pieces."""
    rows = site.control("/ledger/requests")
    return sum(row["operation"] == operation for row in rows)
