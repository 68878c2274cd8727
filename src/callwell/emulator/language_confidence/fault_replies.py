# SPDX-License-Identifier: Apache-2.0
"""The answers of the faults that keep the true one back, as this provider or what stands before it gives them."""

from __future__ import annotations

from email.utils import formatdate
from math import ceil
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from callwell.emulator.language_confidence.replies import refusal
from callwell.emulator.messages import JSON_TYPE, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.emulator.fault_script import Hit
    from callwell.emulator.messages import Incoming

GATEWAY_STATUSES: Final = (502, 504)
LIES: Final[Mapping[str, bytes]] = {"huge": b"99999999999999", "negative": b"-60", "text": b"soon"}
PAST_S: Final = 3_600.0
ELSEWHERE: Final = "http://127.0.0.1:1"


def fault_reply(request: Incoming, hit: Hit, wall: float) -> Reply:
    """The answer of an error, throttle or redirect.

    Args:
        request: what arrived.
        hit: the fault.
        wall: the server's time of day, epoch seconds.
    """
    if hit.fault == "redirect":
        origin = ELSEWHERE if hit.rule.to == "elsewhere" else ""
        return Reply(hit.status or 302, b"", ((b"location", f"{origin}{quote(request.path)}".encode()),))
    if hit.fault == "throttle":
        return refusal(429)
    if hit.fault == "throttle_after":
        return refusal(429, retry_after_s=ceil(hit.rule.retry_after_s))
    if hit.fault == "lying_header":
        lie = LIES.get(hit.value) or formatdate(wall - PAST_S, usegmt=True).encode()
        return Reply(429, refusal(429).body, (JSON_TYPE, (b"retry-after", lie)))
    status = hit.status or 500
    if status in GATEWAY_STATUSES:
        page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n"
        return Reply(status, page.encode(), ((b"content-type", b"text/html"),))
    return refusal(status)
