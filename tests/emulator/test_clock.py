# SPDX-License-Identifier: Apache-2.0
"""The emulator's clock: moved ahead at once, and everything follows; skewed, and only dates are wrong."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from callwell.emulator.clock import MovableClock
from callwell.emulator.errors import InvalidInput
from callwell.emulator.quota import Limit
from callwell.emulator.score_quota import share_of_quota_used
from tests.emulator.harness import HandClock, fetch
from tests.emulator.sample_requests import resource_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.harness import Emulated, HttpResponse

DAY_S = 86_400


def move(emulated: Emulated, seconds: float) -> None:
    """Move the clock ahead."""
    emulated.control("/clock", {"advance_s": seconds})


def date_of(answer: HttpResponse) -> float:
    """What a response says of the time of day."""
    return parsedate_to_datetime(answer.headers["date"]).timestamp()


def test_it_shows_its_time_and_moves(emulated: Emulated) -> None:
    """Now, wall and offset; a day passes at once, and real time does not."""
    real = time.monotonic()
    before = emulated.control("/clock")
    assert before["offset_s"] == 0
    assert before["wall_s"] == pytest.approx(time.time(), abs=5)
    after = emulated.control("/clock", {"advance_s": DAY_S})
    took = time.monotonic() - real
    assert after["offset_s"] == DAY_S
    for name in ("now_s", "wall_s"):
        assert DAY_S <= after[name] - before[name] <= DAY_S + took
    assert emulated.control("/clock", {"advance_s": 0.5})["offset_s"] == DAY_S + 0.5


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"advance_s": -1}', "must not be negative"),
        (b'{"advance_s": 1e12}', "at most 630720000 seconds"),
        (b'{"advance_s": 1e999}', "the body must be|at most"),
        (b'{"advance_s": "1"}', "the body must be a JSON object: Expected `float`"),
        (b'{"advance": 1}', "unknown field `advance`"),
        (b"{}", "missing required field `advance_s`"),
    ],
)
def test_what_it_refuses(emulated: Emulated, body: bytes, expected: str) -> None:
    """400 with one sentence, and the clock stays where it is."""
    answer = fetch(f"{emulated.endpoints.control}/clock", "POST", body=body)
    assert answer.status == 400
    assert any(each in answer.json["error"] for each in expected.split("|"))
    assert emulated.control("/clock")["offset_s"] == 0


def test_all_moves_together_are_bounded() -> None:
    """Twenty years, in however many steps."""
    clock = MovableClock(HandClock())
    clock.advance(20 * 365 * DAY_S)
    with pytest.raises(InvalidInput, match="all moves together"):
        clock.advance(1.0)
    assert clock.real_s(5.0) == 5.0


def test_quotas_dates_and_waits_follow(emulate: Callable[..., Emulated]) -> None:
    """The minute's quota comes back after a minute, the day's after a day; Retry-After shrinks with the time."""
    emulated = emulate(per_minute=1, per_day=2, retry_after=True)
    first = emulated.call("/public/me")
    refused = emulated.call("/public/me")
    assert (first.status, refused.status) == (200, 429)
    assert 59 <= int(refused.headers["retry-after"]) <= 60
    move(emulated, 30)
    assert 29 <= int(emulated.call("/public/me").headers["retry-after"]) <= 30
    move(emulated, 30)
    assert emulated.call("/public/me").status == 200
    move(emulated, 60)
    refused = emulated.call("/public/me")
    assert (refused.status, int(refused.headers["retry-after"]) > DAY_S - 125) == (429, True)
    move(emulated, DAY_S)
    answer = emulated.call("/public/me")
    assert answer.status == 200
    assert date_of(answer) - date_of(first) == pytest.approx(DAY_S + 120, abs=5)


def test_urls_keys_and_recordings_expire(emulated: Emulated) -> None:
    """What lives for a time is dead after it."""
    url = resource_of(emulated)["url"]
    key = emulated.control("/keys/create", {"expires_in_s": 7 * DAY_S})["key"]
    move(emulated, 840)
    assert fetch(url).status == 200
    move(emulated, 61)
    assert fetch(url).status == 403
    assert emulated.call("/public/me", key=key).status == 200
    move(emulated, 7 * DAY_S)
    assert emulated.call("/public/me", key=key).json["error"] == "API_KEY_EXPIRED"
    move(emulated, 3_700 * DAY_S)
    resource = resource_of(emulated)
    assert (resource["url"], resource["captureEnabled"]) == (None, True)
    assert {
        asset for item in emulated.control("/ledger")["userplane"]["items"] for asset in item["assets"].values()
    } == {None}


def test_a_reset_keeps_the_offset(emulated: Emulated) -> None:
    """Time never goes back: what was made ahead would come to life again."""
    move(emulated, DAY_S)
    emulated.control("/reset", {})
    assert emulated.control("/clock")["offset_s"] == DAY_S
    assert date_of(emulated.call("/public/me")) > time.time() + DAY_S - 5


def test_the_ledger_counts_on_the_moved_clock(emulate: Callable[..., Emulated]) -> None:
    """Nothing is early after the time, nothing over quota across it; real times stay real."""
    emulated = emulate(per_minute=1, retry_after=True)
    statuses = [emulated.call("/public/me").status for _ in range(2)]
    time.sleep(0.3)
    move(emulated, 60)
    statuses.append(emulated.call("/public/me").status)
    assert statuses == [200, 429, 200]
    counts = emulated.counts()
    assert (counts["early_calls"], counts["over_quota"]) == (0, 1)
    _, refused, last = emulated.rows()
    assert last["arrived_s"] - refused["arrived_s"] >= 60
    assert last["arrived_real_s"] - refused["arrived_real_s"] < 30


def test_time_that_was_skipped_is_not_idle_time() -> None:
    """No client can use a quota while the clock jumps."""
    clock = MovableClock(HandClock())
    clock.advance(120.0)
    minute = Limit("minute", 2, 60.0)
    arrivals = [1_000.0, 1_000.0, 1_121.0, 1_121.0, 1_185.0]
    assert share_of_quota_used(arrivals, minute, []) == pytest.approx(4 / 6)
    assert share_of_quota_used(arrivals, minute, clock.jumps) == pytest.approx(2.0)


@pytest.mark.parametrize("skew_s", [-3_600, 3_600])
def test_a_skewed_clock(emulated: Emulated, skew_s: int) -> None:
    """Dates are off on both origins and in signed URLs, which live as long as ever; the clock itself is right."""
    emulated.control("/reset", {"skew_s": skew_s})
    url = resource_of(emulated)["url"]
    for answer in (emulated.call("/public/me"), fetch(url)):
        assert answer.status == 200
        assert date_of(answer) == pytest.approx(time.time() + skew_s, abs=5)
    signed = parse_qs(urlsplit(url).query)["X-Amz-Date"][0]
    assert signed[:11] == time.strftime("%Y%m%dT%H", time.gmtime(time.time() + skew_s))
    assert emulated.control("/clock")["wall_s"] == pytest.approx(time.time(), abs=5)
    move(emulated, 840)
    assert fetch(url).status == 200
    move(emulated, 61)
    assert fetch(url).status == 403
