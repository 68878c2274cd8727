# SPDX-License-Identifier: Apache-2.0
"""Builds the request of an operation from its arguments, and checks their names, types and wire forms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from callwell.client.calls.options import NOT_GIVEN
from callwell.client.calls.parameter_styles import header_pairs, path_segment, query_pairs
from callwell.client.calls.validation import check_value, describe_schema, plain_type
from callwell.client.calls.wire_values import encode_json, to_wire_value
from callwell.description.model import WHOLE_BODY, Parameter
from callwell.description.schemas import is_nullable, value_types
from callwell.errors import InvalidOption, UnknownName
from callwell.opaque import Opaque, without_query
from callwell.transport.base import RequestHeaders, StreamedBody

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from callwell.client.calls.request_finisher import RequestFinisher
    from callwell.core.rules.profile import KeyRule
    from callwell.description.model import Operation
    from callwell.keys import Key

JSON: Final = "application/json"
ACCEPT: Final = ("accept", JSON)
ACCEPT_ANYTHING: Final = ("accept", f"{JSON}, */*;q=0.5")
"""Of requests outside the description: JSON if there is any."""

INTEGER_TEXT: Final = re.compile("-?[0-9]{1,30}")
"""An integer as text; no identifier has more than 30 digits, and the limit keeps the conversion cheap."""

NO_FIELDS: Final[Mapping[str, object]] = MappingProxyType({})

COMMON_STYLES: Final[Mapping[str, tuple[str, ...]]] = {
    "path": ("", "simple"),
    "query": ("", "form", "deepObject"),
    "header": ("", "simple"),
}
"""Location of a parameter → the styles that nearly all parameters use. `rare_styles` has the others."""


class BoundRequest(Opaque, msgspec.Struct, frozen=True):
    """A request without origin and key. Its `repr` shows no values: the body may contain a secret.

    Attributes:
        method: in capitals.
        target: path and query.
        body: JSON, or another body, which may be read while it is sent; None for no body.
        headers: the operation's header parameters.
        media: the media type of the body.
        keyless: it is sent without the key.
        extra_time_s: seconds added to its timeout, for the bytes of its files.
        url: the whole address, used instead of `target` if it is outside the environment's base path.
        accept: the `Accept` header.
    """

    method: str
    target: str
    body: bytes | StreamedBody | None
    headers: tuple[tuple[str, str], ...] = ()
    media: str = JSON
    keyless: bool = False
    extra_time_s: float = 0.0
    url: str = ""
    accept: tuple[str, str] = ACCEPT

    def body_chunks(self) -> Iterable[bytes]:
        """The chunks of the body; none if it can be read only once."""
        if isinstance(self.body, bytes):
            return (self.body,)
        return () if self.body is None or self.body.one_time else self.body

    def summary(self) -> str:
        """Method and path."""
        return f"{self.method} {without_query(self.target)}"

    def method_and_path(self) -> str:
        """Method and path for messages. The query is left out: it may hold personal data."""
        return f"{self.method} {self.target.partition('?')[0]}"


class BoundParameter(NamedTuple):
    """One parameter, with everything that is known before there is a value.

    Attributes:
        name: the parameter's Python name.
        location: `path`, `query`, `header` or `body`. Parameters with special handling (a cookie, `Accept`, the media
            type of the body, a path segment of another style) count as headers: see `RequestFinisher`.
        placeholder: its placeholder in the path.
        parameter: its description.
        argument_name: its name in messages.
        plain_type: every value of this type is valid, except empty and non-ASCII strings; None if there is no such
            type.
        takes_null: None is sent as null; otherwise it means that there is no value.
        if_absent: what a missing value becomes: None for nothing, `NOT_GIVEN` if the argument is required.
        write: returns the pairs of a query or a header.
    """

    name: str
    location: str
    placeholder: str
    parameter: Parameter
    argument_name: str
    plain_type: type | None
    takes_null: bool
    if_absent: object
    write: Callable[[str, Parameter, Any], list[tuple[str, str]]]

    @classmethod
    def of(cls, parameter: Parameter, operation: Operation) -> BoundParameter:
        """A parameter of an operation."""
        is_field = parameter.location == "body"
        is_usual = _has_common_style(parameter)
        is_required = parameter.required and not (is_field and len(operation.bodies) > 1)
        return cls(
            name=parameter.name,
            location=parameter.location if is_usual or parameter.location in ("query", "body") else "header",
            placeholder=f"{{{parameter.wire_name}}}",
            parameter=parameter,
            argument_name=f"{operation.name}: {parameter.name}",
            plain_type=plain_type(parameter.schema),
            takes_null=is_field and is_nullable(parameter.schema),
            if_absent=NOT_GIVEN if is_required else parameter.default,
            write=_common_writer(parameter) if is_usual else _rare_writer(parameter),
        )

    def default(self) -> object:
        """What is sent if a call gives no value.

        Raises:
            InvalidOption: a call must give one.
        """
        if self.if_absent is NOT_GIVEN:
            raise InvalidOption(self.argument_name, None, describe_schema(self.parameter.schema))
        return self.if_absent


class Binder:
    """Builds the requests of one operation.

    Args:
        operation: the operation.
        server: its own address, which replaces the environment's; empty for none.

    Attributes:
        keyless: its requests are sent without the key.
    """

    def __init__(self, operation: Operation, server: str = "") -> None:
        self._operation = operation
        self.keyless = operation.keyless
        fields = tuple(BoundParameter.of(parameter, operation) for parameter in operation.parameters)
        body = [field for field in fields if field.location == "body"]
        self._whole = _whole_body(body, operation)
        # An argument for the whole body is not one of the fields in the loop of `bind`, see `_bind_whole`.
        self._fields = tuple([field for field in fields if field is not self._whole])
        self._names = frozenset(field.name for field in self._fields)
        self._accept = ACCEPT if operation.accept == JSON else ("accept", operation.accept)
        self._takes_body = bool(body)
        self._has_fields_first = _has_fields(operation)
        is_usual = _is_plain_json_body(operation) and all(_has_common_style(field.parameter) for field in fields)
        is_here = not server and "?" not in operation.path
        self._finisher = None if is_usual and is_here else _create_finisher(operation, server)

    @property
    def names(self) -> Collection[str]:
        """The arguments that the operation takes."""
        described = (parameter.name for parameter in self._operation.parameters)
        return tuple(described) if self._whole is None else tuple(dict.fromkeys((*described, self._whole.name)))

    def bind(  # noqa: C901 - flat, and on the way of every call
        self, arguments: Mapping[str, object], others: Mapping[str, object] = NO_FIELDS
    ) -> BoundRequest:
        """Build the request from arguments.

        Args:
            arguments: by Python name; `NOT_GIVEN` counts as absent, and so does None if null is not a valid value.
            others: fields of the body that are not arguments, by their names on the wire; JSON values.

        Raises:
            UnknownName: an argument that the operation does not have.
            InvalidOption: a missing argument, a value of the wrong type, or a file that cannot be read.
        """
        if not self._names.issuperset(arguments):
            return self._bind_whole(arguments)
        target = self._operation.path
        query: list[tuple[str, str]] = []
        headers: list[tuple[str, str]] = []
        body: dict[str, object] = {}
        for field in self._fields:
            name, location, placeholder, parameter, argument_name, plain, takes_null, if_absent, write = field
            value = arguments.get(name, NOT_GIVEN)
            if value is NOT_GIVEN or (value is None and not takes_null):
                if if_absent is None:
                    continue
                value = field.default()
            if type(value) is not plain or (isinstance(value, str) and not (value and value.isascii())):
                value = to_wire_value(argument_name, parameter.schema, value)
                check_value(argument_name, parameter.schema, value)
            if location == "path":
                target = target.replace(
                    placeholder, str(value) if type(value) is int else path_segment(argument_name, value)
                )
            elif location == "query":
                query.extend(write(argument_name, parameter, value))
            elif location == "header":
                headers.extend(write(argument_name, parameter, value))
            else:
                body[parameter.wire_name] = value
        if self._finisher is not None or others:
            return self._finish(target, query, headers, {**body, **others})
        target = f"{target}?{urlencode(query, quote_via=quote)}" if query else target
        if not self._takes_body:
            return BoundRequest(
                self._operation.method, target, None, tuple(headers), JSON, self.keyless, 0.0, "", self._accept
            )
        content = encode_json(self._operation.name, body)
        return BoundRequest(
            self._operation.method, target, content, tuple(headers), JSON, self.keyless, 0.0, "", self._accept
        )

    def _finish(
        self, target: str, query: list[tuple[str, str]], headers: list[tuple[str, str]], body: Mapping[str, object]
    ) -> BoundRequest:
        """The request of an operation that needs a `RequestFinisher`, or has body fields that are not arguments."""
        finisher = self._finisher or _create_finisher(self._operation, "")
        finished = finisher.finish(target, query, headers, body)
        return BoundRequest(
            self._operation.method,
            finished.target,
            finished.body,
            headers=finished.headers,
            media=finished.media,
            keyless=self.keyless,
            extra_time_s=finished.extra_time_s,
            url=finished.url,
            accept=("accept", finished.accept or self._accept[1]),
        )

    def _bind_whole(self, arguments: Mapping[str, object]) -> BoundRequest:
        """Build a request where an argument is not a field: it is the whole body, or it is unknown.

        A mapping is split up: each known field is checked as that field, so it makes no difference how a value is
        given. A field's argument takes precedence over the same field of the mapping.
        """
        whole = self._whole
        for name in arguments:
            if name not in self._names and (whole is None or name != whole.name):
                raise UnknownName("parameter", name, self.names, owner=self._operation.name)
        if whole is None:
            raise UnknownName("parameter", "", self.names, owner=self._operation.name)
        fields = {name: value for name, value in arguments.items() if name != whole.name}
        value = arguments[whole.name]
        if value is NOT_GIVEN or value is None:
            return self.bind(fields)
        schema = whole.parameter.schema
        wire = to_wire_value(whole.argument_name, schema, value)
        if not (self._has_fields_first and isinstance(wire, Mapping)):
            check_value(whole.argument_name, schema, wire)
            return self.bind(fields, {WHOLE_BODY: wire})
        names = {field.parameter.wire_name: field.name for field in self._fields if field.location == "body"}
        taken = {names[key]: inner for key, inner in wire.items() if key in names}
        others = {key: inner for key, inner in wire.items() if key not in names}
        more = schema.get("additionalProperties", True)
        for key, inner in others.items():
            if more is False:
                raise UnknownName("field", key, names, owner=whole.argument_name)
            check_value(f"{whole.argument_name}.{key}", more if isinstance(more, Mapping) else {}, inner)
        return self.bind({**taken, **fields}, others)

    def wire(self, arguments: Mapping[str, object]) -> dict[str, Any]:
        """The arguments as JSON values, which can be bound repeatedly; a generator gives its items only once.

        Raises:
            UnknownName: an argument that the operation does not have.
            InvalidOption: a value that cannot be sent.
        """
        converted: dict[str, Any] = {}
        for name, value in arguments.items():
            field = next((field for field in (*self._fields, self._whole) if field and field.name == name), None)
            if field is None:
                raise UnknownName("parameter", name, self.names, owner=self._operation.name)
            converted[name] = (
                value if value is NOT_GIVEN else to_wire_value(field.argument_name, field.parameter.schema, value)
            )
        return converted

    def with_position(self, arguments: Mapping[str, object], name: str, position: int | str) -> dict[str, object]:
        """The arguments for another page. A cursor is converted to the type of its parameter."""
        schema = next((field.parameter.schema for field in self._fields if field.name == name), {})
        types = value_types(schema)
        if isinstance(position, int) and "string" in types and "integer" not in types and "number" not in types:
            return {**arguments, name: str(position)}
        if isinstance(position, str) and "string" not in types and INTEGER_TEXT.fullmatch(position):
            return {**arguments, name: int(position)}
        return {**arguments, name: position}


def _has_common_style(parameter: Parameter) -> bool:
    """Whether a parameter has one of the common styles; a field of a body always does."""
    if parameter.location == "body":
        return True
    if parameter.location not in COMMON_STYLES:
        return False
    if parameter.content or parameter.allow_reserved or parameter.style not in COMMON_STYLES[parameter.location]:
        return False
    if parameter.location == "header":
        return not parameter.explode and parameter.wire_name.lower() not in ("accept", "content-type")
    if parameter.location == "path":
        return not parameter.explode and "object" not in value_types(parameter.schema)
    return parameter.explode is not False or parameter.style == "deepObject"


def _common_writer(parameter: Parameter) -> Callable[[str, Parameter, Any], list[tuple[str, str]]]:
    return header_pairs if parameter.location == "header" else query_pairs


def _rare_writer(parameter: Parameter) -> Callable[[str, Parameter, Any], list[tuple[str, str]]]:
    from callwell.client.calls.rare_styles import writer  # few operations need it

    return writer(parameter)


def _whole_body(body: list[BoundParameter], operation: Operation) -> BoundParameter | None:
    """The argument for the whole body, beside those for its fields; the only one if the body has no fields."""
    described = next((field for field in body if field.parameter.wire_name == WHOLE_BODY), None)
    if described is not None:
        return described if len(body) > 1 else None
    if not body:
        return None
    taken = {parameter.name for parameter in operation.parameters}
    name = next(candidate for candidate in ("body", "body_body", "whole_body") if candidate not in taken)
    additional_properties = not operation.bodies or any(
        body_type.additional_properties for body_type in operation.bodies
    )
    schema = {"type": "object", "additionalProperties": additional_properties}
    return BoundParameter.of(
        Parameter(name=name, wire_name=WHOLE_BODY, location="body", required=False, schema=schema), operation
    )


def _has_fields(operation: Operation) -> bool:
    """Whether the preferred type of body has fields."""
    if not operation.bodies or operation.bodies[0].fields is None:
        return any(
            parameter.location == "body" and parameter.wire_name != WHOLE_BODY for parameter in operation.parameters
        )
    return any(field.wire_name != WHOLE_BODY for field in operation.bodies[0].fields)


def _is_plain_json_body(operation: Operation) -> bool:
    """Whether there is no body, or a JSON object that is always sent."""
    if not operation.bodies:
        return True
    first = operation.bodies[0]
    is_json = first.kind == "json" and first.media_type == JSON
    return is_json and len(operation.bodies) == 1 and operation.body_required and _has_fields(operation)


def _create_finisher(operation: Operation, server: str) -> RequestFinisher:
    from callwell.client.calls.request_finisher import RequestFinisher  # few operations need it

    return RequestFinisher(operation, server)


def request_headers(
    bound: BoundRequest,
    rule: KeyRule,
    key: Key,
    extra: tuple[tuple[str, str], ...] = (),
    *,
    keyless: bool | None = None,
) -> RequestHeaders:
    """The headers of a request. The key is never put in a local variable, which a traceback could show.

    Args:
        bound: the request.
        rule: the header and scheme that carry the key.
        key: the key.
        extra: the caller's own headers.
        keyless: send no key; None for what the request says.
    """
    content = () if bound.body is None else (("content-type", bound.media),)
    if bound.keyless if keyless is None else keyless:
        return RequestHeaders((bound.accept, *extra, *bound.headers, *content))
    return RequestHeaders(
        (bound.accept, (rule.header, key.header_value(rule.scheme)), *extra, *bound.headers, *content)
    )
