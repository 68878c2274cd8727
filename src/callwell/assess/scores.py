# SPDX-License-Identifier: Apache-2.0
"""Where an answer has its scores, and what they are by user and by word."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from callwell.core import json_values

if TYPE_CHECKING:
    from callwell.core.rules.assess import AssessRule

NOBODY = ""


class AnswerScores(NamedTuple):
    """The scores of one answer.

    Attributes:
        score: of the whole; None if the answer has none.
        words: every word with its score, in order.
    """

    score: float | None
    words: tuple[tuple[str, float], ...]


class Mean(NamedTuple):
    """Some scores.

    Attributes:
        of: how many.
        total: their sum.
        least: the smallest.
    """

    of: int = 0
    total: float = 0.0
    least: float = float("inf")

    @property
    def value(self) -> float:
        """Their mean."""
        return self.total / self.of

    def with_one(self, score: float) -> Mean:
        """One more."""
        return Mean(self.of + 1, self.total + score, min(self.least, score))


class ScoreTally:
    """All scores, added up as they come.

    Attributes:
        scores: of wholes.
        users: of wholes, by speaker; `NOBODY` where none was named.
        words: of words, by their text in small letters.
    """

    def __init__(self) -> None:
        self.scores: list[float] = []
        self.users: dict[str, Mean] = {}
        self.words: dict[str, Mean] = {}

    def add(self, user: str | None, extract_scores: AnswerScores) -> None:
        """Count one answer."""
        if extract_scores.score is not None:
            self.scores.append(extract_scores.score)
            self.users[user or NOBODY] = self.users.get(user or NOBODY, Mean()).with_one(extract_scores.score)
        for text, score in extract_scores.words:
            word = text.casefold()
            self.words[word] = self.words.get(word, Mean()).with_one(score)


def extract_scores(rule: AssessRule, answer: Any) -> AnswerScores:
    """The scores of an answer, as far as they are there.

    Args:
        rule: where they should be.
        answer: the body.
    """
    words = json_values.value_at(answer, rule.words)
    found = [(one.get(rule.word), number(one.get(rule.word_score))) for one in _records(words)]
    whole = tuple((text, score) for text, score in found if isinstance(text, str) and text and score is not None)
    return AnswerScores(number(json_values.value_at(answer, rule.score)), whole)


def number(value: object) -> float | None:
    """A number, which may come as a text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _records(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
