# SPDX-License-Identifier: Apache-2.0
"""Decides whether a literal in code is a key or a placeholder."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

TEMPLATE: Final = re.compile(
    r"[\s<>{}$%*…\x00]|\.\.\.|^(?:env|file|vault|arn|aws|gcp|op|ssm|https?|projects)[:/]", re.IGNORECASE
)
"""Characters of placeholders, URLs and names of secrets, which no key contains."""

PLACEHOLDER_WORDS: Final = re.compile(
    r"your|example|placeholder|dummy|fake|change[-_]?me|insert|replace|redacted|mock|invalid|nobody|not[-_]a|todo",
    re.IGNORECASE,
)
"""Words of placeholders. Of strings of 40 random characters, one in 3,000 contains one."""

MIN_RANDOM: Final = 8
"""The length of the shortest random part. Keys of real providers have 16 and more characters in one part."""

MIN_TURNS: Final = 2
"""The least changes between letters and digits: a name with a number at its end has fewer."""

MIN_VARIETY: Final = 5
"""The least distinct characters of a random part: eight hexadecimal digits have 6.5 on average."""

MIN_LETTERS: Final = 16
"""The least letters of one case that are not a word if they contain five consecutive consonants."""

MIN_SWITCHES: Final = 2
"""The least changes from lower to upper case: a name of two words has fewer."""

MAX_RUN: Final = 0.5
"""The largest share of adjacent characters that are equal or consecutive, as in `aaaa` and `1234`; 5 % by chance."""

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
    """Whether letters and digits are random: neither a word nor a sequence."""
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
