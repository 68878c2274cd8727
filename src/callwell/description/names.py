# SPDX-License-Identifier: Apache-2.0
"""How the names of a document are written in Python: `linkURL` is the argument `link_url` and part of `LinkUrl`."""

from __future__ import annotations

import builtins
import keyword
import re
from typing import Final

_CASE_CHANGE: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where a word begins in camel case: `link|URL`, and `HTTP|Server` before the last capital of a run."""

_NO_WORD: Final = re.compile(r"\W+", re.ASCII)


def to_snake_case(name: str) -> str:
    """A name in snake case: `linkURL` becomes `link_url`, `per_page` stays; other characters become underscores."""
    return _NO_WORD.sub("_", _CASE_CHANGE.sub("_", name)).strip("_").lower()


def to_pascal_case(*names: str) -> str:
    """Names as one class name: `recordings` and `console_log` become `RecordingsConsoleLog`."""
    words = [word for name in names for word in to_snake_case(name).split("_")]
    return "".join(word[:1].upper() + word[1:] for word in words)


def to_identifier(name: str) -> str:
    """A name that Python accepts: a keyword gets an underscore after it, a leading digit one before it."""
    name = _NO_WORD.sub("_", name) or "_"
    if name[0].isdigit():
        name = f"_{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


def shadows_builtin(name: str) -> bool:
    """Whether an argument of this name hides a builtin, as `type` and `id` do."""
    return hasattr(builtins, name)
