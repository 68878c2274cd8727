# SPDX-License-Identifier: Apache-2.0
"""JSON schemas become type annotations, and the declarations that these name.

How a type is named:

* A scalar, a list, a mapping and a union need no name: `int`, `list[Thing]`, `dict[str, Any]`, `str | None`.
* An object with properties becomes a `TypedDict`, an enumeration with more than three values a `Literal` alias. Their
  name is the schema's `title` (`references` sets it to the name in `components/schemas`), or else the name of what
  holds them and their own: the field `size` of `Thing` has the type `ThingSize`, an item of a list `ThingTagsItem`.
* Equal schemas share a name. A name that stands for another schema already, or for a class or an import of the module,
  gets a number: `Code2`.
* The result of an operation always has a name of its own, the operation's: `ThingsGet`. Where another name was found
  for it first, the own one is an alias. So a user can write it down without looking, and it stays when the document
  gives the schema a title.

What an operation takes and what it returns are written differently. Arguments are read-only types (`Sequence`,
`Mapping`), so that a tuple or a caller's own mapping may be passed; results are what the JSON decoder makes.

Declarations are collected in the order in which they are needed: each one stands after those that it names.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from callwell.codegen.layout import Brackets, docstring, format_lines, quote
from callwell.description import schemas
from callwell.description.names import to_pascal_case

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SCALARS: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
MAX_INLINE_VALUES: Final = 3
"""An enumeration without a title that has more values than this gets a declaration: signatures stay readable."""


class AnnotationWriter:
    """Writes the annotations of one module.

    Args:
        reserved: names that no declaration may have.

    Attributes:
        declarations: the code of each declaration, each after those that it names.
    """

    def __init__(self, reserved: Iterable[str]) -> None:
        self.declarations: list[str] = []
        self._reserved = set(reserved)
        self._schemas: dict[str, Mapping[str, Any]] = {}  # of each declared name

    def result(self, schema: Mapping[str, Any], name: str, *, others: Sequence[str] = ()) -> str:
        """The name of an operation's result type. It is always `name`, declared as an alias where need be.

        Args:
            schema: of the result in JSON; only its description counts if it describes no type.
            name: the name.
            others: annotations of results that are not JSON.
        """
        text = self._result(schema, name, others) if others else self.value(schema, name)
        if text != name:
            self.declarations.append("\n".join(format_lines(f"{name}: TypeAlias = {text}")))
            self._reserved.add(name)
        return name

    def _result(self, schema: Mapping[str, Any], name: str, others: Sequence[str]) -> str:
        if "Any" in others:
            return "Any"
        is_json = set(schema) > {"description"}
        parts = [self.value(schema, f"{name}Value")] if is_json else []
        return _union([*parts, *others])

    def argument(self, schema: Mapping[str, Any], name: str) -> str:
        """The annotation of an argument, or of a part of it; without `None`, which depends on the parameter.

        Args:
            schema: its schema.
            name: the name of a declaration that it needs, if its schema has no title.
        """
        parts = [self._alternative(part, name, is_argument=True) for part in schemas.alternatives(schema)]
        return _union(parts)

    def value(self, schema: Mapping[str, Any], name: str) -> str:
        """The annotation of a value in a response; the arguments are those of `argument`."""
        parts = [self._alternative(part, name) for part in schemas.alternatives(schema)]
        if schemas.is_nullable(schema):
            parts.append("None")
        return _union(parts)

    def _alternative(self, schema: Mapping[str, Any], name: str, *, is_argument: bool = False) -> str:
        """The annotation of a schema without `anyOf` and `oneOf`."""
        name = to_pascal_case(str(schema.get("title", ""))) or name
        if "enum" in schema or "const" in schema:
            return self._literal(schema, name)
        if set(schema) == {"title"}:
            # A circle, cut by `references`: the type that is being declared, or one that was.
            return name if name in self._schemas else "Any"
        parts = [self._type(kind, schema, name, is_argument=is_argument) for kind in schemas.type_names(schema)]
        return _union(parts) or ("object" if is_argument else "Any")

    def _type(self, kind: str, schema: Mapping[str, Any], name: str, *, is_argument: bool) -> str:
        """The annotation of a schema as one of the JSON types that it names."""
        annotate = self.argument if is_argument else self.value
        if kind == "array":
            item = annotate(schema.get("items") or {}, f"{name}Item")
            return f"Sequence[{item}]" if is_argument else f"list[{item}]"
        if kind == "object" and "properties" in schema:
            return self._typed_dict(schema, name)
        if kind == "object":
            value = "object" if is_argument else "Any"
            additional = schema.get("additionalProperties")
            if isinstance(additional, Mapping) and additional:
                value = self.value(additional, f"{name}Value")
            return f"Mapping[str, {value}]" if is_argument else f"dict[str, {value}]"
        if is_argument and schema.get("format") == "binary":
            return "FileContent"
        return SCALARS.get(kind, "Any")

    def _literal(self, schema: Mapping[str, Any], name: str) -> str:
        """The annotation of an enumeration or a constant. Null is left out: `value` adds `None`."""
        values = [value for value in schema.get("enum", [schema.get("const")]) if value is not None]
        if not all(isinstance(value, str | int) for value in values):
            return "float"  # PEP 586: no Literal of a float
        literal = Brackets("Literal[", [quote(value) for value in values], "]")
        if "title" not in schema and len(values) <= MAX_INLINE_VALUES:
            return "".join(format_lines(literal))
        name, is_declared = self._claim_name(schema, name)
        if not is_declared:
            alias = literal._replace(head=f"{name}: TypeAlias = {literal.head}")
            self.declarations.append("\n".join([*format_lines(alias), *_docstring_lines(schema)]))
        return name

    def _typed_dict(self, schema: Mapping[str, Any], name: str) -> str:
        name, is_declared = self._claim_name(schema, name)
        if is_declared:
            return name
        fields = {key: self.value(field, name + to_pascal_case(key)) for key, field in schema["properties"].items()}
        for key in schema.get("required", ()):
            if key in fields:
                fields[key] = f"Required[{fields[key]}]"
        if all(key.isidentifier() and not keyword.iskeyword(key) for key in fields):
            code = [f"class {name}(TypedDict, total=False):"]
            code += _docstring_lines(schema, "    ", f"The fields of {name}.")
            if fields:
                code += ["", *(f"    {key}: {text}" for key, text in fields.items())]
        else:  # a key such as "x-depth" can only be written in the functional form
            pairs = Brackets("{", [f"{quote(key)}: {quote(text)}" for key, text in fields.items()], "}")
            code = format_lines(Brackets(f"{name} = TypedDict(", [quote(name), pairs, "total=False"], ")"))
        self.declarations.append("\n".join(code))
        return name

    def _claim_name(self, schema: Mapping[str, Any], name: str) -> tuple[str, bool]:
        """The name of a schema's declaration, and whether the schema has been declared already."""
        free = name
        number = 1
        while free in self._reserved or self._schemas.get(free, schema) != schema:
            number += 1
            free = f"{name}{number}"
        is_declared = free in self._schemas
        self._schemas[free] = schema  # before its fields are written, which may refer to it
        return free, is_declared


def _union(parts: list[str]) -> str:
    """Annotations joined by `|`, each once."""
    return " | ".join(dict.fromkeys(parts))


def _docstring_lines(schema: Mapping[str, Any], indent: str = "", default: str = "") -> list[str]:
    """The docstring of a declaration: the first line of the schema's description, or a default; nothing without."""
    text = str(schema.get("description", "")).strip() or default
    return [docstring(text.splitlines()[0], indent)] if text else []
