# SPDX-License-Identifier: Apache-2.0
"""A provider with a storage behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.client.world import answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.transport.base import NoReply, Request, Response

CONTENT = bytes(range(256)) * 1024  # four pieces of the scripted transport
URL = "https://storage.test/f?X-Amz-Signature=secret&n="


class Storage:
    """A provider and its storage: fresh URLs are numbered, and each reply of the storage may be spoiled.

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
        self._facts = {"size": len(CONTENT), "type": "video/webm", "captured": True} | facts

    def __call__(self, request: Request) -> Response | NoReply:
        """What comes back."""
        if "storage.test" not in request.url:
            self.urls += 1
            return answer(200, {"data": {"url": f"{URL}{self.urls}"} | self._facts})
        self.fetches.append(request)
        spoilt = self.spoil.pop(0) if self.spoil else None
        if callable(spoilt):
            return spoilt(request)
        return self.right(request) if spoilt is None else spoilt

    def right(self, request: Request, *, cut: int | None = None) -> Response:
        """What storage should answer, cut off after some bytes."""
        headers = dict(request.headers)
        start = int(headers["range"][6:-1]) if "range" in headers else 0
        if headers.get("if-range", self.etag) != self.etag:
            start = 0
        body = self.content[start:]
        extra: dict[str, Any] = (
            {"content_range": f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"} if start else {}
        )
        whole = answer(206 if start else 200, body, content_length=str(len(body)), etag=self.etag, **extra)
        return whole if cut is None else whole._replace(body=body[:cut], whole=False)

    def cut(self, count: int) -> Callable[[Request], Response]:
        """An answer that breaks off after `count` bytes."""
        return lambda request: self.right(request, cut=count)
