# SPDX-License-Identifier: Apache-2.0
"""A slow list: every page is sent 20 ms after it was requested. An ASGI application of its own.

nginx has no word for waiting, so this is served by uvicorn in another process, behind nginx, which counts.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

DELAY_S: Final = 0.020


async def app(
    scope: Mapping[str, Any],
    receive: Callable[[], Awaitable[Any]],  # noqa: ARG001 - part of the ASGI interface
    send: Callable[[Mapping[str, Any]], Awaitable[None]],
) -> None:
    """Answer one request for a page."""
    query = {name: int(values[0]) for name, values in parse_qs(scope["query_string"].decode()).items()}
    await asyncio.sleep(DELAY_S)
    body = json.dumps({"data": page(query["page"], query["per_page"], query["total"])}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def page(number: int, size: int, total: int) -> dict[str, Any]:
    """One page.

    Args:
        number: of the page, from 1.
        size: items of a page.
        total: pages that the list has.
    """
    first = (number - 1) * size
    items = [{"id": first + index, "name": f"Item {first + index}", "done": False} for index in range(size)]
    return {"items": items, "more": number < total, "total": total * size, "pages": total}
