# SPDX-License-Identifier: Apache-2.0
"""Answers that are no assessments: `detail` is a list where a request breaks the schema, and else a text.

Which status goes with a text is not public: 400 for what is asked, 401 for keys.
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
        loc: where it stands, step by step.
        type: what is wrong, in one word.
        msg: the same for people.
    """

    loc: tuple[str | int, ...]
    type: str
    msg: str


class AssessmentRefused(Exception):
    """The request is well-formed, and cannot be assessed.

    Args:
        why: for people.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.message = why


def validation_reply(problems: Sequence[SchemaProblem]) -> Reply:
    """The answer to what breaks the schema."""
    return Reply(INVALID, msgspec.json.encode({"detail": [problem._asdict() for problem in problems]}))


def method_not_allowed_reply() -> Reply:
    """The answer to every method but the one that each path has."""
    refused = error_reply(NOT_ALLOWED)
    return replace(refused, headers=(*refused.headers, allow_header("POST")))


def error_reply(status: int, why: str = "", *, retry_after_s: int | None = None) -> Reply:
    """Any other refusal.

    Args:
        status: its status.
        why: for people; the usual text unless given.
        retry_after_s: when to come back, clock seconds.
    """
    told = () if retry_after_s is None else ((b"retry-after", b"%d" % retry_after_s),)
    body = msgspec.json.encode({"detail": why or MESSAGES.get(status, "Error")})
    return Reply(status, body, (JSON_TYPE, *told), dead_key=status == 401, retry_after_s=retry_after_s)  # noqa: PLR2004
