# SPDX-License-Identifier: Apache-2.0
"""Whether what a profile says about tokens, marks and uploads fits what OpenAPI says about the operations."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from callwell.description import schemas
from callwell.description.answer_paths import place
from callwell.description.arguments import argument, taken
from callwell.description.error import DescriptionError
from callwell.description.nearness import unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.core.rules.operations import MarkerRule, UntilRule, UploadRule
    from callwell.core.rules.profile import Profile, TokenRule
    from callwell.description.error import KeyPath
    from callwell.description.model import Api, Operation


def complaints(profile: Profile, api: Api) -> Iterator[DescriptionError]:
    """All that does not fit, in the profile's order.

    Args:
        profile: the profile.
        api: the operations that it speaks of.
    """
    if profile.key.token:
        yield from _token(profile.key.token, api)
    for name, rule in profile.operations.items():
        operation = api.operations.get(name)
        if operation is None:
            continue
        if rule.marker:
            yield from _marker(profile, operation, rule.marker, api)
        if rule.upload:
            yield from _upload(operation, rule.upload, api)
        if rule.gone_if is not None:
            yield from _gone(profile, operation, rule.gone_if, api)


def _token(rule: TokenRule, api: Api) -> Iterator[DescriptionError]:
    path = ("key", "token")
    for field, name, taker in (("issue", rule.issue, "key"), ("renew", rule.renew, "refresh")):
        operation = api.operations.get(name)
        if operation is None:
            yield unknown((*path, field), name, api)
            continue
        if not operation.keyless:
            yield DescriptionError((*path, field), "expected an operation that is called without the key", found=name)
        yield from argument(operation, getattr(rule, taker), (*path, taker), "string")
        for where, kind in (("access_at", "string"), ("refresh_at", "string"), ("expires_at", "integer")):
            yield from place(operation, getattr(rule, where), kind, (*path, where))


def _marker(profile: Profile, operation: Operation, rule: MarkerRule, api: Api) -> Iterator[DescriptionError]:
    path = ("operations", operation.name, "marker")
    yield from argument(operation, rule.parameter, (*path, "parameter"), "array")
    entry = schemas.at_path(taken(operation).get(rule.parameter, {}), "0") or {}
    for field in ("key", "value"):
        if schemas.at_path(entry, getattr(rule, field)) is None:
            yield DescriptionError((*path, field), "expected a field of an entry", found=getattr(rule, field))
    probe, said = api.operations.get(rule.probe), profile.operations.get(rule.probe)
    if probe is None:
        yield unknown((*path, "probe"), rule.probe, api)
    elif said is None or said.paging is None:
        yield DescriptionError((*path, "probe"), "expected a list with paging", found=rule.probe)
    else:
        yield from argument(probe, rule.filter, (*path, "filter"), "object")


def _upload(operation: Operation, rule: UploadRule, api: Api) -> Iterator[DescriptionError]:
    path = ("operations", operation.name, "upload")
    for field in ("file", "range", "target", "token"):
        if (name := getattr(rule, field)) is not None:
            yield from argument(operation, name, (*path, field), "string")
    try:
        fields = {name for _, name, _, _ in string.Formatter().parse(rule.form) if name is not None}
    except ValueError:
        fields = set()
    if fields != {"piece", "pieces"}:
        yield DescriptionError((*path, "form"), "expected a text with {piece} and {pieces}", found=rule.form)
    yield from place(operation, rule.id, "string", (*path, "id"))
    if not 0 < rule.min_piece <= rule.max_piece:
        yield DescriptionError((*path, "min_piece"), f"expected 1 to {rule.max_piece}", found=rule.min_piece)
    for field in ("max_pieces", "max_bytes"):
        if not getattr(rule, field) > 0:
            yield DescriptionError((*path, field), "expected more than 0", found=getattr(rule, field))
    yield from _beside(rule, api, path)


def _beside(rule: UploadRule, api: Api, path: KeyPath) -> Iterator[DescriptionError]:
    """The other operations that an upload needs."""
    others = {"create": rule.create, "status": rule.status, "get": rule.get}
    for field, name in others.items():
        operation = None if name is None else api.operations.get(name)
        if name is not None and operation is None:
            yield unknown((*path, field), name, api)
        elif operation is not None and field != "create":
            yield from argument(operation, rule.target, (*path, field), "string")
    status = api.operations.get(rule.status)
    if status is not None:
        yield from place(status, rule.received, "array", (*path, "received"))
        yield from place(status, rule.total, "integer", (*path, "total"))
        if list(place(status, rule.size, "string", path)):  # many services write sizes as text
            yield from place(status, rule.size, "integer", (*path, "size"))
        yield from place(status, rule.checksum, "string", (*path, "checksum"))
        if rule.state is not None:
            yield from _state(status, rule.state, (*path, "state"))
        for name, until in rule.until.items():
            yield from _state(status, until, (*path, "until", name))


def _state(status: Operation, rule: UntilRule, path: KeyPath) -> Iterator[DescriptionError]:
    kind = "boolean" if isinstance(next(iter(rule.values), ""), bool) else "string"
    yield from place(status, rule.at, kind, (*path, "at"))
    if (rule.failed_at is None) != (not rule.failed):
        yield DescriptionError((*path, "failed_at"), "expected failed_at and failed together, or neither")


def _gone(profile: Profile, operation: Operation, name: str, api: Api) -> Iterator[DescriptionError]:
    path = ("operations", operation.name, "gone_if")
    other, said = api.operations.get(name), profile.operations.get(name)
    if other is None:
        yield unknown(path, name, api)
        return
    needed = {one.name for one in other.parameters if one.required}
    if other.method != "GET" or not needed or (said is not None and said.gone_if is not None):
        yield DescriptionError(path, "expected a GET with an argument and without gone_if of its own", found=name)
    for missing in sorted(needed - {one.name for one in operation.parameters if one.required}):
        yield DescriptionError(
            path, f"expected an operation that needs nothing else, found {name!r}, which needs {missing}"
        )
