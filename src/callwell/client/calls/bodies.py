# SPDX-License-Identifier: Apache-2.0
"""Selects the type of a body among those that an operation accepts, and writes it.

| kind | written as |
| --- | --- |
| json | JSON, regardless of the media type's name | | urlencoded | `application/x-www-form-urlencoded`, see
`_form_pairs` | | multipart | a form of parts, see `multipart` | | text | a string as UTF-8, or a file unchanged | |
bytes | a file unchanged |

**Which type is sent.** The type that `content_type` names, or the first one that accepts all given values: a file needs
a type that can hold files, and a whole body needs a schema that accepts it. If a call passes nothing for an optional
body, the request has neither a body nor a `Content-Type`.

**How the fields of an urlencoded form are written**, unless the document's `encoding` says otherwise: a list repeats
its name (`a=1&a=2`), a property of an object has its key in brackets (`a[b]=c`), and a list inside an object is written
by `nested_pairs`. With the style `deepObject`, `nested_pairs` writes a list at the top too: `expand[]=x`, and
`items[0][price]=y` for objects. (Stripe reads `expand[]=x` and `expand[0]=x` alike.) A form has no null: a property
that is null is left out, and null in a list of strings or numbers raises `InvalidOption`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from msgspec.structs import replace

from callwell.client.calls import multipart
from callwell.client.calls.parameter_styles import flatten, nested_pairs, to_text
from callwell.client.calls.rare_styles import DELIMITERS
from callwell.client.calls.request_files import guess_type, open_content
from callwell.client.calls.validation import check_value, describe_schema, is_file_value
from callwell.client.calls.wire_values import encode_json
from callwell.core.media_types import OCTET_STREAM, base_type, is_json
from callwell.description import schemas
from callwell.description.model import DEFAULT_JSON_BODY, WHOLE_BODY, Parameter
from callwell.errors import InvalidOption, UnknownName

if TYPE_CHECKING:
    from callwell.description.model import BodyType, Operation
    from callwell.transport.base import StreamedBody

FILE_KINDS: Final = ("multipart", "text", "bytes")
"""The kinds of body that can hold a file."""

PLAIN_TEXT: Final = "text/plain"


class BodySelector:
    """Selects one of an operation's types of body.

    Args:
        operation: the operation.
    """

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        arguments = tuple(parameter for parameter in operation.parameters if parameter.location == "body")
        self._writers = [
            BodyWriter(operation.name, body, arguments if body.fields is None else body.fields)
            for body in operation.bodies or ((DEFAULT_JSON_BODY,) if arguments else ())
        ]

    def select(self, given: Mapping[str, Any], media_type: str) -> BodyWriter | None:
        """The writer of the body; None for no body.

        Args:
            given: the fields, or the whole body, by name on the wire.
            media_type: the media type that the caller wants; empty for any.

        Raises:
            UnknownName: a field that the type does not have.
            InvalidOption: a value that the type does not accept, or a missing one.
        """
        if not given and not self._operation.body_required:
            return None
        writers = self._writers
        if media_type:
            writers = [writer.with_media_type(media_type) for writer in writers if writer.matches(media_type)]
            if not writers:
                known = ", ".join(writer.body.media_type for writer in self._writers)
                raise InvalidOption(f"{self._operation.name}: content_type", media_type, f"one of {known}")
        if not writers:
            return None
        chosen = next((writer for writer in writers if writer.accepts(given)), writers[0])
        chosen.check(given)
        return chosen


class BodyWriter:
    """Writes one type of body.

    Args:
        operation: the operation's name, for messages.
        body: the type of body.
        fields: its fields, or the whole body.

    Attributes:
        body: the type of body.
        may_hold_files: it may be as large as a file.
    """

    def __init__(self, operation: str, body: BodyType, fields: tuple[Parameter, ...]) -> None:
        self.body = body
        self.may_hold_files = body.kind in FILE_KINDS
        self._operation = operation
        self._fields = {field.wire_name: field for field in fields}
        self._has_declared_fields = bool(self._fields.keys() - {WHOLE_BODY})

    def matches(self, media_type: str) -> bool:
        """Whether a media type equals this one, or is within this range."""
        known = self.body.media_type.lower()
        wanted = media_type.lower()
        return fnmatchcase(wanted, known) or known.partition(";")[0].strip() == wanted

    def with_media_type(self, media_type: str) -> BodyWriter:
        """A writer for one media type, where the description declares a range such as `image/*`."""
        if "*" not in self.body.media_type:
            return self
        body = replace(self.body, media_type=media_type)
        return BodyWriter(self._operation, body, tuple(self._fields.values()))

    def accepts(self, given: Mapping[str, Any]) -> bool:
        """Whether this type can hold all given values."""
        if WHOLE_BODY in self._fields and not self._has_declared_fields:
            return given.keys() == {WHOLE_BODY} and self._accepts_whole(given[WHOLE_BODY])
        return all(self._accepts_field_name(name) and self._accepts_value(name, value) for name, value in given.items())

    def _accepts_whole(self, value: Any) -> bool:
        if self.body.kind not in FILE_KINDS and is_file_value(value):
            return False
        try:
            check_value("", self._fields[WHOLE_BODY].schema, value)
        except InvalidOption:
            return False
        return True

    def _accepts_field_name(self, name: str) -> bool:
        """Whether there may be a field of this name: a declared one, or an additional property."""
        return name in self._fields or (
            name != WHOLE_BODY and self._has_declared_fields and self.body.additional_properties
        )

    def check(self, given: Mapping[str, Any]) -> None:
        """Check that the body can be written.

        Raises:
            UnknownName: a field that it does not have.
            InvalidOption: a value that it does not accept, or a missing one.
        """
        for name, value in given.items():
            field = self._fields.get(name)
            if not self._accepts_field_name(name):
                owner = f"{self._operation} ({self.body.media_type})"
                known = [field.name for field in self._fields.values()]
                raise UnknownName("field", name or "body", known, owner=owner)
            if field is not None and self.body.fields is not None:
                check_value(self._argument_name(name), field.schema, value)
        names = {field.name: field for field in self._fields.values()}
        for name in self.body.required:
            if names[name].wire_name not in given:
                raise InvalidOption(f"{self._operation}: {name}", None, describe_schema(names[name].schema))

    def write(self, given: Mapping[str, Any]) -> tuple[bytes | StreamedBody, str]:
        """The body and its media type.

        Args:
            given: the fields, or the whole body, by name on the wire; checked.

        Raises:
            InvalidOption: a value that cannot be sent, or a file that cannot be read.
        """
        kind = self.body.kind
        if kind == "json":
            value = given[WHOLE_BODY] if WHOLE_BODY in given else dict(given)
            return encode_json(self._operation, value), self.body.media_type
        if kind in ("text", "bytes"):
            return self._write_content(given.get(WHOLE_BODY, b""))
        fields = self._form_fields(given)
        if kind == "multipart":
            parts = [multipart.encode_field(self._argument_name(name), field, value) for name, field, value in fields]
            return multipart.encode_form(part for field_parts in parts for part in field_parts)
        pairs = [pair for name, field, value in fields for pair in _form_pairs(self._argument_name(name), field, value)]
        return urlencode(pairs).encode(), self.body.media_type

    def _form_fields(self, given: Mapping[str, Any]) -> list[tuple[str, Parameter, Any]]:
        """The fields of a form that have a value."""
        values = given
        if WHOLE_BODY in given:
            values = given[WHOLE_BODY]
            if not isinstance(values, Mapping):
                raise InvalidOption(self._argument_name(WHOLE_BODY), values, "a mapping of the form's fields")
        return [
            (name, self._fields.get(name) or _undeclared_field(name), value)
            for name, value in values.items()
            if value is not None
        ]

    def _write_content(self, value: Any) -> tuple[bytes | StreamedBody, str]:
        """A string or a file, and its media type. If the declared type is a range, the name of the file decides."""
        media_type = self.body.media_type
        if self.body.kind == "text" and isinstance(value, str):
            needs_no_charset = value.isascii() or "charset" in media_type.lower() or not media_type.startswith("text/")
            media_type = PLAIN_TEXT if "*" in media_type else media_type
            return value.encode(), media_type if needs_no_charset else f"{media_type}; charset=utf-8"
        name, content = open_content(self._argument_name(WHOLE_BODY), {"type": "string", "format": "binary"}, value)
        if "*" in media_type:
            guessed = guess_type(name)
            if not (fnmatchcase(guessed, media_type) or fnmatchcase(OCTET_STREAM, media_type)):
                raise InvalidOption(
                    f"{self._operation}: content_type", None, f"the media type of the body, {media_type}"
                )
            media_type = guessed if fnmatchcase(guessed, media_type) else OCTET_STREAM
        return content, media_type

    def _accepts_value(self, name: str, value: Any) -> bool:
        """Whether a field can hold a value. Only a multipart form can hold a file."""
        field = self._fields.get(name)
        is_file = is_file_value(value) or (isinstance(value, list) and any(map(is_file_value, value)))
        if field is None:
            return not is_file
        if self.body.kind in FILE_KINDS:
            return True
        return not is_file and not (isinstance(value, str) and schemas.is_file(field.schema))

    def _argument_name(self, name: str) -> str:
        field = self._fields.get(name)
        return f"{self._operation}: {f'body.{name}' if field is None else field.name}"


def _undeclared_field(name: str) -> Parameter:
    return Parameter(name=name, wire_name=name, location="body", required=False, schema={})


def _form_pairs(argument_name: str, field: Parameter, value: Any) -> list[tuple[str, str]]:
    """The pairs of one field of an urlencoded form."""
    wire = field.wire_name
    if not isinstance(value, Mapping | list):
        return [(wire, to_text(argument_name, value))]
    if is_json(base_type(field.content)):
        return [(wire, encode_json(argument_name, value).decode())]
    if field.style == "deepObject":
        return nested_pairs(argument_name, wire, value)
    explode = field.style in ("", "form") if field.explode is None else field.explode
    if not explode:
        separator = DELIMITERS[field.style]
        items = flatten(argument_name, value, separator)
        return [(wire, separator.join(items))] if items else []
    if isinstance(value, list):
        is_flat = not any(isinstance(item, Mapping | list) for item in value)
        return (
            [(wire, to_text(argument_name, item)) for item in value]
            if is_flat
            else nested_pairs(argument_name, wire, value)
        )
    if field.style:
        return [pair for key, item in value.items() for pair in nested_pairs(argument_name, key, item)]
    return nested_pairs(argument_name, wire, value)
