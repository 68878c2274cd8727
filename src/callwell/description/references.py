# SPDX-License-Identifier: Apache-2.0
"""Resolves the references inside an OpenAPI document.

A reference is an object with `$ref`: a JSON Pointer (RFC 6901) into the same document. `documents.external` has merged
the other files into it.

There are two kinds of places, which are resolved differently:

* Parameters, bodies and responses are read once. `resolve` follows one chain of references and returns where it ends,
  so that an error names the actual place.
* Schemas are kept in the records and read again by validation and code generation, which do not have the document.
  `resolve_schema` returns a tree without references:

      {"$ref": "#/components/schemas/Thing"}      {"title": "Thing", "type": "object", "properties": {…}}

  A schema of `components/schemas` is resolved once and shared by everything that refers to it, so the tree takes as
  much memory as the document, not as the expanded tree. Its name becomes its `title`, and the value of
  `COMPONENT_NAME_KEY`: several schemas may have the same `title`, but those with the same component name are the same
  type, with one class in generated code. Annotations (`description`, `nullable`) may differ from place to place; a
  schema that adds more to its reference is a different type, without a component name.

A cycle (a Thing whose parent is a Thing) is cut where it closes: the inner schema only has these two keys. Validation
accepts any value there; code generation recognizes the component name and refers to the type.

`allOf` is merged into one object here, so no other module needs to handle it. If there are properties next to `oneOf`
or `anyOf`, each alternative gets them, and the outer schema gets the properties of all alternatives: so every object is
complete by itself.

Measured: the 969 schemas of GitHub's document resolve in 0.4 s, the 1,422 of OpenAI's in 0.2 s.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from callwell.description.documents.external import FILES
from callwell.description.error import DescriptionError, format_path, found_value
from callwell.description.schemas import required_names, type_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.description.error import KeyPath
    from callwell.description.schemas import Schema

COMPONENT_NAME_KEY: Final = "x-callwell-component"
"""The key of a resolved schema for its name in the document."""

ANNOTATIONS: Final = frozenset(
    {
        *("title", "description", "summary", "nullable", "default", "example", "examples", "deprecated"),
        *("readOnly", "writeOnly", "externalDocs", "xml", COMPONENT_NAME_KEY),
    }
)
"""Keywords that do not restrict the type of a value, like extensions (`x-`); for null see `is_nullable`."""

MAX_LEVELS: Final = 150
"""How deep schemas may be nested, references included: recursion ends at 240. No known document has 40."""

_SCHEMAS: Final = ("components", "schemas")
_KEYWORDS_IN_NAMES: Final = frozenset({"components", "schemas", "definitions", "$defs", "properties"})
_OWN_DEFINITIONS: Final = ("$defs", "definitions")
"""The keys of the definitions inside a JSON Schema."""

_INDEX: Final = re.compile("0|[1-9][0-9]{0,9}")
"""An index into a list (RFC 6901, section 4)."""

_BYTES: Final = re.compile(r"application/(?:octet-stream|pdf|zip)|image/|audio/|video/", re.IGNORECASE)
"""Media types that mean bytes, in a schema's `contentMediaType`."""

_SCHEMA_KEYWORDS: Final = frozenset({"items", "additionalProperties", "not"})
_SCHEMA_LIST_KEYWORDS: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
"""The JSON Schema keywords that contain schemas, besides `properties`. Other values are copied unchanged."""


class _DanglingReference(DescriptionError):
    """A reference into the document is dangling."""


class ReferenceResolver:
    """Resolves the references of one document.

    Args:
        document: the whole document.

    Attributes:
        dangling: the paths of schemas with dangling references. They accept any value.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._resolved: dict[KeyPath, Schema] = {}
        self._in_progress: set[KeyPath] = set()
        self._depth = 0
        self.dangling: dict[str, str] = {}

    def resolve(self, node: object, path: KeyPath) -> tuple[Mapping[str, Any], KeyPath]:
        """Follow references to an object, and return it with its path.

        Args:
            node: an object, or a reference to one.
            path: the path of the node.

        Raises:
            DescriptionError: the node is not an object, or its reference is dangling or circular.
        """
        seen: list[object] = []  # a reference that is not a string may be unhashable
        node = expect_object(node, path)
        while "$ref" in node:
            reference = node["$ref"]
            if reference in seen:
                raise DescriptionError(
                    (*path, "$ref"), f"expected a reference that ends, {found_value(reference)}, a circle"
                )
            seen.append(reference)
            node, path = self._find_target(reference, path)
        return node, path

    def media_types(self, owner: Mapping[str, Any], path: KeyPath) -> dict[str, tuple[Mapping[str, Any], KeyPath]]:
        """The Media Type Objects in the `content` of a parameter, a body or a response, each with its path.

        Since OpenAPI 3.2 they may be references. In some documents the whole content is a reference.

        Args:
            owner: the object that may have a `content`.
            path: the path of the owner.

        Raises:
            DescriptionError: one of them is not an object, or its reference is dangling or circular.
        """
        content, path = self.resolve(optional_object(owner, "content", (*path, "content")), (*path, "content"))
        return {name: self.resolve(optional_object(content, name, (*path, name)), (*path, name)) for name in content}

    def resolve_schema(self, node: object, path: KeyPath) -> Schema:
        """Resolve all references in a schema.

        Args:
            node: the schema, or a reference to one.
            path: the path of the node.

        Raises:
            DescriptionError: a part is not a schema, a reference is circular, or the schema is nested too deeply.
        """
        if self._depth >= MAX_LEVELS:
            raise DescriptionError((*path[:8], "…"), f"expected at most {MAX_LEVELS} levels of schemas, found more")
        self._depth += 1
        try:
            return self._resolve_level(node, path)
        finally:
            self._depth -= 1

    def _resolve_level(self, node: object, path: KeyPath) -> Schema:
        if isinstance(node, bool):  # OpenAPI 3.1: true and false are schemas, which do not restrict the type.
            return {}
        node = expect_object(node, path)
        if "$ref" in node:
            # OpenAPI 3.1 allows keywords beside a reference; they go before those of the target.
            beside = {key: value for key, value in node.items() if key != "$ref"}
            resolved = {**self._resolve_reference(node["$ref"], path), **beside}
            if not only_describes(beside):
                resolved.pop(COMPONENT_NAME_KEY, None)
            return resolved
        if "contentMediaType" in node and _BYTES.match(str(node["contentMediaType"])) and "contentEncoding" not in node:
            node = {"format": "binary", **node}  # the same in OpenAPI 3.1, and in FastAPI's documents
        if (
            isinstance(node.get("items"), list) and "type" not in node
        ):  # Slack's way to write `anyOf`, which Swagger 2.0 lacks
            node = {key: value for key, value in node.items() if key != "items"} | {"anyOf": node["items"]}
        resolved = {key: self._resolve_keyword(key, value, (*path, key)) for key, value in node.items()}
        if "prefixItems" in resolved and not resolved.get("items"):
            resolved["items"] = _any_of(resolved["prefixItems"])
        return _complete_alternatives(_merge_all_of(resolved))

    def _resolve_reference(self, reference: object, path: KeyPath) -> Schema:
        try:
            target, target_path = self._find_target(reference, path)
        except _DanglingReference:  # otherwise one mistake would cost all operations that share the schema
            self.dangling.setdefault(str(reference), format_path(path))
            return {"description": f"Any value: {reference} is not in the document."}
        title = {"title": target_path[-1]} if target_path[:2] == _SCHEMAS else {}
        if name := _component_name(target_path):
            title[COMPONENT_NAME_KEY] = name
        if target_path in self._in_progress:
            return dict(title)
        if target_path not in self._resolved:
            self._in_progress.add(target_path)
            try:
                self._resolved[target_path] = {**self.resolve_schema(target, target_path), **title}
            finally:  # after an error, so that the next reference to it is not taken for a cycle
                self._in_progress.discard(target_path)
        return self._resolved[target_path]

    def _resolve_keyword(self, keyword: str, value: object, path: KeyPath) -> object:
        if keyword in _SCHEMA_KEYWORDS and isinstance(value, dict):
            return self.resolve_schema(value, path)
        if keyword == "items":  # a list of schemas, as in old JSON Schema drafts: an item matches one of them
            parts = value if isinstance(value, list) else []
            schemas = [self.resolve_schema(schema, (*path, str(index))) for index, schema in enumerate(parts)]
            return _any_of(schemas) if schemas else {}
        if keyword in _SCHEMA_LIST_KEYWORDS:
            schemas = expect_list(value, path)
            return [self.resolve_schema(schema, (*path, str(index))) for index, schema in enumerate(schemas)]
        if keyword == "properties":
            properties: Mapping[str, Any] = expect_object(value, path)
            if isinstance(
                properties.get("$ref"), str
            ):  # properties of another file; a property named `properties` is an object
                properties, path = self.resolve(properties, path)
            return {name: self.resolve_schema(schema, (*path, name)) for name, schema in properties.items()}
        return value

    def _find_target(self, reference: object, path: KeyPath) -> tuple[Mapping[str, Any], KeyPath]:
        if not isinstance(reference, str) or not reference.startswith("#/"):
            raise DescriptionError(
                (*path, "$ref"), "expected a reference into this document, or to a file beside it", found=reference
            )
        # RFC 6901, section 4: ~1 is decoded before ~0, so that ~01 becomes ~1 and not a slash.
        keys = tuple(unquote(key).replace("~1", "/").replace("~0", "~") for key in reference[2:].split("/"))
        node = _follow(self._document, keys)
        if node is None and keys[0] in _OWN_DEFINITIONS:
            node, keys = self._find_enclosing_definition(keys, path)
        if node is None:
            raise _DanglingReference((*path, "$ref"), "expected a reference to something that exists", found=reference)
        return expect_object(node, keys), keys

    def _find_enclosing_definition(self, keys: KeyPath, path: KeyPath) -> tuple[object, KeyPath]:
        """Resolve a reference to a definition inside the schema, as in output of JSON Schema generators."""
        for length in range(len(path), 0, -1):
            node = _follow(self._document, (*path[:length], *keys))
            if node is not None:
                return node, (*path[:length], *keys)
        return None, keys


def only_describes(schema: Mapping[str, Any]) -> bool:
    """Whether a schema does not restrict the type of a value."""
    return all(key in ANNOTATIONS or key.startswith("x-") for key in schema)


def _follow(node: Any, keys: KeyPath) -> Any:
    """The value at a path of keys; None if there is none."""
    for key in keys:
        if isinstance(node, dict) and key in node:
            node = node[key]
        elif isinstance(node, list) and _INDEX.fullmatch(key) and int(key) < len(node):
            node = node[int(key)]
        else:
            return None
    return node


def _any_of(schemas: list[Schema]) -> Schema:
    """Combine schemas into one that accepts what any of them accepts; a single schema is returned unchanged."""
    unique: list[Schema] = []
    for schema in schemas:
        if schema not in unique:
            unique.append(schema)
    return unique[0] if len(unique) == 1 else {"anyOf": unique}


def _component_name(path: KeyPath) -> str:
    """The name of a referenced schema, with the names on the path to it; empty if it has none."""
    if path[:2] == _SCHEMAS:
        keys = path[2:]
    elif path[:1] == (FILES,):
        keys = (path[1].rpartition("/")[2].partition(".")[0], *path[2:])
    else:
        return ""
    return " ".join(key for key in keys if key not in _KEYWORDS_IN_NAMES)


def expect_object(node: object, path: KeyPath) -> dict[str, Any]:
    """Return a node that must be an object.

    Raises:
        DescriptionError: it is something else.
    """
    if not isinstance(node, dict):
        raise DescriptionError(path, "expected an object", found=node)
    return node


def optional_object(owner: Mapping[str, Any], key: str, path: KeyPath) -> dict[str, Any]:
    """The object under a key; an empty one if the key is missing, or has no value, as in YAML.

    Args:
        owner: the object that may have the key.
        key: the key.
        path: the path of the value.

    Raises:
        DescriptionError: it is something else.
    """
    node = owner.get(key)
    return {} if node is None else expect_object(node, path)


def expect_list(node: object, path: KeyPath) -> list[Any]:
    """Return a node that must be a list.

    Raises:
        DescriptionError: it is something else.
    """
    if not isinstance(node, list):
        raise DescriptionError(path, "expected a list", found=node)
    return node


def _merge_all_of(schema: Schema) -> Schema:
    """Merge `allOf` and its siblings into one schema.

    Later parts override earlier ones, and siblings of `allOf` override all parts; properties are combined. A single
    part keeps its name, because `allOf` with one part is how OpenAPI 3.0 adds a description to a reference. Several
    parts make a type with the name of none of them.
    """
    parts = schema.pop("allOf", None)
    if not parts:
        return schema
    merged: Schema = {}
    for part in [*parts, schema]:
        properties = {**merged.get("properties", {}), **part.get("properties", {})}
        required = [*required_names(merged), *required_names(part)]
        merged = {**merged, **part}
        if properties:
            merged["properties"] = properties
            merged["required"] = required
    if sum(not only_describes(part) or COMPONENT_NAME_KEY in part for part in [*parts, schema]) > 1:
        merged.pop("title", None)
        merged.pop(COMPONENT_NAME_KEY, None)
    if "title" in schema:
        merged["title"] = schema["title"]
    return merged


def _complete_alternatives(schema: Schema) -> Schema:
    """Copy properties next to `oneOf` or `anyOf` into each alternative, and those of all alternatives next to them.

    The outer schema also gets properties that only one alternative describes. Alternatives without properties are left
    unchanged, because they only restrict their siblings.
    """
    own = schema.get("properties")
    keyword = next((keyword for keyword in ("oneOf", "anyOf") if schema.get(keyword)), "")
    if not own or not keyword or not any("properties" in part for part in schema[keyword]):
        return schema
    base = {key: schema[key] for key in ("type", "properties", "required", "additionalProperties") if key in schema}
    parts = [_merge_all_of({"allOf": [base, part]}) if _may_be_object(part) else part for part in schema[keyword]]
    others: dict[str, list[Schema]] = {}
    for part in parts:
        for name, field in part.get("properties", {}).items():
            if name not in own:
                others.setdefault(name, []).append(field)
    properties = {**own, **{name: _any_of(fields) for name, fields in others.items()}}
    return {**schema, keyword: parts, "properties": properties}


def _may_be_object(schema: Schema) -> bool:
    """Whether a schema describes an object, or only restricts one. The cut end of a cycle may be either."""
    is_cut = COMPONENT_NAME_KEY in schema and only_describes(schema)
    return set(type_names(schema)) <= {"object"} and schema.get("type") != "null" and not is_cut
