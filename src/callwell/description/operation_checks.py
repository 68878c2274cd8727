# SPDX-License-Identifier: Apache-2.0
"""Whether what a profile says about operations fits what OpenAPI says about them."""

from __future__ import annotations

import string
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from callwell.description import export_checks, schemas
from callwell.description.answer_paths import place
from callwell.description.error import DescriptionError, found_value
from callwell.description.names import to_snake_case
from callwell.description.nearness import near, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callwell.core.rules.operations import AssetRule, OperationRule, PagingRule
    from callwell.core.rules.profile import Profile
    from callwell.description.error import KeyPath
    from callwell.description.model import Api, Operation

COUNTED: Final = ("page", "offset", "cursor")
"""Paging styles in which the next position may be a number."""

NUMBERS: Final = ("integer", "number")

FOLLOWED: Final = ("cursor", "next-link")
"""Paging styles for which the body must say what comes next."""


def complaints(profile: Profile, api: Api) -> Iterator[DescriptionError]:
    """All that does not fit, in the profile's order.

    Args:
        profile: the profile.
        api: the operations that it speaks of.
    """
    for name, rule in profile.operations.items():
        path = ("operations", name)
        operation = api.operations.get(name)
        if operation is None:
            yield unknown(path, name, api)
            continue
        for quota in rule.quotas or ():
            if quota not in profile.quotas:
                yield DescriptionError((*path, "quotas"), f"expected {near(quota, profile.quotas)}", found=quota)
        if rule.paging:
            yield from _paging(operation, rule.paging, (*path, "paging"))
        if rule.asset:
            yield from _asset(operation, rule.asset, (*path, "asset"))
            yield from _saving(operation, rule.asset, api, (*path, "asset", "method"))
        yield from _signed(profile, operation, rule, (*path, "signed"))
    if profile.export:
        yield from export_checks.complaints(profile, profile.export, api)


def _paging(operation: Operation, rule: PagingRule, path: KeyPath) -> Iterator[DescriptionError]:
    if operation.method != "GET":
        yield DescriptionError(path, f"expected this of a GET only, found a {operation.method}")
    taken = {one.wire_name: one.schema for one in operation.parameters if one.location == "query"}
    if rule.style in ("page", "offset", "cursor") and rule.position not in taken:
        yield DescriptionError(
            (*path, "position"),
            f"expected a query parameter: {near(rule.position, taken)}; {found_value(rule.position)}",
        )
    yield from _size(rule, taken, path)
    if rule.style in FOLLOWED and rule.next is None and (rule.style == "cursor" or rule.links is None):
        yield DescriptionError((*path, "next"), f"expected this key for the style {rule.style}, found none")
    items = schemas.at_path(operation.response_schema, rule.items)
    if items is None or (items and "array" not in schemas.type_names(items)):
        yield DescriptionError((*path, "items"), "expected the place of a list in the answer", found=rule.items)
    elif items and rule.key and schemas.at_path(items, f"0.{rule.key}") is None:
        yield DescriptionError((*path, "key"), "expected a field of the items", found=rule.key)
    numbers = NUMBERS if rule.style in COUNTED else ()
    yield from place(operation, rule.more, "boolean", (*path, "more"), also=("string",))
    yield from place(operation, rule.next, "string", (*path, "next"), also=numbers)
    yield from place(operation, rule.total, "integer", (*path, "total"), also=("number", "string"))
    yield from place(operation, rule.pages, "integer", (*path, "pages"), also=("number", "string"))
    yield from place(operation, rule.links, "array", (*path, "links"))


def _size(rule: PagingRule, taken: Mapping[str, Mapping[str, object]], path: KeyPath) -> Iterator[DescriptionError]:
    if rule.size is not None and rule.size not in taken:
        yield DescriptionError(
            (*path, "size"), f"expected a query parameter: {near(rule.size, taken)}; {found_value(rule.size)}"
        )
    if rule.max_size is None:
        return
    most = taken.get(rule.size or "", {}).get("maximum")
    if rule.size is None:
        yield DescriptionError((*path, "size"), "expected this key beside max_size, found none")
    elif rule.max_size < 1 or (isinstance(most, int) and rule.max_size > most):
        yield DescriptionError((*path, "max_size"), f"expected 1 to {most or 'any number'}", found=rule.max_size)


def _asset(operation: Operation, rule: AssetRule, path: KeyPath) -> Iterator[DescriptionError]:
    if operation.method != "GET":
        yield DescriptionError(path, f"expected this of a GET only, found a {operation.method}")
    yield from place(operation, rule.url, "string", (*path, "url"))
    yield from place(operation, rule.size, "integer", (*path, "size"), also=("number", "string"))
    yield from place(operation, rule.type, "string", (*path, "type"))
    for field, where in (("captured", rule.captured), ("public", rule.public)):
        yield from place(operation, where, "boolean", (*path, field), also=("string",))
    names = [one.name for one in operation.parameters]
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(rule.name) if field is not None]
    except ValueError as error:
        yield DescriptionError(
            (*path, "name"), f"expected a name with {{parameters}}, {found_value(rule.name)}: {error}"
        )
        return
    for field in fields:
        if field not in names:
            yield DescriptionError((*path, "name"), f"expected one of {', '.join(names)} in braces", found=field)
    parts = PurePosixPath(rule.name)
    if parts.is_absolute() or ".." in parts.parts or "\\" in rule.name or not parts.name:
        yield DescriptionError((*path, "name"), "expected a path inside the export's folder", found=rule.name)


def _saving(operation: Operation, rule: AssetRule, api: Api, path: KeyPath) -> Iterator[DescriptionError]:
    """The name of a method that saves a file must be free."""
    name = rule.method
    if name is None:
        return
    if (
        to_snake_case(name) != name
        or not name.isidentifier()
        or f"{operation.name.partition('.')[0]}.{name}" in api.operations
    ):
        yield DescriptionError(path, "expected the name of a method that is free", found=name)


def _signed(profile: Profile, operation: Operation, rule: OperationRule, path: KeyPath) -> Iterator[DescriptionError]:
    for field, asset in rule.signed.items():
        if rule.paging is None:
            yield DescriptionError(path, "expected this of a list with paging only", found=operation.name)
        elif schemas.at_path(operation.response_schema, f"{rule.paging.items}.0.{field}") is None:
            yield DescriptionError((*path, field), "expected a field of the items", found=field)
        target = profile.operations.get(asset)
        if asset and (target is None or target.asset is None):
            assets = [name for name, one in profile.operations.items() if one.asset]
            yield DescriptionError(
                (*path, field), f"expected an operation with an asset: {near(asset, assets)}; {found_value(asset)}"
            )
