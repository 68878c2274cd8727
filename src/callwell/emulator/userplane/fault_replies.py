# SPDX-License-Identifier: Apache-2.0
"""The answers of the faults that keep the true one back, in this provider's envelope."""

from __future__ import annotations

from email.utils import formatdate
from math import ceil
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from callwell.emulator.messages import Reply
from callwell.emulator.userplane.replies import HEADERS, failure, gateway_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.emulator.fault_script import Hit
    from callwell.emulator.messages import Incoming

GATEWAY_STATUSES: Final = (502, 504)
CODE_OF_STATUS: Final = {503: "SERVICE_UNAVAILABLE", 429: "RATE_LIMITED", 404: "NOT_FOUND"}
LIES: Final[Mapping[str, bytes]] = {"huge": b"99999999999999", "negative": b"-60", "text": b"soon"}
PAST_S: Final = 3_600.0


def fault_reply(request: Incoming, hit: Hit, *, wall: float, elsewhere: str) -> Reply:
    """The answer of an error, throttle or redirect.

    Args:
        request: what arrived.
        hit: the fault.
        wall: the server's time of day, epoch seconds.
        elsewhere: another origin than the API's.
    """
    if hit.fault == "redirect":
        return _redirect(request, hit, elsewhere if hit.rule.to == "elsewhere" else "")
    if hit.fault == "throttle":
        return failure("RATE_LIMITED")
    if hit.fault == "throttle_after":
        return failure("RATE_LIMITED", retry_after_s=ceil(hit.rule.retry_after_s))
    if hit.fault == "lying_header":
        return _lying(LIES.get(hit.value) or formatdate(wall - PAST_S, usegmt=True).encode())
    if hit.rule.code is not None:
        return failure(hit.rule.code, status=hit.status)
    status = hit.status or 500
    if status in GATEWAY_STATUSES:
        return gateway_page(status)
    usual = "INTERNAL_SERVER_ERROR" if status >= 500 else "BAD_REQUEST"  # noqa: PLR2004
    return failure(CODE_OF_STATUS.get(status, usual), status=status)


def _lying(retry_after: bytes) -> Reply:
    """A 429 whose time nobody can obey, and which orders nothing."""
    body = failure("RATE_LIMITED").body
    return Reply(429, body, (*HEADERS, (b"retry-after", retry_after)))


def _redirect(request: Incoming, hit: Hit, origin: str) -> Reply:
    """To the same path and query; without an origin it is a reference to the server's own."""
    query = f"?{request.query}" if request.query else ""
    location = f"{origin}{quote(request.path)}{query}".encode()
    return Reply(hit.status or 302, b"", (HEADERS[1], (b"location", location)))
