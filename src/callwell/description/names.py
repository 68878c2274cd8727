# SPDX-License-Identifier: Apache-2.0
"""Converts the names of a document to Python: `linkURL` is the argument `link_url` and part of `LinkUrl`."""

from __future__ import annotations

import builtins
import functools
import itertools
import keyword
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CASE_CHANGE: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""The beginning of a word in camel case: `link|URL`, and `HTTP|Server` before the last capital of a run."""

_SYMBOLS: Final = {"<=": "_lte", ">=": "_gte", "!=": "_ne", "<": "_lt", ">": "_gt", "=": "_eq", "!": "_not"}
"""Comparison operators in names of filters, as words: `DateSent<` becomes `date_sent_lt`, next to `DateSent`."""

_NON_WORD: Final = re.compile(r"\W+", re.ASCII)


@functools.lru_cache(4096)  # GitHub's names of fields are in 40,000 places: 0.3 s of its client's 1.6
def to_snake_case(name: str) -> str:
    """Convert a name to snake case: `linkURL` becomes `link_url`. Other characters become underscores."""
    return _NON_WORD.sub("_", _CASE_CHANGE.sub("_", name)).strip("_").lower()


def to_pascal_case(*names: str) -> str:
    """Join names into one class name: `recordings` and `console_log` become `RecordingsConsoleLog`."""
    return "".join(map(_capitalize_words, names))


@functools.lru_cache(4096)  # as above
def _capitalize_words(name: str) -> str:
    return "".join([word[:1].upper() + word[1:] for word in to_snake_case(name).split("_")])


def to_identifier(name: str) -> str:
    """Make a name valid in Python: a keyword gets a trailing underscore, a leading digit an underscore before it."""
    name = _NON_WORD.sub("_", name) or "_"
    if name[0].isdigit():
        name = f"_{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


def shadows_builtin(name: str) -> bool:
    """Whether an argument of this name shadows a builtin, as `type` and `id` do."""
    return hasattr(builtins, name)


def name_parameters(parameters: Sequence[tuple[str, str]]) -> list[str]:
    """Give each parameter of an operation a unique Python name.

    A name is in snake case. If two parameters have the same name, the first keeps it, and the others get their symbols
    as words (`date_sent_lt`), their location (`uris_body`) or a number, whatever is free first.

    Args:
        parameters: location and name of each, the most important first.
    """
    names: list[str] = []
    taken: set[str] = set()
    for location, wire_name in parameters:
        name = next(
            candidate for candidate in _parameter_names(location, wire_name) if to_identifier(candidate) not in taken
        )
        names.append(name)
        taken.add(to_identifier(name))
    return names


def _parameter_names(location: str, wire_name: str) -> Iterator[str]:
    plain = to_snake_case(wire_name) or "value"
    yield plain
    spelled = wire_name
    for symbol, word in _SYMBOLS.items():
        spelled = spelled.replace(symbol, word)
    yield to_snake_case(spelled) or plain
    yield f"{plain}_{location}"
    yield from (f"{plain}_{number}" for number in itertools.count(2))
