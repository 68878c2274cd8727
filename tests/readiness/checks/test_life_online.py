# SPDX-License-Identifier: Apache-2.0
"""The checks of the group life that ask the provider's address, against a server of this process."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Final

import pytest

from callwell.readiness import registry
from callwell.readiness.project import Project, Scope
from callwell.readiness.report import CheckOutcome
from callwell.readiness.run import run_check
from certificates import Authority
from tests.readiness.accounts import ORIGIN, make_account

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.readiness.report import CheckResult

ONLINE: Final = ("clock-skew", "tls", "redirects")


class Server(HTTPServer):
    """Answers every request in one way, and remembers the requests.

    Args:
        headers: of every answer.
        status: of every answer.
    """

    def __init__(self, headers: dict[str, str], status: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.headers = headers
        self.status = status
        self.seen: list[tuple[str, str, dict[str, str]]] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that refuses the certificate closes the connection: that is what some tests want."""


class Handler(BaseHTTPRequestHandler):
    """Writes the answer of its server, and no headers of its own."""

    server: Server

    def do_HEAD(self) -> None:
        """Answer a HEAD."""
        self.server.seen.append(
            (self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
        )
        self.send_response_only(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Nothing is printed."""


@contextmanager
def serve(
    headers: dict[str, str] | None = None, *, status: int = 401, context: ssl.SSLContext | None = None
) -> Iterator[tuple[str, Server]]:
    """A server, and its address."""
    given = {"Date": formatdate(usegmt=True)} if headers is None else headers
    with Server(given, status) as server:
        scheme = "http"
        if context is not None:
            scheme = "https"
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"{scheme}://127.0.0.1:{server.server_port}", server
        finally:
            server.shutdown()
            thread.join()


def make(root: Path, address: str, *, ca_file: str | None = None, proxy: str | None = None) -> Project:
    """A project with its calls at an address."""
    return Project(root, (make_account("userplane", base_url=address, ca_file=ca_file, proxy=proxy),))


def run(check: str, project: Project) -> CheckResult:
    """Run a check of this group."""
    return run_check(project, registry.load(f"life.{check}"))


def test_all_is_well(tmp_path: Path) -> None:
    """All checks together send one request, without a key and without a body."""
    authority = Authority(tmp_path)
    with serve(context=authority.context(ends=timedelta(days=30))) as (address, server):
        project = make(tmp_path, f"{address}/v1", ca_file=str(authority.file))
        results = [run(check, project) for check in ONLINE]
    assert [(result.outcome, result.findings) for result in results] == [(CheckOutcome.PASSED, ())] * len(ONLINE)
    ((method, path, headers),) = server.seen
    assert (method, path) == ("HEAD", "/v1")
    assert set(headers) == {"host", "user-agent", "accept-encoding", "connection"}


@pytest.mark.parametrize(
    ("ahead_s", "age_s", "expected"),
    [(-100, 0, "ahead of"), (100, 0, "behind"), (20, 0, ""), (-20, 0, ""), (-100, 100, "")],
)
def test_clocks(tmp_path: Path, ahead_s: int, age_s: int, expected: str) -> None:
    """A clock that is wrong by more than half a minute is found, and a cached answer is not a wrong clock."""
    headers = {"Date": formatdate(time.time() + ahead_s, usegmt=True), "Age": str(age_s)}
    with serve(headers) as (address, _):
        findings = run("clock-skew", make(tmp_path, address)).findings
    assert [expected in finding.what for finding in findings] == [True] * bool(expected)


def test_an_answer_without_a_date(tmp_path: Path) -> None:
    """Then the clock cannot be compared."""
    with serve({"Date": "today"}) as (address, _):
        assert run("clock-skew", make(tmp_path, address)).outcome is CheckOutcome.INCOMPLETE


@pytest.mark.parametrize(
    ("status", "location", "found"),
    [
        (301, "https://elsewhere.example/v1", True),
        (308, "//127.0.0.1:1/", True),
        (302, "/login", False),
        (200, "https://elsewhere.example/", False),
        (302, "", False),
    ],
)
def test_redirects(tmp_path: Path, status: int, location: str, *, found: bool) -> None:
    """One to another origin is found, with where it leads."""
    with serve({"Location": location}, status=status) as (address, _):
        findings = run("redirects", make(tmp_path, address)).findings
    assert len(findings) == found
    assert all("gets no key" in finding.what and str(finding.place) == ORIGIN for finding in findings)


def test_certificates(tmp_path: Path) -> None:
    """One that ends soon, one that has ended, and one of an unknown authority."""
    authority = Authority(tmp_path)
    file = str(authority.file)
    for ends, ca_file, text in (
        (timedelta(days=3), file, "ends in 3 days"),
        (-timedelta(hours=1), file, "has expired"),
        (timedelta(days=30), None, "an authority that is not trusted here"),
    ):
        with serve(context=authority.context(ends=ends)) as (address, _):
            (finding,) = run("tls", make(tmp_path, address, ca_file=ca_file)).findings
            assert text in finding.what


def test_nobody_answers(tmp_path: Path) -> None:
    """An address that cannot be reached says nothing about clock, certificate and redirects."""
    with serve() as (address, _):
        pass
    project = make(tmp_path, address.replace("http:", "https:"))
    for check in ONLINE:
        result = run(check, project)
        assert result.outcome is CheckOutcome.INCOMPLETE
        assert "cannot be asked" in result.unchecked[0].what


@pytest.mark.parametrize(
    "settings", [{"proxy": "socks5://127.0.0.1:1"}, {"ca_file": "/nowhere.pem"}, {"proxy": "http://127.0.0.1:1"}]
)
def test_a_way_that_cannot_be_gone(tmp_path: Path, settings: dict[str, str]) -> None:
    """A proxy of another kind, one that is not there, and certificates that cannot be read: nothing is seen."""
    result = run("clock-skew", make(tmp_path, "https://127.0.0.1:1", **settings))
    assert result.outcome is CheckOutcome.INCOMPLETE


def test_offline_and_without_a_question(tmp_path: Path) -> None:
    """`--offline` leaves them out and says so; nothing is asked of an address without TLS, or for no provider."""
    account = make_account("userplane", base_url="http://127.0.0.1:1")
    for check in ONLINE:
        offline = run(check, Project(tmp_path, (account,), Scope(offline=True)))
        assert offline.outcome is CheckOutcome.SKIPPED
        assert run(check, Project(tmp_path)).outcome is CheckOutcome.NOT_APPLICABLE
    assert run("tls", Project(tmp_path, (account,))).outcome is CheckOutcome.NOT_APPLICABLE
