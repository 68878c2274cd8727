# SPDX-License-Identifier: Apache-2.0
"""The marker in an object that a call creates, which identifies the object later."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from callwell.client.calls.options import NOT_GIVEN
from callwell.client.calls.responses import Answer
from callwell.client.calls.validation import is_file_value
from callwell.client.calls.wire_values import JSON_ENCODER
from callwell.core import json_values
from callwell.description.schemas import type_names
from callwell.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.client.calls.binding import Binder, BoundRequest
    from callwell.client.calls.operations import OperationHandle
    from callwell.core.rules.operations import MarkerRule
    from callwell.description.provider import Provider

SECRET: Final = re.compile(r"(?i)(?:key|token|secret|password|signature)$")
"""Names of arguments and fields; their values are never recorded."""

HIDDEN: Final = "[hidden]"
FILE: Final = "[file]"
OK_STATUS: Final = 200
"""The assumed status of a lost response after its object was found."""


class ObjectMarker(NamedTuple):
    """How one operation marks the objects that it creates.

    Attributes:
        rule: the rule in the profile.
        wire_name: the field of an object that holds its entries, which is the argument's name on the wire.
        key: the field that identifies an object.
        binder: makes the requests.
        label: the operation and the argument, for messages.
        result: the path to the object in a response.
        lists: arguments of the probe that are lists.
    """

    rule: MarkerRule
    wire_name: str
    key: str | None
    binder: Binder
    label: str
    result: str | None
    lists: frozenset[str] = frozenset()

    @classmethod
    def for_operation(cls, provider: Provider, name: str, operation: OperationHandle) -> ObjectMarker | None:
        """How an operation marks its objects; None if it cannot."""
        rule = operation.rule.marker
        if rule is None:
            return None
        parameters = provider.operation(name).parameters
        probe_paging = provider.rule(rule.probe).paging
        return cls(
            rule=rule,
            wire_name=next(parameter.wire_name for parameter in parameters if parameter.name == rule.parameter),
            key=None if probe_paging is None else probe_paging.key,
            binder=operation.binder,
            label=f"{name}: {rule.parameter}",
            result=rule.result or provider.profile.result,
            lists=frozenset(
                parameter.name
                for parameter in provider.operation(rule.probe).parameters
                if "array" in type_names(parameter.schema)
            ),
        )

    def bind(self, arguments: Mapping[str, Any], marker: str) -> BoundRequest:
        """The request that creates an object with a marker in addition to the caller's own entries.

        Raises:
            InvalidOption: one of the caller's entries has the marker's name.
        """
        rule = self.rule
        given = arguments.get(rule.parameter)
        is_map = rule.form == "map"
        before: Any = given
        if given is None or given is NOT_GIVEN:
            before = {} if is_map else []
        names = before if is_map else [entry.get(rule.key) for entry in before]
        if rule.name in names:
            expected = f"entries with names other than {rule.name!r}, which Callwell uses to find its objects"
            raise InvalidOption(self.label, rule.name, expected)
        if is_map:
            return self.binder.bind({**arguments, rule.parameter: {**before, rule.name: marker}})
        return self.binder.bind({**arguments, rule.parameter: [*before, {rule.key: rule.name, rule.value: marker}]})

    def probe_arguments(self, arguments: Mapping[str, Any], marker: str) -> dict[str, Any]:
        """The arguments for the list operation that finds an object.

        Args:
            arguments: those that it was created with.
            marker: its marker.
        """
        rule = self.rule
        probe: dict[str, Any] = dict(rule.arguments)
        for name, shared in rule.shared.items():
            value = arguments.get(shared, NOT_GIVEN)
            if value is not None and value is not NOT_GIVEN:
                probe[name] = [value] if name in self.lists else value
        if rule.filter is not None:
            probe[rule.filter] = {rule.name: marker}
        return probe

    def is_on(self, item: Any, marker: str) -> bool:
        """Whether an object carries a marker. A list may have ignored its filter, so every item is checked."""
        entries = item.get(self.wire_name) if isinstance(item, dict) else None
        if self.rule.form == "map":
            return isinstance(entries, dict) and entries.get(self.rule.name) == marker
        wanted = (self.rule.name, marker)
        return isinstance(entries, list) and any(
            isinstance(entry, dict) and (entry.get(self.rule.key), entry.get(self.rule.value)) == wanted
            for entry in entries
        )

    def to_answer(self, item: Any, arguments: Mapping[str, Any]) -> Answer:
        """The lost response about an object, as far as it can be rebuilt from the object.

        Args:
            item: the object.
            arguments: those that it was created with.
        """
        body = item
        for name in reversed(self.result.split(".") if self.result else ()):
            body = {name: body}
        for path, name in self.rule.echoed.items():
            *parents, field = path.split(".")
            place = json_values.value_at(body, ".".join(parents)) if parents else body
            if isinstance(place, dict):
                place[field] = arguments.get(name)
        return Answer(status=OK_STATUS, headers={}, body=msgspec.json.encode(body), json=body)

    def object_key(self, answer: Answer) -> str | None:
        """The key of the object in a response; None if it has no readable key."""
        if self.key is None:
            return None
        found = answer.json if self.result is None else json_values.value_at(answer.json, self.result)
        try:
            return json_values.to_name(json_values.value_at(found, self.key))
        except json_values.AmbiguousValue:
            return None


def request_digest(bound: BoundRequest) -> str:
    """The digest of a request, without the boundary of a form, which differs each time.

    The content of a body that can be read only once is not included.
    """
    boundary = bound.media.partition("boundary=")[2].encode()
    digest = sha256(f"{bound.method}\n{bound.target}\n".encode())
    for chunk in bound.body_chunks():
        digest.update(chunk.replace(boundary, b"") if boundary else chunk)
    return digest.hexdigest()


def recordable_arguments(arguments: Mapping[str, object], *, whole: bool) -> dict[str, Any]:
    """The arguments as the ledger records them.

    Args:
        arguments: as the caller gave them.
        whole: the call may have to be made again from the record. Otherwise the record is only for people, and secrets
            are left out.
    """
    given = {name: value for name, value in arguments.items() if value is not NOT_GIVEN}
    without_files = {name: _without_files(value) for name, value in given.items()}
    decoded: dict[str, Any] = msgspec.json.decode(JSON_ENCODER.encode(without_files))
    return decoded if whole else _redact(decoded)


def _without_files(value: object) -> object:
    """A value with a placeholder for each file."""
    if isinstance(value, dict):
        return {name: _without_files(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_files(inner) for inner in value]
    return FILE if is_file_value(value) else value


def _redact(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: HIDDEN if SECRET.search(name) else _redact(inner) for name, inner in value.items()}
    return [_redact(inner) for inner in value] if isinstance(value, list) else value
