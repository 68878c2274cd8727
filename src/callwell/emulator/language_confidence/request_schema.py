# SPDX-License-Identifier: Apache-2.0
"""What requests must look like: all that breaks the schema is told at once, and what nobody asked for is forbidden."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from callwell.emulator.language_confidence.replies import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Loc = tuple[str | int, ...]

ACCENTS: Final = ("us", "uk")
FORMATS: Final = ("wav", "mp3", "ogg", "m4a", "webm", "mp4", "aac")
TRUTHS: Final = ("true", "false", "1", "0")
_BYTE: Final = re.compile(r"byte (\d+)")


class Field(NamedTuple):
    """One field.

    Attributes:
        required: it must be there.
        choices: the texts that it may be; any text if empty.
        fields: the fields of an object; a text if there are none.
    """

    required: bool = False
    choices: tuple[str, ...] = ()
    fields: Mapping[str, Field] = {}


TEXT: Final = Field(required=True)
USER: Final = Field(
    fields={
        "speaker_gender": Field(required=True, choices=("male", "female")),
        "speaker_age": Field(required=True, choices=("child", "adolescent", "adult")),
        "speaker_english_level": Field(choices=("beginner", "intermediate", "advanced", "native")),
    }
)
CONTEXT: Final = Field(
    fields={"question": Field(), "context_description": Field(), "valid_answer_description": Field()}
)
AUDIO: Final = {"audio_base64": TEXT, "audio_format": Field(required=True, choices=FORMATS)}
SCRIPT: Final = {**AUDIO, "expected_text": TEXT, "user_metadata": USER}
FREE: Final = {**AUDIO, "user_metadata": USER, "context": CONTEXT}
WRITTEN: Final = {"text": TEXT, "context": CONTEXT}


def read(body: bytes, fields: Mapping[str, Field]) -> tuple[dict[str, Any], list[Problem]]:
    """The fields of a body, and all that is wrong with them."""
    if not body.strip():
        return {}, [Problem(("body",), "missing", "Field required")]
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        at = _BYTE.search(str(error))
        return {}, [Problem(("body", int(at[1]) if at else 0), "json_invalid", "This is no JSON.")]
    problems = list(_object(value, fields, ("body",)))
    return (value if isinstance(value, dict) else {}), problems


def about(arguments: Mapping[str, str], headers: Mapping[str, str], *, user_required: bool) -> Iterator[Problem]:
    """What is wrong with the path and the headers."""
    accent = arguments.get("accent")
    if accent is not None and accent not in ACCENTS:
        yield _choice(("path", "accent"), ACCENTS)
    if user_required and not headers.get("x-user-id"):
        yield Problem(("header", "x-user-id"), "missing", "Field required")
    if headers.get("lc-beta-features", "true").lower() not in TRUTHS:
        yield Problem(("header", "lc-beta-features"), "bool_parsing", "This is neither true nor false.")


def _object(value: Any, fields: Mapping[str, Field], loc: Loc) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(loc, "model_attributes_type", "This is no object.")
        return
    for name, field in fields.items():
        if name in value:
            yield from _field(value[name], field, (*loc, name))
        elif field.required:
            yield Problem((*loc, name), "missing", "Field required")
    for name in value:
        if name not in fields:
            yield Problem((*loc, name), "extra_forbidden", "Extra inputs are not permitted")


def _field(value: Any, field: Field, loc: Loc) -> Iterator[Problem]:
    if field.fields:
        yield from _object(value, field.fields, loc)
    elif field.choices:
        if value not in field.choices:
            yield _choice(loc, field.choices)
    elif not isinstance(value, str):
        yield Problem(loc, "string_type", "This is no text.")


def _choice(loc: Loc, choices: tuple[str, ...]) -> Problem:
    return Problem(loc, "enum", f"This is none of {', '.join(choices)}.")
