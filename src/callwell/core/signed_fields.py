# SPDX-License-Identifier: Apache-2.0
"""Fields that hold signed URLs: something else stands in their place wherever a record is kept or shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def replace_fields(item: Any, fields: Mapping[str, Any]) -> Any:
    """An item as it may be kept: a copy where something changes.

    Args:
        item: as the provider gave it.
        fields: by dotted place, what stands there instead of anything that is not empty.
    """
    for place, instead in fields.items():
        item = _replace_at(item, place.split("."), instead)
    return item


def _replace_at(item: Any, place: Iterable[str], instead: Any) -> Any:
    name, *below = place
    if not isinstance(item, dict) or not item.get(name):
        return item
    return item | {name: _replace_at(item[name], below, instead) if below else instead}
