# SPDX-License-Identifier: Apache-2.0
"""Checks of a profile's rules for single operations against the OpenAPI document."""

from __future__ import annotations

import string
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from callwell.description import export_checks, schemas
from callwell.description.error import DescriptionError, closest_names, found_value, unknown_operation
from callwell.description.names import to_snake_case
from callwell.description.schema_checks import argument_schemas, check_argument, check_response_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callwell.core.rules.operations import AssetRule, MarkerRule, OperationRule, PagingRule
    from callwell.core.rules.profile import Profile
    from callwell.description.error import KeyPath
    from callwell.description.model import Api, Operation

POSITIONED: Final = ("page", "offset", "cursor")
"""Paging styles with a query parameter for the position. It may be a number in all of them."""

NUMBERS: Final = ("integer", "number")

CONTINUED_BY_BODY: Final = ("cursor", "next-link")
"""Paging styles in which the body names the next page."""


def iter_errors(profile: Profile, api: Api) -> Iterator[DescriptionError]:
    """Find all errors, in the order of the profile.

    Args:
        profile: the profile.
        api: the operations of the provider.
    """
    for name, rule in profile.operations.items():
        path = ("operations", name)
        operation = api.operations.get(name)
        if operation is None:
            yield unknown_operation(path, name, api)
            continue
        for quota in rule.quotas or ():
            if quota not in profile.quotas:
                known = closest_names(quota, profile.quotas)
                yield DescriptionError((*path, "quotas"), f"expected {known}", found=quota)
        if rule.paging:
            yield from _check_paging(operation, rule.paging, (*path, "paging"))
        if rule.asset:
            yield from _check_asset(operation, rule.asset, (*path, "asset"))
            yield from _check_asset_method(operation, rule.asset, api, (*path, "asset", "method"))
        yield from _check_signed_fields(profile, operation, rule, (*path, "signed"))
        if rule.marker:
            yield from _check_marker(profile, operation, rule.marker, api)
        if rule.gone_if is not None:
            yield from _check_gone_if(profile, operation, rule.gone_if, api)
    if profile.export:
        yield from export_checks.iter_errors(profile, profile.export, api)


def _check_paging(operation: Operation, rule: PagingRule, path: KeyPath) -> Iterator[DescriptionError]:
    if operation.method != "GET":
        yield DescriptionError(path, f"expected this for a GET only, found a {operation.method}")
    query = {
        parameter.wire_name: parameter.schema for parameter in operation.parameters if parameter.location == "query"
    }
    if rule.style in POSITIONED and rule.position not in query:
        known = closest_names(rule.position, query)
        yield DescriptionError((*path, "position"), f"expected a query parameter ({known})", found=rule.position)
    yield from _check_page_size(rule, query, path)
    # With next-link, there may be a list of links instead of a single one.
    continued = rule.next is not None or (rule.style == "next-link" and rule.links is not None)
    continued = continued or (rule.style == "cursor" and rule.next_item is not None)
    if rule.style in CONTINUED_BY_BODY and not continued:
        yield DescriptionError((*path, "next"), f"expected this key for the style {rule.style}, found none")
    items = schemas.at_path(operation.response_schema, rule.items) if rule.items else operation.response_schema
    if items is None or (items and "array" not in schemas.value_types(items)):
        yield DescriptionError((*path, "items"), "expected the path of a list in the response", found=rule.items)
    for name in ("key", "next_item") if items else ():
        field = getattr(rule, name)
        if field is not None and schemas.at_path(items or {}, f"0.{field}") is None:
            yield DescriptionError((*path, name), "expected a field of the items", found=field)
    numbers = NUMBERS if rule.style in POSITIONED else ()
    yield from check_response_path(operation, rule.more, "boolean", (*path, "more"), also=("string",))
    yield from check_response_path(operation, rule.next, "string", (*path, "next"), also=numbers)
    yield from check_response_path(operation, rule.total, "integer", (*path, "total"), also=("number", "string"))
    yield from check_response_path(operation, rule.pages, "integer", (*path, "pages"), also=("number", "string"))
    yield from check_response_path(operation, rule.links, "array", (*path, "links"))


def _check_page_size(
    rule: PagingRule, query: Mapping[str, Mapping[str, object]], path: KeyPath
) -> Iterator[DescriptionError]:
    if rule.size is not None and rule.size not in query:
        known = closest_names(rule.size, query)
        yield DescriptionError((*path, "size"), f"expected a query parameter ({known})", found=rule.size)
    if rule.max_size is None:
        return
    maximum = query.get(rule.size or "", {}).get("maximum")
    if rule.size is None:
        yield DescriptionError((*path, "size"), "expected this key beside max_size, found none")
    elif rule.max_size < 1 or (isinstance(maximum, int) and rule.max_size > maximum):
        allowed = f"expected 1 to {maximum}" if maximum else "expected 1 or more"
        yield DescriptionError((*path, "max_size"), allowed, found=rule.max_size)


def _check_asset(operation: Operation, rule: AssetRule, path: KeyPath) -> Iterator[DescriptionError]:
    if operation.method != "GET":
        yield DescriptionError(path, f"expected this for a GET only, found a {operation.method}")
    yield from check_response_path(operation, rule.url, "string", (*path, "url"))
    yield from check_response_path(operation, rule.size, "integer", (*path, "size"), also=("number", "string"))
    yield from check_response_path(operation, rule.type, "string", (*path, "type"))
    yield from check_response_path(operation, rule.captured, "boolean", (*path, "captured"), also=("string",))
    yield from check_response_path(operation, rule.public, "boolean", (*path, "public"), also=("string",))
    yield from _check_file_name(operation, rule.name, (*path, "name"))


def _check_file_name(operation: Operation, name: str, path: KeyPath) -> Iterator[DescriptionError]:
    """Check the template of a file name: variables are parameters, and the file stays in the export's folder."""
    parameters = [parameter.name for parameter in operation.parameters]
    try:
        variables = [variable for _, variable, _, _ in string.Formatter().parse(name) if variable is not None]
    except ValueError as error:
        yield DescriptionError(path, f"expected a name with {{parameters}}, {found_value(name)}: {error}")
        return
    for variable in variables:
        if variable not in parameters:
            yield DescriptionError(path, f"expected one of {', '.join(parameters)} in braces", found=variable)
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or "\\" in name or not parts.name:
        yield DescriptionError(path, "expected a path inside the export's folder", found=name)


def _check_asset_method(operation: Operation, rule: AssetRule, api: Api, path: KeyPath) -> Iterator[DescriptionError]:
    """Check that the name of the method that saves the file is not taken in the group."""
    name = rule.method
    if name is None:
        return
    group = operation.name.partition(".")[0]
    is_name = to_snake_case(name) == name and name.isidentifier()
    if not is_name or f"{group}.{name}" in api.operations:
        yield DescriptionError(path, "expected the name of a new method", found=name)


def _check_signed_fields(
    profile: Profile, operation: Operation, rule: OperationRule, path: KeyPath
) -> Iterator[DescriptionError]:
    for field, asset in rule.signed.items():
        if rule.paging is None:
            yield DescriptionError(path, "expected this for a list with paging only", found=operation.name)
        elif schemas.at_path(operation.response_schema, f"{rule.paging.first_item}.{field}") is None:
            yield DescriptionError((*path, field), "expected a field of the items", found=field)
        target = profile.operations.get(asset)
        if asset and (target is None or target.asset is None):
            assets = [name for name, other in profile.operations.items() if other.asset]
            known = closest_names(asset, assets)
            yield DescriptionError((*path, field), f"expected an operation with an asset ({known})", found=asset)


def _check_marker(profile: Profile, operation: Operation, rule: MarkerRule, api: Api) -> Iterator[DescriptionError]:
    path = ("operations", operation.name, "marker")
    is_map = rule.form == "map"
    yield from check_argument(operation, rule.parameter, (*path, "parameter"), "object" if is_map else "array")
    entry = schemas.at_path(argument_schemas(operation).get(rule.parameter, {}), "0") or {}
    for field in () if is_map else ("key", "value"):
        name = getattr(rule, field)
        if schemas.at_path(entry, name) is None:
            yield DescriptionError((*path, field), "expected a field of an entry", found=name)
    yield from check_response_path(operation, rule.result, "object", (*path, "result"))
    own = argument_schemas(operation)
    for table, names in (("shared", rule.shared), ("echoed", rule.echoed)):
        for key, name in names.items():
            if name not in own:
                expected = f"expected an argument of {operation.name} ({closest_names(name, own)})"
                yield DescriptionError((*path, table, key), expected, found=name)
    probe = api.operations.get(rule.probe)
    probe_rule = profile.operations.get(rule.probe)
    if probe is None:
        yield unknown_operation((*path, "probe"), rule.probe, api)
    elif probe_rule is None or probe_rule.paging is None:
        yield DescriptionError((*path, "probe"), "expected a list with paging", found=rule.probe)
    else:
        if rule.filter is not None:
            yield from check_argument(probe, rule.filter, (*path, "filter"), "object")
        yield from _check_probe_arguments(probe, rule, path)


def _check_probe_arguments(probe: Operation, rule: MarkerRule, path: KeyPath) -> Iterator[DescriptionError]:
    """Check that the list that finds an object accepts the arguments that it gets, and gets all that it requires."""
    known = argument_schemas(probe)
    given = {*rule.arguments, *rule.shared}
    for table in ("arguments", "shared"):
        for name in getattr(rule, table):
            if name not in known:
                expected = f"expected an argument of {probe.name} ({closest_names(name, known)})"
                yield DescriptionError((*path, table, name), expected, found=name)
    for parameter in probe.parameters:
        if parameter.required and parameter.name not in given and parameter.name != rule.filter:
            expected = f"expected {parameter.name}, which {probe.name} needs"
            yield DescriptionError((*path, "shared"), expected, found=", ".join(sorted(given)) or "nothing")


def _check_gone_if(profile: Profile, operation: Operation, name: str, api: Api) -> Iterator[DescriptionError]:
    """Check that the operation that finds deleted objects can be called with this operation's required arguments."""
    path = ("operations", operation.name, "gone_if")
    other = api.operations.get(name)
    if other is None:
        yield unknown_operation(path, name, api)
        return
    other_rule = profile.operations.get(name)
    required = {parameter.name for parameter in other.parameters if parameter.required}
    given = {parameter.name for parameter in operation.parameters if parameter.required}
    # Two operations that point at each other would call each other forever.
    is_last = other_rule is None or other_rule.gone_if is None
    if other.method != "GET" or not required or not is_last:
        yield DescriptionError(path, "expected a GET with an argument and without gone_if of its own", found=name)
    for missing in sorted(required - given):
        yield DescriptionError(
            path, f"expected an operation that needs nothing else, found {name!r}, which needs {missing}"
        )
