# SPDX-License-Identifier: Apache-2.0
"""How certain an inference is, and why."""

from __future__ import annotations

from typing import Generic, Literal, NamedTuple, TypeVar

T = TypeVar("T")
Certainty = Literal["documented", "assumed"]
"""How certain an inference is: see `Found.level`."""


class Question(NamedTuple):
    """A question that the document does not answer, so that a person must.

    Attributes:
        text: the question, with any hints from the document.
        example: lines of TOML that could be the answer.
    """

    text: str
    example: tuple[str, ...] = ()


class Found(NamedTuple, Generic[T]):
    """An inferred value.

    Attributes:
        value: the rule for the profile.
        level: `documented` if the document says so, in prose or in a field meant for it; `assumed` if names and
            shapes suggest it.
        reason: the evidence in the document, for display.
        questions: open questions about it.
    """

    value: T
    level: Certainty
    reason: str
    questions: tuple[Question, ...] = ()
