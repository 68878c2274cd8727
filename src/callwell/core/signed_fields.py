# SPDX-License-Identifier: Apache-2.0
"""Fields that hold signed URLs: wherever a record is kept or shown, they are replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def replace_fields(item: Any, replacements: Mapping[str, Any]) -> Any:
    """An item as it may be kept: a copy where something changes.

    Args:
        item: as the provider gave it.
        replacements: by dotted path, what replaces a value there that is not empty.
    """
    for path, replacement in replacements.items():
        item = _replace_at(item, path.split("."), replacement)
    return item


def _replace_at(item: Any, path: Iterable[str], replacement: Any) -> Any:
    name, *below = path
    if not isinstance(item, dict) or not item.get(name):
        return item
    return item | {name: _replace_at(item[name], below, replacement) if below else replacement}
