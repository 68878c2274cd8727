# SPDX-License-Identifier: Apache-2.0
"""Complaints about places in answers that are not there, or hold something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.description import schemas
from callwell.description.error import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from callwell.description.error import KeyPath
    from callwell.description.model import Operation


def place(
    operation: Operation, where: str | None, kind: str, path: KeyPath, *, also: Collection[str] = ()
) -> Iterator[DescriptionError]:
    """What is wrong with a place in an operation's answer, as far as the schema tells.

    Args:
        operation: the operation.
        where: the place, dotted; None for one that the profile does not name.
        kind: the type of the value that it must hold.
        path: where the profile names it.
        also: other types in which its meaning is understood.
    """
    if where is None:
        return
    schema = schemas.at_path(operation.response_schema, where)
    kinds = schemas.type_names(schema) if schema is not None else []
    if schema is None or (kinds and not {kind, *also} & set(kinds)):
        yield DescriptionError(path, f"expected the place of a value of type {kind} in the answer", found=where)
