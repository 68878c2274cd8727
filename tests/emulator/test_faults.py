# SPDX-License-Identifier: Apache-2.0
"""Each fault as it looks on a bare socket, and what the ledger says about it."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from callwell.emulator.errors import InvalidInput
from callwell.emulator.fault_rules import FaultRule, FaultTargets
from callwell.emulator.fault_script import FaultScript
from tests.emulator.harness import fetch, send_raw

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.harness import Emulated

CATALOGUE = FaultTargets(
    frozenset({"a.list", "a.get"}), frozenset({"a.list"}), frozenset({"a.list"}), frozenset({"a.get"}), {"X": 500}
)


def domain_of(emulated: Emulated) -> tuple[str, dict[str, Any]]:
    """Where links are made, and the body that makes one."""
    path = f"{emulated.workspaces()[0]}/links"
    return path, {"domainId": emulated.call(path).data["links"][0]["domain"]["domainId"]}


def last_row(emulated: Emulated) -> Any:
    """What the ledger says about the last arrival."""
    return emulated.rows()[-1]


def test_reset_comes_before_the_effect(emulated: Emulated) -> None:
    """RST, nothing received, nothing done."""
    path, body = domain_of(emulated)
    emulated.faults({"operation": "links.create", "fault": "reset", "nth": 1})
    before = emulated.call("/public/me").data["stats"]
    assert emulated.raw(path, "POST", json.dumps(body).encode()) == (b"", "reset")
    row = last_row(emulated)
    assert (row["fault"], row["status"], row["effect"], row["ended_s"] is None) == ("reset", None, False, False)
    assert emulated.call("/public/me").data["stats"] == before


def test_lost_reply_comes_after_the_effect(emulated: Emulated) -> None:
    """FIN without a byte, but the link exists."""
    path, body = domain_of(emulated)
    emulated.faults({"operation": "links.create", "fault": "lost_reply", "nth": 1})
    before = emulated.call("/public/me").data["stats"]["links"]
    assert emulated.raw(path, "POST", json.dumps(body).encode()) == (b"", "closed")
    row = last_row(emulated)
    assert (row["fault"], row["status"], row["effect"]) == ("lost_reply", None, True)
    assert emulated.call("/public/me").data["stats"]["links"] == before + 1


def test_truncated_announces_what_never_comes(emulated: Emulated) -> None:
    """The whole length in the header, half of it in the body."""
    emulated.faults({"operation": "me.get", "fault": "truncated", "nth": 1})
    received, end = emulated.raw("/public/me")
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    assert (end, len(body)) == ("closed", length // 2)
    row = last_row(emulated)
    assert (row["status"], row["whole"], row["sent_bytes"]) == (200, False, length // 2)


@pytest.mark.parametrize(("fault", "made"), [("error_before", 0), ("error_after", 4)])
def test_errors_before_and_after_the_effect(emulated: Emulated, fault: str, made: int) -> None:
    """500, 502, 503 and 504 in turn; gateways answer HTML, the API its envelope."""
    path, body = domain_of(emulated)
    emulated.faults({"operation": "links.create", "fault": fault, "nth": [1, 2, 3, 4]})
    before = emulated.call("/public/me").data["stats"]["links"]
    answers = [emulated.call(path, "POST", body=body) for _ in range(4)]
    assert [each.status for each in answers] == [500, 502, 503, 504]
    assert [each.headers["content-type"] for each in answers] == ["application/json", "text/html"] * 2
    assert emulated.call("/public/me").data["stats"]["links"] == before + made
    assert emulated.counts()["duplicated_creations"] == max(0, made - 1)


def test_status_and_code_can_be_named(emulated: Emulated) -> None:
    """A code brings its status, unless the rule has another."""
    emulated.faults(
        {"operation": "me.get", "fault": "error_before", "nth": 1, "code": "LINK_CREATE_FAILED", "status": 503},
        {"operation": "me.get", "fault": "error_before", "nth": 2, "status": 418},
    )
    first = emulated.call("/public/me")
    second = emulated.call("/public/me")
    assert (first.status, first.json["error"]) == (503, "LINK_CREATE_FAILED")
    assert second.status == 418


def test_throttles_with_and_without_a_time(emulated: Emulated) -> None:
    """429 either way; the time is a header in whole seconds, and in the row."""
    emulated.faults(
        {"operation": "me.get", "fault": "throttle", "nth": 1},
        {"operation": "me.get", "fault": "throttle_after", "nth": 2},
        {"operation": "me.get", "fault": "throttle_after", "nth": 3, "retry_after_s": 2.5},
    )
    answers = [emulated.call("/public/me") for _ in range(3)]
    assert [each.status for each in answers] == [429] * 3
    assert {each.json["error"] for each in answers} == {"RATE_LIMITED"}
    assert [each.headers.get("retry-after") for each in answers] == [None, "10", "3"]
    without, with_ten, _ = emulated.rows()
    assert without["retry_until_s"] is None
    assert 9 < with_ten["retry_until_s"] - with_ten["arrived_s"] < 11


def walk(emulated: Emulated, path: str) -> tuple[list[str], list[int]]:
    """The recordings that a client sees that goes on while there is more, and how many each page had."""
    seen: list[str] = []
    sizes: list[int] = []
    more = True
    while more:
        data = emulated.call(f"{path}{'&' if '?' in path else '?'}page={len(sizes) + 1}").data
        sizes.append(len(data["recordings"]))
        seen += [each["recordingId"] for each in data["recordings"]]
        more = data["pagination"]["hasMore"]
        assert data["pagination"]["total"] == 28
    return seen, sizes


@pytest.mark.parametrize("rate", [0.3, 1.0])
def test_empty_pages_hide_nothing(emulated: Emulated, rate: float) -> None:
    """A walk that goes on while `hasMore` is true sees every recording once, despite empty pages."""
    path = f"{emulated.workspaces()[0]}/recordings?per_page=5"
    plain, sizes = walk(emulated, path)
    assert sizes == [5, 5, 5, 5, 5, 3]
    emulated.faults({"operation": "recordings.list", "fault": "empty_page", "rate": rate, "seed": 2})
    seen, sizes = walk(emulated, path)
    assert seen == plain
    assert 0 in sizes
    assert [size for size in sizes if size] == [5, 5, 5, 5, 5, 3]
    assert (0, 0) not in pairwise(sizes)
    assert sizes[-1] == 3


def test_blank_pages_stay_blank_until_the_walk_begins_anew(emulated: Emulated) -> None:
    """Asking for a blank page again changes nothing; page 1 begins a new walk."""
    path = f"{emulated.workspaces()[0]}/recordings?per_page=5"
    pages = [emulated.call(f"{path}&page={page}").data["recordings"] for page in (1, 2, 3)]
    emulated.faults({"operation": "recordings.list", "fault": "empty_page", "nth": 2})
    got = [emulated.call(f"{path}&page={page}").data["recordings"] for page in (1, 2, 2, 3, 4)]
    ids = [[each["recordingId"] for each in page] for page in got]
    real = [[each["recordingId"] for each in page] for page in pages]
    assert ids == [real[0], [], [], real[1], real[2]]
    again = [emulated.call(f"{path}&page={page}").data["recordings"] for page in (1, 2)]
    assert [[each["recordingId"] for each in page] for page in again] == real[:2]


@pytest.mark.parametrize(("seed", "state", "total"), [(0, "deleted", 27), (1, "created", 29)])
def test_shifted_pages_really_shift(emulated: Emulated, seed: int, state: str, total: int) -> None:
    """A recording is deleted or created behind the page, which itself is still whole; the ledger knows."""
    path = f"{emulated.workspaces()[0]}/recordings?per_page=5"
    second = [each["recordingId"] for each in emulated.call(f"{path}&page=2").data["recordings"]]
    emulated.faults({"operation": "recordings.list", "fault": "shifted_page", "nth": 1, "seed": seed})
    first = emulated.call(path).data
    assert (len(first["recordings"]), first["pagination"]["total"]) == (5, 28)
    shifted = emulated.call(f"{path}&page=2").data
    assert shifted["pagination"]["total"] == total
    assert [each["recordingId"] for each in shifted["recordings"]] != second
    items = emulated.control("/ledger")["userplane"]["items"]
    assert [item["state"] for item in items if item["state"] != "unchanged"] == [state]


def test_early_expiry_of_an_api_answer(emulate: Callable[..., Emulated]) -> None:
    """The URL has the life of one second."""
    emulated = emulate()
    root = emulated.workspaces()[0]
    recording = emulated.call(f"{root}/recordings").data["recordings"][0]["recordingId"]
    emulated.faults({"operation": "recordings.console_log", "fault": "early_expiry", "nth": 1})
    lives = [emulated.call(f"{root}/recordings/{recording}/console-log").data["resource"]["url"] for _ in range(2)]
    assert "X-Amz-Expires=1&" in lives[0]
    assert "X-Amz-Expires=900&" in lives[1]
    assert fetch(lives[1]).status == 200


def test_a_url_that_expires_while_it_is_read(emulated: Emulated) -> None:
    """Half of the object, then 403 for this URL, while a fresh one works."""
    root = emulated.workspaces()[0]
    recording = emulated.call(f"{root}/recordings").data["recordings"][0]["recordingId"]
    emulated.faults({"operation": "storage", "fault": "early_expiry", "nth": 1})
    urls = [emulated.call(f"{root}/recordings/{recording}/console-log").data["resource"]["url"] for _ in range(2)]
    path = urls[0].partition("//")[2].partition("/")[2]
    received, end = send_raw(urls[0], f"GET /{path} HTTP/1.1\r\nHost: storage\r\n\r\n".encode())
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    assert (end, len(body)) == ("closed", length // 2)
    assert fetch(urls[0]).status == 403
    assert fetch(urls[1]).status == 200


@pytest.mark.parametrize("fault", ["error_before", "lost_reply", "reset", "truncated"])
def test_faults_strike_the_storage(emulated: Emulated, fault: str) -> None:
    """Every fault of storage is scripted by the name `storage`, and `*` leaves it alone."""
    root = emulated.workspaces()[0]
    url = emulated.call(f"{root}/recordings").data["recordings"][0]["recordingThumbnail"]
    path = url.partition("//")[2].partition("/")[2]
    request = f"GET /{path} HTTP/1.1\r\nHost: storage\r\nConnection: close\r\n\r\n".encode()
    emulated.faults({"operation": "*", "fault": "reset", "rate": 1}, {"operation": "storage", "fault": fault, "nth": 1})
    received, end = send_raw(url, request)
    assert end == ("reset" if fault == "reset" else "closed")
    assert received.startswith(b"HTTP/1.1 ") == (fault in ("error_before", "truncated"))
    assert last_row(emulated)["fault"] == fault
    assert send_raw(url, request)[0].startswith(b"HTTP/1.1 200")


def script(*rules: FaultRule) -> FaultScript:
    """A script with these rules."""
    result = FaultScript(CATALOGUE)
    result.replace(list(rules))
    return result


def hits(made: FaultScript, requests: list[str]) -> list[bool]:
    """Which of the requests to `a.get` suffer."""
    return [made.next_fault("a.get", (request,), 0.0) is not None for request in requests]


def test_the_same_seed_strikes_the_same_requests() -> None:
    """Decisions depend on the seed and the order of requests only."""
    dice = random.Random(1)
    requests = [str(dice.randrange(20)) for _ in range(200)]
    rule = FaultRule(operation="a.get", fault="reset", rate=0.3, seed=5)
    first = hits(script(rule), requests)
    assert first == hits(script(rule), requests)
    assert first != hits(script(FaultRule(operation="a.get", fault="reset", rate=0.3, seed=6)), requests)
    assert 30 < sum(first) < 90


def test_no_request_suffers_more_times_in_a_row_than_allowed() -> None:
    """Two by default, counted over all rules; `nth` is bounded only on request; `limit` bounds all."""
    always = FaultRule(operation="*", fault="reset", rate=1.0)
    assert hits(script(always), ["x"] * 6) == [True, True, False] * 2
    assert hits(script(always, always), ["x"] * 4) == [True, True, False, True]
    assert hits(script(FaultRule(operation="*", fault="reset", rate=1.0, max_in_row=1)), ["x", "x"]) == [True, False]
    assert hits(script(FaultRule(operation="*", fault="reset", nth=[1, 2, 3])), ["x"] * 4) == [True, True, True, False]
    assert hits(script(FaultRule(operation="*", fault="reset", rate=1.0, limit=1)), ["x", "y"]) == [True, False]


def test_a_held_rule_refuses_everything_until_its_time_is_over() -> None:
    """With `hold`, a 429 is true: whatever arrives before the time that it named is refused as well."""
    made = script(FaultRule(operation="*", fault="throttle_after", nth=2, retry_after_s=5.0, hold=True))
    arrivals = {"a": 0.0, "b": 1.0, "c": 1.5, "d": 5.9, "e": 6.0}
    found = {name: made.next_fault("a.get", (name,), now) is not None for name, now in arrivals.items()}
    assert found == {"a": False, "b": True, "c": True, "d": True, "e": False}


def test_rules_roll_their_own_dice() -> None:
    """A rule before it does not change what a rule would hit, only what it may."""
    late = FaultRule(operation="a.get", fault="throttle", rate=0.5, seed=3)
    requests = [str(number) for number in range(50)]
    alone = script(late)
    alone_hits = [alone.next_fault("a.get", (each,), 0.0) is not None for each in requests]
    both = script(FaultRule(operation="a.get", fault="reset", nth=1), late)
    both_hits = [both.next_fault("a.get", (each,), 0.0) for each in requests]
    assert [hit is not None for hit in both_hits[1:]] == alone_hits[1:]
    assert both_hits[0] is not None
    assert both_hits[0].name == "reset"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"operation": "b", "fault": "reset", "rate": 1}, "operation of rule 1: 'b' is not one of"),
        ({"operation": "a.get", "fault": "boom", "rate": 1}, "fault of rule 1: 'boom' is not one of"),
        ({"operation": "a.get", "fault": "empty_page", "rate": 1}, "empty_page can only affect a.list, not a.get"),
        ({"operation": "a.get", "fault": "reset"}, "exactly one of rate and nth"),
        ({"operation": "a.get", "fault": "reset", "rate": 1.5}, "between 0 and 1"),
        ({"operation": "a.get", "fault": "reset", "nth": 0}, "from 1 on"),
        ({"operation": "a.get", "fault": "reset", "nth": []}, "from 1 on"),
        ({"operation": "a.get", "fault": "error_before", "nth": 1, "code": "Y"}, "code of rule 1: 'Y' is not one of X"),
        ({"operation": "a.get", "fault": "error_before", "nth": 1, "status": 200}, "400 to 599"),
        ({"operation": "a.get", "fault": "throttle_after", "nth": 1, "retry_after_s": 0}, "retry_after_s"),
        ({"operation": "a.get", "fault": "throttle", "nth": 1, "hold": True}, "hold is for throttle_after"),
        ({"operation": "a.get", "fault": "reset", "nth": 1, "limit": 0}, "limit"),
        ({"operation": "a.get", "fault": "reset", "nth": 1, "max_in_row": 0}, "max_in_row"),
    ],
)
def test_rules_that_cannot_work_are_refused(rule: dict[str, Any], expected: str) -> None:
    """One sentence says what was expected, and the old script stays in force."""
    result = script(FaultRule(operation="*", fault="reset", nth=1))
    with pytest.raises(InvalidInput, match=expected.replace("(", r"\(")):
        result.replace([FaultRule(**rule)])
    assert hits(result, ["x"]) == [True]
