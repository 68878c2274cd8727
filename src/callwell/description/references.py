# SPDX-License-Identifier: Apache-2.0
"""References inside an OpenAPI document, followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from callwell.description.error import DescriptionError, found_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.description.error import KeyPath
    from callwell.description.schemas import Schema

_SCHEMAS: Final = ("components", "schemas")
_ONE: Final = frozenset({"items", "additionalProperties", "not"})
_MANY: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})


class Refs:
    """Follows the references of one document.

    Args:
        document: the whole document.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._done: dict[KeyPath, Schema] = {}
        self._open: set[KeyPath] = set()

    def follow(self, node: object, path: KeyPath) -> tuple[Mapping[str, Any], KeyPath]:
        """An object and where it stands, after its own references.

        Args:
            node: an object, or a reference to one.
            path: where it stands.

        Raises:
            DescriptionError: it is no object, or the reference leads nowhere or in a circle.
        """
        passed = set()
        node = mapping(node, path)
        while "$ref" in node:
            reference = node["$ref"]
            if reference in passed:
                raise DescriptionError(
                    (*path, "$ref"), f"expected a reference that ends, {found_value(reference)}, a circle"
                )
            passed.add(reference)
            node, path = self._target(reference, path)
        return node, path

    def schema(self, node: object, path: KeyPath) -> Schema:
        """A schema with all its references replaced; a shared one gets its name as `title`, a circle is cut.

        Args:
            node: the schema.
            path: where it stands.

        Raises:
            DescriptionError: a part is no schema, or a reference leads nowhere.
        """
        if isinstance(node, bool):
            return {}
        node = mapping(node, path)
        if "$ref" in node:
            return {**self._shared(node["$ref"], path), **{key: node[key] for key in node if key != "$ref"}}
        return _merged({key: self._part(key, value, (*path, key)) for key, value in node.items()})

    def _shared(self, reference: object, path: KeyPath) -> Schema:
        target, place = self._target(reference, path)
        title = {"title": place[-1]} if place[:2] == _SCHEMAS else {}
        if place in self._open:
            return {**title}
        if place not in self._done:
            self._open.add(place)
            self._done[place] = {**self.schema(target, place), **title}
            self._open.discard(place)
        return self._done[place]

    def _part(self, key: str, value: object, path: KeyPath) -> object:
        if key in _ONE and isinstance(value, dict):
            return self.schema(value, path)
        if key in _MANY:
            return [self.schema(one, (*path, str(index))) for index, one in enumerate(sequence(value, path))]
        if key == "properties":
            return {name: self.schema(one, (*path, name)) for name, one in mapping(value, path).items()}
        return value

    def _target(self, reference: object, path: KeyPath) -> tuple[Mapping[str, Any], KeyPath]:
        path = (*path, "$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            raise DescriptionError(
                path, "expected a reference into this document, such as #/components/…", found=reference
            )
        keys = tuple(unquote(key).replace("~1", "/").replace("~0", "~") for key in reference[2:].split("/"))
        node: Any = self._document
        for key in keys:
            if not isinstance(node, dict) or key not in node:
                raise DescriptionError(path, "expected a reference to something that is there", found=reference)
            node = node[key]
        return mapping(node, keys), keys


def mapping(node: object, path: KeyPath) -> dict[str, Any]:
    """A node that must be an object.

    Raises:
        DescriptionError: it is none.
    """
    if not isinstance(node, dict):
        raise DescriptionError(path, "expected an object", found=node)
    return node


def sequence(node: object, path: KeyPath) -> list[Any]:
    """A node that must be a list.

    Raises:
        DescriptionError: it is none.
    """
    if not isinstance(node, list):
        raise DescriptionError(path, "expected a list", found=node)
    return node


def _merged(schema: Schema) -> Schema:
    """A schema whose `allOf` is one object, if it has one."""
    parts = schema.pop("allOf", None)
    if not parts:
        return schema
    merged: Schema = {}
    for part in [*parts, schema]:
        properties = {**merged.get("properties", {}), **part.get("properties", {})}
        required = [*merged.get("required", ()), *part.get("required", ())]
        merged = {**merged, **part}
        if properties:
            merged.update(properties=properties, required=required)
    if len(parts) > 1:
        merged.pop("title", None)
    return {**merged, **({"title": schema["title"]} if "title" in schema else {})}
