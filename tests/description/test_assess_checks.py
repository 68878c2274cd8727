# SPDX-License-Identifier: Apache-2.0
"""What a profile says about assessments is checked against the operations."""

from __future__ import annotations

from pathlib import Path

import pytest

from callwell import providers
from callwell.description import openapi, profile
from callwell.errors import ProfileError

FOLDER = providers.FOLDER / "language_confidence"
API = openapi.read(FOLDER / "openapi.json")
TEXT = Path(FOLDER / "profile.toml").read_text(encoding="utf-8")
HEAD = '[operations."assess.scripted".assess]\n'


def test_what_is_right() -> None:
    """A right profile says where everything is."""
    rule = profile.parse(TEXT, API).operations["assess.scripted"]
    assert rule.assess is not None
    assert (rule.remember, rule.assess.default, rule.assess.text, rule.assess.script) == (
        True,
        True,
        "expected_text",
        "latin",
    )


@pytest.mark.parametrize(
    ("before", "after", "key", "expected"),
    [
        (
            "repeatable = true\n",
            "",
            'operations."assess.pronunciation".remember',
            "expected repeatable = true beside it",
        ),
        (
            '[operations."assess.unscripted".assess]\n',
            '[operations."assess.unscripted".assess]\ndefault = true\n',
            'operations."assess.unscripted".assess.default',
            "one default, found 'assess.scripted' as well",
        ),
        (
            f"{HEAD}default = true\naccent = ",
            f"{HEAD}accent = 1 #",
            'operations."assess.scripted".assess.accent',
            "a string",
        ),
        ('text = "expected_text"', 'text = "text"', 'operations."assess.pronunciation".assess.text', "an argument"),
        (
            'script = "latin"',
            'script = "Latin"',
            'operations."assess.pronunciation".assess.script',
            "lower-case letters",
        ),
        (
            'score = "overall.overall_score"',
            'score = "all"',
            'operations."assess.scripted".assess.score',
            "the path of",
        ),
        ('words = "pronunciation.words"', 'words = "w"', 'operations."assess.scripted".assess.words', "the path of"),
        ('word = "word_text"', 'word = "w"', 'operations."assess.pronunciation".assess.word', "a field of a word"),
    ],
)
def test_what_is_wrong(before: str, after: str, key: str, expected: str) -> None:
    """Each error names the key, and says what was expected."""
    assert before in TEXT
    with pytest.raises(ProfileError) as caught:
        profile.parse(TEXT.replace(before, after, 1), API)
    assert (caught.value.key, expected in str(caught.value)) == (key, True)
