# SPDX-License-Identifier: Apache-2.0
"""Encodes operations without repeating the schemas that they share, and decodes them lazily.

In memory, a schema that many places refer to is one object. Plain msgpack would write it out in each place, with
everything in it. So an object in more than one place is encoded once, in a table, and a reference to it is an extension
(`REFERENCE`) with its index. There are no cycles: `references` has cut them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

REFERENCE: Final = 1
"""The code of the extension type for references."""

LONG_INTEGER: Final = 2
"""The code of the extension type for integers beyond 64 bits, which some documents have as bounds."""

INTEGERS: Final = range(-(2**63), 2**64)
"""The integers that msgpack can encode."""

INDEX_BYTES: Final = 4
"""The length of an index in bytes: a document has far fewer than 2^32 schemas."""

_SCHEMA_KEYWORDS: Final = ("items", "additionalProperties")
"""Keywords with a schema as their value."""

_SCHEMA_LIST_KEYWORDS: Final = ("anyOf", "oneOf")
"""Keywords with a list of schemas as their value."""

_NUMBER_KEYWORDS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "default", "example")
"""Keywords with values that may be integers beyond 64 bits."""

_SCALAR_TYPES: Final = (str, int, float, type(None))
_REENCODED_KEYWORDS: Final = (*_SCHEMA_KEYWORDS, *_SCHEMA_LIST_KEYWORDS, *_NUMBER_KEYWORDS)


class SchemaEncoder:
    """Encodes records.

    Args:
        records: all records to encode. They must not change in the meantime.
    """

    def __init__(self, records: Iterable[msgspec.Struct]) -> None:
        self._encoder = msgspec.msgpack.Encoder()
        self._table: dict[int, int] = {}  # address in memory of a shared schema → its index
        self._shared: list[Mapping[str, Any]] = []
        seen: set[int] = set()
        for schema in iter_schemas(records):
            if id(schema) not in seen:
                seen.add(id(schema))
            elif id(schema) not in self._table:
                self._table[id(schema)] = len(self._shared)
                self._shared.append(schema)

    def encode(self, record: msgspec.Struct) -> msgspec.Raw:
        """Encode a record, with references to shared schemas."""
        return msgspec.Raw(self._encoder.encode(self._to_encodable(record)))

    def encode_shared(self) -> list[msgspec.Raw]:
        """Encode the shared schemas, in the order of their indexes."""
        return [msgspec.Raw(self._encoder.encode(self._with_references(schema))) for schema in self._shared]

    def _to_encodable(self, node: Any) -> Any:
        """Convert a value for the encoder: shared schemas become references, long integers become extensions."""
        if isinstance(node, msgspec.Struct):
            return {name: self._to_encodable(getattr(node, name)) for name in node.__struct_fields__}
        if isinstance(node, list | tuple):
            return [self._to_encodable(item) for item in node]
        if isinstance(node, int) and node not in INTEGERS:
            return msgspec.msgpack.Ext(LONG_INTEGER, str(node).encode())
        if not isinstance(node, Mapping):
            return node
        index = self._table.get(id(node))
        if index is not None:
            return msgspec.msgpack.Ext(REFERENCE, index.to_bytes(INDEX_BYTES, "big"))
        return self._with_references(node)

    def _with_references(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Convert the content of a schema, with references to shared schemas."""
        changed = {key: self._to_encodable(schema[key]) for key in _REENCODED_KEYWORDS if key in schema}
        properties = schema.get("properties")
        if isinstance(properties, Mapping):
            changed["properties"] = {
                name: self._to_encodable(property_schema) for name, property_schema in properties.items()
            }
        return {**schema, **changed}


def decode_shared(schemas: list[msgspec.Raw]) -> Callable[[msgspec.Raw], Any]:
    """Make a decoder for the output of `SchemaEncoder`. Each shared schema is decoded once, on first use.

    Args:
        schemas: the shared schemas.
    """
    decoded: dict[int, Any] = {}

    def follow(code: int, data: memoryview) -> Any:
        if code == LONG_INTEGER:
            return int(bytes(data))
        if code != REFERENCE:
            raise msgspec.ValidationError(f"unknown extension {code}")
        index = int.from_bytes(data, "big")
        if index not in decoded:
            decoded[index] = decoder.decode(schemas[index])
        return decoded[index]

    decoder = msgspec.msgpack.Decoder(ext_hook=follow)
    return decoder.decode


def iter_schemas(records: Iterable[msgspec.Struct]) -> Iterator[Mapping[str, Any]]:
    """Yield the schema at every place in records: a shared one is yielded for each place, its content only once.

    Args:
        records: operations, or anything with schemas in its fields.
    """
    seen: set[int] = set()
    pending: list[object] = [*records]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):  # not Mapping: that check takes ten times longer
            if node:
                yield node
            if id(node) not in seen:
                seen.add(id(node))
                pending.extend(_subschemas(node))
        elif isinstance(node, msgspec.Struct):
            pending.extend(value for value in msgspec.structs.astuple(node) if not isinstance(value, _SCALAR_TYPES))
        elif isinstance(node, list | tuple):
            pending.extend(node)


def _subschemas(schema: Mapping[str, Any]) -> list[object]:
    """The values of a schema that may contain schemas. Names of properties are not keywords."""
    parts = [schema[key] for key in (*_SCHEMA_KEYWORDS, *_SCHEMA_LIST_KEYWORDS) if key in schema]
    properties = schema.get("properties")
    return [*parts, *properties.values()] if isinstance(properties, Mapping) else parts
