# SPDX-License-Identifier: Apache-2.0
"""A provider of lists: it serves one list at a time, in the shape of a paging rule, over HTTP."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from callwell.core.rules.operations import PagingRule

PAGES: Final = 3
DEFAULT_SIZE: Final = 2
"""Items of a page, unless the request says another number."""


class ListServer(ThreadingHTTPServer):
    """The server.

    Attributes:
        rule: the shape of the list that it serves now.
        mark: makes the cursor after so many items.
        size: items of a page of that list, as the latest request said.
        served: the pages that were sent since the list was chosen.
    """

    daemon_threads = True
    rule: PagingRule
    mark: Callable[[int], int | str]
    size: int
    served: list[int]

    def offer(self, rule: PagingRule, mark: Callable[[int], int | str]) -> None:
        """Serve another list."""
        self.rule = rule
        self.mark = mark
        self.size = DEFAULT_SIZE
        self.served = []

    @property
    def address(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Answers a request with the page that it asks for."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: ListServer

    def do_GET(self) -> None:
        """Send a page."""
        self.rfile.read(int(self.headers.get("content-length", 0)))
        rule = self.server.rule
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if rule.size is not None and query.get(rule.size, "").isdigit():
            self.server.size = int(query[rule.size])
        index = self._index(query.get(rule.position if rule.style != "next-link" else "after"))
        self.server.served.append(index)
        following = index + 1 if index + 1 < PAGES else None
        link = None
        if following is not None:
            position = str(self._cursor(following))
            name = "after" if rule.style == "next-link" else rule.position
            link = f"{parts.path}?{urlencode({**query, name: position})}"
        content = json.dumps(make_page(rule, index, self.server.size, self.server.mark, link)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        if link is not None and rule.style == "link-header":
            self.send_header("link", f'<{self.server.address}{link}>; rel="next"')
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815 - the name that the standard library looks for

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002 - the name in the standard library
        """Print nothing."""

    def _cursor(self, index: int) -> int | str:
        """What leads to a page."""
        rule = self.server.rule
        if rule.style == "page":
            return index + rule.first
        if rule.style == "offset":
            return index * self.server.size + rule.first
        return self.server.mark(index * self.server.size)

    def _index(self, position: str | None) -> int:
        """The page that a position means; one after the last page is empty."""
        if position is None:
            return 0
        return next(index for index in range(PAGES + 1) if str(self._cursor(index)) == position)


def make_page(rule: PagingRule, index: int, size: int, mark: Callable[[int], int | str], link: str | None) -> Any:
    """A page as a provider would send it.

    Args:
        rule: the shape of the list.
        index: of the page, from 0.
        size: items of a page.
        mark: makes the cursor after so many items.
        link: the address of the next page; None if there is none.
    """
    items: list[dict[str, Any]] = []
    for number in range(index * size, min((index + 1) * size, PAGES * size)):
        item: dict[str, Any] = {"number": number}
        for path in {rule.key, rule.next_item} - {None}:
            put(item, str(path), mark(number + 1))
        items.append(item)
    if not rule.items:
        return items
    body: dict[str, Any] = {}
    put(body, rule.items, items)
    leads_on: int | str | None = link if rule.style == "next-link" else None
    if rule.style == "cursor" and link is not None:
        leads_on = mark((index + 1) * size)
    values: dict[str | None, Any] = {
        rule.more: link is not None,
        rule.next: leads_on,
        rule.total: PAGES * size,
        rule.pages: PAGES,
    }
    if rule.links is not None:
        values[rule.links] = [] if link is None else [{"rel": "next", "uri": link}]
    for path, value in values.items():
        if path is not None:
            put(body, path, value)
    return body


def put(target: dict[str, Any], path: str, value: object) -> None:
    """Put a value where a path leads."""
    *parents, name = [path] if "@" in path else path.split(".")
    for parent in parents:
        target = target.setdefault(parent, {})
    target[name] = value


@contextmanager
def serve_lists() -> Iterator[ListServer]:
    """Run the server on a port of its own."""
    with ListServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
