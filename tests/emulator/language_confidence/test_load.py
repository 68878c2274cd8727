# SPDX-License-Identifier: Apache-2.0
"""Capacity that is not published, billing, and faults."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

import pytest

from callwell.emulator.language_confidence.capacity import Capacity
from callwell.emulator.language_confidence.options import LanguageConfidenceOptions
from tests.emulator.language_confidence.harness import NAME, AssessmentService

if TYPE_CHECKING:
    from collections.abc import Callable


def call_at_once(service: AssessmentService, callers: int) -> Counter[int]:
    """What so many callers at once are answered."""
    with ThreadPoolExecutor(callers) as pool:
        return Counter(pool.map(lambda number: service.scripted(expected_text=f"word {number}").status, range(callers)))


def statuses(gate: Capacity, count: int, now: float) -> list[int | None]:
    """What so many requests that stay are answered."""
    found = []
    for _ in range(count):
        found.append(gate.rejection_status(now))
        if found[-1] is None:
            gate.enter()
    return found


def test_what_is_too_much_is_refused(played: Callable[..., AssessmentService]) -> None:
    """As many as there is room for are assessed, the others get 429, without a time unless that is wanted."""
    service = played(capacity=3, service_s=1.5)
    assert call_at_once(service, 8) == {200: 3, 429: 5}
    counts = service.counts()
    assert (counts["most_under_way"], counts["refused_for_load"], counts["billed"]) == (3, 5, 3)
    assert service.scripted().status == 200


def test_the_clock_of_the_service_is_the_emulators(played: Callable[..., AssessmentService]) -> None:
    """Minutes of service pass in a moment where the clock runs fast."""
    service = played(clock="1000", service_s=300)
    assert service.scripted().status == 200


@pytest.mark.parametrize(
    ("overload", "refusals"), [(429, [429, 429, 429]), (503, [503, 503, 503]), ("both", [429, 503, 429])]
)
def test_how_it_is_refused(overload: Any, refusals: list[int]) -> None:
    """With one status, the other, or both in turn."""
    gate = Capacity(LanguageConfidenceOptions(capacity=2, overload=overload))
    assert statuses(gate, 5, 0.0) == [None, None, *refusals]


def test_a_service_that_grows() -> None:
    """A quarter is there at first, then more and more; meanwhile 429 and 500 come in turn, and after a pause again."""
    gate = Capacity(LanguageConfidenceOptions(capacity=8, scaling_s=100.0))
    assert statuses(gate, 4, 0.0) == [None, None, 429, 500]
    assert statuses(gate, 4, 50.0) == [None, None, 429, 500]
    assert statuses(gate, 6, 101.0) == [None] * 4 + [429, 429]
    for _ in range(8):
        gate.leave()
    assert statuses(gate, 4, 401.0 + 1.0) == [None, None, 429, 500]


def test_when_to_come_back(played: Callable[..., AssessmentService]) -> None:
    """A 429 says it on demand."""
    service = played(capacity=1, service_s=1.2, retry_after="true")
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: service.scripted(), range(2)))
    assert sorted((answer.status, answer.headers.get("retry-after")) for answer in answers) == [(200, None), (429, "2")]


@pytest.mark.parametrize(
    ("fault", "billed", "unseen"), [("lost_reply", 1, 1), ("reset", 0, 0), ("truncated", 1, 1), ("garbage_body", 1, 1)]
)
def test_what_is_paid_for_and_not_seen(service: AssessmentService, fault: str, billed: int, unseen: int) -> None:
    """A report that is lost on its way is billed; the same again is billed twice."""
    service.emulated.faults({"operation": "assess.scripted", "fault": fault, "nth": 1})
    with suppress(HTTPException, ConnectionError):
        service.scripted()
    assert service.scripted().status == 200
    counts = service.counts()
    assert (counts["billed"], counts["billed_twice"], counts["billed_unseen"]) == (billed + 1, billed, unseen)


@pytest.mark.parametrize("fault", ["error_before", "error_after"])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_errors_are_not_billed(service: AssessmentService, fault: str, status: int) -> None:
    """The service failed, whenever it did."""
    service.emulated.faults({"operation": "*", "fault": fault, "nth": 1, "status": status})
    assert [service.scripted().status, service.scripted().status] == [status, 200]
    assert (service.counts()["billed"], service.counts()["billed_twice"]) == (1, 0)


@pytest.mark.parametrize(
    ("rule", "status", "header"),
    [
        ({"fault": "throttle"}, 429, None),
        ({"fault": "throttle_after", "retry_after_s": 7}, 429, "7"),
        ({"fault": "lying_header", "value": "text"}, 429, "soon"),
        ({"fault": "redirect"}, 302, None),
    ],
)
def test_storms(service: AssessmentService, rule: dict[str, Any], status: int, header: str | None) -> None:
    """A 429 of the script names no time, or its own; nothing is billed."""
    service.emulated.faults({"operation": "*", "nth": 1, **rule})
    answer = service.scripted()
    assert (answer.status, answer.headers.get("retry-after")) == (status, header)
    assert service.counts()["billed"] == 0


def test_options_and_news(service: AssessmentService) -> None:
    """Options are shown, changed, and refused where they make no sense; there is no news."""
    shown = service.emulated.control("/health")["options"][f"{NAME}/production"]
    assert (shown["capacity"], shown["service_s"]) == (50, 0.0)
    for wrong in ({"capcity": 1}, {"capacity": 0}, {"service_s": -1}):
        answer = service.emulated.control_response("/reset", {"provider": NAME, **wrong})
        assert answer.status == 400
    assert service.emulated.control_response(f"/{NAME}/production/views", {}).status == 400
    service.emulated.control("/seed", {"provider": NAME, "seed": 5})
    assert service.emulated.control_response("/seed", {"provider": NAME, "capacity": 5}).status == 400
