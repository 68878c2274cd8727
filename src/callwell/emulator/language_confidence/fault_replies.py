# SPDX-License-Identifier: Apache-2.0
"""The replies of faults that replace the true one, as this provider or a gateway in front of it sends them."""

from __future__ import annotations

from email.utils import formatdate
from math import ceil
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from callwell.emulator.language_confidence.replies import error_reply
from callwell.emulator.messages import JSON_TYPE, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.emulator.fault_script import InjectedFault
    from callwell.emulator.messages import IncomingRequest

# A load balancer sends these itself, with a page of HTML.
GATEWAY_STATUSES: Final = (502, 504)
FALSE_RETRY_AFTER: Final[Mapping[str, bytes]] = {"huge": b"99999999999999", "negative": b"-60", "text": b"soon"}
PAST_S: Final = 3_600.0
# Port 1: nothing listens there, so a client that follows the redirect gets no connection.
ELSEWHERE: Final = "http://127.0.0.1:1"


def fault_reply(request: IncomingRequest, fault: InjectedFault, wall_s: float) -> Reply:
    """Return the reply of an error, throttle or redirect.

    Args:
        request: what arrived.
        fault: the fault.
        wall_s: the server's time of day, epoch seconds.
    """
    if fault.name == "redirect":
        origin = ELSEWHERE if fault.rule.to == "elsewhere" else ""
        return Reply(fault.status or 302, b"", ((b"location", f"{origin}{quote(request.path)}".encode()),))
    if fault.name == "throttle":
        return error_reply(429)
    if fault.name == "throttle_after":
        return error_reply(429, retry_after_s=ceil(fault.rule.retry_after_s))
    if fault.name == "lying_header":
        retry_after = FALSE_RETRY_AFTER.get(fault.value) or formatdate(wall_s - PAST_S, usegmt=True).encode()
        return Reply(429, error_reply(429).body, (JSON_TYPE, (b"retry-after", retry_after)))
    status = fault.status or 500
    if status in GATEWAY_STATUSES:
        page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n"
        return Reply(status, page.encode(), ((b"content-type", b"text/html"),))
    return error_reply(status)
