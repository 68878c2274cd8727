# SPDX-License-Identifier: Apache-2.0
"""Whether a literal in code is a key, or stands where one will be."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

TEMPLATE: Final = re.compile(
    r"[\s<>{}$%*…\x00]|\.\.\.|^(?:env|file|vault|arn|aws|gcp|op|ssm|https?|projects)[:/]", re.IGNORECASE
)
"""What no key has, and what placeholders, addresses and names of secrets have."""

PLACEHOLDER_WORDS: Final = re.compile(
    r"your|example|placeholder|dummy|fake|change[-_]?me|insert|replace|redacted|mock|invalid|nobody|not[-_]a|todo",
    re.IGNORECASE,
)
"""Words by which a string says that it is not a key. Of 40 random characters, one in 3,000 has one of them."""

MIN_RANDOM: Final = 8
"""Characters of a part of a key that are random. Keys of real providers have 16 and more in one part."""

MIN_TURNS: Final = 2
"""Changes between letters and digits that no name with a number at its end has."""

MIN_VARIETY: Final = 5
"""Different characters of a random part: eight hexadecimal digits have six and a half on average."""

MIN_LETTERS: Final = 16
"""Letters of one case that are no word, if five consonants stand in a row."""

MIN_SWITCHES: Final = 2
"""Changes from small to capital letters that no name of two words has."""

MAX_RUN: Final = 0.5
"""The part of all neighbours that may be equal or next to each other: `aaaa`, `1234`. By chance it is one in twenty."""

CONSONANTS: Final = re.compile(r"[bcdfghjklmnpqrstvwxz]{5}", re.IGNORECASE)


def may_be_key(text: str) -> bool:
    """Whether a literal is a key, and neither a placeholder nor made of words.

    Args:
        text: the literal.
    """
    if TEMPLATE.search(text) or PLACEHOLDER_WORDS.search(text):
        return False
    return any(_is_random(part) for part in re.split(r"[^A-Za-z0-9]+", text))


def _is_random(part: str) -> bool:
    """Whether letters and digits in a row are neither a word nor a run."""
    if len(part) < MIN_RANDOM or _is_run(part):
        return False
    turns = sum(first.isdigit() is not second.isdigit() for first, second in pairwise(part))
    if turns >= MIN_TURNS:
        return len(set(part)) >= MIN_VARIETY
    switches = sum(first.islower() and second.isupper() for first, second in pairwise(part))
    return switches > MIN_SWITCHES or (len(part) >= MIN_LETTERS and CONSONANTS.search(part) is not None)


def _is_run(part: str) -> bool:
    steps = [ord(second) - ord(first) for first, second in pairwise(part)]
    return sum(step in (0, 1) for step in steps) > MAX_RUN * len(steps)
