# SPDX-License-Identifier: Apache-2.0
"""Headers about quota and deprecation: none by default, and true when switched on."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

from callwell.emulator.quota import Limit, LimitStatus, ServerQuota, WindowKind
from callwell.emulator.response_headers import deprecation_headers, false_statuses, quota_headers

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.harness import Emulated

MINUTE = Limit("minute", 2, 60.0)
DAY = Limit("day", 3, 86_400.0)
STANDINGS = [LimitStatus(MINUTE, 1, 30.2), LimitStatus(DAY, 2, 100.0)]


@pytest.mark.parametrize(
    ("kind", "left"),
    [
        ("fixed", [(2, 60.0), (1, 60.0), (0, 50.0), (0, 1.0), (1, 60.0)]),
        ("sliding", [(2, 60.0), (1, 60.0), (0, 50.0), (0, 1.0), (0, 9.0)]),
    ],
)
def test_standings(kind: WindowKind, left: list[tuple[int, float]]) -> None:
    """What is left after each arrival, and when there is more, also after a refusal."""
    quota = ServerQuota((MINUTE,), kind)
    seen = [quota.latest_statuses()[0]]
    for at in (0.0, 10.0, 59.0, 61.0):
        quota.admit(at)
        seen.append(quota.latest_statuses()[0])
    assert [each.remaining for each in seen] == [number for number, _ in left]
    assert [each.reset_s for each in seen] == pytest.approx([reset for _, reset in left])


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("off", {}),
        ("delta", {"x-ratelimit-limit": "2", "x-ratelimit-remaining": "1", "x-ratelimit-reset": "31"}),
        ("epoch", {"x-ratelimit-limit": "2", "x-ratelimit-remaining": "1", "x-ratelimit-reset": "1031"}),
        (
            "draft",
            {
                "ratelimit-policy": '"minute";q=2;w=60, "day";q=3;w=86400',
                "ratelimit": '"minute";r=1;t=31, "day";r=2;t=100',
            },
        ),
    ],
)
def test_forms(form: str, expected: dict[str, str]) -> None:
    """Each form of the same truth, rounded up."""
    headers = quota_headers(form, STANDINGS, 1_000.0)  # type: ignore[arg-type]  # a table of literals
    assert {name.decode(): value.decode() for name, value in headers} == expected


def test_the_limit_with_least_left_is_sent() -> None:
    """The day's, when the day is nearly over."""
    headers = dict(quota_headers("delta", [LimitStatus(MINUTE, 2, 60.0), LimitStatus(DAY, 1, 100.0)], 0.0))
    assert headers[b"x-ratelimit-limit"] == b"3"


def test_false_statuses_contradict_the_truth() -> None:
    """Nothing left, or more than there ever was."""
    assert [each.remaining for each in false_statuses(STANDINGS, "exhausted")] == [0, 0]
    assert all(each.remaining > 1_000_000 for each in false_statuses(STANDINGS, "unlimited"))


def test_over_sockets(emulate: Callable[..., Emulated]) -> None:
    """On every response of a live key, refusals among them; on none of a dead one, none at storage, none by default."""
    emulated = emulate(per_minute=2, rate_headers="delta")
    answers = [emulated.call(path) for path in ("/public/me", "/public/workspace/none", "/public/me")]
    assert [each.status for each in answers] == [200, 404, 429]
    assert [each.headers["x-ratelimit-remaining"] for each in answers] == ["1", "0", "0"]
    assert all(0 < int(each.headers["x-ratelimit-reset"]) <= 60 for each in answers)
    assert "x-ratelimit-limit" not in emulated.call("/public/me", key="dead").headers
    emulated.control("/reset", {"rate_headers": "epoch", "skew_s": 1_000})
    reported = int(emulated.call("/public/me").headers["x-ratelimit-reset"])
    assert reported == pytest.approx(time.time() + 1_060, abs=5)
    emulated.control("/reset", {"rate_headers": "draft"})
    assert emulated.call("/public/me").headers["ratelimit"].startswith('"minute";r=1;t=')
    emulated.control("/reset", {"rate_headers": "off"})
    assert not any("ratelimit" in name for name in emulated.call("/public/me").headers)


def test_deprecated_operations(emulated: Emulated) -> None:
    """Named operations say since when, and when they will be gone, if ever; the dates stand still."""
    emulated.control("/reset", {"deprecated": {"me.get": 86_400, "workspaces.list": None}})
    first = emulated.call("/public/me")
    since = int(first.headers["deprecation"].removeprefix("@"))
    assert since == pytest.approx(time.time(), abs=5)
    assert parsedate_to_datetime(first.headers["sunset"]).timestamp() == since + 86_400
    emulated.control("/clock", {"advance_s": 5_000})
    assert emulated.call("/public/me", key="dead").headers["sunset"] == first.headers["sunset"]
    listed = emulated.call("/public/workspaces")
    assert ("deprecation" in listed.headers, "sunset" in listed.headers) == (True, False)
    assert "deprecation" not in emulated.call("/public/workspace/none").headers
    emulated.control("/reset", {"deprecated": {}})
    assert "deprecation" not in emulated.call("/public/me").headers


def test_what_options_refuse(emulated: Emulated) -> None:
    """Operations and forms that do not exist, and a skew out of this world."""
    for options in ({"deprecated": {"me": 1}}, {"rate_headers": "on"}, {"skew_s": 10**12}):
        answer = emulated.control_response("/reset", options)
        assert (answer.status, answer.json["error"].startswith("option")) == (400, True)


def test_deprecation_without_a_sunset() -> None:
    """Only the one header."""
    assert deprecation_headers(5.9, None) == ((b"deprecation", b"@5"),)
