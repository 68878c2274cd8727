# SPDX-License-Identifier: Apache-2.0
"""Checks names in a profile against the schemas of an operation: arguments, and paths into the response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callwell.description import schemas
from callwell.description.error import DescriptionError, closest_names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from callwell.description.error import KeyPath
    from callwell.description.model import Operation


def argument_schemas(operation: Operation) -> dict[str, Mapping[str, Any]]:
    """The schema of each argument of an operation, by its Python name."""
    return {parameter.name: parameter.schema for parameter in operation.parameters}


def check_argument(operation: Operation, name: str, path: KeyPath, kind: str) -> Iterator[DescriptionError]:
    """Check that an operation takes an argument.

    A schema without a type is accepted, because many documents leave types out.

    Args:
        operation: the operation.
        name: the name of the argument.
        path: the path of the name in the profile.
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
    """Check a path into the response of an operation.

    Args:
        operation: the operation.
        response_path: the dotted path; None if it is not in the profile.
        kind: the JSON type of the value there.
        path: the path of its key in the profile.
        also: other JSON types that are accepted.
    """
    if response_path is None:
        return
    schema = schemas.at_path(operation.response_schema, response_path)
    kinds = schemas.type_names(schema) if schema is not None else []
    if schema is None or (kinds and not {kind, *also} & set(kinds)):
        yield DescriptionError(
            path, f"expected the path of a value of type {kind} in the response", found=response_path
        )
