# SPDX-License-Identifier: Apache-2.0
"""Finds addresses of providers in constants and settings that other modules of a project import."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from callwell.readiness.code.values import Values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callwell.readiness.code.provider_signatures import ProviderSignatures
    from callwell.readiness.code.python_module import PythonModule

SETTINGS: Final = frozenset({"settings", "config", "conf", "cfg", "app_settings"})
"""Common names of the object with a program's settings."""


ROUNDS: Final = 2
"""A constant may be made of one in another module."""


class Constants:
    """Names of modules and classes that are bound to a provider's address.

    Args:
        modules: the modules that mention a provider's host.
        signatures: what identifies the use of a provider.
    """

    def __init__(self, modules: Iterable[PythonModule] = (), signatures: ProviderSignatures | None = None) -> None:
        self._found: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
        defined = tuple(modules)
        for _ in range(ROUNDS):
            for module in defined:
                self._read(module, signatures)

    def _read(self, module: PythonModule, signatures: ProviderSignatures | None) -> None:
        values = Values(module.syntax, self.find)  # those of the module itself ask for these constants
        for name, value in _named_values(module.tree):
            every = (text for one in _parts(value) for text in values.texts(one))
            texts = tuple(text for text in every if signatures and signatures.find_host(text))
            if texts:
                self._found[name][_module_name(module.name)] = texts

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all constants."""
        return tuple(self._found)

    def find(self, name: str) -> tuple[str, ...]:
        """The addresses that a name from another module may be.

        Args:
            name: its full name, such as `app.settings.API_URL`.
        """
        *owners, last = name.split(".")
        if not owners or last not in self._found:
            return ()
        for module, texts in self._found[last].items():
            if module in owners or not SETTINGS.isdisjoint(owners):
                return texts
        return ()


def _parts(value: ast.expr) -> Iterator[ast.expr]:
    """An expression, or the values of a table and of those in it."""
    if isinstance(value, ast.Dict):
        for part in value.values:
            yield from _parts(part)
    else:
        yield value


def _module_name(file: str) -> str:
    """The last name by which a module is imported."""
    path = PurePosixPath(file)
    return path.parent.name if path.stem == "__init__" else path.stem


def _named_values(tree: ast.Module) -> Iterable[tuple[str, ast.expr]]:
    """The names that a module and its classes bind, each with its value."""
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]
    for statement in (statement for body in bodies for statement in body):
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
        if value is not None:
            yield from ((target.id, value) for target in targets if isinstance(target, ast.Name))
            subscripts = (target.slice for target in targets if isinstance(target, ast.Subscript))
            yield from ((str(key.value), value) for key in subscripts if isinstance(key, ast.Constant))
