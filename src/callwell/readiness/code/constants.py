# SPDX-License-Identifier: Apache-2.0
"""Finds addresses of providers in constants and settings that other modules of a project import."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callwell.readiness.code.provider_signatures import ProviderSignatures
    from callwell.readiness.code.python_module import PythonModule

SETTINGS: Final = frozenset({"settings", "config", "conf", "cfg", "app_settings"})
"""Common names of the object with a program's settings."""


class Constants:
    """Names of modules and classes that are bound to a provider's address.

    Args:
        modules: the modules that mention a provider's host.
        signatures: what identifies the use of a provider.
    """

    def __init__(self, modules: Iterable[PythonModule] = (), signatures: ProviderSignatures | None = None) -> None:
        self._found: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
        for module in modules:
            for name, value in _named_values(module.tree):
                texts = tuple(text for text in module.values.texts(value) if signatures and signatures.find_host(text))
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
