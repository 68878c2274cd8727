# SPDX-License-Identifier: Apache-2.0
"""How sure an inference is, and why."""

from __future__ import annotations

from typing import Generic, Literal, NamedTuple, TypeVar

T = TypeVar("T")
Level = Literal["documented", "assumed"]
"""How sure an inference is: see `Found.level`."""


class Question(NamedTuple):
    """Something that the document does not say, and a person must.

    Attributes:
        text: the question, with what the document does say about it.
        example: lines of TOML with which it could be answered.
    """

    text: str
    example: tuple[str, ...] = ()


class Found(NamedTuple, Generic[T]):
    """Something that was inferred.

    Attributes:
        value: the rule for the profile.
        level: `documented` if the document says so in words or in a field made for it, `assumed` if names and shapes
            suggest it.
        reason: what in the document leads to it, for display.
        questions: what the document leaves open about it.
    """

    value: T
    level: Level
    reason: str
    questions: tuple[Question, ...] = ()
