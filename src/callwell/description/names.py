# SPDX-License-Identifier: Apache-2.0
"""How names of the wire are written in Python."""

from __future__ import annotations

import builtins
import keyword
import re
from typing import Final

_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHER: Final = re.compile(r"\W+", re.ASCII)


def to_snake_case(name: str) -> str:
    """A name in snake case: `linkURL` → `link_url`, `per_page` stays."""
    return _OTHER.sub("_", _HUMP.sub("_", name)).strip("_").lower()


def to_pascal_case(*names: str) -> str:
    """Names as one class name: `recordings`, `console_log` → `RecordingsConsoleLog`."""
    words = [word for name in names for word in to_snake_case(name).split("_")]
    return "".join(word[:1].upper() + word[1:] for word in words)


def to_identifier(name: str) -> str:
    """A name that Python can use: its own words get a trailing underscore, a leading digit a leading one."""
    name = _OTHER.sub("_", name) or "_"
    name = f"_{name}" if name[0].isdigit() else name
    return f"{name}_" if keyword.iskeyword(name) else name


def shadows_builtin(name: str) -> bool:
    """Whether a name hides one of Python's own: `type`, `id`."""
    return hasattr(builtins, name)
