# SPDX-License-Identifier: Apache-2.0
"""A provider and its storage as a server of raw bytes, and programs of either side that save a file from it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callwell.client import AsyncClient, Client
from callwell.clock import scaled_clock
from callwell.core.parallel_download import RangeSplit
from callwell.keys import Key
from tests.client.acme import KEY, acme
from tests.contract.raw_server import RawServer
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.raw_server import Connection

CONTENT = bytes(range(256)) * 1024
SPLIT = RangeSplit(parallel=4, range_bytes=len(CONTENT) // 8, min_bytes=len(CONTENT) // 2)
WHOLE = RangeSplit(parallel=1)


class RawStorage:
    """Answers the provider's operation with an address, and requests to that as a test says.

    Args:
        answer: gives the whole response to a request for bytes, by its number from 0 and its headers, or None for none;
            the connection is closed behind it.
        facts: what the provider says about the file, besides its address.
    """

    def __init__(self, answer: Callable[[int, dict[str, str]], bytes | None], **facts: Any) -> None:
        self.content = CONTENT
        self.fetches: list[dict[str, str]] = []
        self.facts = facts
        self._answer = answer
        self.server = RawServer(self._act)

    @property
    def url(self) -> str:
        """Where the provider is."""
        return f"{self.server.url}v1"

    def _act(self, connection: Connection) -> bool:
        head = self.server.arrivals[-1].decode("latin-1")
        if "/v1/things/" in head.split("\r\n", maxsplit=1)[0]:
            body = json.dumps({"data": {"url": f"{self.server.url}bytes", **self.facts}}).encode()
            return connection.send(reply(200, body, "content-type: application/json"))
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:])
        self.fetches.append(headers)
        out = self._answer(len(self.fetches) - 1, headers)
        if out is not None:
            connection.send(out)
        return False


def reply(status: int, body: bytes, *headers: str, announced: int | None = None) -> bytes:
    """One whole response, or one that announces more than it has."""
    length = len(body) if announced is None else announced
    lines = [f"HTTP/1.1 {status} X", f"content-length: {length}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def wanted(headers: dict[str, str]) -> tuple[int, int | None] | None:
    """The range of a request: its first byte, and the first that is not wanted."""
    if "range" not in headers:
        return None
    first, _, last = headers["range"].removeprefix("bytes=").partition("-")
    return int(first), int(last) + 1 if last else None


def part(content: bytes, headers: dict[str, str], etag: str = '"one"', *extra: str, most: int | None = None) -> bytes:
    """What a good storage answers, or one that sends at most so many bytes of a part."""
    span = wanted(headers)
    if span is None or headers.get("if-range", etag) != etag:
        return reply(200, content, f"etag: {etag}", *extra)
    body = content[span[0] : span[1]][:most]
    place = f"content-range: bytes {span[0]}-{span[0] + len(body) - 1}/{len(content)}"
    return reply(206, body, f"etag: {etag}", place, *extra)


def save(side: str, url: str, path: Path, *, split: RangeSplit = WHOLE, **options: Any) -> Any:
    """Save the file by a client of one side; what that gives or raises."""
    common: dict[str, Any] = {"base_url": url, "key": Key(KEY), "clock": scaled_clock(50)}
    if side == "sync":
        with Client(acme(), **common) as client:
            asset = client.asset("things.file", thing_id="1")
            asset._split = split
            return asset.save(path, **options)

    async def work() -> Any:
        async with AsyncClient(acme(), **common) as client:
            asset = client.asset("things.file", thing_id="1")
            asset._split = split
            return await asset.save(path, **options)

    return asyncio.run(work())


def main() -> None:
    """Save a file as a program: side, address, path, and the bytes after which it is killed, or 0."""
    side, url, path, until = sys.argv[1:]

    def die(size: int) -> None:
        if int(until) and size >= int(until):
            os.kill(os.getpid(), 9)
            time.sleep(PATIENCE_S)

    sys.stdout.write(save(side, url, Path(path), split=SPLIT, resume=True, progress=die).sha256)


if __name__ == "__main__":
    main()
