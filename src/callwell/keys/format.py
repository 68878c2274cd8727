# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a text that should be a key, in words that help and do not show it.

Keys are copied by hand and by scripts: with their quotes, with the name of their variable, as a whole file of settings.
None of that is a key, and a provider would only say that it knows no such key.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from callwell.core.rules.profile import KeyRule

QUOTES: Final = {'"': '"', "'": "'", "`": "`", "“": "”", "„": "“", "«": "»"}
"""Quotes, and by which each is closed."""

ASSIGNMENT: Final = re.compile(
    r"(?:export\s+|set\s+|\$env:)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:\s*=\s*|:\s+)(?P<value>\S.*)", re.DOTALL
)
COMMAND: Final = re.compile(r"(?:export|set)\s|\$env:", re.IGNORECASE)
SCHEMES: Final = re.compile(r"(?P<scheme>bearer|basic|token|authorization:)\s", re.IGNORECASE)
UNFILLED: Final = re.compile(r"\$\{.*\}|\$\(.*\)|\$[A-Za-z_]\w*|\{\{.*\}\}|<[^<>]*>|%[A-Za-z_]\w*%", re.DOTALL)
"""Places that a shell, a template or a person should have filled in."""


def find_format_error(text: str, rule: KeyRule) -> str | None:
    """What is wrong with a text that should be a key, as the end of a sentence that begins with "it"; None for nothing.

    Args:
        text: the text, without white space around it.
        rule: what a key looks like, and how it is shown.
    """
    wrong = _find_copying_error(text, rule)
    if wrong is not None:
        return wrong
    if text.isascii() and text.isprintable() and re.fullmatch(rule.pattern, text):
        return None
    return _find_odd_character(text) or f"cannot be right: expected {rule.looks_like}"


def _find_copying_error(text: str, rule: KeyRule) -> str | None:
    """How too much was copied, or the wrong thing."""
    if "\0" in text or "\ufffd" in text:
        return "is no UTF-8 text: save the file as UTF-8, with nothing but the key in it"
    if text.startswith("-----BEGIN"):
        return "is a certificate or a private key in PEM form: another kind of key is needed"
    if len(text) > 1 and QUOTES.get(text[0]) == text[-1]:
        return "is in quotes: write it without them"
    if text[:1] in ("{", "[") and text[-1] in ("}", "]"):
        return "is JSON: write the key alone, without braces and names"
    if UNFILLED.fullmatch(text):
        return "is a place that nobody has filled in: write the key itself"
    lines = len(text.splitlines())
    if lines > 1:
        return f"has {lines} lines: write the key alone, on one line, without comments"
    if _is_assignment(text, rule.env):
        return "is a whole line of a file of variables: write the key alone, without the name and the sign after it"
    found = SCHEMES.match(text)
    if found is not None and rule.scheme != "header":
        return f"begins with the word {found['scheme']}, which is put before it anyway: write the key alone"
    return None


def _is_assignment(text: str, variable: str) -> bool:
    found = ASSIGNMENT.fullmatch(text)
    if found is None:
        return False
    name = found["name"]
    named = name == variable or (name.isupper() and "_" in name and not found["value"].startswith("="))
    return named or COMMAND.match(text) is not None


def _find_odd_character(text: str) -> str | None:
    """A character that no key has, by its name, which tells nothing of the key."""
    for character in text:
        if character.isspace():
            return "has white space in it: write the key alone, in one piece"
        if not character.isascii() or not character.isprintable():
            hidden = unicodedata.category(character)[0] in "CZ"
            name = unicodedata.name(character, f"U+{ord(character):04X}") if hidden else "a letter that is not ASCII"
            return f"has a character that no key has ({name}): copy it again from where it was made"
    return None
