# SPDX-License-Identifier: Apache-2.0
"""Reads a profile: TOML becomes the rule records of `core/rules`.

The records are the schema: a table is a record, a key is a field, and the type of a field says which values it takes.
So a new key only needs a new field. There are three steps, each with its own errors:

1. `tomllib` parses the text.
2. `_check_type` compares the document with the types of the fields. Unlike msgspec, it reports the path of an error,
   and for an unknown key the keys that were probably meant.
3. msgspec makes the records, and `checks` compares them with each other and with the OpenAPI document.

Every error is a `ProfileError` with file, line and key. There is one exception: if the document does not have an
operation, for instance because it is newer, the part about it is ignored, and the reason is kept.
"""

from __future__ import annotations

import difflib
import functools
import re
import tomllib
import types
import typing
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import msgspec

from callwell.core.rules.profile import Profile, RetryRule, TokenRule, UploadRule
from callwell.description import checks, derived_operations, openapi
from callwell.description.documents.reading import find_document
from callwell.description.error import DescriptionError, UnknownOperation
from callwell.description.locate import toml_line
from callwell.errors import ProfileError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from callwell.description.error import KeyPath
    from callwell.description.model import Api

TYPE_NAMES: Final = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    tuple[str, ...]: "a list of strings",
}
"""How errors name the types of fields."""

_ERROR_LINE: Final = re.compile(r"at line (\d+)")

OLD_KEYS: Final[Mapping[type[msgspec.Struct], Mapping[str, str]]] = {
    RetryRule: {"tells": "announce_retries"},
    TokenRule: {"dead": "dead_codes", "refused": "refused_codes"},
    UploadRule: {
        "form": "range_format",
        "unknown": "unknown_total",
        "there": "received_codes",
        "whole": "complete_codes",
    },
}
"""Renamed keys: record → old name → new name. Existing profiles keep working."""


class LoadedProfile(NamedTuple):
    """A profile that was read from a file.

    Attributes:
        profile: the profile.
        ignored: for each part about an operation that the document does not have, its place and what was expected.
    """

    profile: Profile
    ignored: tuple[str, ...]


def load(path: Path, api: Api | None = None) -> LoadedProfile:
    """Load a profile from a TOML file, and check it against the operations of the document.

    Args:
        path: the file.
        api: the operations of the provider; None to read the document next to the file.

    Raises:
        ProfileError: the file cannot be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "other bytes"
        raise ProfileError(str(path), "document", f"expected a file of UTF-8 text, found {reason}") from error
    if api is None:
        api = openapi.read(find_document(path.parent))
    ignored: list[str] = []
    return LoadedProfile(_parse(text, api, str(path), ignored), tuple(ignored))


def parse(text: str, api: Api, *, file: str = "profile.toml") -> Profile:
    """Parse a profile. A rule for an operation that the document does not have is an error.

    Args:
        text: the TOML.
        api: the operations of the document.
        file: the name of the text in errors.

    Raises:
        ProfileError: the text cannot be used.
    """
    return _parse(text, api, file, None)


def _parse(text: str, api: Api, file: str, ignored: list[str] | None) -> Profile:
    """Parse a profile.

    Args:
        text: the TOML.
        api: the operations of the document.
        file: the name of the text in errors.
        ignored: collects an error message for each ignored part; None if no part may be ignored.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # An error at the end of the text has no line in Python's message.
        position = _ERROR_LINE.search(str(error))
        line = int(position[1]) if position else max(1, len(text.splitlines()))
        raise ProfileError(file, "document", f"expected TOML, found an error: {error}", line=line) from error
    while True:
        try:
            _check_type(document, Profile, ())
            profile = msgspec.convert(document, Profile, strict=True)
            checks.check(profile, derived_operations.apply_profile(api, profile))
        except DescriptionError as error:
            reported = error.to_profile_error(file, text, toml_line)
            # Once a part is ignored, references to it are errors as well.
            if ignored is None or not (ignored or isinstance(error, UnknownOperation)) or not _drop(document, error):
                raise reported from None
            ignored.append(f"{reported}; this part is ignored")
        else:
            return profile


def _drop(document: dict[str, Any], error: DescriptionError) -> bool:
    """Remove the part of a profile that an error is about, if the rest works without it. Returns whether it did."""
    match error.path:
        case ("operations", operation):
            del document["operations"][operation]
        case ("operations", operation, "like", *_):
            del document["operations"][operation]
        case ("operations", operation, part, *_):
            del document["operations"][operation][part]
        case ("names", name):
            del document["names"][name]
        case ("key", "canary"):
            del document["key"]["canary"]
        case ("export", *_):
            del document["export"]
        case ("environments", environment, "operations") if isinstance(error, UnknownOperation):
            document["environments"][environment]["operations"].remove(error.name)
        case _:
            return False
    return True


def _check_type(value: object, kind: Any, path: KeyPath) -> None:
    """Compare a value with the type of a field.

    Args:
        value: the value in the TOML.
        kind: the annotation of the field.
        path: the path of the value.

    Raises:
        DescriptionError: the value is of another type.
    """
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):  # `X | None`: TOML has no null, so what is there is an X
        [kind] = [member for member in typing.get_args(kind) if member is not type(None)]
        origin = typing.get_origin(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        _check_record(_expect_table(value, path), kind, path)
        return
    if origin is dict:
        item_kind = typing.get_args(kind)[1]
        for name, item in _expect_table(value, path).items():
            _check_type(item, item_kind, (*path, name))
        return
    try:
        msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError:
        if origin is Literal:
            expected = f"one of {', '.join(typing.get_args(kind))}"
        else:
            expected = TYPE_NAMES.get(kind, str(kind))
        raise DescriptionError(path, f"expected {expected}", found=value) from None


def _check_record(table: dict[str, Any], kind: type[msgspec.Struct], path: KeyPath) -> None:
    """Compare a table with the fields of a record. Old keys are renamed in place first.

    If both names are there, the old one is not renamed, and is refused as an unknown key.
    """
    fields = _fields(kind)
    for old, new in OLD_KEYS.get(kind, {}).items():
        if old in table and new not in table:
            table[new] = table.pop(old)
    for name, value in table.items():
        if name not in fields:
            # Python's own cutoff of 0.6 misses short names with one wrong letter.
            close = difflib.get_close_matches(name, fields, n=3, cutoff=0.5)
            meant = " or ".join(close or sorted(fields))
            raise DescriptionError((*path, name), f"expected {meant}, found an unknown key")
        field_kind, _ = fields[name]
        _check_type(value, field_kind, (*path, name))
    for name, (_, required) in fields.items():
        if required and name not in table:
            raise DescriptionError((*path, name), "expected this key, found none")


@functools.cache
def _fields(kind: type[msgspec.Struct]) -> dict[str, tuple[Any, bool]]:
    """The fields of a record: the type of each, and whether it is required."""
    return {field.name: (field.type, field.required) for field in msgspec.structs.fields(kind)}


def _expect_table(value: object, path: KeyPath) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DescriptionError(path, "expected a table", found=value)
    return value
