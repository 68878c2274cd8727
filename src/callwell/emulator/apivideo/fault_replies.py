# SPDX-License-Identifier: Apache-2.0
"""The replies of faults that replace or falsify the true one, in this provider's envelope."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from callwell.emulator.apivideo.replies import CORS, HEADERS, SLUGS, ApiVideoProblem, error_reply
from callwell.emulator.messages import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.emulator.fault_script import InjectedFault
    from callwell.emulator.messages import IncomingRequest

# A load balancer sends these itself, with a page of HTML.
GATEWAY_STATUSES: Final = (502, 504)
THROTTLES: Final = ("throttle", "lying_header")
# Port 1: nothing listens there, so a client that follows the redirect gets no connection.
ELSEWHERE: Final = "http://127.0.0.1:1"


def fault_reply(request: IncomingRequest, fault: InjectedFault) -> Reply:
    """Return the reply of an error, throttle or redirect.

    The wait of a throttle is in the quota headers (`ApiVideo.extra_headers`): the service sends no Retry-After.
    """
    if fault.name == "redirect":
        query = f"?{request.query}" if request.query else ""
        origin = ELSEWHERE if fault.rule.to == "elsewhere" else ""
        return Reply(fault.status or 302, b"", (CORS, (b"location", f"{origin}{quote(request.path)}{query}".encode())))
    if fault.name == "throttle_after":
        return replace(error_reply(ApiVideoProblem("too-many-requests")), retry_after_s=ceil(fault.rule.retry_after_s))
    if fault.name in THROTTLES:
        return error_reply(ApiVideoProblem("too-many-requests"))
    if fault.rule.code is not None:
        return error_reply(ApiVideoProblem(fault.rule.code, None), status=fault.status)
    status = fault.status or 500
    if status in GATEWAY_STATUSES:
        body = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n"
        return Reply(status, body.encode(), ((b"content-type", b"text/html"),))
    if status == SLUGS["too-many-requests"][0]:
        return error_reply(ApiVideoProblem("too-many-requests"))
    if status >= 500:  # noqa: PLR2004 - the server's own
        return Reply(status, msgspec.json.encode({"title": "Server error", "status": status}), HEADERS)
    return error_reply(ApiVideoProblem("invalid-payload"), status=status)


def with_wrong_size(status: Mapping[str, Any], *, long: bool) -> dict[str, Any]:
    """Return a video's status with a wrong file size."""
    ingest = status.get("ingest") or {}
    size = ingest.get("filesize")
    if size is None:
        return dict(status)
    return {**status, "ingest": {**ingest, "filesize": size + 1 if long else size // 2}}


def with_failed_encoding(status: Mapping[str, Any]) -> dict[str, Any]:
    """Return a video's status as if its file could not be encoded."""
    qualities = [{"type": "hls", "quality": "240p", "status": "failed"}]
    encoding = {**status["encoding"], "playable": False, "qualities": qualities}
    return {**status, "encoding": encoding}
