# SPDX-License-Identifier: Apache-2.0
"""Reads the body of an operation, as arguments and as types of body.

An object with properties becomes one argument for each; any other body is one argument, `body`:

    schema of the body                        arguments
    ---------------------------------------   ------------------------------------------------------------
    object with properties                    one for each property
    … and `additionalProperties`              these, and `body`, for the other fields
    array, scalar, union, free object, any    `body`
    text, bytes                               `body`

If several types of body are declared, their arguments are combined, and `content_type` chooses a type. Without it, a
call gets the first type, in the order of `support.BODY_KINDS`, that accepts its arguments.

* A `readOnly` property is never required. A name under `required` without a property is a property of any type.
* The fields of an optional body are optional; if one is given, those that the schema requires must be given too.
* The usual body, a required JSON object, has no record: see `Operation.bodies`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec.structs import replace

from callwell.core.media_types import JSON
from callwell.description import support
from callwell.description.error import DescriptionError
from callwell.description.model import DEFAULT_JSON_BODY, WHOLE_BODY, BodyType, Parameter
from callwell.description.names import to_snake_case
from callwell.description.plain_text import summarize
from callwell.description.schemas import required_names, stated_value, type_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callwell.description.error import KeyPath
    from callwell.description.model import BodyKind
    from callwell.description.references import ReferenceResolver

STRUCTURED: Final = ("json", "urlencoded", "multipart")
"""The kinds of body that have fields."""

FILE: Final = {"type": "string", "format": "binary"}
CONTENTS: Final[Mapping[BodyKind, Mapping[str, Any]]] = {"bytes": FILE, "text": {"anyOf": [{"type": "string"}, FILE]}}
"""The schemas of bodies of bytes or text, which replace any schema in the document."""

JSON_PATCH: Final = "application/json-patch+json"
STEPS: Final = {"type": "array", "items": {"type": "object"}}
"""The schema of a JSON Patch, if the document does not have one."""


class BodyDraft(NamedTuple):
    """One type of body, before its arguments have their names.

    Attributes:
        media_type: the same as in `BodyType`.
        kind: the same as in `BodyType`.
        fields: its fields, or the whole body.
        required: the wire names of the required fields.
        additional_properties: the same as in `BodyType`.
    """

    media_type: str
    kind: BodyKind
    fields: list[Parameter]
    required: list[str]
    additional_properties: bool


class RequestBody(NamedTuple):
    """The body of an operation.

    Attributes:
        drafts: its types, the preferred one first.
        required: whether it is sent even if a call gives nothing for it.
        arguments: its arguments, the type of body last.
    """

    drafts: list[BodyDraft]
    required: bool
    arguments: list[Parameter]

    def types(self, parameters: Sequence[Parameter]) -> tuple[BodyType, ...]:
        """The types of body; empty for the usual one.

        Args:
            parameters: the operation's parameters, with their names.
        """
        arguments = {parameter.wire_name: parameter for parameter in parameters if parameter.location == "body"}
        types = tuple(self._type(draft, arguments) for draft in self.drafts)
        return () if self.required and types == (DEFAULT_JSON_BODY,) and arguments.keys() - {WHOLE_BODY} else types

    def _type(self, draft: BodyDraft, arguments: Mapping[str, Parameter]) -> BodyType:
        fields = tuple(replace(field, name=arguments[field.wire_name].name) for field in draft.fields)
        is_enforced = self.required and len(self.drafts) == 1  # `Parameter.required` enforces it
        are_arguments = len(fields) == len(arguments) and all(
            _is_like(field, arguments[field.wire_name]) for field in fields
        )
        return BodyType(
            media_type=draft.media_type,
            kind=draft.kind,
            required=() if is_enforced else tuple(arguments[name].name for name in draft.required),
            fields=None if are_arguments else fields,
            additional_properties=draft.additional_properties,
        )


NO_BODY: Final = RequestBody([], required=False, arguments=[])


def read_body(
    node: Mapping[str, Any], path: KeyPath, references: ReferenceResolver, *, is_change: bool = False
) -> RequestBody:
    """Read the body of an operation.

    Args:
        node: the operation.
        path: the path of the operation.
        references: resolves its references.
        is_change: whether omitted fields keep their values, so that no defaults are sent.

    Raises:
        DescriptionError: no type of the body is supported.
    """
    if node.get("requestBody") is None:
        return NO_BODY
    body, path = references.resolve(node["requestBody"], (*path, "requestBody"))
    content = references.media_types(body, path)
    ranked: list[tuple[int, BodyDraft]] = []
    for media_type, (media, media_path) in content.items():
        schema = references.resolve_schema(media.get("schema", {}), (*media_path, "schema"))
        found = support.body_kind(media_type, schema)
        if found is not None:
            kind, rank = found
            ranked.append((rank, _draft(media_type, kind, schema, media)))
    if not ranked:
        offered = ", ".join(content) or "nothing"
        raise DescriptionError((*path, "content"), f"expected a body that can be sent, found {offered}")
    ranked.sort(key=lambda pair: pair[0])
    unique: dict[str, BodyDraft] = {}
    for _, draft in ranked:
        if draft.media_type != "text/json" or JSON not in unique:  # an older name for it
            unique.setdefault(draft.media_type, draft)
    drafts = list(unique.values())
    required = bool(body.get("required"))
    return RequestBody(drafts, required, _arguments(drafts, required=required, is_change=is_change))


def _draft(media_type: str, kind: BodyKind, schema: Mapping[str, Any], media: Mapping[str, Any]) -> BodyDraft:
    """Draft one type of body. The media type keeps its parameters, except for JSON, which is always UTF-8."""
    name = media_type.strip()
    if kind == "json":
        name = name.partition(";")[0].strip()
        name = JSON if "*" in name or name.lower() == JSON else name
    if name.lower().startswith(JSON_PATCH) and "array" not in type_names(schema):
        schema = STEPS
    additional = schema.get("additionalProperties")
    if kind in STRUCTURED and set(type_names(schema)) == {"object"} and "properties" in schema:
        fields, required = _fields(schema, media.get("encoding"))
        if additional is True or (isinstance(additional, dict) and additional):
            others = {"type": "object", "additionalProperties": additional}
            fields.append(_whole(others))
        if fields or additional is None or additional is False:
            return BodyDraft(
                media_type=name,
                kind=kind,
                fields=fields,
                required=required,
                additional_properties=additional is not False,
            )
    whole: Mapping[str, Any] = schema if kind in STRUCTURED else CONTENTS[kind]
    described = {"description": schema["description"], **whole} if "description" in schema else whole
    return BodyDraft(
        media_type=name, kind=kind, fields=[_whole(described)], required=[WHOLE_BODY], additional_properties=True
    )


def _whole(schema: Mapping[str, Any]) -> Parameter:
    summary = schema.get("description")
    return Parameter(
        name="body",
        wire_name=WHOLE_BODY,
        location="body",
        required=False,
        schema=schema,
        summary=summarize(summary),
    )


def _fields(schema: Mapping[str, Any], encoding: object) -> tuple[list[Parameter], list[str]]:
    """The fields of an object, and the wire names of the required fields."""
    properties = schema["properties"]
    listed = dict.fromkeys(required_names(schema))
    described = {**properties, **{name: {} for name in listed if name not in properties}}
    encodings: Mapping[str, Any] = encoding if isinstance(encoding, dict) else {}
    writable = [name for name in listed if not described[name].get("readOnly")]
    defaults = {name: stated_value(described[name], described[name].get("default")) for name in writable}
    # A default of null is one too, though no value is sent for it.
    required = [name for name in writable if defaults[name] is None and described[name].get("default", "") is not None]
    fields = [
        _field(name, field, encodings.get(name), default=defaults.get(name))
        for name, field in described.items()
        if name
    ]
    return fields, required


def _field(name: str, schema: Mapping[str, Any], encoding: object, *, default: object) -> Parameter:
    rules: Mapping[str, Any] = encoding if isinstance(encoding, dict) else {}
    style = rules.get("style", "")
    content = rules.get("contentType", "")
    explode = rules.get("explode")
    return Parameter(
        name=to_snake_case(name),
        wire_name=name,
        location="body",
        required=False,
        schema=schema,
        summary=summarize(schema.get("description")),
        style=style if style in support.STYLES["query"] else "",
        explode=explode if isinstance(explode, bool) else None,
        content=content if isinstance(content, str) else "",
        allow_reserved=rules.get("allowReserved") is True,
        default=default,
    )


def _arguments(drafts: list[BodyDraft], *, required: bool, is_change: bool) -> list[Parameter]:
    """The arguments for a body: the fields of all types of body, and the type itself if there are several.

    The default of a required field is only sent if the body is required and has a single type.
    """
    sends_defaults = required and len(drafts) == 1 and not is_change
    united: dict[str, list[Parameter]] = {}
    for draft in drafts:
        for field in draft.fields:
            united.setdefault(field.wire_name, []).append(field)
    structured = [draft for draft in drafts if draft.kind in STRUCTURED] or drafts
    arguments = [
        _merge(
            fields if sends_defaults else [replace(field, default=None) for field in fields],
            required=required and all(name in draft.required for draft in structured),
        )
        for name, fields in united.items()
    ]
    media_types = [draft.media_type for draft in drafts]
    if len(drafts) > 1 or "*" in media_types[0]:
        is_open = any("*" in media_type for media_type in media_types)
        schema = {"type": "string"} if is_open else {"type": "string", "enum": media_types}
        summary = "The media type of the body"
        arguments.append(
            Parameter(
                name="content_type",
                wire_name="Content-Type",
                location="header",
                required=False,
                schema=schema,
                summary=summary,
            )
        )
    return arguments


def _merge(fields: list[Parameter], *, required: bool) -> Parameter:
    """Merge the fields with the same name in several types of body into one argument."""
    first = fields[0]
    schemas: list[Mapping[str, Any]] = []
    for field in fields:
        if field.schema not in schemas:
            schemas.append(field.schema)
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    return replace(first, required=required, schema=schema)


def _is_like(field: Parameter, other: Parameter) -> bool:
    """Whether two fields are serialized in the same way."""
    return replace(field, required=other.required, default=other.default) == other
