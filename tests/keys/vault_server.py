# SPDX-License-Identifier: Apache-2.0
"""A stand-in for Vault: reads of a KV engine of version 2, as its HTTP API documents them.

No package registry has the real server.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "hvs.plainly-fake"


class FakeVault:
    """The secrets, and what was asked.

    Attributes:
        secrets: `NAMESPACE|MOUNT/data/PATH` → its fields; None for a deleted version.
        status: the status of every answer in place of the right one, if not 0.
        address: where it listens.
        requests: the paths of all requests.
    """

    def __init__(self) -> None:
        self.secrets: dict[str, dict[str, Any] | None] = {}
        self.status = 0
        self.address = ""
        self.requests: list[str] = []

    def answer(self, path: str, token: str, namespace: str) -> tuple[int, dict[str, Any]]:
        """Status and body of a read."""
        self.requests.append(path)
        if self.status:
            return self.status, {"errors": ["as scripted"]}
        if token != TOKEN:
            return 403, {"errors": ["permission denied"]}
        name = f"{namespace}|{path}"
        metadata = {"version": 1, "deletion_time": "", "destroyed": False}
        if name not in self.secrets:
            return 404, {"errors": []}
        if self.secrets[name] is None:
            deleted = {"data": None, "metadata": {**metadata, "deletion_time": "2026-01-01T00:00:00Z"}}
            return 404, {"data": deleted}
        return 200, {"data": {"data": self.secrets[name], "metadata": metadata}}


@contextmanager
def fake_vault() -> Iterator[FakeVault]:
    """The stand-in, on a port of its own."""
    vault = FakeVault()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer a read."""
            token = self.headers.get("X-Vault-Token", "")
            path = self.path.removeprefix("/v1/").partition("?")[0]
            status, body = vault.answer(path, token, self.headers.get("X-Vault-Namespace", ""))
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *arguments: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        vault.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield vault
        finally:
            server.shutdown()
            thread.join()
