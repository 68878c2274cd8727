# SPDX-License-Identifier: Apache-2.0
"""Applies a profile to the operations of the document: renames some, and derives others from them.

`[names]` renames an operation that `operation_names` would name otherwise. A list with numbered pages starts at the
first page, even if the document requires the page number.

A response often contains the URLs of several files: a caption's record, say, has the signed URL of its text. `like` in
a profile derives a second operation with the same request and its own name, so that each file has its own asset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from callwell.description.error import DescriptionError, unknown_operation
from callwell.description.operation_names import is_operation_name
from callwell.description.schemas import value_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.core.rules.operations import PagingRule
    from callwell.core.rules.profile import Profile
    from callwell.description.model import Api, Operation, Parameter

COUNTED_STYLES: Final = ("page", "offset")
"""The paging styles in which the client counts pages or items."""


def apply_profile(api: Api, profile: Profile) -> Api:
    """Rename the operations of the document, and append those that the profile derives.

    Args:
        api: the operations of the document.
        profile: the profile; its operations with `like` are derived.

    Raises:
        DescriptionError: a new name is taken or invalid, or the operation after `like` does not exist.
    """
    api = _rename(api, profile.names)
    operations = dict(api.operations)
    if profile.key.scheme == "none":
        operations = {name: replace(operation, keyless=True) for name, operation in operations.items()}
    for name, rule in profile.operations.items():
        if rule.like is None:
            continue
        path = ("operations", name)
        if name in api.operations:
            raise DescriptionError((*path, "like"), f"expected a new name, found {name!r}, an operation")
        if not is_operation_name(name):
            raise DescriptionError(path, "expected a group and a method, such as things.picture", found=name)
        if rule.like not in api.operations:
            raise unknown_operation((*path, "like"), rule.like, api)
        like = api.operations[rule.like]
        operations[name] = replace(like, name=name, summary=rule.summary or like.summary)
    for name, rule in profile.operations.items():
        if rule.paging is not None and rule.paging.style in COUNTED_STYLES and name in operations:
            operations[name] = _with_first_page(operations[name], rule.paging)
    return replace(api, operations=operations)


def _with_first_page(operation: Operation, rule: PagingRule) -> Operation:
    """Make the page number of a list optional."""

    def fill_in(parameter: Parameter) -> Parameter:
        if not (parameter.location == "query" and parameter.wire_name == rule.position and parameter.required):
            return parameter
        first = rule.first if value_types(parameter.schema) != {"string"} else str(rule.first)
        return replace(parameter, required=False, default=first)

    parameters = tuple(map(fill_in, operation.parameters))
    return operation if parameters == operation.parameters else replace(operation, parameters=parameters)


def rename_known(api: Api, names: Mapping[str, str]) -> Api:
    """Rename operations by a profile that may have been written for another version of the document.

    Args:
        api: the operations of the document.
        names: the table `names` of the profile; operations that the document does not have are skipped.

    Raises:
        DescriptionError: a name is ambiguous or invalid.
    """
    known = {text for one in api.operations.values() for text in (one.name, one.operation_id)}
    known |= {text for one in api.left_out for text in (one.operation, one.operation_id)}
    return _rename(api, {given: name for given, name in names.items() if given in known})


def _rename(api: Api, names: Mapping[str, str]) -> Api:
    """Rename operations, keeping their order. Two may swap their names.

    Args:
        api: the operations.
        names: the new name of each, by its `operationId` or its current name.
    """
    if not names:
        return api
    renamed = _new_names(api, names)
    operations: dict[str, Operation] = {}
    for old, operation in api.operations.items():
        name = renamed.get(old, old)
        if name in operations:
            raise DescriptionError(("names",), f"expected a new name, found {name!r} for two operations")
        # The derived name is accepted as well as the operationId; they may be equal.
        operation_id = operation.operation_id or ("" if name == old else old)
        operations[name] = replace(operation, name=name, operation_id=operation_id)
    left_out = tuple(
        replace(skipped, operation=renamed.get(skipped.operation, skipped.operation)) for skipped in api.left_out
    )
    return replace(api, operations=operations, left_out=left_out)


def _new_names(api: Api, names: Mapping[str, str]) -> dict[str, str]:
    """The new names of operations, by their names in `api`."""
    known = [(operation.name, operation.operation_id) for operation in api.operations.values()]
    known += [(skipped.operation, skipped.operation_id) for skipped in api.left_out]
    renamed: dict[str, str] = {}
    for given, name in names.items():
        path = ("names", given)
        found = [own for own, _ in known if own == given] or [own for own, other in known if other == given]
        if len(found) > 1:
            raise DescriptionError(path, f"expected one of {', '.join(found)}, which share this operationId")
        if not found:
            raise unknown_operation(path, given, api)
        if not is_operation_name(name):
            raise DescriptionError(path, "expected a group and a method, such as things.list", found=name)
        renamed[found[0]] = name
    return renamed
