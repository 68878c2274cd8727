# SPDX-License-Identifier: Apache-2.0
"""The counts of the ledger, by tables of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell.emulator.ledger import LedgerRow
from callwell.emulator.quota import Limit
from callwell.emulator.score import count_calls, count_duplicates, count_early, count_effects, score
from callwell.emulator.score_quota import count_over_quota, share_of_quota_used
from tests.emulator.harness import Json, fetch

if TYPE_CHECKING:
    from tests.emulator.harness import Emulated

MINUTE = Limit("minute", 2, 60.0)


def row(path: str = "/a", status: int | None = 200, **more: Json) -> LedgerRow:
    """A whole response of the API, unless said otherwise."""
    given = {"place": "api", "arrived_s": 0.0, "arrived_real_s": 0.0, "operation": "x", "method": "GET", "path": path}
    return LedgerRow(**{**given, "status": status, "whole": status is not None, "key_accepted": True, **more})


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], (0, 0, 0)),
        ([row()], (1, 1, 0)),
        ([row(), row()], (2, 2, 0)),
        ([row(status=500), row()], (2, 1, 0)),
        ([row(status=429), row(status=503), row(status=None), row()], (4, 1, 0)),
        ([row(status=200, whole=False), row()], (2, 1, 0)),
        ([row(status=200, fault="garbage_body"), row()], (2, 1, 0)),
        ([row(status=302), row(status=307), row()], (3, 1, 0)),
        ([row(status=302)], (1, 1, 1)),
        ([row(status=401, key_dead=True), row()], (2, 1, 0)),
        ([row(status=401), row()], (2, 2, 1)),
        ([row(status=404), row(status=410)], (2, 2, 0)),
        ([row(status=400)], (1, 1, 1)),
        ([row(status=500)], (1, 1, 1)),
        ([row(status=500), row("/b"), row()], (3, 2, 0)),
        ([row(status=500), row(query="page=2")], (2, 2, 1)),
        ([row(status=500), row(body_sha256="1")], (2, 2, 1)),
        ([row(status=500), row(method="POST")], (2, 2, 1)),
        ([row(status=None, method="POST", effect=True)], (1, 1, 0)),
        ([row(status=None, broken=True, body_sha256="1"), row(body_sha256="2")], (2, 1, 0)),
        ([row(status=500, method="POST", effect=True), row(status=400, method="POST")], (2, 1, 1)),
        ([row(), row(place="storage", status=403)], (1, 1, 0)),
    ],
)
def test_attempts_become_calls(rows: list[LedgerRow], expected: tuple[int, int, int]) -> None:
    """Attempts, calls and failed calls."""
    assert count_calls(rows) == expected


def test_amplification() -> None:
    """Attempts over calls; nothing called is not a division."""
    assert count_calls([row(status=500), row(), row()]).amplification == 1.5
    assert count_calls([]).amplification == 0.0


def throttled(until: float, *, written: float = 0.0) -> LedgerRow:
    """A 429 with a time."""
    return row(status=429, retry_until_s=until, ended_s=written, ended_real_s=written)


@pytest.mark.parametrize(
    ("arrivals", "expected"),
    [
        ([(0.2, 0.2)], 0),
        ([(0.3, 0.3)], 1),
        ([(9.9, 9.9)], 1),
        ([(10.0, 10.0)], 0),
        ([(9.0, 0.2)], 0),
        ([(9.0, 0.36), (9.5, 0.38), (11.0, 0.44)], 2),
    ],
)
def test_early_calls(arrivals: list[tuple[float, float]], expected: int) -> None:
    """Before its time, but not within 250 ms of real time; the times are clock and real."""
    rows = [throttled(10.0), *(row(arrived_s=at, arrived_real_s=real) for at, real in arrivals)]
    assert count_early(rows) == expected


def test_a_busy_machine_is_no_early_call() -> None:
    """A loop that was 50 ms late allows 200 ms more, and no more."""
    rows = [throttled(10.0)]
    rows += [row(arrived_s=9.0, arrived_real_s=real, lag_real_s=0.05) for real in (0.44, 0.46)]
    assert count_early(rows) == 1


def test_early_calls_are_those_of_the_same_class() -> None:
    """What is asked of one class of requests is not asked of another."""
    order = row(status=429, retry_until_s=10.0, ended_s=0.0, ended_real_s=0.0, quota="writes")
    later = [row(quota=quota, arrived_s=8.0, arrived_real_s=8.0) for quota in ("writes", "reads")]
    assert count_early([order, *later]) == 1


def test_early_calls_obey_the_longest_wait() -> None:
    """A later, shorter wait does not lift an earlier one; a 429 without a time asks for none."""
    rows = [throttled(30.0), throttled(5.0, written=1.0), row(arrived_s=8.0, arrived_real_s=8.0)]
    assert count_early(rows) == 1
    timeless = row(status=429, ended_s=0.0, ended_real_s=0.0)
    assert count_early([timeless, row(arrived_s=8.0, arrived_real_s=8.0)]) == 0


@pytest.mark.parametrize(
    ("arrivals", "expected"),
    [
        ([], 0),
        ([0, 1], 0),
        ([0, 1, 2], 1),
        ([0, 1, 60, 61], 0),
        ([0, 30, 59.9], 1),
        ([0, 30, 60, 89, 90], 2),
        ([0, 0, 0, 0], 2),
    ],
)
def test_over_quota_in_any_window(arrivals: list[float], expected: int) -> None:
    """Two in any sixty seconds, however the window is aligned."""
    assert count_over_quota(arrivals, MINUTE) == expected


@pytest.mark.parametrize(
    ("arrivals", "waits", "expected"),
    [
        ([], [], None),
        ([0, 59], [], None),
        ([0, 1, 61], [], 1.0),
        ([0, 61], [], 0.5),
        ([0, 1, 60, 61, 121], [], 1.0),
        ([0, 130], [(10, 70)], 0.5),
        ([0, 130], [(0, 50), (30, 60), (55, 60)], 0.5),
        ([0, 61], [(0, 60)], None),
        ([0, 61], [(50, 500)], 0.6),
    ],
)
def test_quota_used(arrivals: list[float], waits: list[tuple[float, float]], expected: float | None) -> None:
    """Whole windows before the last arrival's, less the time that the server ordered to wait."""
    assert share_of_quota_used(arrivals, MINUTE, waits) == (None if expected is None else pytest.approx(expected))


def test_effects_and_duplicates() -> None:
    """Identical unsafe requests that had an effect, counted; only repeated creations are duplicates."""
    result = row(method="POST", body_sha256="1", effect=True)
    changed = row(method="PUT", body_sha256="2", effect=True)
    effects = count_effects(
        [result, result, result, changed, changed, row(method="POST", body_sha256="1", status=500), row()]
    )
    assert [effect["commits"] for effect in effects] == [3, 2]
    assert count_duplicates(effects) == 2


def test_refused_keys_are_not_the_services_quota() -> None:
    """`over_quota` looks at accepted keys only; the other figure at every arrival."""
    rows = [row(status=401, key_dead=True, key_accepted=False), row(), row()]
    counts = score(rows, [MINUTE])
    assert (counts["over_quota"], counts["over_quota_all_arrivals"], counts["dead_key_refusals"]) == (0, 1, 1)


def test_the_ledger_of_a_session(emulated: Emulated) -> None:
    """Rows have what happened, and never a key, wherever the key was put."""
    url = emulated.call(f"{emulated.workspaces()[0]}/recordings").data["recordings"][0]["recordingThumbnail"]
    key = emulated.key
    assert emulated.counts()["keys_seen_elsewhere"] == 0
    assert emulated.call(f"/public/me?key={key}").status == 200
    fetch(url, headers={"Authorization": f"Bearer {key}"})
    fetch(url, headers={"X-Key": key})
    fetch(f"{url}&key={key}")
    fetch(f"{emulated.endpoints.control}/health?key={key}")
    fetch(f"{emulated.endpoints.control}/health", headers={"Authorization": "Bearer other"})
    emulated.call("/public/me", key="another")
    assert emulated.counts()["keys_seen_elsewhere"] == 6
    rows = emulated.rows()
    assert key not in str(rows)
    assert "[key]" in str(rows)
    assert {each["place"] for each in rows} == {"api", "storage", "control"}
    first = rows[0]
    assert (first["operation"], first["method"], first["path"]) == (
        "workspaces.list",
        "GET",
        "/api/v1/public/workspaces",
    )
    assert (first["status"], first["whole"], first["key_accepted"], first["effect"]) == (200, True, True, False)
    assert first["arrived_s"] <= first["ended_s"]
    assert len(first["key"]) == 12
