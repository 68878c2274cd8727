# SPDX-License-Identifier: Apache-2.0
"""A server for tests that receives webhooks."""

from __future__ import annotations

import http.server
import threading
from contextlib import contextmanager
from queue import Queue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def listener(statuses: list[int]) -> Iterator[tuple[str, Queue[tuple[dict[str, str], bytes]]]]:
    """Yield an address that answers with these statuses in turn, then 202, and a queue of what it receives."""
    heard: Queue[tuple[dict[str, str], bytes]] = Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.put(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(statuses.pop(0) if statuses else 202)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook?x=1", heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
