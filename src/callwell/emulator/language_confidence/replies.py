# SPDX-License-Identifier: Apache-2.0
"""Replies other than reports: `detail` is a list where a request breaks the schema, and a text elsewhere.

The statuses of the texts are not published: 400 for what cannot be assessed and 401 for keys are our choice.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from callwell.emulator.messages import JSON_TYPE, Reply, allow_header

if TYPE_CHECKING:
    from collections.abc import Sequence

INVALID: Final = 422
NOT_ALLOWED: Final = 405
BAD_REQUEST: Final = 400
MESSAGES: Final = {
    400: "The request cannot be assessed.",
    401: "The key is missing or not valid.",
    404: "Not Found",
    405: "Method Not Allowed",
    429: "Too many requests.",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class SchemaProblem(NamedTuple):
    """One thing that breaks the schema.

    Attributes:
        loc: the path to it, step by step.
        type: what is wrong, as a code.
        msg: the same in words.
    """

    loc: tuple[str | int, ...]
    type: str
    msg: str


class AssessmentRefused(Exception):
    """The request is well-formed but cannot be assessed.

    Args:
        message: the reason, for display.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def validation_reply(problems: Sequence[SchemaProblem]) -> Reply:
    """Return the reply to a request that breaks the schema."""
    return Reply(INVALID, msgspec.json.encode({"detail": [problem._asdict() for problem in problems]}))


def method_not_allowed_reply() -> Reply:
    """Return the reply to every method but POST, the only one that a path has."""
    reply = error_reply(NOT_ALLOWED)
    return replace(reply, headers=(*reply.headers, allow_header("POST")))


def error_reply(status: int, message: str = "", *, retry_after_s: int | None = None) -> Reply:
    """Return any other error.

    Args:
        status: its status.
        message: the reason, for display; the usual text of the status by default.
        retry_after_s: in how many clock seconds to come back.
    """
    retry_after = () if retry_after_s is None else ((b"retry-after", b"%d" % retry_after_s),)
    body = msgspec.json.encode({"detail": message or MESSAGES.get(status, "Error")})
    return Reply(status, body, (JSON_TYPE, *retry_after), dead_key=status == 401, retry_after_s=retry_after_s)  # noqa: PLR2004
