# SPDX-License-Identifier: Apache-2.0
"""Finds environment variables that Python sets: in its own process, or in one that it starts."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.code.python_module import PythonModule

SETTERS: Final = ("environ.setdefault", "os.putenv", "monkeypatch.setenv", "set_key", "setenv")
"""Functions that take the name of a variable and its value, by the last parts of their names."""

UPDATE: Final = "environ.update"


def set_variables(module: PythonModule) -> Iterator[tuple[str, ast.expr]]:
    """The variables that a module sets under a known name, with their values.

    Args:
        module: the module.
    """
    for target, value in module.syntax.assignments():
        if isinstance(target, ast.Subscript) and module.values.dotted(target.value).endswith("environ"):
            yield from ((name, value) for name in module.values.texts(target.slice))
    for call in module.syntax.all(ast.Call):
        name = module.values.dotted(call.func)
        if name.endswith(SETTERS) and len(call.args) > 1:
            yield from ((variable, call.args[1]) for variable in module.values.texts(call.args[0]))
        elif name.endswith(UPDATE):
            yield from module.values.keywords(call)
            yield from (entry for table in call.args for entry in module.values.entries(table))
        else:
            yield from _of_process(module, call)


def _of_process(module: PythonModule, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """The variables that a process is started with: `subprocess.run(…, env={…})`."""
    for word in call.keywords:
        if word.arg == "env":
            yield from module.values.entries(word.value)
