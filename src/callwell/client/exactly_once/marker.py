# SPDX-License-Identifier: Apache-2.0
"""A mark in what a call creates, by which the object is found again."""

from __future__ import annotations

import os
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from callwell.client.calls.options import NOT_GIVEN
from callwell.client.calls.responses import Answer
from callwell.client.calls.wire_values import JSON_ENCODER
from callwell.core import json_values
from callwell.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.client.calls.binding import Binder, BoundRequest
    from callwell.client.calls.operations import OperationHandle
    from callwell.core.rules.operations import MarkerRule
    from callwell.description.provider import Provider

SECRET: Final = re.compile(r"(?i)(?:key|token|secret|password|signature)$")
"""Names of arguments and fields whose values are not written down."""

HIDDEN: Final = "[hidden]"
FILE: Final = "[file]"
OK_STATUS: Final = 200
"""The status of an answer that did not arrive, but whose object was found."""


class ObjectMarker(NamedTuple):
    """How one operation's objects are marked.

    Attributes:
        rule: the profile's.
        field: where an object has its entries: the argument's name on the wire.
        key: the field that names an object.
        binder: makes the requests.
        label: the operation and the argument, for messages.
        result: where an answer has the object.
    """

    rule: MarkerRule
    field: str
    key: str | None
    binder: Binder
    label: str
    result: str | None

    @classmethod
    def of(cls, provider: Provider, name: str, found: OperationHandle) -> ObjectMarker | None:
        """How an operation's objects are marked, if they can be."""
        rule = found.rule.marker
        if rule is None:
            return None
        field = next(one.wire_name for one in provider.operation(name).parameters if one.name == rule.parameter)
        listed = provider.rule(rule.probe).paging
        key = None if listed is None else listed.key
        return cls(rule, field, key, found.binder, f"{name}: {rule.parameter}", provider.profile.result)

    def bind(self, arguments: Mapping[str, Any], marker: str) -> BoundRequest:
        """The request that makes an object with a mark beside the caller's own entries.

        Raises:
            InvalidOption: one of them has the name of the mark.
        """
        rule = self.rule
        given = arguments.get(rule.parameter)
        entries = [] if given is None or given is NOT_GIVEN else list(given)
        if any(entry.get(rule.key) == rule.name for entry in entries):
            text = f"entries of other names than {rule.name!r}, by which Callwell finds again what it creates"
            raise InvalidOption(self.label, rule.name, text)
        return self.binder.bind({**arguments, rule.parameter: [*entries, {rule.key: rule.name, rule.value: marker}]})

    def shows(self, item: Any, marker: str) -> bool:
        """Whether an object has a mark: a list may have taken no notice of its filter."""
        entries = item.get(self.field) if isinstance(item, dict) else None
        wanted = (self.rule.name, marker)
        return isinstance(entries, list) and any(
            isinstance(entry, dict) and (entry.get(self.rule.key), entry.get(self.rule.value)) == wanted
            for entry in entries
        )

    def answer(self, item: Any) -> Answer:
        """The answer that would have brought an object, as far as it can be told."""
        body = item
        for name in reversed(self.result.split(".") if self.result else ()):
            body = {name: body}
        return Answer(OK_STATUS, {}, msgspec.json.encode(body), body)

    def made(self, answer: Answer) -> str | None:
        """What names the object of an answer."""
        found = answer.json if self.result is None else json_values.value_at(answer.json, self.result)
        if self.key is None:
            return None
        try:
            return json_values.to_name(json_values.value_at(found, self.key))
        except json_values.UnclearValue:
            return None


def request_digest(bound: BoundRequest) -> str:
    """What tells one request from another. The boundary of a form is another one each time."""
    body = bound.body if isinstance(bound.body, bytes) else b"".join(bound.body or ())
    _, found, boundary = bound.media.partition("boundary=")
    if found:
        body = body.replace(boundary.encode(), b"")
    return sha256(b"\n".join((bound.method.encode(), bound.target.encode(), body))).hexdigest()


def recordable_arguments(arguments: Mapping[str, object], *, whole: bool) -> dict[str, Any]:
    """The arguments that are written down.

    Args:
        arguments: what was given.
        whole: the call may have to be made again; else they are for people, and secrets are left out.
    """
    plain = {name: value for name, value in arguments.items() if value is not NOT_GIVEN}
    without = {name: FILE if isinstance(value, bytes | os.PathLike) else value for name, value in plain.items()}
    decoded: dict[str, Any] = msgspec.json.decode(JSON_ENCODER.encode(without))
    return decoded if whole else _redact(decoded)


def _redact(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: HIDDEN if SECRET.search(name) else _redact(inner) for name, inner in value.items()}
    return [_redact(one) for one in value] if isinstance(value, list) else value
