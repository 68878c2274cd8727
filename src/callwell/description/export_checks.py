# SPDX-License-Identifier: Apache-2.0
"""Whether what a profile says of an export fits the operations of which it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.description import schemas
from callwell.description.answer_paths import place
from callwell.description.error import DescriptionError
from callwell.description.nearness import unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.core.rules.export import ExportRule
    from callwell.core.rules.profile import Profile
    from callwell.description.error import KeyPath
    from callwell.description.model import Api, Operation


def complaints(profile: Profile, rule: ExportRule, api: Api) -> Iterator[DescriptionError]:
    """All that does not fit.

    Args:
        profile: the profile.
        rule: its table `[export]`.
        api: the operations that it speaks of.
    """
    path = ("export",)
    if (rule.scopes is None) != (rule.scope_parameter is None):
        missing = "scopes" if rule.scopes is None else "scope_parameter"
        yield DescriptionError((*path, missing), "expected both scopes and scope_parameter or neither, found one")
        return
    for where, name, kind, given in _roles(rule):
        operation, said = api.operations.get(name), profile.operations.get(name)
        if operation is None:
            yield unknown((*path, *where), name, api)
            continue
        if kind == "list" and not (said and said.paging and said.paging.key):
            yield DescriptionError((*path, *where), "expected a list whose paging has a key", found=name)
        if kind == "asset" and not (said and said.asset):
            yield DescriptionError((*path, *where), "expected operations with an asset", found=name)
        yield from _filled(operation, given, (*path, *where))
    yield from _fields(profile, rule, api)


def _roles(rule: ExportRule) -> Iterator[tuple[KeyPath, str, str, set[str]]]:
    """The operations of which an export is made: where they are named, of what kind they are, what they are given."""
    scope = set[str]() if rule.scope_parameter is None else {rule.scope_parameter}
    item = scope | {rule.item_parameter}
    if rule.scopes is not None:
        yield ("scopes",), rule.scopes, "list", set()
    yield ("items",), rule.items, "list", scope
    yield ("detail",), rule.detail, "", item
    for name in rule.assets:
        yield ("assets",), name, "asset", item
    for kind, part in rule.parts.items():
        yield ("parts", kind, "list"), part.list, "list", item
        yield ("parts", kind, "asset"), part.asset, "asset", item | {part.parameter}


def _fields(profile: Profile, rule: ExportRule, api: Api) -> Iterator[DescriptionError]:
    detail, items, said = (
        api.operations.get(rule.detail),
        api.operations.get(rule.items),
        profile.operations.get(rule.items),
    )
    if detail is not None:
        yield from place(detail, rule.record, "object", ("export", "record"))
    for field in ("expires", "changed"):
        name = getattr(rule, field)
        if name is None or items is None or said is None or said.paging is None:
            continue
        if schemas.at_path(items.response_schema, f"{said.paging.items}.0.{name}") is None:
            yield DescriptionError(("export", field), "expected a field of the items", found=name)


def _filled(operation: Operation, given: set[str], path: KeyPath) -> Iterator[DescriptionError]:
    """An operation must need exactly what an export can give it."""
    needed = {one.name for one in operation.parameters if one.required}
    if needed != given:
        takes, gets = (", ".join(sorted(names)) or "nothing" for names in (needed, given))
        yield DescriptionError(
            path, f"expected an operation that needs {gets}, found {operation.name!r}, which needs {takes}"
        )
