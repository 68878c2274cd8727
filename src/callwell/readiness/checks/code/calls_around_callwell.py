# SPDX-License-Identifier: Apache-2.0
"""Calls to a provider that go around Callwell: with an HTTP library, a command, or the provider's own library."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from callwell.readiness.check import Check, Finding, Group, Severity
from callwell.readiness.code.python_code import check_modules, read_python

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.check import Unchecked
    from callwell.readiness.code.python_module import PythonModule
    from callwell.readiness.project import Project


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Check every request in the project's Python, except in tests."""
    yield from check_modules(read_python(project).provider_modules(senders=True), _check_module)


def _check_module(module: PythonModule) -> Iterator[Finding]:
    yield from _requests(module)
    yield from _libraries(module)


def _requests(module: PythonModule) -> Iterator[Finding]:
    for call in module.calls.raw.values():
        title = call.provider.profile.title
        yield Finding(
            what=f"{call.name} sends requests to {call.host} ({title}){module.cell(call.node)}",
            place=module.place(call.node),
            fix=f"Call the operation of Client({call.provider.name!r}) instead, or `client.request(METHOD, PATH)`.",
            identity=f"{call.name} {call.host}",
        )


def _libraries(module: PythonModule) -> Iterator[Finding]:
    """The first import of each client library of a provider."""
    libraries = module.signatures.libraries
    seen: set[str] = set()
    for node in module.syntax.imports():
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""] if node.level == 0 else []
        else:
            names = [alias.name for alias in node.names]
        packages = {name.partition(".")[0] for name in names} & libraries.keys() - seen
        seen |= packages
        for package in sorted(packages):
            provider = libraries[package]
            yield Finding(
                what=f"{package}, {provider.profile.title}'s own library, is used{module.cell(node)}",
                place=module.place(node),
                fix=f"Use Client({provider.name!r}) for these calls.",
                identity=f"import {package}",
            )


CHECK = Check(
    id="code.calls-around-callwell",
    group=Group.CODE,
    title="All calls to providers go through Callwell",
    severity=Severity.ERROR,
    why="Calls around Callwell spend the quota that it counts, and have none of its retries, pages, deadlines and key "
    "rotation.",
    fix="Make the call with a Client of Callwell.",
    run=run,
)
