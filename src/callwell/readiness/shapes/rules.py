# SPDX-License-Identifier: Apache-2.0
"""Our rules for kingfisher: one for the keys of each provider, made from its profile, and one for all others.

Keys of a documented pattern are found by it. Other keys are found by what comes before them: the provider's name, or
the variables of its keys. The last rule takes any name that says secret.
"""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callwell.description.provider import Provider

PREFIX: Final = "callwell."
"""The beginning of the IDs of our rules; the provider's name follows."""

SECRET: Final = f"{PREFIX}secret-by-name"
"""The rule for secrets of anybody."""

VALUE: Final = "[A-Za-z0-9_~+/-]{19,}[A-Za-z0-9_~+/=-]"
"""A key of no documented pattern: 20 characters or more, as in the header that carries it (RFC 6750, section 2.1), but
for the point: code has it more often than keys."""

IN_KEY: Final = "[A-Za-z0-9_.~+/=-]"
r"""What `\S` in a pattern stands for in a file, where a key ends at a quote or a bracket (RFC 6750, section 2.1)."""

BETWEEN: Final = r"""[\w. -]{0,24}["'\x60]?[ \t]{0,3}(?::=|=>|[:=,])[ \t]{0,3}["'\x60]?"""
"""What may come between a name and its value: the rest of a longer name, quotes, a sign."""

SECRET_NAMES: Final = (
    "(?:api|access|auth|client|private|secret|service|signing|encryption|refresh)[_. -]?(?:key|token|secret)",
    "secret",
    "token",
    "passw(?:or)?d",
)
"""Names of secrets in code and in configuration, as regular expressions."""

PLACEHOLDERS: Final = ("example", "placeholder", "changeme", "your", "dummy", "xxxx", "0000", "****", "12345", "abcdef")
"""What documentation has in place of a key. Of keys of 40 random letters and digits, one in 10,000 has such a part."""

ENTROPY: Final = 3.5
"""Bits for each character, at least: 20 random letters and digits nearly always have 3.9, words in code rarely 3.5."""

PLAIN: Final = (
    *(character * length for character, length in product("aA0", range(8, 129))),
    "00000000-0000-4000-8000-000000000000",
)
"""Strings that are not keys: a pattern that matches one is that of any hash or UUID."""

PYTHON_ONLY: Final = re.compile(r"\(\?(?!:)|\\[1-9AZ]|[$^]")
"""Parts of a pattern that mean something else to kingfisher, or nothing in the middle of a file."""


def make_rules(providers: Iterable[Provider]) -> list[dict[str, Any]]:
    """The rules, as kingfisher reads them.

    The same providers give the same rules: kingfisher compiles all rules in ten seconds, and keeps the result.

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
    """Whether a key can be recognised by its pattern alone.

    Args:
        pattern: of the profile.
    """
    if PYTHON_ONLY.search(pattern):
        return False
    compiled = re.compile(pattern)
    return not any(compiled.fullmatch(text) for text in PLAIN)


def names_of(provider: Provider) -> Iterator[str]:
    """What may come before a key of a provider, as regular expressions."""
    profile = provider.profile
    yield _any_spelling(provider.name)
    yield _any_spelling(profile.title or provider.name)
    for environment in profile.environments.values():
        if environment.env is not None:
            yield _any_spelling(environment.env)
    yield _any_spelling(profile.key.env)


def _any_spelling(name: str) -> str:
    """A name in any of the ways to join its words."""
    return "[_. -]?".join(map(re.escape, filter(None, re.split(r"[\W_]+", name.lower()))))


def _assigned(names: Iterable[str]) -> str:
    """What finds a value after one of these names."""
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
