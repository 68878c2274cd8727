# SPDX-License-Identifier: Apache-2.0
"""Complaints about arguments that an operation does not take, or that are of another kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callwell.description import schemas
from callwell.description.error import DescriptionError, found_value
from callwell.description.nearness import near

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callwell.description.error import KeyPath
    from callwell.description.model import Operation


def taken(operation: Operation) -> dict[str, Mapping[str, Any]]:
    """The arguments of an operation, and the schema of each."""
    return {one.name: one.schema for one in operation.parameters}


def argument(operation: Operation, name: str, path: KeyPath, kind: str) -> Iterator[DescriptionError]:
    """What is wrong with an argument that an operation must take, as far as the schema tells.

    Args:
        operation: the operation.
        name: of the argument.
        path: where the profile names it.
        kind: the type of its value.
    """
    there = taken(operation)
    kinds = schemas.type_names(there.get(name, {}))
    if name not in there or (kinds and kind not in kinds):
        yield DescriptionError(path, f"expected an argument of type {kind}: {near(name, there)}; {found_value(name)}")
