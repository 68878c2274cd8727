# SPDX-License-Identifier: Apache-2.0
"""Checks of names in a profile against the schemas of an operation: arguments, and paths into the response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callwell.description import schemas
from callwell.description.error import DescriptionError, closest_names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from callwell.description.error import KeyPath
    from callwell.description.model import Operation


def argument_schemas(operation: Operation) -> dict[str, Mapping[str, Any]]:
    """The schema of each argument of an operation, by its name in Python."""
    return {parameter.name: parameter.schema for parameter in operation.parameters}


def check_argument(operation: Operation, name: str, path: KeyPath, kind: str) -> Iterator[DescriptionError]:
    """What is wrong with an argument that an operation must take.

    A schema that names no type is taken as right: many documents leave types out.

    Args:
        operation: the operation.
        name: the name of the argument.
        path: where the profile names it.
        kind: the JSON type of its value.
    """
    known = argument_schemas(operation)
    kinds = schemas.type_names(known.get(name, {}))
    if name not in known or (kinds and kind not in kinds):
        meant = closest_names(name, known)
        yield DescriptionError(path, f"expected an argument of type {kind} ({meant})", found=name)


def check_response_path(
    operation: Operation, response_path: str | None, kind: str, path: KeyPath, *, also: Collection[str] = ()
) -> Iterator[DescriptionError]:
    """What is wrong with a path into the response of an operation.

    Args:
        operation: the operation.
        response_path: the path, dotted; None if the profile does not give it.
        kind: the JSON type of the value there.
        path: where the profile gives it.
        also: other types that are understood as well.
    """
    if response_path is None:
        return
    schema = schemas.at_path(operation.response_schema, response_path)
    kinds = schemas.type_names(schema) if schema is not None else []
    if schema is None or (kinds and not {kind, *also} & set(kinds)):
        yield DescriptionError(
            path, f"expected the path of a value of type {kind} in the response", found=response_path
        )
