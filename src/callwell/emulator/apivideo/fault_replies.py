# SPDX-License-Identifier: Apache-2.0
"""The answers of the faults that keep the true one back, or falsify it, in this provider's words."""

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

GATEWAY_STATUSES: Final = (502, 504)
THROTTLES: Final = ("throttle", "lying_header")
ELSEWHERE: Final = "http://127.0.0.1:1"


def fault_reply(request: IncomingRequest, fault: InjectedFault) -> Reply:
    """The answer of an error, throttle or redirect; when a throttled one may come back is told by the quota headers."""
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
    """A video's status with a size that is not the file's."""
    ingest = status.get("ingest") or {}
    size = ingest.get("filesize")
    if size is None:
        return dict(status)
    return {**status, "ingest": {**ingest, "filesize": size + 1 if long else size // 2}}


def with_failed_encoding(status: Mapping[str, Any]) -> dict[str, Any]:
    """A video's status after nothing could be made of its file."""
    qualities = [{"type": "hls", "quality": "240p", "status": "failed"}]
    encoding = {**status["encoding"], "playable": False, "qualities": qualities}
    return {**status, "encoding": encoding}
