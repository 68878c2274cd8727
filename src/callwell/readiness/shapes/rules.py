# SPDX-License-Identifier: Apache-2.0
"""Our rules for kingfisher: one for the keys of each provider, made from its profile, and one for all other secrets.

Keys with a documented pattern are found by the pattern. Other keys are found by what precedes them: the provider's name
or its environment variables. The last rule matches a value after any name that means a secret.
"""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callwell.description.provider import Provider

PREFIX: Final = "callwell."
"""The prefix of the IDs of our rules; the provider's name follows."""

SECRET: Final = f"{PREFIX}secret-by-name"
"""The ID of the rule for secrets of any service."""

VALUE: Final = "[A-Za-z0-9_~+/-]{19,}[A-Za-z0-9_~+/=-]"
"""A key without a documented pattern: 20 or more of the characters that the header allows (RFC 6750, section 2.1),
except the dot, which is more common in code than in keys."""

IN_KEY: Final = "[A-Za-z0-9_.~+/=-]"
r"""Replaces `\S` of a pattern: in a file, a key ends at a quote or a bracket (RFC 6750, section 2.1)."""

BETWEEN: Final = (
    r"""[\w. -]{0,24}["'\x60]?[ \t]{0,3}(?::=|=>|[:=,>]|</key>\s{0,32}<string>"""
    r"""|,?[ \t]{0,8}(?:\r?\n[ \t]{0,32})?["'\x60]?value["'\x60]?[ \t]{0,3}[:=]"""
    r"""|\{\s{0,32}(?:type[ \t]{0,8}=[^\n]{1,40}\n\s{0,32})?default[ \t]{0,8}=)[ \t]{0,3}(?:\\?["'\x60]){0,2}"""
)
"""What may stand between a name and its value: the rest of a longer name, quotes, an operator."""

SECRET_NAMES: Final = (
    "(?:api|access|auth|client|private|secret|service|signing|encryption|refresh)[_. -]?(?:key|token|secret)",
    "secret",
    "token",
    "passw(?:or)?d",
)
"""Names of secrets in code and in configuration, as regular expressions."""

PLACEHOLDERS: Final = ("example", "placeholder", "changeme", "your", "dummy", "xxxx", "0000", "****", "12345", "abcdef")
"""Placeholders for keys in documentation. Of keys of 40 random letters and digits, one in 10,000 contains one."""

ENTROPY: Final = 3.5
"""The least bits of entropy per character: 20 random letters and digits nearly always have 3.9, code rarely 3.5."""

PLAIN: Final = (
    *(character * length for character, length in product("aA0", range(8, 129))),
    "00000000-0000-4000-8000-000000000000",
)
"""Strings that are not keys: a pattern that matches one also matches any hash or UUID."""

PYTHON_ONLY: Final = re.compile(r"\(\?(?!:)|\\[1-9AZ]|[$^]")
"""Syntax that has another meaning in kingfisher's patterns, or none in the middle of a file."""


def make_rules(providers: Iterable[Provider]) -> list[dict[str, Any]]:
    """Write the rules for kingfisher.

    Equal providers give equal rules, because kingfisher takes ten seconds to compile them, and caches the result.

    Args:
        providers: in any order; those of the same name count once.
    """
    by_name = {provider.name: provider for provider in providers}
    rules = [_rule(name, by_name[name].profile.title or name, pattern_of(by_name[name])) for name in sorted(by_name)]
    return [*rules, _rule(SECRET.removeprefix(PREFIX), "secret", _assigned(SECRET_NAMES))]


def pattern_of(provider: Provider) -> str:
    """A regular expression that finds the keys of a provider; its only group is the key."""
    pattern = provider.profile.key.pattern
    if is_distinctive(pattern):
        return rf"\b({pattern.replace(chr(92) + 'S', IN_KEY)})"
    return _assigned(sorted(names_of(provider)))


def is_distinctive(pattern: str) -> bool:
    """Whether a key can be recognized by its pattern alone.

    Args:
        pattern: the pattern in the profile.
    """
    if PYTHON_ONLY.search(pattern):
        return False
    compiled = re.compile(pattern)
    return not any(compiled.fullmatch(text) for text in PLAIN)


def names_of(provider: Provider) -> Iterator[str]:
    """The names that may precede a key of a provider, as regular expressions."""
    profile = provider.profile
    yield _any_spelling(provider.name)
    yield _any_spelling(profile.title or provider.name)
    for environment in profile.environments.values():
        if environment.env is not None:
            yield _any_spelling(environment.env)
    yield _any_spelling(profile.key.env)


def _any_spelling(name: str) -> str:
    """A regular expression for a name, whatever joins its words."""
    return "[_. -]?".join(map(re.escape, filter(None, re.split(r"[\W_]+", name.lower()))))


def _assigned(names: Iterable[str]) -> str:
    """A regular expression for a value after one of these names."""
    return rf"(?i)(?:{'|'.join(dict.fromkeys(names))}){BETWEEN}({VALUE})(?:[^A-Za-z0-9_.~+/(\[-]|$)"


def _rule(name: str, title: str, pattern: str) -> dict[str, Any]:
    return {
        "name": f"{title} key" if title != "secret" else title,
        "id": PREFIX + name,
        "pattern": pattern,
        "min_entropy": ENTROPY,
        "confidence": "medium",
        "pattern_requirements": {"min_digits": 1, "ignore_if_contains": list(PLACEHOLDERS)},
    }
