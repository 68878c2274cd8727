# SPDX-License-Identifier: Apache-2.0
"""Every documented error by its slug, with status and title (reference/errors), and the bodies of errors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from callwell.emulator.messages import JSON_TYPE, Reply, allow_header

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# The media type of RFC 9457 for such bodies. Neither the description nor the pages name it, so it is an option.
PROBLEM_TYPE: Final = (b"content-type", b"application/problem+json")
DOCS: Final = "https://docs.api.video/reference/"
CORS: Final = (b"access-control-allow-origin", b"*")
HEADERS: Final = (JSON_TYPE, CORS)
DEAD_KEY_SLUGS: Final = frozenset(
    {
        *("authentication-invalid-api-key", "authentication-invalid-access-token"),
        "authentication-invalid-user-credentials",
    }
)
PARTS: Final = "video-content-range-by-part-"
BYTES: Final = "video-content-range-by-bytes-"
UPLOADED: Final = "The source of the video is already "

SLUGS: Final[Mapping[str, tuple[int, str]]] = {
    "attribute-required": (400, "This attribute is required."),
    "invalid-attribute": (400, "An attribute is invalid."),
    "invalid-payload": (400, "The payload is invalid."),
    "request-invalid-query-parameter": (400, "A query parameter is invalid."),
    "webhook-limit-reached": (400, "Your account has reached the webhook urls limit."),
    "authentication-invalid-user-credentials": (400, "The user credentials were incorrect."),
    "uploaded-file-empty": (400, "The uploaded file is empty."),
    "uploaded-file-invalid-file": (400, "The uploaded file is invalid."),
    "uploaded-file-multiple-files": (400, "There is more than one uploaded file in the request."),
    "uploaded-file-no-file": (400, "There is no uploaded file in the request."),
    "uploaded-file-too-large": (400, "The uploaded file is too large."),
    "uploaded-file-extension-invalid": (400, "The extension of the uploaded file is invalid."),
    "video-source-already-uploaded": (400, f"{UPLOADED}uploaded."),
    "video-source-already-copied": (400, f"{UPLOADED}copied."),
    "video-source-already-downloaded": (400, f"{UPLOADED}downloaded."),
    "video-content-range-malformed": (400, "The Content-Range header is malformed."),
    "video-content-range-already-initiated": (
        400,
        "A progressive upload has begun, and this request is not part of one.",
    ),
    "video-content-range-started-with-bytes": (400, "The upload was begun by bytes."),
    "video-content-range-started-with-part": (400, "The upload was begun by parts."),
    f"{BYTES}different-total-bytes": (400, "The total differs from the one before."),
    f"{BYTES}from-byte-too-high": (400, "The first byte is after the last."),
    f"{BYTES}range-mismatch": (400, "The range and the size of the file differ."),
    f"{BYTES}range-overlap": (400, "Some of these bytes were already received."),
    f"{BYTES}range-too-large": (400, "The range is too large."),
    f"{BYTES}range-too-small": (400, "The range is too small."),
    f"{BYTES}to-byte-too-high-allowed": (400, "The last byte is higher than is allowed."),
    f"{BYTES}to-byte-too-high-total": (400, "The last byte is higher than the total."),
    f"{BYTES}total-bytes-too-high": (400, "The total is too high."),
    f"{BYTES}total-bytes-too-low": (400, "The total is lower than what was already received."),
    f"{BYTES}total-bytes-zero": (400, "The total is zero."),
    f"{PARTS}different-total-parts": (400, "The number of parts differs from the one before."),
    f"{PARTS}part-already-sent": (400, "This part was already received."),
    f"{PARTS}part-too-high-allowed": (400, "The part is higher than is allowed."),
    f"{PARTS}part-too-high-total": (400, "The part is higher than the number of parts."),
    f"{PARTS}part-zero": (400, "Parts are counted from one."),
    f"{PARTS}total-parts-too-high": (400, "The number of parts is too high."),
    f"{PARTS}total-parts-too-low": (400, "The number of parts is lower than a part that was already received."),
    f"{PARTS}total-parts-zero": (400, "The number of parts is zero."),
    f"{PARTS}uploaded-file-too-small": (400, "A part that is not the last is too small."),
    "authentication-invalid-api-key": (401, "The API key is invalid."),
    "authentication-invalid-access-token": (401, "The access token is invalid or expired."),
    "authentication-invalid-upload-token": (401, "The upload token is invalid or expired."),
    "authentication-invalid-refresh-token": (401, "The refresh token is invalid."),
    "authentication-invalid-authorization-header-value": (401, 'The "Authorization" header value is invalid.'),
    "authentication-missing-authorization-header": (401, 'The "Authorization" header is missing.'),
    "authentication-missing-upload-token": (401, "The upload token is missing."),
    "authorization-suspended-account": (403, "Suspended account"),
    "resource-not-found": (404, "The requested resource could not be found."),
    "unrecognized-request-url": (404, "Unrecognized request URL."),
    "method-not-allowed": (405, "Method is not allowed for this route."),
    "summary-already-exists": (409, "A summary already exists or is being created on this video."),
    "too-many-requests": (429, "Too many requests."),
}
FIRST_ERROR_STATUS: Final = 400
OUT_OF_RANGE: Final = "This parameter is out of the allowed range of values."


class ApiVideoProblem(NamedTuple):
    """One thing that is wrong with a request.

    Attributes:
        slug: a name in `SLUGS`.
        name: the parameter that is wrong; None becomes null, and `...` leaves the field out, as the examples do.
        title: a title other than the usual one.
        detail: more about it.
    """

    slug: str
    name: Any = ...
    title: str | None = None
    detail: str | None = None

    def to_json(self, *, status: bool) -> dict[str, Any]:
        """Return the problem as the body represents it, with or without its status."""
        usual_status, usual_title = SLUGS[self.slug]
        body: dict[str, Any] = {"type": DOCS + self.slug, "title": self.title or usual_title}
        if self.name is not ...:
            body["name"] = self.name
        if status:
            body["status"] = usual_status
        if self.detail is not None:
            body["detail"] = self.detail
        return body


class ApiVideoError(Exception):
    """Raised by a handler to reply with an error.

    Args:
        problems: what is wrong; the first decides the status.
        resent_bytes: how many bytes of the request had already been received.
    """

    def __init__(self, *problems: ApiVideoProblem, resent_bytes: int = 0) -> None:
        super().__init__(problems[0].slug)
        self.problems = problems
        self.resent_bytes = resent_bytes

    def to_reply(self) -> Reply:
        """Return the reply."""
        return error_reply(*self.problems)


class PageOutOfRange(ApiVideoError):
    """A page cannot exist: the body has its own shape, with ranges and without a type.

    Args:
        ranges: the bounds of each wrong parameter.
    """

    def __init__(self, ranges: Mapping[str, Mapping[str, int]]) -> None:
        super().__init__(ApiVideoProblem("request-invalid-query-parameter"))
        self.ranges = ranges

    def to_reply(self) -> Reply:
        """Return the reply."""
        problems = [{"title": OUT_OF_RANGE, "name": name, "range": bounds} for name, bounds in self.ranges.items()]
        return Reply(400, msgspec.json.encode({**problems[0], "status": 400, "problems": problems}), HEADERS)


def api_error(slug: str, name: Any = ..., *, title: str | None = None, detail: str | None = None) -> ApiVideoError:
    """Return an error with one problem, to be raised."""
    return ApiVideoError(ApiVideoProblem(slug, name, title, detail))


def error_reply(*problems: ApiVideoProblem, status: int | None = None) -> Reply:
    """Return an error.

    Args:
        problems: what is wrong. The body begins with the first; if there are several, it lists all of them.
        status: a status other than the usual one.
    """
    body = problems[0].to_json(status=True)
    if len(problems) > 1:
        body["problems"] = [problem.to_json(status=False) for problem in problems]
    if status is not None:
        body["status"] = status
    return Reply(body["status"], msgspec.json.encode(body), HEADERS, dead_key=problems[0].slug in DEAD_KEY_SLUGS)


def method_not_allowed_reply(methods: Iterable[str]) -> Reply:
    """Return the reply to a method that a path does not have."""
    reply = error_reply(ApiVideoProblem("method-not-allowed"))
    return replace(reply, headers=(*reply.headers, allow_header(*methods)))


def as_problem_json(reply: Reply) -> Reply:
    """Return an error with the media type of problem details; any other reply as it is."""
    if JSON_TYPE not in reply.headers or reply.status < FIRST_ERROR_STATUS:
        return reply
    others = tuple(header for header in reply.headers if header != JSON_TYPE)
    return replace(reply, headers=(PROBLEM_TYPE, *others))


def success_reply(body: object = None, status: int = 200, *, effect: bool = False) -> Reply:
    """Return a success, without a body if there is none."""
    return Reply(status, b"" if body is None else msgspec.json.encode(body), HEADERS, effect=effect)
