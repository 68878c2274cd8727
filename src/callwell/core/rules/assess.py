# SPDX-License-Identifier: Apache-2.0
"""The rule record of operations that assess speech: their arguments besides the recording, and their response."""

from msgspec import Struct


class AssessRule(Struct, frozen=True, kw_only=True):
    """An operation that assesses a recording.

    Attributes:
        default: used if a call names no operation; at most one of them may be it.
        accent: the argument that takes the expected accent.
        text: the argument that takes the text to be read aloud; without it, speech is free.
        script: the only script that a text may use, by its Unicode name in lower case: `latin`, `cyrillic`.
        score: path of the overall score in the response.
        words: path of the list of words.
        word: the field with the text of a word.
        word_score: the field with the score of a word.
    """

    default: bool = False
    accent: str | None = None
    text: str | None = None
    script: str | None = None
    score: str
    words: str
    word: str
    word_score: str
