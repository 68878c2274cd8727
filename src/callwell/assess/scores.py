# SPDX-License-Identifier: Apache-2.0
"""Finds the scores in a response, and adds them up by user and by word."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from callwell.core import json_values

if TYPE_CHECKING:
    from callwell.core.rules.assess import AssessRule

NO_SPEAKER = ""


class AnswerScores(NamedTuple):
    """The scores of one response.

    Attributes:
        overall: the overall score; None if the response has none.
        words: every word with its score, in order.
    """

    overall: float | None
    words: tuple[tuple[str, float], ...]


class ScoreStats(NamedTuple):
    """The number, sum and minimum of some scores.

    Attributes:
        samples: the number of scores.
        total: their sum.
        lowest: the lowest of them.
    """

    samples: int = 0
    total: float = 0.0
    lowest: float = float("inf")

    @property
    def mean(self) -> float:
        """The mean."""
        return self.total / self.samples

    def plus(self, score: float) -> ScoreStats:
        """The same with one more score."""
        return ScoreStats(samples=self.samples + 1, total=self.total + score, lowest=min(self.lowest, score))


class ScoreTally:
    """All scores, added up as they come.

    Attributes:
        scores: the overall scores.
        users: the overall scores by speaker; `NO_SPEAKER` for rows without one.
        words: the scores of words, by the word in lower case.
    """

    def __init__(self) -> None:
        self.scores: list[float] = []
        self.users: dict[str, ScoreStats] = {}
        self.words: dict[str, ScoreStats] = {}

    def add(self, user: str | None, scores: AnswerScores) -> None:
        """Add the scores of one response."""
        if scores.overall is not None:
            self.scores.append(scores.overall)
            self.users[user or NO_SPEAKER] = self.users.get(user or NO_SPEAKER, ScoreStats()).plus(scores.overall)
        for text, score in scores.words:
            word = text.casefold()
            self.words[word] = self.words.get(word, ScoreStats()).plus(score)


def extract_scores(rule: AssessRule, answer: Any) -> AnswerScores:
    """Read the scores that a response has.

    Args:
        rule: where the scores are.
        answer: the decoded body.
    """
    words: list[tuple[str, float]] = []
    for record in _records(json_values.value_at(answer, rule.words)):
        text = record.get(rule.word)
        score = parse_score(record.get(rule.word_score))
        if isinstance(text, str) and text and score is not None:
            words.append((text, score))
    return AnswerScores(parse_score(json_values.value_at(answer, rule.score)), tuple(words))


def parse_score(value: object) -> float | None:
    """Read a finite number, which may be a string; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _records(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        return []
    return [record for record in value if isinstance(record, dict)]
