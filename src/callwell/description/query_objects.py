# SPDX-License-Identifier: Apache-2.0
"""Makes an object in a query the arguments that its properties are on the wire.

    pageable: {page, size, sort}, style form, exploded  ──>  page, size, sort        GET /pets?page=0&size=20

Spring describes the pages of a list so. A call reads as if each was described by itself, and paging can be inferred.
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
    """The parameters that one parameter is, each with a name of its own on the wire.

    An object stays one if its own name is sent (another style), if it may have other properties, or if one of them is
    an object, for which only brackets would say what belongs together.

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
    """Whether a property holds no object, also not in a list."""
    kinds = value_types(schema)
    items = schema.get("items") or {}
    return bool(kinds) and "object" not in kinds | value_types(items)
