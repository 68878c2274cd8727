# SPDX-License-Identifier: Apache-2.0
"""JSON schemas become annotations, and declarations of what the annotations name."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from callwell.codegen.layout import Brackets, docstring, lines, quoted
from callwell.description import schemas
from callwell.description.names import to_pascal_case

if TYPE_CHECKING:
    from collections.abc import Iterable

SCALARS: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
SHORT: Final = 3
"""Values of an unnamed enumeration that are spelt out where they are used."""


class Annotations:
    """Annotations for the schemas of one provider.

    Args:
        taken: names that declarations must not have.

    Attributes:
        declarations: the code of each declaration, each after those that it needs.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self.declarations: list[str] = []
        self._taken = set(taken)
        self._named: dict[str, Mapping[str, Any]] = {}

    def result(self, schema: Mapping[str, Any], name: str) -> str:
        """The name of the type of what an operation gives: always `name`, which becomes an alias where need be."""
        text = self.of(schema, name)
        if text != name:
            self.declarations.append("\n".join(lines(f"{name}: TypeAlias = {text}")))
            self._taken.add(name)
        return name

    def argument(self, schema: Mapping[str, Any], name: str) -> str:
        """The annotation of what an operation takes: read-only where it is a container; without `None`."""
        return " | ".join(dict.fromkeys(self._one(one, name, argument=True) for one in schemas.alternatives(schema)))

    def of(self, schema: Mapping[str, Any], name: str) -> str:
        """The annotation of what an operation gives, or of a part of it.

        Args:
            schema: its schema.
            name: how it is called if it needs a declaration and the schema has no title.
        """
        parts = [self._one(one, name) for one in schemas.alternatives(schema)]
        return " | ".join(dict.fromkeys([*parts, *["None"] * schemas.is_nullable(schema)]))

    def _one(self, schema: Mapping[str, Any], name: str, *, argument: bool = False) -> str:
        name = to_pascal_case(str(schema.get("title", ""))) or name
        if "enum" in schema or "const" in schema:
            return self._literal(schema, name)
        if set(schema) == {"title"}:
            return name if name in self._named else "Any"
        kinds = schemas.type_names(schema)
        found = [self._kind(kind, schema, name, argument=argument) for kind in kinds]
        return " | ".join(dict.fromkeys(found)) or ("object" if argument else "Any")

    def _kind(self, kind: str, schema: Mapping[str, Any], name: str, *, argument: bool) -> str:
        if kind == "array":
            container = "Sequence" if argument else "list"
            inner = schema.get("items") or {}
            item = self.argument(inner, f"{name}Item") if argument else self.of(inner, f"{name}Item")
            return f"{container}[{item}]"
        if kind == "object" and "properties" in schema:
            return self._object(schema, name)
        if kind == "object":
            extra = schema.get("additionalProperties")
            fallback = "object" if argument else "Any"
            inner = self.of(extra, f"{name}Value") if isinstance(extra, Mapping) and extra else fallback
            return f"{'Mapping' if argument else 'dict'}[str, {inner}]"
        if argument and schema.get("format") == "binary":
            return "FileContent"
        return SCALARS.get(kind, "Any")

    def _literal(self, schema: Mapping[str, Any], name: str) -> str:
        values = [one for one in schema.get("enum", [schema.get("const")]) if one is not None]
        if not all(isinstance(one, str | int) for one in values):
            return "float"
        literal = Brackets("Literal[", [quoted(one) for one in values], "]")
        if "title" not in schema and len(values) <= SHORT:
            return "".join(lines(literal))
        name, known = self._name(schema, name)
        if not known:
            head = f"{name}: TypeAlias = {literal.head}"
            code = [*lines(literal._replace(head=head)), *_prose(schema)]
            self.declarations.append("\n".join(code))
        return name

    def _object(self, schema: Mapping[str, Any], name: str) -> str:
        name, known = self._name(schema, name)
        if known:
            return name
        fields = {key: self.of(inner, name + to_pascal_case(key)) for key, inner in schema["properties"].items()}
        fields.update({key: f"Required[{fields[key]}]" for key in schema.get("required", ()) if key in fields})
        if all(key.isidentifier() and not keyword.iskeyword(key) for key in fields):
            code = [f"class {name}(TypedDict, total=False):", *_prose(schema, "    ", f"The fields of {name}.")]
            code += ["", *(f"    {key}: {text}" for key, text in fields.items())] if fields else []
        else:
            pairs = Brackets("{", [f"{quoted(key)}: {quoted(text)}" for key, text in fields.items()], "}")
            code = lines(Brackets(f"{name} = TypedDict(", [quoted(name), pairs, "total=False"], ")"))
        self.declarations.append("\n".join(code))
        return name

    def _name(self, schema: Mapping[str, Any], name: str) -> tuple[str, bool]:
        """A name of its own for a schema, and whether the schema has been declared under it."""
        free, number = name, 1
        while free in self._taken or self._named.get(free, schema) != schema:
            number += 1
            free = f"{name}{number}"
        known = free in self._named
        self._named[free] = schema
        return free, known


def _prose(schema: Mapping[str, Any], indent: str = "", otherwise: str = "") -> list[str]:
    text = str(schema.get("description", "")).strip() or otherwise
    return [docstring(text.splitlines()[0], indent)] if text else []
