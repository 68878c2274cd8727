# SPDX-License-Identifier: Apache-2.0
"""The answers of the faults that keep the true one back, or falsify it, in this provider's words."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from callwell.emulator.apivideo.replies import CORS, HEADERS, SLUGS, Problem, failure
from callwell.emulator.messages import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.emulator.fault_script import Hit
    from callwell.emulator.messages import Incoming

GATEWAY_STATUSES: Final = (502, 504)
THROTTLES: Final = ("throttle", "lying_header")
ELSEWHERE: Final = "http://127.0.0.1:1"


def fault_reply(request: Incoming, hit: Hit) -> Reply:
    """The answer of an error, throttle or redirect; when a throttled one may come back is told by the quota headers."""
    if hit.fault == "redirect":
        query = f"?{request.query}" if request.query else ""
        origin = ELSEWHERE if hit.rule.to == "elsewhere" else ""
        return Reply(hit.status or 302, b"", (CORS, (b"location", f"{origin}{quote(request.path)}{query}".encode())))
    if hit.fault == "throttle_after":
        return replace(failure(Problem("too-many-requests")), retry_after_s=ceil(hit.rule.retry_after_s))
    if hit.fault in THROTTLES:
        return failure(Problem("too-many-requests"))
    if hit.rule.code is not None:
        return failure(Problem(hit.rule.code, None), status=hit.status)
    status = hit.status or 500
    if status in GATEWAY_STATUSES:
        body = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n"
        return Reply(status, body.encode(), ((b"content-type", b"text/html"),))
    if status == SLUGS["too-many-requests"][0]:
        return failure(Problem("too-many-requests"))
    if status >= 500:  # noqa: PLR2004 - the server's own
        return Reply(status, msgspec.json.encode({"title": "Server error", "status": status}), HEADERS)
    return failure(Problem("invalid-payload"), status=status)


def missized(status: Mapping[str, Any], *, long: bool) -> dict[str, Any]:
    """A video's status with a size that is not the file's."""
    ingest = status.get("ingest") or {}
    size = ingest.get("filesize")
    if size is None:
        return dict(status)
    return {**status, "ingest": {**ingest, "filesize": size + 1 if long else size // 2}}


def failed_work(status: Mapping[str, Any]) -> dict[str, Any]:
    """A video's status after nothing could be made of its file."""
    qualities = [{"type": "hls", "quality": "240p", "status": "failed"}]
    encoding = {**status["encoding"], "playable": False, "qualities": qualities}
    return {**status, "encoding": encoding}
