# SPDX-License-Identifier: Apache-2.0
"""Every documented error code with its status (docs.userplane.io/api/error-handling), and the two envelopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from callwell.emulator.messages import JSON_TYPE, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

# Messages about keys and quotas end with a link to the page that explains them.
DOCS: Final = "See https://docs.userplane.io/api"
# Any page may read the API's responses, without credentials. The preflight's details are not documented.
CORS: Final = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, POST, PUT, DELETE, OPTIONS"),
    (b"access-control-allow-headers", b"Authorization, Content-Type"),
)
HEADERS: Final = (JSON_TYPE, CORS[0])
HTML: Final = (b"content-type", b"text/html")
DEAD_KEY_CODES: Final = {"unknown": "API_KEY_INVALID", "expired": "API_KEY_EXPIRED", "disabled": "API_KEY_DISABLED"}

ERROR_CODES: Final[Mapping[str, tuple[int, str]]] = {
    "API_KEY_REQUIRED": (401, f"An API key is required. {DOCS}/authentication"),
    "API_KEY_INVALID": (401, f"This API key is not valid. {DOCS}/authentication"),
    "API_KEY_EXPIRED": (401, f"This API key has expired. {DOCS}/authentication"),
    "API_KEY_DISABLED": (403, f"This API key is disabled. {DOCS}/authentication"),
    "NOT_A_MEMBER": (403, "You are not an active member of this workspace."),
    "RATE_LIMITED": (429, f"Too many requests; back off. {DOCS}/rate-limits"),
    "SERVICE_UNAVAILABLE": (503, "The key could not be verified at present."),
    "FORBIDDEN": (403, "You have no permission to do this."),
    "LINK_DELETE_FORBIDDEN": (403, "Only its creator, an admin or the owner may delete this link."),
    "RECORDING_DELETE_FORBIDDEN": (403, "Only its link's creator, an admin or the owner may delete this recording."),
    "RECORDING_WORKSPACE_MISMATCH": (403, "This recording belongs to another workspace."),
    "PLAN_LIMIT_EXCEEDED": (403, "The plan allows no more links."),
    "WORKSPACE_NOT_FOUND": (404, "There is no such workspace."),
    "PROJECT_NOT_FOUND": (404, "There is no such project."),
    "LINK_NOT_FOUND": (404, "There is no such link."),
    "RECORDING_NOT_FOUND": (404, "There is no such recording."),
    "LINK_DEFAULT_PROJECT_NOT_FOUND": (404, "The workspace has no default project."),
    "NOT_FOUND": (404, "There is nothing at this address."),
    "LINK_GONE": (410, "This link was deleted."),
    "RECORDING_GONE": (410, "This recording was deleted."),
    "PROJECT_GONE": (410, "This project was deleted."),
    "WORKSPACE_GONE": (410, "This workspace was deleted."),
    "LINK_PROJECT_DELETED": (410, "The project for this link was deleted."),
    "WORKSPACE_SEARCH_TERM_REQUIRED": (400, "A search term is required."),
    "WORKSPACE_SEARCH_TYPE_INVALID": (400, "This type cannot be searched."),
    "BAD_REQUEST": (400, "Input validation failed"),
    "WORKSPACE_SEARCH_UNAVAILABLE": (500, "Search is not available at present."),
    "LINK_CREATE_FAILED": (500, "The link could not be created."),
    "LINK_UPDATE_FAILED": (500, "The link could not be updated."),
    "LINK_DELETE_FAILED": (500, "The link could not be deleted."),
    "RECORDING_DELETE_FAILED": (500, "The recording could not be deleted."),
    "INTERNAL_SERVER_ERROR": (500, "Internal server error"),
}


class UserplaneError(Exception):
    """Raised by a handler to reply with an error.

    Args:
        code: a name in `ERROR_CODES`.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def success_reply(
    message: str, data: Mapping[str, Any], *, effect: bool = False, fault_not_applicable: bool = False
) -> Reply:
    """Return a 200 in the success envelope."""
    body = msgspec.json.encode({"message": message, "data": data})
    return Reply(200, body, HEADERS, effect=effect, fault_not_applicable=fault_not_applicable)


def error_reply(code: str, *, status: int | None = None, retry_after_s: int | None = None) -> Reply:
    """Return an error in the error envelope.

    Args:
        code: a name in `ERROR_CODES`.
        status: a status other than the usual one.
        retry_after_s: whole seconds for a Retry-After header.
    """
    usual, message = ERROR_CODES[code]
    retry_after = () if retry_after_s is None else ((b"retry-after", b"%d" % retry_after_s),)
    body = msgspec.json.encode({"error": code, "message": message})
    return Reply(
        status or usual,
        body,
        (*HEADERS, *retry_after),
        dead_key=code in DEAD_KEY_CODES.values(),
        retry_after_s=retry_after_s,
    )


def gateway_error_page(status: int) -> Reply:
    """Return the error page of a gateway in front of the API, which does not know the envelopes."""
    body = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n"
    return Reply(status, body.encode(), (HTML,))


def preflight_reply() -> Reply:
    """Return the reply to every OPTIONS request."""
    return Reply(204, b"", CORS)
