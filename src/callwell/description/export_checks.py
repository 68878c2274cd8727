# SPDX-License-Identifier: Apache-2.0
"""Checks of a profile's table `[export]` against the operations that an export uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from callwell.description import schemas
from callwell.description.error import DescriptionError, unknown_operation
from callwell.description.schema_checks import check_response_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.core.rules.export import ExportRule
    from callwell.core.rules.operations import OperationRule
    from callwell.core.rules.profile import Profile
    from callwell.description.error import KeyPath
    from callwell.description.model import Api, Operation


class OperationUse(NamedTuple):
    """One operation that an export uses.

    Attributes:
        path: the path of its name in the profile.
        operation: its name.
        kind: `list`, `asset` or `detail`.
        arguments: the arguments that the export passes.
    """

    path: KeyPath
    operation: str
    kind: str
    arguments: frozenset[str]


def iter_errors(profile: Profile, rule: ExportRule, api: Api) -> Iterator[DescriptionError]:
    """Find all errors, in the order of the table.

    Args:
        profile: the profile.
        rule: its table `[export]`.
        api: the operations of the provider.
    """
    if (rule.scopes is None) != (rule.scope_parameter is None):
        missing = "scopes" if rule.scopes is None else "scope_parameter"
        yield DescriptionError(("export", missing), "expected both scopes and scope_parameter or neither, found one")
        return
    for use in _operation_uses(rule):
        operation = api.operations.get(use.operation)
        if operation is None:
            yield unknown_operation(use.path, use.operation, api)
            continue
        yield from _check_kind(use, profile.operations.get(use.operation))
        yield from _check_arguments(use, operation)
    detail = api.operations.get(rule.detail)
    if detail is not None:
        yield from check_response_path(detail, rule.record, "object", ("export", "record"))
    yield from _check_item_fields(profile, rule, api)


def _operation_uses(rule: ExportRule) -> Iterator[OperationUse]:
    """The operations that an export uses: scopes, the items of each, then one item's record, assets and parts."""
    scope: frozenset[str] = frozenset()
    if rule.scope_parameter is not None:
        scope = frozenset({rule.scope_parameter})
    item = scope | {rule.item_parameter}
    if rule.scopes is not None:
        yield OperationUse(path=("export", "scopes"), operation=rule.scopes, kind="list", arguments=frozenset())
    yield OperationUse(path=("export", "items"), operation=rule.items, kind="list", arguments=scope)
    yield OperationUse(path=("export", "detail"), operation=rule.detail, kind="detail", arguments=item)
    for name in rule.assets:
        yield OperationUse(path=("export", "assets"), operation=name, kind="asset", arguments=item)
    for kind, part in rule.parts.items():
        path = ("export", "parts", kind)
        yield OperationUse(path=(*path, "list"), operation=part.list, kind="list", arguments=item)
        yield OperationUse(path=(*path, "asset"), operation=part.asset, kind="asset", arguments=item | {part.parameter})


def _check_kind(use: OperationUse, rule: OperationRule | None) -> Iterator[DescriptionError]:
    if use.kind == "list" and not (rule and rule.paging and rule.paging.key):
        # Without a key, an item has no name for its folder, and an export could not resume.
        yield DescriptionError(use.path, "expected a list that has a key in its paging", found=use.operation)
    if use.kind == "asset" and not (rule and rule.asset):
        yield DescriptionError(use.path, "expected an operation with an asset", found=use.operation)


def _check_arguments(use: OperationUse, operation: Operation) -> Iterator[DescriptionError]:
    """Check that an operation requires exactly the arguments that the export passes."""
    required = {parameter.name for parameter in operation.parameters if parameter.required}
    if required != use.arguments:
        given = ", ".join(sorted(use.arguments)) or "nothing"
        needs = ", ".join(sorted(required)) or "nothing"
        yield DescriptionError(
            use.path, f"expected an operation that needs {given}, found {operation.name!r}, which needs {needs}"
        )


def _check_item_fields(profile: Profile, rule: ExportRule, api: Api) -> Iterator[DescriptionError]:
    operation = api.operations.get(rule.items)
    items_rule = profile.operations.get(rule.items)
    if operation is None or items_rule is None or items_rule.paging is None:
        return
    item_path = items_rule.paging.first_item
    for field in ("expires", "changed"):
        name = getattr(rule, field)
        if name is not None and schemas.at_path(operation.response_schema, f"{item_path}.{name}") is None:
            yield DescriptionError(("export", field), "expected a field of the items", found=name)
