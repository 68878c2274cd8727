# SPDX-License-Identifier: Apache-2.0
"""A field of a secret with several fields: `PLACE#FIELD`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callwell.errors import KeyMissing
from callwell.keys.key import Key

if TYPE_CHECKING:
    from collections.abc import Mapping


def split_field(place: str) -> tuple[str, str]:
    """A place without its field, and the field; an empty one if none is named."""
    rest, _, field = place.partition("#")
    return rest, field


def pick_field(values: Mapping[str, Any], field: str, location: str) -> Key:
    """One field of a secret as a key; if none is named, the only one.

    Args:
        values: the fields.
        field: the name of one; empty for the only one.
        location: the place, for the message.

    Raises:
        KeyMissing: there is no such field, it is not a string, or a field must be named.
    """
    names = ", ".join(sorted(values)) or "none"
    if not field and len(values) != 1:
        raise KeyMissing(f"no key: {location} has several fields; name one after a #: {names}")
    name = field or next(iter(values))
    if name not in values:
        raise KeyMissing(f"no key: {location} has no field {name}; it has: {names}")
    if not isinstance(values[name], str) or not values[name].strip():
        raise KeyMissing(f"no key: the field {name} of {location} is empty, or not a string")
    return Key(values[name])
