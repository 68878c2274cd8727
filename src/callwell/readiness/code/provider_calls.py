# SPDX-License-Identifier: Apache-2.0
"""Finds the calls to a provider in a module: with an HTTP library, a command, or through Callwell."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.readiness.code import callwell_names, http_libraries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.description.provider import Provider
    from callwell.readiness.code.provider_signatures import ProviderSignatures
    from callwell.readiness.code.syntax import Function, Syntax
    from callwell.readiness.code.values import Values

COMMANDS: Final = frozenset({"run", "call", "check_call", "check_output", "Popen", "system", "popen", "getoutput"})
COMMAND_MODULES: Final = ("subprocess", "os", "asyncio", "commands", "sh")
COMMAND_NAMES: Final = ("curl", "wget", "http ", "https ", "xh ")

NON_REQUEST_METHODS: Final = frozenset({"with_options", "close", "aclose"})
"""Methods of a client that send nothing."""

ADDRESS_ARGUMENTS: Final = 3
"""How many positional arguments may be the URL: `request(method, url)` has it second."""


class RawCall(NamedTuple):
    """A call that goes to a provider without Callwell.

    Attributes:
        node: the call.
        host: the provider's host.
        provider: the provider.
        name: what is called, such as `requests.post`.
    """

    node: ast.Call
    host: str
    provider: Provider
    name: str


class Calls:
    """The calls of a module that reach a provider.

    Args:
        syntax: the nodes of the module.
        values: what its expressions may be.
        signatures: what identifies the use of a provider.
    """

    def __init__(self, syntax: Syntax, values: Values, signatures: ProviderSignatures) -> None:
        self._syntax = syntax
        self._values = values
        self._signatures = signatures
        self._clients: dict[ast.AST, bool] = {}
        self._calls: set[ast.AST] = set(syntax.all(ast.Call))
        self.raw: dict[ast.AST, RawCall] = {}
        self.through_callwell: dict[ast.AST, str] = {}
        """Calls through Callwell, with the operation's name; empty if it is not known."""
        self.imports_callwell = any(
            name == "callwell" or name.startswith("callwell.") for name in values.bindings.imported_names
        )
        for node in syntax.all(ast.Call):
            raw = self._raw(node)
            if raw is not None:
                self.raw[node] = raw
                continue
            operation = self._operation(node)
            if operation is not None:
                self.through_callwell[node] = operation

    @cached_property
    def reaching(self) -> frozenset[ast.AST]:
        """All calls that reach a provider, also through functions of the same module."""
        return self._with_callers({*self.raw, *self.through_callwell, *filter(self._uses_raw_client, self._calls)})

    @cached_property
    def reaching_through_callwell(self) -> frozenset[ast.AST]:
        """All calls that reach a provider through Callwell, also through functions of the same module."""
        return self._with_callers({*self.through_callwell})

    def _with_callers(self, reaching: set[ast.AST]) -> frozenset[ast.AST]:
        functions = {self._syntax.function(node) for node in reaching} - {None}
        grown = True
        while grown:
            more = {node for node in self._calls - reaching if self._calls_any(node, functions)}
            reaching |= more
            around = {self._syntax.function(node) for node in more} - {None}
            grown = not around <= functions
            functions |= around
        return frozenset(reaching)

    def _uses_raw_client(self, call: ast.AST) -> bool:
        """Whether a call is one of a client that was made for a provider: `Client(base_url=…).get("/path")`."""
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            return False
        if call.func.attr not in http_libraries.SESSION_METHODS:
            return False
        return any(origin in self.raw for origin in self._values.origins(call.func.value))

    def _calls_any(self, call: ast.AST, functions: set[Function | None]) -> bool:
        return isinstance(call, ast.Call) and not functions.isdisjoint(self._values.bindings.functions(call.func))

    def _raw(self, call: ast.Call) -> RawCall | None:
        for name, addresses in self._requests(call):
            host = next((host for text in addresses if (host := self._signatures.find_host(text))), None)
            if host is not None:
                return RawCall(node=call, host=host, provider=self._signatures.hosts[host], name=name)
        return None

    def _requests(self, call: ast.Call) -> Iterator[tuple[str, Iterator[str]]]:
        """What may send a request in a call, each with the texts that may be its address."""
        name = self._sender(call, call.func)
        if name is not None:
            yield name, self._addresses(call.args, call.keywords)
            yield name, self._own_addresses(call)
            return
        # A function that is given to another one, which calls it: `partial(requests.get, URL)`, `pool.map(get, URLS)`.
        for given in [*call.args, *(word.value for word in call.keywords)]:
            name = self._sender(call, given) if isinstance(given, ast.Name | ast.Attribute) else None
            if name is not None:
                yield name, self._addresses([other for other in call.args if other is not given], call.keywords, 4)
        for made in self._values.origins(call.func):  # what `partial` has made
            if isinstance(made, ast.Call) and made is not call and made.args:
                name = self._sender(made, made.args[0])
                if name is not None:
                    yield name, self._addresses(call.args, call.keywords)

    def _addresses(
        self, arguments: list[ast.expr], words: list[ast.keyword], most: int = ADDRESS_ARGUMENTS
    ) -> Iterator[str]:
        named = [word.value for word in words if word.arg in http_libraries.ADDRESS_WORDS]
        for argument in [*arguments[:most], *named]:
            parts = self._values.members(argument)
            if parts:
                for part in parts:
                    yield from self._values.texts(part)
            elif not isinstance(argument, ast.Dict):
                for text in self._values.texts(argument):
                    yield from text.split()

    def _own_addresses(self, call: ast.Call) -> Iterator[str]:
        """The addresses that a class of the module, made from one of a library, has for its requests."""
        relative = any(text.startswith("/") for argument in call.args[:2] for text in self._values.texts(argument))
        if not relative or not isinstance(call.func, ast.Attribute):
            return
        for owner in self._classes(call.func.value):
            for word in http_libraries.ADDRESS_WORDS:
                for binding in self._values.bindings.members(owner.name, word):
                    yield from self._values.texts(binding.value)

    def _sender(self, call: ast.Call, func: ast.expr) -> str | None:
        """What sends the request, if a call may send one with a function."""
        name = self._values.dotted(func)
        if isinstance(func, ast.Call) and name == "" and self._values.dotted(func.func) == "getattr" and func.args:
            verbs = self._values.texts(func.args[1]) if len(func.args) > 1 else ()
            name = f"{self._values.dotted(func.args[0])}.{next(iter(verbs), 'request')}"
        if http_libraries.sends(name):
            return name
        bases = {kind for kind in map(self._base_of, self._classes(func)) if kind} if isinstance(func, ast.Name) else ()
        if bases:
            return min(bases)
        if isinstance(func, ast.Attribute):
            return self._session_method(call, func)
        if name.rpartition(".")[2] in COMMANDS and name.startswith(COMMAND_MODULES):
            return self._command(call, name)
        return None

    def _classes(self, node: ast.expr) -> list[ast.ClassDef]:
        """The classes of the module that an expression is, or that have made an object."""
        bindings = self._values.bindings
        if isinstance(node, ast.Name) and node.id in ("self", "cls"):
            owner = self._syntax.owner(node)
            return [] if owner is None else [owner]
        if isinstance(node, ast.Call) and self._values.dotted(node.func) == "super":
            owner = self._syntax.owner(node)
            return [] if owner is None else [owner]
        names = {self._values.dotted(node)} | self._values.types(node)
        found = (bindings.class_named(name) for name in sorted(names))
        return [one for one in found if one is not None]

    def _base_of(self, owner: ast.ClassDef) -> str | None:
        """The class of a library that a class of the module is made from."""
        lineage = self._values.bindings.lineage(owner)
        bases = (self._values.dotted(base) for one in lineage for base in one.bases)
        return next((base for base in bases if http_libraries.library_of(base)), None)

    def _session_method(self, call: ast.Call, func: ast.Attribute) -> str | None:
        name = self._values.dotted(func)
        if func.attr in COMMANDS and name.startswith(COMMAND_MODULES):
            return self._command(call, name)
        if func.attr == "__init__":
            return next(filter(None, map(self._base_of, self._classes(func.value))), None)
        if func.attr not in http_libraries.SESSION_METHODS | http_libraries.KNOWN_METHODS:
            return None
        if func.attr == "setopt" and not (call.args and ast.unparse(call.args[0]).endswith(("URL", "PROXY"))):
            return None
        types = self._values.types(func.value)
        known = next((kind for kind in sorted(types) if http_libraries.library_of(kind)), None)
        known = known or next(filter(None, map(self._base_of, self._classes(func.value))), None)
        if known is not None:
            return f"{known}.{func.attr}"
        if func.attr in http_libraries.KNOWN_METHODS:
            return None
        return f"{ast.unparse(func.value)}.{func.attr}" if self._may_be_session(func.value) else None

    def _may_be_session(self, node: ast.expr) -> bool:
        """Whether an object of unknown origin is named like a session."""
        bound = self._values.bindings.of(node)
        if isinstance(node, ast.Name) and (bound or self._values.bindings.imported(node)):
            return False
        last = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
        return http_libraries.SESSION_NAME.search(last) is not None

    def _command(self, call: ast.Call, name: str) -> str | None:
        words = [text for argument in call.args[:1] for text in self._words(argument)]
        command = next((word for word in words if word.lstrip().startswith(COMMAND_NAMES)), None)
        return None if command is None else f"{name}: {command.split()[0]}"

    def _words(self, argument: ast.expr) -> Iterator[str]:
        parts = argument.elts if isinstance(argument, ast.List | ast.Tuple) else [argument]
        for part in parts:
            yield from self._values.texts(part)

    def _operation(self, call: ast.Call) -> str | None:
        """The operation that a call makes through Callwell; None if it is not such a call."""
        if not isinstance(call.func, ast.Attribute) or call.func.attr in NON_REQUEST_METHODS:
            return None
        name = f"{getattr(call.func.value, 'attr', '')}.{call.func.attr}"
        root = root_of(call.func)
        if self.is_client(root):
            return name if name in self._signatures.operations else ""
        if self.imports_callwell and name in self._signatures.operations and not self._is_foreign(root):
            return name
        return None

    def makes_client(self, call: ast.Call) -> bool:
        """Whether a call makes a client of Callwell, or of one with other options."""
        if callwell_names.is_client(self._values.dotted(call.func)):
            return True
        return isinstance(call.func, ast.Attribute) and call.func.attr == "with_options" and self.is_client(call)

    def is_client(self, node: ast.AST) -> bool:
        """Whether an expression is a client of Callwell, as far as the module shows.

        Args:
            node: the expression.
        """
        if node not in self._clients:
            self._clients[node] = False  # guards against recursion: `client = client.with_options(…)` refers to itself
            self._clients[node] = self._find_client(node)
        return self._clients[node]

    def _find_client(self, node: ast.AST) -> bool:
        if any(map(callwell_names.is_client, self._values.types(node))):
            return True
        calls = (origin for origin in self._values.origins(node) if isinstance(origin, ast.Call))
        made = (call.func for call in calls if isinstance(call.func, ast.Attribute))
        return any(func.attr == "with_options" and self.is_client(func.value) for func in made)

    def _is_foreign(self, root: ast.AST) -> bool:
        """Whether an object is known to come from another library."""
        return any(http_libraries.library_of(kind) for kind in self._values.types(root))


def root_of(node: ast.AST) -> ast.AST:
    """The root object of an attribute chain such as `client.recordings.list` or `self.client.tags.list`.

    Args:
        node: the chain.
    """
    while isinstance(node, ast.Attribute):
        below = node.value
        if isinstance(below, ast.Name) and below.id in ("self", "cls"):
            return node
        node = below
    return node
