# SPDX-License-Identifier: Apache-2.0
"""Gives each class and each alias of a generated client its name: legal, taken once, the same on every run.

* A name is in Pascal case. One that begins with a digit gets `Model` before it: `2fa-code` is `Model2faCode`.
* A name that Python, a generated module or the client itself has already gets `Model` after it: `None` is `NoneModel`,
  `Asset` is `AssetModel`, so no import and no builtin is hidden.
* A schema of the document has its name before all others, whichever operation needs it first. If two names differ only
  in case or punctuation, the one that is written as the class keeps it, and the others get a number.
* Schemas without a name in the document are named by their place; a name that is taken gets a number.
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
    """Words as the name of a class; empty if nothing in them can be part of one."""
    name = to_pascal_case(*words)
    return f"{MODEL}{name}" if name[:1].isdigit() else name


class ClassNames:
    """The names of one client's classes and aliases.

    Args:
        reserved: names that none of them may have.
        components: the document's own names of schemas.

    Attributes:
        of_component: the class name of each of `components`.
    """

    def __init__(self, reserved: Iterable[str], components: Iterable[str]) -> None:
        self._reserved = frozenset(reserved)
        self._taken = set(self._reserved)
        self.of_component: dict[str, str] = {}
        for component in sorted(components, key=lambda name: (name != to_class_name(name), name)):
            self.of_component[component] = self.claim(to_class_name(component) or MODEL)

    def claim(self, name: str) -> str:
        """A free name as close to a wanted one as possible. It is taken from now on."""
        if name in self._reserved or keyword.iskeyword(name) or hasattr(builtins, name):
            name = f"{name}{MODEL}"
        numbered = (f"{name}{number}" for number in itertools.count(2))
        free = next(candidate for candidate in itertools.chain([name], numbered) if candidate not in self._taken)
        self._taken.add(free)
        return free
