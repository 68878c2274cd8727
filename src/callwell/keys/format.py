# SPDX-License-Identifier: Apache-2.0
"""The format of a key: describes what is wrong with a string that should be one, without showing it.

Keys are copied by hand and by scripts: with quotes, with the name of a variable, or as a whole settings file. None of
these is a key, and the provider would only say that the key is unknown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from callwell.core.rules.profile import KeyRule

QUOTES: Final = {'"': '"', "'": "'", "`": "`", "“": "”", "„": "“", "«": "»"}
"""Opening and closing quotes."""

ASSIGNMENT: Final = re.compile(
    r"(?:export\s+|set\s+|\$env:)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:\s*=\s*|:\s+)(?P<value>\S.*)", re.DOTALL
)
COMMAND: Final = re.compile(r"(?:export|set)\s|\$env:", re.IGNORECASE)
SCHEMES: Final = re.compile(r"(?P<scheme>bearer|basic|token|authorization:)\s", re.IGNORECASE)
UNFILLED: Final = re.compile(r"\$\{.*\}|\$\(.*\)|\$[A-Za-z_]\w*|\{\{.*\}\}|<[^<>]*>|%[A-Za-z_]\w*%", re.DOTALL)
"""Placeholders that a shell, a template or a person should have filled in."""


def find_format_error(text: str, rule: KeyRule) -> str | None:
    """What is wrong with a string that should be a key, as a predicate for a message; None if nothing is.

    Args:
        text: the text, without surrounding white space.
        rule: the format of a key, and the header that carries it.
    """
    error = _find_copying_error(text, rule)
    if error is not None:
        return error
    if text.isascii() and text.isprintable() and re.fullmatch(rule.pattern, text):
        return None
    return _find_invalid_character(text) or f"cannot be right: expected {rule.looks_like}"


def _find_copying_error(text: str, rule: KeyRule) -> str | None:
    """What was copied in addition to the key, or instead of it."""
    if "\0" in text or "\ufffd" in text:
        return "is not UTF-8 text: save the file as UTF-8, with nothing but the key in it"
    if text.startswith("-----BEGIN"):
        return "is a PEM certificate or private key: an API key is needed"
    if len(text) > 1 and QUOTES.get(text[0]) == text[-1]:
        return "is in quotes: remove them"
    if text[:1] in ("{", "[") and text[-1] in ("}", "]"):
        return "is JSON: write only the key, without braces and names"
    if UNFILLED.fullmatch(text):
        return "is a placeholder that was never filled in: write the key itself"
    lines = len(text.splitlines())
    if lines > 1:
        return f"has {lines} lines: write only the key, on one line, without comments"
    if _is_assignment(text, rule.env):
        return "is a whole line of a settings file: write only the key, without the name and the sign after it"
    found = SCHEMES.match(text)
    if found is not None and rule.scheme != "header":
        return f"begins with the word {found['scheme']}, which Callwell adds itself: write only the key"
    return None


def _is_assignment(text: str, variable: str) -> bool:
    """Whether a string sets a variable, as shells and settings files do; a key may hold `=` and `:` too."""
    found = ASSIGNMENT.fullmatch(text)
    if found is None:
        return False
    name = found["name"]
    looks_like_variable = name.isupper() and "_" in name and not found["value"].startswith("=")
    return name == variable or looks_like_variable or COMMAND.match(text) is not None


def _find_invalid_character(text: str) -> str | None:
    """The Unicode name of the first character that is not allowed in a key, which reveals nothing about the key."""
    for character in text:
        if character.isspace():
            return "has white space in it: write only the key, without spaces"
        if not character.isascii() or not character.isprintable():
            import unicodedata  # only for malformed keys

            name = "a letter that is not ASCII"
            if unicodedata.category(character)[0] in "CZ":  # invisible: a control character or a separator
                name = unicodedata.name(character, f"U+{ord(character):04X}")
            return f"has a character that is not allowed in keys ({name}): copy it again from where it was created"
    return None
