# SPDX-License-Identifier: Apache-2.0
"""Splits an object in a query into one argument per property, as they are sent.

    pageable: {page, size, sort}, style form, exploded  ──>  page, size, sort        GET /pets?page=0&size=20

Spring describes paging this way. After the split, calls look as usual, and paging can be inferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from callwell.description.names import to_snake_case
from callwell.description.plain_text import summarize
from callwell.description.schemas import required_names, stated_value, type_names, value_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.description.model import Parameter


def spread(parameter: Parameter) -> list[Parameter]:
    """Split a parameter into parameters with wire names of their own.

    An object is not split if its own name is sent (another style), if it may have other properties, or if a property is
    an object, since its name would need brackets.

    Args:
        parameter: a parameter of an operation.
    """
    schema = parameter.schema
    is_exploded = parameter.style in ("", "form") and parameter.explode is not False and not parameter.content
    if parameter.location != "query" or not is_exploded or type_names(schema) != ["object"]:
        return [parameter]
    properties = schema.get("properties") or {}
    if not properties or schema.get("additionalProperties") or not all(map(_is_flat, properties.values())):
        return [parameter]
    needed = required_names(schema) if parameter.required else []
    found: list[Parameter] = []
    for name, field in properties.items():
        default = stated_value(field, field.get("default")) if name in needed else None
        found.append(
            replace(
                parameter,
                name=to_snake_case(name),
                wire_name=name,
                required=name in needed and default is None,
                schema=field,
                summary=summarize(field.get("description")),
                default=default,
            )
        )
    return found


def _is_flat(schema: Mapping[str, Any]) -> bool:
    """Whether a property is neither an object nor a list of objects."""
    kinds = value_types(schema)
    items = schema.get("items") or {}
    return bool(kinds) and "object" not in kinds | value_types(items)
