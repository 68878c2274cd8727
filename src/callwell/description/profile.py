# SPDX-License-Identifier: Apache-2.0
"""Reads a profile: TOML into the rule records of the core, with every key accounted for.

Each complaint is a `ProfileError` that names file, line and key, and says what was expected and what was found.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import re
import tomllib
import types
import typing
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from callwell.core.rules.profile import Profile
from callwell.description import checks, derived_operations, openapi
from callwell.description.error import DescriptionError
from callwell.description.locate import toml_line
from callwell.errors import ProfileError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from callwell.description.error import KeyPath
    from callwell.description.model import Api

NOUNS: Final = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    tuple[str, ...]: "a list of texts",
}
"""What a field takes, for complaints."""

_LINE: Final = re.compile(r"at line (\d+)")


def load(path: Path, api: Api | None = None) -> Profile:
    """The profile in a TOML file, checked against the operations that it speaks of.

    Args:
        path: the file.
        api: the provider's operations; read from the `openapi.json` beside the file unless given.

    Raises:
        ProfileError: the file cannot be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "other bytes"
        raise ProfileError(str(path), "document", f"expected a file of UTF-8 text, found {reason}") from error
    if api is None:
        api = openapi.read(path.with_name("openapi.json"))
    return parse(text, api, file=str(path))


def parse(text: str, api: Api, *, file: str = "profile.toml") -> Profile:
    """The profile in a TOML text.

    Args:
        text: the TOML.
        api: the operations that it speaks of.
        file: how complaints name it.

    Raises:
        ProfileError: the text cannot be used.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _LINE.search(str(error))
        line = int(at[1]) if at else max(1, len(text.splitlines()))
        raise ProfileError(file, "document", f"expected TOML, found an error: {error}", line=line) from error
    try:
        _check(document, Profile, ())
        profile = msgspec.convert(document, Profile, strict=True)
        checks.check(profile, derived_operations.add_derived_operations(api, profile))
    except DescriptionError as error:
        raise error.to_profile_error(file, text, toml_line) from None
    return profile


def _check(value: object, kind: Any, path: KeyPath) -> None:
    """Compare a value with what a field takes.

    Raises:
        DescriptionError: it is something else.
    """
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        [kind] = [one for one in typing.get_args(kind) if one is not type(None)]
        origin = typing.get_origin(kind)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        _check_record(_table(value, path), kind, path)
    elif origin is dict:
        for name, inner in _table(value, path).items():
            _check(inner, typing.get_args(kind)[1], (*path, name))
    else:
        try:
            msgspec.convert(value, kind, strict=True)
        except msgspec.ValidationError:
            nouns = f"one of {', '.join(typing.get_args(kind))}" if origin is Literal else NOUNS.get(kind, str(kind))
            raise DescriptionError(path, f"expected {nouns}", found=value) from None


def _check_record(table: Mapping[str, object], kind: type, path: KeyPath) -> None:
    fields = _fields(kind)
    for name, value in table.items():
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=3, cutoff=0.5)
            raise DescriptionError(
                (*path, name), f"expected {' or '.join(near or sorted(fields))}, found an unknown key"
            )
        _check(value, fields[name][0], (*path, name))
    for name, (_, required) in fields.items():
        if required and name not in table:
            raise DescriptionError((*path, name), "expected this key, found none")


@functools.cache
def _fields(kind: type) -> dict[str, tuple[Any, bool]]:
    """The fields of a record: what each takes, and whether it must be there."""
    hints = typing.get_type_hints(kind)
    missing = dataclasses.MISSING
    return {
        field.name: (hints[field.name], field.default is missing and field.default_factory is missing)
        for field in dataclasses.fields(kind)
    }


def _table(value: object, path: KeyPath) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DescriptionError(path, "expected a table", found=value)
    return value
