# SPDX-License-Identifier: Apache-2.0
"""Finds schemas that are the same type, and the named schemas that a client needs.

Two schemas are the same type if they would generate the same class: descriptions, examples and formats make no
difference. Comparing them field by field would be exponential, because schemas share parts: written out they are
trees of millions of nodes. So each schema gets a number, its shape, computed from the shapes of its parts: equal shapes
have equal numbers, and each schema is visited once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from callwell.description import schemas
from callwell.description.references import COMPONENT_NAME_KEY, only_describes
from callwell.description.shared_schemas import iter_schemas

if TYPE_CHECKING:
    from collections.abc import Iterable

    from msgspec import Struct

_SCHEMA_KEYWORDS: Final = ("items", "additionalProperties")
_SCHEMA_LIST_KEYWORDS: Final = ("anyOf", "oneOf")


class Shapes:
    """Numbers the shapes of schemas. A schema is identified by its address in memory."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[object, int]] = {}  # keeps the schema, so that its address is not reused
        self._numbers: dict[tuple[object, ...], int] = {}

    def number(self, schema: object) -> int:
        """The number of a schema's shape."""
        found = self._known.get(id(schema))
        if found is None:
            shape = self._shape_of(schema) if isinstance(schema, Mapping) else ("no schema",)
            found = (schema, self._numbers.setdefault(shape, len(self._numbers)))
            self._known[id(schema)] = found
        return found[1]

    def _shape_of(self, schema: Mapping[str, Any]) -> tuple[object, ...]:
        if COMPONENT_NAME_KEY in schema:
            return (COMPONENT_NAME_KEY, schema[COMPONENT_NAME_KEY], schemas.is_nullable(schema))
        properties = schema.get("properties")
        return (
            str(schema.get("title", "")),
            str(schema.get("type")),
            schemas.is_nullable(schema),
            schema.get("format") == "binary",
            repr(schema["enum"]) if "enum" in schema else repr(schema.get("const")),
            None if properties is None else tuple((name, self.number(field)) for name, field in properties.items()),
            frozenset(schemas.required_names(schema)),
            *(self.number(schema[key]) if key in schema else None for key in _SCHEMA_KEYWORDS),
            *(tuple(self.number(part) for part in schema.get(key) or ()) for key in _SCHEMA_LIST_KEYWORDS),
        )


def find_components(operations: Iterable[Struct]) -> dict[str, Mapping[str, Any]]:
    """The named schemas of the document: name → schema.

    Of a schema's occurrences, it prefers one that is not cut off at a cycle.

    Args:
        operations: the operations, with all their schemas.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for schema in iter_schemas(operations):
        component = schema.get(COMPONENT_NAME_KEY)
        if component is not None and (component not in found or not only_describes(schema)):
            found[component] = schema
    return found
