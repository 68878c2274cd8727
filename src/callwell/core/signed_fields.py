# SPDX-License-Identifier: Apache-2.0
"""Replaces fields with signed URLs in records that are stored or shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def replace_fields(item: Any, replacements: Mapping[str, Any]) -> Any:
    """An item that may be stored: a copy if something changes.

    Args:
        item: as the provider gave it.
        replacements: dotted path → the replacement of a non-empty value there.
    """
    for path, replacement in replacements.items():
        item = _replace_at(item, path.split("."), replacement)
    return item


def _replace_at(item: Any, path: Iterable[str], replacement: Any) -> Any:
    name, *below = path
    if not isinstance(item, dict) or not item.get(name):
        return item
    return item | {name: _replace_at(item[name], below, replacement) if below else replacement}
