# SPDX-License-Identifier: Apache-2.0
"""A provider with a storage behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from callwell.core.parallel_download import RangeSplit
from tests.client.world import make_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.transport.base import NoReply, Request, Response

CONTENT = bytes(range(256)) * 1024  # four pieces of the scripted transport
SPLIT = RangeSplit(parallel=4, range_bytes=len(CONTENT) // 8, min_bytes=len(CONTENT) // 2)
URL = "https://storage.test/f?X-Amz-Signature=secret&n="


class Storage:
    """A provider and its storage: fresh URLs are numbered, and each reply of the storage may be spoiled.

    What is put into `spoil_at` spoils requests for bytes from there on, whenever they come.

    Args:
        spoil: by the number of the request to the storage, from 0: what comes instead of the right answer.
        facts: what the provider says about the file, besides its URL.
    """

    def __init__(
        self, *spoil: Callable[[Request], Response | NoReply] | Response | NoReply | None, **facts: Any
    ) -> None:
        self.content = CONTENT
        self.etag = '"one"'
        self.urls = 0
        self.fetches: list[Request] = []
        self.spoil = list(spoil)
        self.spoil_at: dict[int, list[Any]] = {}
        self._facts = {"size": len(CONTENT), "type": "video/webm", "captured": True} | facts

    def __call__(self, request: Request) -> Response | NoReply:
        """What comes back."""
        if "storage.test" not in request.url:
            self.urls += 1
            return make_response(200, {"data": {"url": f"{URL}{self.urls}"} | self._facts})
        self.fetches.append(request)
        queue = self.spoil_at.get(wanted(request)[0]) or self.spoil
        spoilt = queue.pop(0) if queue else None
        if callable(spoilt):
            return spoilt(request)
        return self.right(request) if spoilt is None else spoilt

    def right(self, request: Request, *, cut: int | None = None) -> Response:
        """What storage should answer, cut off after some bytes."""
        headers = dict(request.headers)
        part = "range" in headers and headers.get("if-range", self.etag) == self.etag
        start, stop = wanted(request) if part else (0, None)
        body = self.content[start:stop]
        place = f"bytes {start}-{start + len(body) - 1}/{len(self.content)}"
        extra: dict[str, Any] = {"content_range": place} if part else {}
        whole = make_response(206 if part else 200, body, content_length=str(len(body)), etag=self.etag, **extra)
        return whole if cut is None else replace(whole, body=body[:cut], whole=False)

    def cut(self, count: int) -> Callable[[Request], Response]:
        """A response that breaks off after `count` bytes."""
        return lambda request: self.right(request, cut=count)


def wanted(request: Request) -> tuple[int, int | None]:
    """The first byte that a request asks for, and the first that it does not."""
    start, _, last = dict(request.headers).get("range", "bytes=0-")[6:].partition("-")
    return int(start), int(last) + 1 if last else None
