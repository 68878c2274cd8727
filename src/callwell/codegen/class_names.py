# SPDX-License-Identifier: Apache-2.0
"""Gives each class and alias of a generated client a legal, unique name, the same one on every run.

* Names are in Pascal case. `Model` goes before a name that begins with a digit: `2fa-code` is `Model2faCode`.
* `Model` goes after a name that Python, a generated module or the client itself already uses, so that no import and no
  builtin is shadowed: `None` is `NoneModel`, `Asset` is `AssetModel`.
* Named schemas of the document get their names first, whichever operation uses them. If two names differ only in case
  or punctuation, the one already spelled like the class keeps it, and the others get a number.
* Unnamed schemas are named after their place in the document; a name that is taken gets a number.
"""

from __future__ import annotations

import builtins
import itertools
import keyword
from typing import TYPE_CHECKING, Final

from callwell.description.names import to_pascal_case

if TYPE_CHECKING:
    from collections.abc import Iterable

MODEL: Final = "Model"


def to_class_name(*words: str) -> str:
    """Turn words into a class name; empty if no character of them can be in a name."""
    name = to_pascal_case(*words)
    return f"{MODEL}{name}" if name[:1].isdigit() else name


class ClassNames:
    """The names of one client's classes and aliases.

    Args:
        reserved: names that none of them may have.
        components: the names of the document's schemas.

    Attributes:
        of_component: the class name of each component.
    """

    def __init__(self, reserved: Iterable[str], components: Iterable[str]) -> None:
        self._reserved = frozenset(reserved)
        self._taken = set(self._reserved)
        self.of_component: dict[str, str] = {}
        for component in sorted(components, key=lambda name: (name != to_class_name(name), name)):
            self.of_component[component] = self.claim(to_class_name(component) or MODEL)

    def claim(self, name: str) -> str:
        """Take the wanted name, or the closest free one."""
        if name in self._reserved or keyword.iskeyword(name) or hasattr(builtins, name):
            name = f"{name}{MODEL}"
        numbered = (f"{name}{number}" for number in itertools.count(2))
        free = next(candidate for candidate in itertools.chain([name], numbered) if candidate not in self._taken)
        self._taken.add(free)
        return free
