# SPDX-License-Identifier: Apache-2.0
"""Helpers for tests of the emulator: a clock moved by hand, an emulator in a thread, and a plain HTTP client."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from callwell.emulator.server import EmulatorOptions, Endpoints, serve
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Mapping

Json: TypeAlias = Any


@dataclass(slots=True)
class HandClock:
    """A clock that moves only by hand."""

    seconds: float = 1_000.0

    def now(self) -> float:
        """Seconds that only grow."""
        return self.seconds

    def wall(self) -> float:
        """Seconds since the epoch."""
        return 1_790_000_000.0 + self.seconds

    def real_s(self, seconds: float) -> float:
        """As if it ran like the machine's."""
        return seconds


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One complete response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        """The body."""
        return json.loads(self.body)

    @property
    def data(self) -> Json:
        """The content of the success envelope."""
        return self.json["data"]


def fetch(
    url: str, method: str = "GET", *, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> HttpResponse:
    """Send one request over a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE_S)
    try:
        connection.request(method, url.partition(parts.netloc)[2] or "/", body, dict(headers or {}))
        answer = connection.getresponse()
        return HttpResponse(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def send_raw(url: str, request: bytes) -> tuple[bytes, str]:
    """Send bytes and read to the end; return what came, and how the connection ended (`closed` or `reset`)."""
    parts = urlsplit(url)
    received = b""
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=PATIENCE_S) as sock:
        sock.sendall(request)
        try:
            while piece := sock.recv(65536):
                received += piece
        except ConnectionResetError:
            return received, "reset"
    return received, "closed"


@dataclass(slots=True)
class Emulated:
    """An emulator in a thread of this process."""

    options: EmulatorOptions
    endpoints: Endpoints = field(init=False)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _serving: asyncio.Task[None] | None = None
    _ready: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> Emulated:
        """Start, and wait until it listens."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(PATIENCE_S)
        return self

    def stop(self) -> None:
        """Stop it, unless it has stopped, and wait for the end."""
        assert self._serving is not None
        assert self._thread is not None
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._serving.cancel)
        self._thread.join(PATIENCE_S)

    @property
    def base(self) -> str:
        """The base URL of the API."""
        return self.endpoints.providers["userplane"]["production"].base_url

    @property
    def key(self) -> str:
        """The key made at start."""
        return self.endpoints.providers["userplane"]["production"].key

    def call(self, path: str, method: str = "GET", *, body: Json = None, key: str | None = "") -> HttpResponse:
        """Send a request to the API, with the emulator's key by default; None sends no key."""
        headers = {} if key is None else {"Authorization": f"Bearer {key or self.key}"}
        return fetch(
            self.base + path, method, headers=headers, body=None if body is None else json.dumps(body).encode()
        )

    def raw(self, path: str, method: str = "GET", body: bytes = b"") -> tuple[bytes, str]:
        """Send a request to the API over a bare socket."""
        head = f"{method} /api/v1{path} HTTP/1.1\r\nHost: emulator\r\nAuthorization: Bearer {self.key}\r\n"
        return send_raw(self.base, f"{head}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    def control(self, path: str, body: Json = None, *, method: str | None = None) -> Json:
        """Send a request to the control port that must succeed, and return its JSON."""
        answer = self.control_response(path, body, method=method)
        assert answer.status == 200, answer.body
        return answer.json

    def control_response(self, path: str, body: Json = None, *, method: str | None = None) -> HttpResponse:
        """Send a request to the control port."""
        method = method or ("GET" if body is None else "POST")
        return fetch(self.endpoints.control + path, method, body=None if body is None else json.dumps(body).encode())

    def faults(self, *rules: Mapping[str, Any]) -> None:
        """Put fault rules in force."""
        self.control("/faults", list(rules))

    def counts(self) -> Json:
        """The score so far."""
        return self.control("/ledger")["userplane"]["counts"]

    def rows(self) -> Json:
        """The ledger's rows."""
        return self.control("/ledger/requests")

    def workspaces(self) -> list[str]:
        """The paths of the user's two workspaces."""
        listed = self.call("/public/workspaces").data["workspaces"]
        return [f"/public/workspace/{workspace['workspaceId']}" for workspace in listed]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._serving = self._loop.create_task(serve(self.options, self._set_endpoints))
        try:
            self._loop.run_until_complete(self._serving)
        except asyncio.CancelledError:
            pass
        finally:
            self._loop.close()

    def _set_endpoints(self, endpoints: Endpoints) -> None:
        self.endpoints = endpoints
        self._ready.set()
