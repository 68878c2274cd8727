# SPDX-License-Identifier: Apache-2.0
"""Finds the changes between two documents of an API, and which of them break callers.

A change of a request is breaking if it requires something new, or no longer accepts something; a change of a response
is breaking if it removes something. So a new required parameter is breaking, and so is a removed response field; a new
optional parameter is not, nor is a parameter with a wider type.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.description import schemas
from callwell.description.derived_operations import rename_known
from callwell.description.infer.facts import as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callwell.description.infer.facts import DocumentFacts
    from callwell.description.model import Api, Operation, Parameter

MAX_DEPTH: Final = 6
"""How many levels of a response are compared: few programs read deeper ones."""


NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})


class Change(NamedTuple):
    """One change.

    Attributes:
        operation: its name; empty for the document as a whole.
        what: what changed, in words.
        breaking: whether a program that worked before may fail.
    """

    operation: str
    what: str
    breaking: bool


def find_changes(old: DocumentFacts, new: DocumentFacts, names: Mapping[str, str] = NO_NAMES) -> list[Change]:
    """Find all changes from one document to another, breaking ones first.

    Args:
        old: the document in use.
        new: the newer one.
        names: the operations that the profile renames: programs use the new names.

    Raises:
        DescriptionError: the names do not fit the document.
    """
    operations = _compare_operations(rename_known(old.api, names), rename_known(new.api, names))
    found = [*_compare_documents(old, new), *operations]
    return sorted(found, key=lambda change: not change.breaking)


def _compare_documents(old: DocumentFacts, new: DocumentFacts) -> Iterator[Change]:
    if old.api.version != new.api.version:
        yield Change("", f"the version is {new.api.version}, was {old.api.version}", breaking=False)
    for address in sorted(_servers(old) - _servers(new)):
        yield Change("", f"the server {address} is gone", breaking=True)
    for address in sorted(_servers(new) - _servers(old)):
        yield Change("", f"the server {address} is new", breaking=False)
    before = _schemes(old)
    after = _schemes(new)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) == after.get(name):
            continue
        verb = "changed"
        if name not in before or name not in after:
            verb = "is gone" if name in before else "is new"
        yield Change("", f"the security scheme {name} {verb}", breaking=name in before)


def _compare_operations(old: Api, new: Api) -> Iterator[Change]:
    known_paths = {(operation.method, operation.path): operation for operation in new.operations.values()}
    matched: set[str] = set()
    left_out = {skipped.operation: skipped.reason for skipped in new.left_out}
    for name, before in old.operations.items():
        after = new.operations.get(name)
        if after is None:
            after = known_paths.get((before.method, before.path))
            if after is not None:
                yield Change(name, f"it is called {after.name} now", breaking=True)
        if after is None:
            reason = left_out.get(name)
            yield Change(name, f"it can no longer be called: {reason}" if reason else "it is gone", breaking=True)
            continue
        matched.add(after.name)
        yield from _compare_operation(name, before, after)
    for name, operation in new.operations.items():
        if name not in matched and name not in old.operations:
            yield Change(name, f"it is new: {operation.method} {operation.path}", breaking=False)


def _compare_operation(name: str, old: Operation, new: Operation) -> Iterator[Change]:
    if (old.method, old.path) != (new.method, new.path):
        yield Change(name, f"it is {new.method} {new.path}, was {old.method} {old.path}", breaking=False)
    if old.keyless != new.keyless:
        yield Change(name, "it needs no key" if new.keyless else "it needs the key", breaking=not new.keyless)
    before = {(parameter.location, parameter.wire_name): parameter for parameter in old.parameters}
    after = {(parameter.location, parameter.wire_name): parameter for parameter in new.parameters}
    for key, parameter in before.items():
        if key not in after:
            yield Change(name, f"the argument {parameter.name} is gone", breaking=True)
        else:
            yield from _compare_parameters(name, parameter, after[key])
    for key, parameter in after.items():
        if key not in before:
            what = f"the argument {parameter.name} is new"
            yield Change(name, f"{what} and required" if parameter.required else what, breaking=parameter.required)
    yield from _compare_responses(name, "", old.response_schema, new.response_schema, 0)


def _compare_parameters(name: str, old: Parameter, new: Parameter) -> Iterator[Change]:
    if old.name != new.name:
        yield Change(name, f"the argument {old.name} is called {new.name} now", breaking=True)
    if old.required != new.required:
        word = "required" if new.required else "optional"
        yield Change(name, f"the argument {new.name} is {word} now", breaking=new.required)
    before = _request_types(old.schema)
    after = _request_types(new.schema)
    if before != after:
        narrower = bool(after) and not before <= after
        yield Change(name, f"the argument {new.name} is {_any_of(after)}, was {_any_of(before)}", breaking=narrower)
    gone = _choices(old.schema) - _choices(new.schema) if _choices(new.schema) else set()
    if gone:
        yield Change(name, f"the argument {new.name} no longer takes {', '.join(sorted(gone))}", breaking=True)


def _compare_responses(
    name: str, path: str, old: Mapping[str, Any], new: Mapping[str, Any], depth: int
) -> Iterator[Change]:
    """Compare a response, field by field. Only what both documents describe can be compared."""
    if old == new:
        return
    before = schemas.value_types(old)
    after = schemas.value_types(new)
    subject = f"the response's {path}" if path else "the response"
    if before and after and before != after:
        yield Change(name, f"{subject} is {_any_of(after)}, was {_any_of(before)}", breaking=not after <= before)
        return
    if before and not new and not path:
        yield Change(name, "the response is no longer described", breaking=True)
        return
    if depth >= MAX_DEPTH:
        return
    if "array" in before & after:
        items = [
            next((alternative.get("items") or {} for alternative in schemas.alternatives(part)), {})
            for part in (old, new)
        ]
        yield from _compare_responses(name, f"{path}[]", items[0], items[1], depth + 1)
    old_fields = _fields(old)
    new_fields = _fields(new)
    for field, schema in old_fields.items() if new_fields else ():
        inner = f"{path}.{field}" if path else field
        if field not in new_fields:
            yield Change(name, f"the response's {inner} is gone", breaking=True)
        else:
            yield from _compare_responses(name, inner, schema, new_fields[field], depth + 1)


def _fields(schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The fields of an object, including those of its alternatives."""
    return {
        name: child
        for part in schemas.alternatives(schema)
        for name, child in (part.get("properties") or {}).items()
        if isinstance(child, dict)
    }


def _request_types(schema: Mapping[str, Any]) -> set[str]:
    """The types that a request accepts: where a number is accepted, an integer is too."""
    found = schemas.value_types(schema)
    return found | {"integer"} if "number" in found else found


def _choices(schema: Mapping[str, Any]) -> set[str]:
    values = schema.get("enum")
    return {str(value) for value in values} if isinstance(values, list) else set()


def _any_of(kinds: set[str]) -> str:
    return " or ".join(sorted(kinds)) or "any value"


def _servers(facts: DocumentFacts) -> set[str]:
    servers = facts.document.get("servers")
    known = servers if isinstance(servers, list) else []
    return {str(server.get("url")).rstrip("/") for server in known if isinstance(server, dict)}


def _schemes(facts: DocumentFacts) -> Mapping[str, Any]:
    """The parts of the security schemes that requests depend on: no prose, no scopes."""
    schemes = as_mapping(as_mapping(facts.document.get("components")).get("securitySchemes"))
    kept = ("type", "scheme", "in", "name")
    return {
        name: tuple(scheme.get(key) for key in kept) for name, scheme in schemes.items() if isinstance(scheme, dict)
    }
