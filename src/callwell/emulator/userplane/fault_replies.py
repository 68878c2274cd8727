# SPDX-License-Identifier: Apache-2.0
"""The replies of faults that replace the true one, in this provider's envelope."""

from __future__ import annotations

from email.utils import formatdate
from math import ceil
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from callwell.emulator.messages import Reply
from callwell.emulator.userplane.replies import HEADERS, error_reply, gateway_error_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.emulator.fault_script import InjectedFault
    from callwell.emulator.messages import IncomingRequest

# A load balancer sends these itself, with a page of HTML.
GATEWAY_STATUSES: Final = (502, 504)
CODE_OF_STATUS: Final = {503: "SERVICE_UNAVAILABLE", 429: "RATE_LIMITED", 404: "NOT_FOUND"}
FALSE_RETRY_AFTER: Final[Mapping[str, bytes]] = {"huge": b"99999999999999", "negative": b"-60", "text": b"soon"}
PAST_S: Final = 3_600.0


def fault_reply(request: IncomingRequest, fault: InjectedFault, *, wall_s: float, elsewhere: str) -> Reply:
    """Return the reply of an error, throttle or redirect.

    Args:
        request: what arrived.
        fault: the fault.
        wall_s: the server's time of day, epoch seconds.
        elsewhere: an origin other than the API's.
    """
    if fault.name == "redirect":
        return _redirect(request, fault, elsewhere if fault.rule.to == "elsewhere" else "")
    if fault.name == "throttle":
        return error_reply("RATE_LIMITED")
    if fault.name == "throttle_after":
        return error_reply("RATE_LIMITED", retry_after_s=ceil(fault.rule.retry_after_s))
    if fault.name == "lying_header":
        return _false_retry_after(
            FALSE_RETRY_AFTER.get(fault.value) or formatdate(wall_s - PAST_S, usegmt=True).encode()
        )
    if fault.rule.code is not None:
        return error_reply(fault.rule.code, status=fault.status)
    status = fault.status or 500
    if status in GATEWAY_STATUSES:
        return gateway_error_page(status)
    usual = "INTERNAL_SERVER_ERROR" if status >= 500 else "BAD_REQUEST"  # noqa: PLR2004
    return error_reply(CODE_OF_STATUS.get(status, usual), status=status)


def _false_retry_after(retry_after: bytes) -> Reply:
    """Return a 429 with a Retry-After that cannot be obeyed; the score does not count it as a request to wait."""
    body = error_reply("RATE_LIMITED").body
    return Reply(429, body, (*HEADERS, (b"retry-after", retry_after)))


def _redirect(request: IncomingRequest, fault: InjectedFault, origin: str) -> Reply:
    """Redirect to the same path and query; without an origin, by a relative reference to the server's own."""
    query = f"?{request.query}" if request.query else ""
    location = f"{origin}{quote(request.path)}{query}".encode()
    return Reply(fault.status or 302, b"", (HEADERS[1], (b"location", location)))
