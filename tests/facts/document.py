# SPDX-License-Identifier: Apache-2.0
"""The content of an OpenAPI document in sentences of our own: a provider's facts without its prose.

`apivideo_document.json` holds those of api.video's own document.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

METHODS: Final = ("get", "put", "post", "delete", "patch")
SAID: Final = ("default", "minimum", "maximum", "minLength", "maxLength", "maxItems", "pattern")
FILE: Final = Path(__file__).with_name("apivideo_document.json")


_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where PyYAML has it: a tenth of the time


class Words(_SafeLoader):  # type: ignore[misc] # one of two classes
    """A YAML loader with only `true` and `false` as booleans: YAML 1.1 takes the language `no` for one."""


Words.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag.rpartition(":")[2] not in {"bool", "timestamp"}]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Words.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))


@cache  # reading it takes seconds
def load(text: str) -> dict[str, Any]:
    """The document as text."""
    document: dict[str, Any] = yaml.load(text, Words)  # noqa: S506 - a safe loader
    return document


def facts(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document's operations, its sentences, and the headers of each response."""
    read = Document(document)
    return {
        "operations": sorted(read.operations()),
        "sentences": sorted(read.sentences()),
        "headers": {
            f"{method.upper()} {path}": [
                sorted(name.lower() for name in answer.get("headers", {}))
                for answer in document["paths"][path][method]["responses"].values()
            ]
            for path in document["paths"]
            for method in METHODS
            if method in document["paths"][path]
        },
    }


class Document:
    """Turns a document into sentences."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def operations(self) -> set[str]:
        """Methods and paths."""
        paths = self._document["paths"].items()
        return {f"{method.upper()} {path}" for path, item in paths for method in METHODS if method in item}

    def sentences(self) -> set[str]:
        """Return all sentences about operations."""
        return {
            f"{method.upper()} {path} {sentence}"
            for path, item in self._document["paths"].items()
            for method in METHODS
            if method in item
            for sentence in self._operation(item[method])
        }

    def _operation(self, node: dict[str, Any]) -> Iterator[str]:
        for element in node.get("parameters", ()):
            parameter = self._follow(element)
            place = f"{parameter['in']} {parameter['name']}"
            yield from self._schema(parameter["schema"], place)
            if parameter.get("required"):
                yield f"{place} is required"
            if parameter.get("style") == "deepObject":
                yield f"{place} is a deep object"
            several = self._merged(parameter["schema"]).get("type") in {"array", "object"}
            if parameter["in"] == "query" and several and not parameter.get("explode", True):
                yield f"{place} is one string"
        if not node.get("security", self._document.get("security")):
            yield "needs no key"
        if "requestBody" in node:
            body = node["requestBody"]
            yield f"body is {'required' if body.get('required') else 'optional'}"
            for media, content in body["content"].items():
                kind = {"application/json": "json", "multipart/form-data": "form"}[media]
                yield from self._fields(self._merged(content["schema"]), kind, " ")
        yield from self._answers(node)

    def _answers(self, node: dict[str, Any]) -> Iterator[str]:
        for status, answer in node["responses"].items():
            yield f"answers {status}"
            for media, inner in self._follow(answer).get("content", {}).items():
                yield f"{status} is {media}"
                if not status.startswith("2"):
                    continue
                yield from self._fields(self._merged(inner["schema"]), status, " ")

    def _schema(self, node: dict[str, Any], place: str) -> Iterator[str]:
        schema = self._merged(node)
        yield f"{place} is {schema.get('type')}"
        if schema.get("format") in {"binary", "date-time", "uri"}:
            yield f"{place} is a {schema['format']}"
        if "enum" in schema:
            yield f"{place} is one of {' '.join(map(_language, schema['enum']))}"
        if schema.get("nullable") or schema.get("x-optional-nullable"):
            yield f"{place} may be null"
        for key in SAID:
            if key in schema:
                yield f"{place} {key} {schema[key]}"
        if isinstance(schema.get("additionalProperties"), dict):
            yield from self._schema(schema["additionalProperties"], f"{place}.*")
        if "items" in schema:
            yield from self._schema(schema["items"], f"{place}[]")
        yield from self._fields(schema, place, ".")

    def _fields(self, schema: dict[str, Any], place: str, joint: str) -> Iterator[str]:
        for name, inner in schema.get("properties", {}).items():
            yield from self._schema(inner, f"{place}{joint}{name}")
        for name in schema.get("required", ()):
            yield f"{place}{joint}{name} is required"

    def _follow(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            found: Any = self._document
            for key in node["$ref"].removeprefix("#/").split("/"):
                found = found[key]
            node = found
        return node

    def _merged(self, node: dict[str, Any]) -> dict[str, Any]:
        merged = dict(self._follow(node))
        for part in merged.pop("allOf", ()):
            merged = {**self._merged(part), **merged}
        return merged


def _language(value: object) -> str:
    """A choice as text; the copy at hand was written by a tool that took Norwegian for a truth value."""
    return "no" if value is False else str(value)
