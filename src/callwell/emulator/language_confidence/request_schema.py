# SPDX-License-Identifier: Apache-2.0
"""The schema of requests: all violations are reported at once, and unknown fields are forbidden.

The service is built on pydantic: `loc`, `type` and `msg` of a violation are pydantic's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from callwell.emulator.language_confidence.replies import SchemaProblem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Loc = tuple[str | int, ...]

ACCENTS: Final = ("us", "uk")
FORMATS: Final = ("wav", "mp3", "ogg", "m4a", "webm", "mp4", "aac")
# What pydantic takes for a boolean in a header, of the forms that clients use.
BOOLEANS: Final = ("true", "false", "1", "0")
# Where msgspec says that the JSON is malformed.
_BYTE: Final = re.compile(r"byte (\d+)")


class SchemaField(NamedTuple):
    """One field.

    Attributes:
        required: it must be there.
        choices: the texts that are allowed; any text if empty.
        fields: the fields of an object; without any, the field is a text.
    """

    required: bool = False
    choices: tuple[str, ...] = ()
    fields: Mapping[str, SchemaField] = {}


TEXT: Final = SchemaField(required=True)
USER: Final = SchemaField(
    fields={
        "speaker_gender": SchemaField(required=True, choices=("male", "female")),
        "speaker_age": SchemaField(required=True, choices=("child", "adolescent", "adult")),
        "speaker_english_level": SchemaField(choices=("beginner", "intermediate", "advanced", "native")),
    }
)
CONTEXT: Final = SchemaField(
    fields={"question": SchemaField(), "context_description": SchemaField(), "valid_answer_description": SchemaField()}
)
AUDIO: Final = {"audio_base64": TEXT, "audio_format": SchemaField(required=True, choices=FORMATS)}
SCRIPTED: Final = {**AUDIO, "expected_text": TEXT, "user_metadata": USER}
UNSCRIPTED: Final = {**AUDIO, "user_metadata": USER, "context": CONTEXT}
WRITTEN: Final = {"text": TEXT, "context": CONTEXT}


def parse_body(body: bytes, fields: Mapping[str, SchemaField]) -> tuple[dict[str, Any], list[SchemaProblem]]:
    """Return the fields of a body, and all that is wrong with them."""
    if not body.strip():
        return {}, [SchemaProblem(("body",), "missing", "Field required")]
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        match = _BYTE.search(str(error))
        position = int(match[1]) if match else 0
        return {}, [SchemaProblem(("body", position), "json_invalid", "This is not JSON.")]
    problems = list(_check_object(value, fields, ("body",)))
    return (value if isinstance(value, dict) else {}), problems


def check_parameters(
    arguments: Mapping[str, str], headers: Mapping[str, str], *, user_required: bool
) -> Iterator[SchemaProblem]:
    """Yield all that is wrong with the path and the headers."""
    accent = arguments.get("accent")
    if accent is not None and accent not in ACCENTS:
        yield _choice_problem(("path", "accent"), ACCENTS)
    if user_required and not headers.get("x-user-id"):
        yield SchemaProblem(("header", "x-user-id"), "missing", "Field required")
    if headers.get("lc-beta-features", "true").lower() not in BOOLEANS:
        yield SchemaProblem(("header", "lc-beta-features"), "bool_parsing", "This is neither true nor false.")


def _check_object(value: Any, fields: Mapping[str, SchemaField], loc: Loc) -> Iterator[SchemaProblem]:
    if not isinstance(value, dict):
        yield SchemaProblem(loc, "model_attributes_type", "This is not an object.")
        return
    for name, field in fields.items():
        if name in value:
            yield from _check_field(value[name], field, (*loc, name))
        elif field.required:
            yield SchemaProblem((*loc, name), "missing", "Field required")
    for name in value:
        if name not in fields:
            yield SchemaProblem((*loc, name), "extra_forbidden", "Extra inputs are not permitted")


def _check_field(value: Any, field: SchemaField, loc: Loc) -> Iterator[SchemaProblem]:
    if field.fields:
        yield from _check_object(value, field.fields, loc)
    elif field.choices:
        if value not in field.choices:
            yield _choice_problem(loc, field.choices)
    elif not isinstance(value, str):
        yield SchemaProblem(loc, "string_type", "This is not a text.")


def _choice_problem(loc: Loc, choices: tuple[str, ...]) -> SchemaProblem:
    return SchemaProblem(loc, "enum", f"This is not one of {', '.join(choices)}.")
