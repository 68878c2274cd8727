# SPDX-License-Identifier: Apache-2.0
"""Checks of operations that send a large file in pieces, and of the operations around them."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from callwell.description.error import DescriptionError, unknown_operation
from callwell.description.schema_checks import check_argument, check_response_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.core.rules.operations import UntilRule, UploadRule
    from callwell.core.rules.profile import Profile
    from callwell.description.error import KeyPath
    from callwell.description.model import Api, Operation


def iter_errors(profile: Profile, api: Api) -> Iterator[DescriptionError]:
    """Find all errors, in the order of the profile.

    Args:
        profile: the profile.
        api: the operations of the provider.
    """
    for name, rule in profile.operations.items():
        operation = api.operations.get(name)
        if rule.upload and operation is not None:
            path = ("operations", name, "upload")
            yield from _check_pieces(operation, rule.upload, path)
            yield from _check_other_operations(rule.upload, api, path)


def _check_pieces(operation: Operation, rule: UploadRule, path: KeyPath) -> Iterator[DescriptionError]:
    for field in ("file", "range", "target", "token"):
        if (name := getattr(rule, field)) is not None:
            yield from check_argument(operation, name, (*path, field), "string")
    try:
        fields = {name for _, name, _, _ in string.Formatter().parse(rule.range_format) if name is not None}
    except ValueError:
        fields = set()
    if fields != {"piece", "pieces"}:
        yield DescriptionError(
            (*path, "range_format"), "expected a string with {piece} and {pieces}", found=rule.range_format
        )
    yield from check_response_path(operation, rule.id, "string", (*path, "id"))
    if not 0 < rule.min_piece <= rule.max_piece:
        yield DescriptionError((*path, "min_piece"), f"expected 1 to {rule.max_piece}", found=rule.min_piece)
    for field in ("max_pieces", "max_bytes"):
        value = getattr(rule, field)
        if not value > 0:
            yield DescriptionError((*path, field), "expected more than 0", found=value)


def _check_other_operations(rule: UploadRule, api: Api, path: KeyPath) -> Iterator[DescriptionError]:
    """Check the operations that create the object, report its progress and return it."""
    for field, name in (("create", rule.create), ("status", rule.status), ("get", rule.get)):
        if name is None:
            continue
        operation = api.operations.get(name)
        if operation is None:
            yield unknown_operation((*path, field), name, api)
        elif field != "create":
            yield from check_argument(operation, rule.target, (*path, field), "string")
    status = api.operations.get(rule.status)
    if status is not None:
        yield from _check_status(status, rule, path)


def _check_status(status: Operation, rule: UploadRule, path: KeyPath) -> Iterator[DescriptionError]:
    """Check the paths into the response of the operation that reports which pieces arrived."""
    yield from check_response_path(status, rule.received, "array", (*path, "received"))
    yield from check_response_path(status, rule.total, "integer", (*path, "total"))
    # Many services write sizes as strings, because JavaScript numbers cannot represent every 64-bit integer.
    yield from check_response_path(status, rule.size, "integer", (*path, "size"), also=("string",))
    yield from check_response_path(status, rule.checksum, "string", (*path, "checksum"))
    if rule.state is not None:
        yield from _check_state(status, rule.state, (*path, "state"))
    for name, until in rule.until.items():
        yield from _check_state(status, until, (*path, "until", name))


def _check_state(status: Operation, rule: UntilRule, path: KeyPath) -> Iterator[DescriptionError]:
    kind = "boolean" if isinstance(next(iter(rule.values), ""), bool) else "string"
    yield from check_response_path(status, rule.at, kind, (*path, "at"))
    if (rule.failed_at is None) != (not rule.failed):
        yield DescriptionError((*path, "failed_at"), "expected failed_at and failed together, or neither")
