# SPDX-License-Identifier: Apache-2.0
"""The faults of what is in a response: slow, garbled, of the wrong size, lying, redirecting, going round, or silent."""

from __future__ import annotations

import json
import socket
import time
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.emulator.harness import fetch, send_raw
from tests.emulator.sample_requests import first_page, resource_of, verified_domain
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from tests.emulator.harness import Emulated


def head_and_body(received: bytes) -> tuple[dict[str, str], bytes]:
    """The headers of a raw response, its first line under an empty name, and its body."""
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    return {"": first} | {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }, body


def fetch_stored(url: str, method: str = "GET") -> tuple[dict[str, str], bytes, str]:
    """A signed object over a bare socket: headers, body, and how it ended."""
    path = url.partition("//")[2].partition("/")[2]
    received, end = send_raw(url, f"{method} /{path} HTTP/1.1\r\nHost: storage\r\nConnection: close\r\n\r\n".encode())
    return (*head_and_body(received), end)


def inject(emulated: Emulated, fault: str, operation: str = "me.get", **more: Any) -> None:
    """Let the first request suffer."""
    emulated.faults({"operation": operation, "fault": fault, "nth": 1} | more)


def last_complete_row(emulated: Emulated) -> Any:
    """The last row, once its exchange has ended."""
    until = time.monotonic() + PATIENCE_S
    while (row := emulated.rows()[-1])["ended_s"] is None and time.monotonic() < until:
        time.sleep(0.01)
    return row


@pytest.mark.parametrize("operation", ["me.get", "storage"])
def test_slow_body(emulated: Emulated, operation: str) -> None:
    """The head comes at once, the body in small pieces over the time, and whole."""
    url = resource_of(emulated)["url"]
    inject(emulated, "slow_body", operation, delay_s=0.4)
    began = time.monotonic()
    headers, body = head_and_body(emulated.raw("/public/me")[0]) if operation == "me.get" else fetch_stored(url)[:2]
    assert 0.35 < time.monotonic() - began < PATIENCE_S / 2
    assert len(body) == int(headers["content-length"])
    row = last_complete_row(emulated)
    assert (row["fault"], row["whole"], row["sent_bytes"]) == ("slow_body", True, len(body))


def test_a_slow_body_ends_with_its_client(emulated: Emulated) -> None:
    """Who hangs up has not got it whole."""
    inject(emulated, "slow_body", delay_s=30)
    began = time.monotonic()
    with open_request(emulated, "/public/me", 0.2) as sock, pytest.raises(TimeoutError):
        read_to_the_end(sock)
    row = last_complete_row(emulated)
    assert (row["status"], row["whole"], time.monotonic() - began < 30) == (200, False, True)


def open_request(emulated: Emulated, path: str, patience_s: float, body: bytes = b"") -> socket.socket:
    """A socket over which something was asked, and which waits for `patience_s` only."""
    parts = urlsplit(emulated.base)
    method = "POST" if body else "GET"
    head = f"{method} {parts.path}{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {emulated.key}\r\n"
    sock = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=patience_s)
    sock.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return sock


def read_to_the_end(sock: socket.socket) -> None:
    """All that comes."""
    while sock.recv(65536):
        pass


def test_hang_until_the_client_gives_up(emulated: Emulated) -> None:
    """Not a byte, but the effect."""
    path = f"{emulated.workspaces()[0]}/links"
    body = json.dumps({"domainId": verified_domain(emulated, emulated.workspaces()[0])}).encode()
    before = emulated.call("/public/me").data["stats"]["links"]
    inject(emulated, "hang", "links.create")
    with open_request(emulated, path, 0.2, body) as sock, pytest.raises(TimeoutError):
        read_to_the_end(sock)
    row = last_complete_row(emulated)
    assert (row["fault"], row["status"], row["effect"]) == ("hang", None, True)
    assert row["ended_real_s"] - row["arrived_real_s"] == pytest.approx(0.2, abs=0.5)
    assert emulated.call("/public/me").data["stats"]["links"] == before + 1


@pytest.mark.parametrize("operation", ["me.get", "storage"])
def test_hang_is_bounded(emulated: Emulated, operation: str) -> None:
    """After its time the connection closes without a byte."""
    url = resource_of(emulated)["url"]
    inject(emulated, "hang", operation, delay_s=0.2)
    headers, _ = head_and_body(emulated.raw("/public/me")[0]) if operation == "me.get" else fetch_stored(url)[:2]
    assert headers[""] == ""
    assert last_complete_row(emulated)["status"] is None


def test_an_emulator_that_hangs_still_stops(emulated: Emulated) -> None:
    """No handler waits for a response that will never be sent."""
    inject(emulated, "hang")
    with open_request(emulated, "/public/me", PATIENCE_S):
        while not emulated.rows():
            time.sleep(0.01)
        began = time.monotonic()
        emulated.stop()
        assert time.monotonic() - began < PATIENCE_S / 2


def test_garbage_from_the_api(emulated: Emulated) -> None:
    """200, JSON by its header, and no JSON; an error is left alone and the fault not recorded."""
    plain = emulated.call("/public/me")
    inject(emulated, "garbage_body")
    headers, body = head_and_body(emulated.raw("/public/me")[0])
    assert (headers[""], headers["content-type"]) == ("HTTP/1.1 200 OK", "application/json")
    assert len(body) == len(plain.body)
    with pytest.raises(ValueError, match=r"utf-8|Expecting"):
        json.loads(body)
    assert last_complete_row(emulated)["fault"] == "garbage_body"
    inject(emulated, "garbage_body", "workspaces.get")
    assert emulated.call("/public/workspace/none").json["error"] == "WORKSPACE_NOT_FOUND"
    assert last_complete_row(emulated)["fault"] is None


def test_garbage_from_storage(emulated: Emulated) -> None:
    """Wrong bytes of the right length under the right ETag, and the ledger counts them."""
    url = resource_of(emulated)["url"]
    plain = fetch(url)
    inject(emulated, "garbage_body", "storage")
    headers, body, _ = fetch_stored(url)
    assert (len(body), headers["etag"]) == (len(plain.body), plain.headers["etag"])
    assert f'"{sha256(body).hexdigest()}"' != headers["etag"]
    assert last_complete_row(emulated)["wrong_bytes"] == len(body)
    assert emulated.counts()["wrong_bytes_sent"] == len(body)
    assert fetch(url).body == plain.body


@pytest.mark.parametrize(("value", "factor"), [("short", 0.5), ("long", 2)])
def test_a_wrong_size_is_announced(emulated: Emulated, value: str, factor: float) -> None:
    """The resource's size is not its file's."""
    true = resource_of(emulated)["size"]
    inject(emulated, "wrong_size", "recordings.video", value=value)
    resource = resource_of(emulated)
    assert resource["size"] == int(true * factor)
    assert len(fetch(resource["url"]).body) == true


def test_a_wrong_length_at_storage(emulated: Emulated) -> None:
    """Short: less is announced and no more comes. Long: more is announced than comes. Both in turn, then the truth."""
    url = resource_of(emulated)["url"]
    plain = fetch(url).body
    emulated.faults({"operation": "storage", "fault": "wrong_size", "nth": [1, 2, 4]})
    for announced, sent in ((len(plain) // 2, len(plain) // 2), (len(plain) * 3 // 2 + 1, len(plain))):
        headers, body, end = fetch_stored(url)
        assert abs(int(headers["content-length"]) - announced) <= 1
        assert (body, end) == (plain[:sent], "closed")
        row = last_complete_row(emulated)
        assert (row["fault"], row["whole"], row["sent_bytes"]) == ("wrong_size", False, sent)
    assert fetch_stored(url)[1] == plain
    fetch_stored(url, "HEAD")
    assert last_complete_row(emulated)["fault"] is None


def test_cycle(emulated: Emulated) -> None:
    """From the page that was hit on the first pages come again, for ever, until page 1 is requested again."""
    path = first_page(emulated)

    def page(number: int) -> tuple[list[str], bool]:
        data = emulated.call(f"{path}&page={number}").data
        assert data["pagination"]["page"] == number
        return [each["recordingId"] for each in data["recordings"]], data["pagination"]["hasMore"]

    real = [page(number) for number in range(1, 7)]
    emulated.faults({"operation": "recordings.list", "fault": "cycle", "nth": [1, 4]})
    seen = [page(number) for number in range(1, 12)]
    assert [row["fault"] for row in emulated.rows()[-11:]] == [None, None, None, "cycle"] + [None] * 7
    assert seen[:3] == real[:3]
    assert [ids for ids, _ in seen[3:]] == [real[number % 3][0] for number in range(8)]
    assert all(more for _, more in seen)
    assert [page(number) for number in range(1, 7)] == real


@pytest.mark.parametrize(("value", "expected"), [("huge", "99999999999999"), ("negative", "-60"), ("text", "soon")])
def test_a_false_retry_after(emulated: Emulated, value: str, expected: str) -> None:
    """429 before any effect, with a wait that cannot be obeyed, and so counts for nothing."""
    inject(emulated, "lying_header", value=value)
    headers, _ = head_and_body(emulated.raw("/public/me")[0])
    assert headers[""].startswith("HTTP/1.1 429")
    assert headers["retry-after"] == expected
    assert last_complete_row(emulated)["retry_until_s"] is None


def test_a_retry_after_in_the_past(emulated: Emulated) -> None:
    """A date an hour ago."""
    inject(emulated, "lying_header", value="past")
    answer = emulated.call("/public/me")
    reported = parsedate_to_datetime(answer.headers["retry-after"]).timestamp()
    assert reported == pytest.approx(time.time() - 3_600, abs=5)


@pytest.mark.parametrize(("form", "name"), [("off", "x-ratelimit-remaining"), ("draft", "ratelimit")])
def test_quota_headers_that_lie(emulated: Emulated, form: str, name: str) -> None:
    """The request is performed; nothing is said to be left, then far too much; then the truth or nothing again."""
    emulated.control("/reset", {"rate_headers": form})
    emulated.faults(
        {"operation": "me.get", "fault": "lying_header", "nth": 1, "value": "exhausted"},
        {"operation": "me.get", "fault": "lying_header", "nth": 2, "value": "unlimited"},
    )
    answers = [emulated.call("/public/me") for _ in range(3)]
    assert [each.status for each in answers] == [200] * 3
    reported = [each.headers.get(name, "") for each in answers]
    assert reported[0] == "0" if form == "off" else ";r=0;" in reported[0]
    assert "999999999" in reported[1]
    assert (reported[2] == "") is (form == "off")


@pytest.mark.parametrize("operation", ["me.get", "storage"])
def test_missing_headers(emulated: Emulated, operation: str) -> None:
    """Neither Date nor Content-Type, and else as ever."""
    url = resource_of(emulated)["url"]
    inject(emulated, "missing_header", operation)
    headers, body = head_and_body(emulated.raw("/public/me")[0]) if operation == "me.get" else fetch_stored(url)[:2]
    assert headers[""] == "HTTP/1.1 200 OK"
    assert not headers.keys() & {"date", "content-type"}
    assert len(body) == int(headers["content-length"])


def test_redirects_here(emulated: Emulated) -> None:
    """302 and 307 in turn, before any effect, to the same path and query; following is the same call going on."""
    emulated.faults({"operation": "workspaces.list", "fault": "redirect", "nth": [1, 2]})
    for status in (302, 307):
        headers, body = head_and_body(emulated.raw("/public/workspaces?page=1")[0])
        assert headers[""].startswith(f"HTTP/1.1 {status}")
        assert (headers["location"], body) == ("/api/v1/public/workspaces?page=1", b"")
    assert emulated.call("/public/workspaces?page=1").status == 200
    counts = emulated.counts()
    assert (counts["attempts"], counts["calls"], counts["failed_calls"]) == (3, 1, 0)


def test_redirects_elsewhere(emulated: Emulated) -> None:
    """To the storage's origin: a client that shows its key there is seen."""
    inject(emulated, "redirect", to="elsewhere", status=308)
    answer = emulated.call("/public/me")
    assert answer.status == 308
    location = answer.headers["location"]
    assert urlsplit(location).netloc != urlsplit(emulated.base).netloc
    assert urlsplit(location).path == "/api/v1/public/me"
    fetch(location)
    assert emulated.counts()["keys_seen_elsewhere"] == 0
    fetch(location, headers={"Authorization": f"Bearer {emulated.key}"})
    assert emulated.counts()["keys_seen_elsewhere"] == 1


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"fault": "slow_body", "delay_s": 31}, "delay_s must be more than 0 and at most 30"),
        ({"fault": "hang", "delay_s": 61}, "delay_s must be more than 0 and at most 60"),
        ({"fault": "slow_body", "delay_s": 0}, "delay_s must be more than 0"),
        ({"fault": "reset", "delay_s": 1}, "delay_s is for slow_body, hang and late_effect only"),
        (
            {"fault": "lying_header", "value": "big"},
            "value of rule 1: 'big' is not one of past, huge, negative, text, ex",
        ),
        ({"fault": "reset", "value": "short"}, "value is for wrong_size and lying_header only"),
        ({"fault": "redirect", "to": "mars"}, "to of rule 1: 'mars' is not one of same, elsewhere"),
        ({"fault": "reset", "to": "same"}, "to is for redirect only"),
        ({"fault": "redirect", "status": 500}, "status must be one of 302, 307"),
        ({"fault": "wrong_size"}, "wrong_size can only affect recordings.action"),
        ({"fault": "cycle"}, "cycle can only affect domains.list"),
        ({"fault": "redirect", "operation": "storage"}, "redirect can only affect"),
        ({"fault": "hang", "wait_s": 1}, "unknown field `wait_s`"),
    ],
)
def test_parameters_that_cannot_be(emulated: Emulated, rule: dict[str, Any], expected: str) -> None:
    """400 and one sentence that says what was expected."""
    answer = emulated.control_response("/faults", [{"operation": "me.get", "nth": 1} | rule])
    assert answer.status == 400
    assert expected in answer.json["error"]
