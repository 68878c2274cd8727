# SPDX-License-Identifier: Apache-2.0
"""Who may use the control port: programs of this machine, by a loopback name, and no web page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.emulator.harness import fetch, send_raw

if TYPE_CHECKING:
    from tests.emulator.harness import Emulated


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "localhost.", "[::1]"])
@pytest.mark.parametrize("port", ["", ":80"])
def test_loopback_names_may(emulated: Emulated, host: str, port: str) -> None:
    """A loopback name in any case, with a port or without: a tunnel may change the port."""
    answer = fetch(f"{emulated.endpoints.control}/clock", headers={"Host": host + port})
    assert answer.status == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.test", "evil.test:80", "127.0.0.1.evil.test", "localhost.evil.test:8000", "evil.test#127.0.0.1"),
        *("127.0.0.2", "10.0.0.1", "169.254.169.254", "user@127.0.0.1", "127.0.0.1:80:80", "localhost:x", ""),
    ],
)
def test_foreign_hosts_may_not(emulated: Emulated, host: str) -> None:
    """A foreign name that resolves to this machine is refused."""
    answer = fetch(f"{emulated.endpoints.control}/reset", "POST", headers={"Host": host})
    assert answer.status == 403
    assert "another host" in answer.json["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.test"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1:8000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_web_pages_may_not(emulated: Emulated, headers: dict[str, str]) -> None:
    """With a script or without one, and from this machine too."""
    answer = fetch(f"{emulated.endpoints.control}/reset", "POST", headers=headers)
    assert answer.status == 403
    assert "web page" in answer.json["error"]


@pytest.mark.parametrize(
    "hosts", ["", "Host: localhost\r\nHost: evil.test\r\n", "Host: evil.test\r\nHost: localhost\r\n"]
)
def test_exactly_one_host_is_required(emulated: Emulated, hosts: str) -> None:
    """Without a Host, or with two, nothing is done."""
    sent = f"GET /clock HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n".encode()
    received, _ = send_raw(emulated.endpoints.control, sent)
    assert received.split(b" ")[1] in (b"400", b"403")
    assert urlsplit(emulated.endpoints.control).hostname == "127.0.0.1"


def test_the_methods_that_a_path_has(emulated: Emulated) -> None:
    """A 405 of the control port says them."""
    answer = fetch(f"{emulated.endpoints.control}/seed")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
