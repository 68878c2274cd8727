# SPDX-License-Identifier: Apache-2.0
"""The quota that the server keeps: both kinds of window, both limits, per user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell.emulator.messages import IncomingRequest
from callwell.emulator.quota import Limit, ServerQuota, WindowKind
from callwell.emulator.signed_urls import UrlSigner
from callwell.emulator.userplane.options import UserplaneOptions
from callwell.emulator.userplane.provider import Userplane
from tests.emulator.harness import HandClock, Json

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.harness import Emulated

MINUTE = Limit("minute", 2, 60.0)


@pytest.mark.parametrize(
    ("kind", "arrivals", "waits"),
    [
        ("fixed", [0, 59, 59.5, 60, 60, 61], [None, None, 0.5, None, None, 59]),
        ("fixed", [100, 159, 161, 161], [None, None, None, None]),
        ("sliding", [0, 59, 59.5, 60, 60.5, 119], [None, None, 0.5, None, 58.5, None]),
        ("sliding", [100, 159, 161, 161], [None, None, None, 58]),
    ],
)
def test_windows(kind: WindowKind, arrivals: list[float], waits: list[float | None]) -> None:
    """Fixed windows begin with a request, sliding ones never; the edge belongs to the next window."""
    quota = ServerQuota((MINUTE,), kind)
    assert [quota.admit(at) for at in arrivals] == waits


@pytest.mark.parametrize("kind", ["fixed", "sliding"])
def test_a_refusal_by_one_limit_is_counted_by_none(kind: WindowKind) -> None:
    """The longest wait counts, and refused requests use nothing up."""
    quota = ServerQuota((MINUTE, Limit("day", 3, 86_400.0)), kind)
    assert [quota.admit(at) for at in (0, 1, 2, 60)] == [None, None, 58, None]
    assert quota.admit(120) == 86_280


def test_time_never_goes_back() -> None:
    """An arrival that is counted late counts as the latest."""
    quota = ServerQuota((MINUTE,), "sliding")
    assert [quota.admit(at) for at in (100, 90, 101)] == [None, None, 59]


def start_userplane(clock: HandClock, **options: Json) -> tuple[Userplane, Callable[[str], int]]:
    """A provider without sockets, and a function that gives the status of a request with a key."""
    provider = Userplane(UserplaneOptions(**options), clock=clock, signer=UrlSigner("http://storage"))

    def request(key: str) -> int:
        headers = {"authorization": f"Bearer {key}"}
        incoming = IncomingRequest("GET", "/api/v1/public/me", "", headers, arrived_s=clock.now())
        admission = provider.admit(incoming)
        return (admission.reply or provider.perform(incoming, admission, None)).status

    return provider, request


def test_all_keys_of_the_user_share_one_quota() -> None:
    """The second key finds what the first has left; refused keys use nothing."""
    clock = HandClock()
    provider, request = start_userplane(clock, per_minute=2)
    first = provider.keys.current()
    second = provider.keys.create(None, None)
    assert [request(key) for key in ("wrong", "wrong", first, second, first, second)] == [401, 401, 200, 200, 429, 429]
    clock.seconds += 60
    assert request(second) == 200


def test_the_day_is_longer_than_its_minutes() -> None:
    """When the day's quota is used up, no minute brings it back."""
    clock = HandClock()
    provider, request = start_userplane(clock, per_minute=2, per_day=3)
    key = provider.keys.current()
    statuses = []
    for _ in range(4):
        statuses.append(request(key))
        clock.seconds += 60
    assert statuses == [200, 200, 200, 429]
    clock.seconds += 86_400
    assert request(key) == 200


@pytest.mark.parametrize("window", ["fixed", "sliding"])
def test_over_sockets_with_a_fast_clock(emulate: Callable[..., Emulated], window: str) -> None:
    """429 says when to come back if it is switched on, and the ledger keeps the order."""
    emulated = emulate(clock="20", per_minute=2, window=window, retry_after=True)
    answers = [emulated.call("/public/me") for _ in range(3)]
    assert [each.status for each in answers] == [200, 200, 429]
    wait = int(answers[-1].headers["retry-after"])
    assert 30 < wait <= 60
    counts = emulated.counts()
    assert (counts["over_quota"], counts["over_quota_by"]) == (1, {"minute": 1, "day": 0})
    row = emulated.rows()[-1]
    assert row["retry_until_s"] == pytest.approx(row["ended_s"] + wait, abs=1)


def test_options_of_the_quota_can_be_reset(emulated: Emulated) -> None:
    """Limits and windows are options; unnamed ones stay as they are."""
    options = emulated.control("/reset", {"per_minute": 1, "window": "sliding"})["options"]["userplane"]
    assert (options["per_minute"], options["window"], options["per_day"]) == (1, "sliding", 10_000)
    assert [emulated.call("/public/me").status for _ in range(2)] == [200, 429]
    assert emulated.control("/reset", {"retry_after": True})["options"]["userplane"]["per_minute"] == 1
    assert [emulated.call("/public/me").headers.get("retry-after") for _ in range(2)] == [None, "60"]
