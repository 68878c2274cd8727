# SPDX-License-Identifier: Apache-2.0
"""Finds the clients that a project's Python makes, and their options, by syntax: no code is run.

A value is known if it is a literal, or a constant of the same module.
"""

from __future__ import annotations

import ast
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.description import catalog
from callwell.readiness.check import Place, Unchecked
from callwell.readiness.non_production import is_development_file
from callwell.readiness.texts import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from callwell.readiness.files import ProjectFiles

CLIENTS: Final = frozenset({"Client", "AsyncClient"})
PROVIDERS: Final = "callwell.providers."
WITH_OPTIONS: Final = "with_options"
PARSED: Final = (ast.Call, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.AugAssign)
"""The relevant kinds of syntax nodes."""


class Unknown(Enum):
    """The type of `UNKNOWN`: a value that is decided when the program runs."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


class ClientOption(NamedTuple):
    """An option that code gives.

    Attributes:
        value: the constant, or `UNKNOWN`.
        place: where it is.
    """

    value: object
    place: Place


class ClientUse(NamedTuple):
    """A place that makes a client, or derives one by `with_options`.

    Attributes:
        provider: the name of its provider; None if that is decided when the program runs.
        makes: whether it makes a client, so that all other options have their defaults.
        options: the options that are given, by name.
        complete: whether no other options are given by `**`.
        place: where it is.
    """

    provider: str | None
    makes: bool
    options: Mapping[str, ClientOption]
    complete: bool
    place: Place

    def is_of(self, provider: str) -> bool:
        """Whether it may be a client of this provider."""
        return self.provider in (None, provider)


class ClientCode(NamedTuple):
    """Everything that a project's Python does with clients, except for tests.

    Attributes:
        uses: the places, in the order of the files.
        unchecked: the sources that cannot be read.
    """

    uses: tuple[ClientUse, ...]
    unchecked: tuple[Unchecked, ...]

    def of(self, provider: str) -> Iterator[ClientUse]:
        """The places that may concern a provider."""
        return (use for use in self.uses if use.is_of(provider))


@lru_cache(maxsize=1)
def read_client_code(files: ProjectFiles) -> ClientCode:
    """Find the clients that a project makes, once for all checks.

    Args:
        files: the project's files.
    """
    uses: list[ClientUse] = []
    unchecked: list[Unchecked] = []
    for file in files.with_suffix(".py"):
        if is_development_file(file.name):
            continue
        text = read_text(file)
        if isinstance(text, Unchecked):
            unchecked.append(text)
        elif _may_make_clients(text):
            try:
                uses.extend(Module(file.name, ast.parse(text)).uses())
            except (SyntaxError, ValueError, RecursionError) as error:
                line = error.lineno if isinstance(error, SyntaxError) else None
                what = "the source is not valid Python, so its options are not seen"
                unchecked.append(Unchecked(what=what, place=Place(file.name, line)))
    return ClientCode(tuple(uses), tuple(unchecked))


def _may_make_clients(text: str) -> bool:
    """Whether a source may make a client or set its options. Parsing takes a hundred times longer than this test."""
    if f"{WITH_OPTIONS}(" in text:
        return True
    return "callwell" in text and ("Client(" in text or PROVIDERS in text)


class Module:
    """One source.

    Args:
        name: relative to the project's root.
        tree: its syntax tree.
    """

    def __init__(self, name: str, tree: ast.Module) -> None:
        self._name = name
        self._nodes = [node for node in ast.walk(tree) if isinstance(node, PARSED)]
        self._classes = dict(_imported_clients(self._nodes))
        self._constants = dict(_constants(self._nodes))

    def uses(self) -> Iterator[ClientUse]:
        """The places that make clients or derive them."""
        for node in self._nodes:
            if not isinstance(node, ast.Call):
                continue
            name = dotted_name(node.func)
            if name in self._classes:
                yield self._use(node, self._classes[name] or self._provider(node), makes=True)
            elif isinstance(node.func, ast.Attribute) and node.func.attr == WITH_OPTIONS:
                yield self._use(node, None, makes=False)

    def _use(self, node: ast.Call, provider: str | None, *, makes: bool) -> ClientUse:
        options = {
            keyword.arg: ClientOption(self._value(keyword.value), Place(self._name, keyword.value.lineno))
            for keyword in node.keywords
            if keyword.arg is not None
        }
        complete = all(keyword.arg is not None for keyword in node.keywords)
        return ClientUse(provider, makes, options, complete, Place(self._name, node.lineno))

    def _provider(self, node: ast.Call) -> str | None:
        given = next(iter(node.args), None)
        value = UNKNOWN if given is None else self._value(given)
        return catalog.bundled_name(value) if isinstance(value, str) else None  # else a folder, of any provider

    def _value(self, node: ast.expr) -> object:
        if isinstance(node, ast.Name):
            return self._constants.get(node.id, UNKNOWN)
        return node.value if isinstance(node, ast.Constant) else UNKNOWN


def dotted_name(node: ast.expr) -> str:
    """The name of a function as it is written, such as `callwell.Client`; empty if it is not a name."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _imported_clients(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, str | None]]:
    """Names of client classes as the module writes them, each with its provider if it belongs to one."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in ("callwell", "callwell.client"):
                    yield from ((f"{alias.asname or alias.name}.{client}", None) for client in CLIENTS)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            provider = node.module.removeprefix(PROVIDERS).partition(".")[0]
            for alias in node.names:
                if node.module in ("callwell", "callwell.client") and alias.name in CLIENTS:
                    yield alias.asname or alias.name, None
                elif node.module.startswith(PROVIDERS) and alias.name[:1].isupper():
                    yield alias.asname or alias.name, provider


def _constants(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, object]]:
    """The constants of a module that are assigned once."""
    assigned: dict[str, list[ast.expr | None]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    assigned.setdefault(target.id, []).append(node.value)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign) and isinstance(node.target, ast.Name):
            assigned.setdefault(node.target.id, []).append(node.value)
    for name, values in assigned.items():
        if len(values) == 1 and isinstance(values[0], ast.Constant):
            yield name, values[0].value
