# SPDX-License-Identifier: Apache-2.0
"""The rule record of operations that assess speech: what they are told besides the recording, and what they answer."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AssessRule:
    """An operation that assesses a recording.

    Attributes:
        default: it is the one that is meant where nobody says which.
        accent: the argument that says which accent is expected, if there is one.
        text: the argument that takes what was to be said; without it, speech is free.
        script: the only script in which a text makes sense, as Unicode calls it: `latin`, `cyrillic`.
        score: where the answer has the score of the whole.
        words: where it has the list of words.
        word: the field of a word with its text.
        word_score: the field with its score.
    """

    default: bool = False
    accent: str | None = None
    text: str | None = None
    script: str | None = None
    score: str
    words: str
    word: str
    word_score: str
