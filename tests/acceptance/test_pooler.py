# SPDX-License-Identifier: Apache-2.0
"""A state behind a real pooler in transaction mode: `make conformance` runs this file, and brings the pooler."""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING

import pytest

from callwell.errors import StateError
from callwell.state.base import Cell
from callwell.state.postgres import PostgresState
from tests.integration.fleet import Fleet
from tests.patience import PATIENCE_S
from tests.processes.pooler import Pooler

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNT = Cell("count", int, 0)
CHANGES = 50
THREADS = 8


@pytest.fixture(scope="module")
def pooler() -> Iterator[Pooler]:
    """A pooler, in a folder that the server's user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="callwell-pooler-"))
    folder.chmod(0o755)
    try:
        with Pooler(folder) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_every_change_counts(pooler: Pooler) -> None:
    """Of more clients at once than the pooler has connections."""

    def work() -> None:
        state = PostgresState(pooler.url)
        for _ in range(CHANGES):
            state.update(COUNT, lambda count: (count + 1, None))
        state.close()

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state = PostgresState(pooler.url)
    assert state.read(COUNT) == CHANGES * THREADS
    state.close()


def test_news_arrives(pooler: Pooler, caplog: pytest.LogCaptureFixture) -> None:
    """Without notifications: that is found out and said once."""
    state = PostgresState(pooler.url)
    heard: Queue[str] = Queue()
    state.listen(heard.put)
    for topic in ("before it is found out", "later"):
        state.notify(topic)
        assert heard.get(timeout=PATIENCE_S) == topic
    assert len([record for record in caplog.records if "does not forward notifications" in record.message]) == 1
    state.close()


def test_a_fleet_shares_its_quota(pooler: Pooler, root: Path) -> None:
    """Also when the pooler is started again; no call fails."""
    fleet = Fleet(pooler.url, root, limit=20, window_s=1.0)
    try:
        for name in "abc":
            fleet.start(name)
        fleet.wait_for_each("abc", 5)
        pooler.stop()
        pooler.start()
        fleet.wait_for_each("abc", fleet.count() + 5)
        assert fleet.end()["failed"] == 0
        assert fleet.fullest(1.0) <= 20
    finally:
        fleet.close()


def test_a_pooler_that_is_gone(pooler: Pooler) -> None:
    """It is said in one line, and works again when the pooler does."""
    state = PostgresState(pooler.url)
    state.update(COUNT, lambda _: (7, None))
    pooler.stop()
    with pytest.raises(StateError, match="cannot open the state") as failed:
        state.read(COUNT)
    assert "\n" not in str(failed.value)
    pooler.start()
    assert state.read(COUNT) == 7
    state.close()
