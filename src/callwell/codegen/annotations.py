# SPDX-License-Identifier: Apache-2.0
"""Turns JSON schemas into type annotations, and writes the declarations that the annotations refer to.

How a type is named:

* A scalar, a list, a mapping and a union need no name: `int`, `list[Thing]`, `dict[str, Any]`, `str | None`.
* An object with properties becomes a `TypedDict`, an enumeration with more than three values a `Literal` alias. Each is
  named after its entry in `components/schemas` (`references` marks such schemas), or else its `title`, or else its
  parent and its key: the field `size` of `Thing` is a `ThingSize`, an item of its list `tags` a `ThingTagsItem`.
* A union with a name in the document becomes an alias of that name.
* Schemas with the same name and the same shape share one class. `class_names` has the rule for names that are taken.
* The result of an operation is always named after the operation: `ThingsGet`. Where its schema already has another
  name, `ThingsGet` is an alias. So users can write the type without looking it up, and their code keeps working when
  the document gives the schema a name.

Arguments and results are annotated differently. Arguments are read-only types (`Sequence`, `Mapping`), so that callers
may pass a tuple or a mapping of their own; results are what the JSON decoder makes.

Declarations are collected in the order in which they are needed: each one follows those that it refers to.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from callwell.codegen.class_names import ClassNames, to_class_name
from callwell.codegen.layout import WIDTH, Brackets, docstring, format_lines, quote
from callwell.codegen.shapes import Shapes
from callwell.description import schemas
from callwell.description.names import to_pascal_case
from callwell.description.plain_text import summarize
from callwell.description.references import COMPONENT_NAME_KEY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SCALARS: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
MAX_INLINE_VALUES: Final = 3
"""An unnamed enumeration with more values than this gets a declaration, so that signatures stay readable."""

MAX_TITLE: Final = 40
"""The most characters of a title that becomes a type name; a longer title is a sentence."""

MAX_LENGTH: Final = 2000
"""The most characters of an unnamed type; a longer one becomes `Any`. Unions that contain each other double in length
at each level."""

TYPE_KEYWORDS: Final = frozenset(
    {"type", "properties", "items", "enum", "const", "anyOf", "oneOf", "additionalProperties", COMPONENT_NAME_KEY}
)
"""The keywords that say what type a value has."""

NO_SCHEMA: Final[Mapping[str, Any]] = {}

_WORD: Final = re.compile(r"\w+")
_STRING: Final = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""")


class AnnotationWriter:
    """Writes the annotations of one client.

    Args:
        reserved: names that no declaration may have.
        components: the named schemas of the document.

    Attributes:
        declarations: the code of each declaration by its name, each after those that it refers to.
    """

    def __init__(self, reserved: Iterable[str], components: Mapping[str, Mapping[str, Any]]) -> None:
        self.declarations: dict[str, str] = {}
        self._components = components
        self._names = ClassNames(reserved, components)
        self._shapes = Shapes()
        self._declared: dict[object, str] = {}  # component, or wanted name and shape → name
        self._in_progress: set[str] = set()  # components that are being written
        self._reusable_names: set[str] = set()  # of components in progress that declare nothing
        self._forward_names: set[str] = set()  # used, but not declared yet
        self._any_names = {"Any"}  # `Any` and its aliases

    def result(self, schema: Mapping[str, Any], name: str, *, others: Sequence[str] = ()) -> str:
        """Return the name of an operation's result type, which is a class or an alias.

        Args:
            schema: the schema of the JSON result; if it describes no type, only its description is used.
            name: the wanted name.
            others: annotations of results that are not JSON.
        """
        text = self._result_annotation(schema, name, others) if others else self.value(schema, name)
        if text in (name, self._declared.get((name, self._shapes.number(schema)))):
            return text
        name = self._names.claim(name)
        self.alias(name, text)
        return name

    def _result_annotation(self, schema: Mapping[str, Any], name: str, others: Sequence[str]) -> str:
        if "Any" in others:
            return "Any"
        is_json = set(schema) > {"description"}
        parts = [self.value(schema, f"{name}Value")] if is_json else []
        return _union([*parts, *others])

    def alias(self, name: str, text: str, schema: Mapping[str, Any] = NO_SCHEMA) -> None:
        """Declare an alias. Its type is quoted if it refers to something that is declared further down.

        Args:
            name: a reserved name, or a claimed one.
            text: the annotation of the type.
            schema: the schema that describes it.
        """
        if text in self._any_names:
            self._any_names.add(name)
        is_later = not self._forward_names.isdisjoint(_names_in(text))
        line = f"{name}: TypeAlias = {quote(text) if is_later else text}"
        if len(line) > WIDTH and "[" not in text and not is_later:
            lines = [f"{name}: TypeAlias = (", f"    {text.replace(' | ', f'{chr(10)}    | ')}", ")"]
        else:
            lines = [line]
        self._declare(name, [*lines, *_docstring_lines(schema)])

    def is_any(self, text: str) -> bool:
        """Whether an annotation is `Any` or an alias of it."""
        return text in self._any_names

    def _declare(self, name: str, code: list[str]) -> None:
        self.declarations[name] = "\n".join(code)
        self._forward_names.discard(name)

    def argument(self, schema: Mapping[str, Any], name: str) -> str:
        """Annotate an argument, or a part of one. `None` is left out, because it depends on the parameter.

        Args:
            schema: its schema.
            name: the name of its declaration, if it needs one and its schema has no name.
        """
        return self._text(schema, name, is_argument=True)

    def value(self, schema: Mapping[str, Any], name: str) -> str:
        """Annotate a value in a response. Takes the same arguments as `argument`."""
        text = self._text(schema, name, is_argument=False)
        return _union([text, "None"]) if _is_nullable(schema) else text

    def _text(self, schema: Mapping[str, Any], name: str, *, is_argument: bool) -> str:
        """Annotate a schema, without `None`."""
        if COMPONENT_NAME_KEY not in schema:
            title = str(schema.get("title", ""))
            name = (to_class_name(title) if len(title) <= MAX_TITLE else "") or name
            return self._type(schema, name, is_argument=is_argument)
        component = schema[COMPONENT_NAME_KEY]
        if component in self._declared:
            return self._declared[component]
        if component in self._in_progress:
            return "Any"  # a list or mapping that contains itself has no class to refer to
        self._in_progress.add(component)
        whole = self._components[component]  # `schema` may be the cut end of a cycle
        name = self._names.of_component[component]
        if self._is_union_of_classes(whole):
            self._declared[component] = name
            self._forward_names.add(name)
            self.alias(name, self._type(whole, name, is_argument=is_argument), whole)
            text = name
        else:
            self._reusable_names.add(name)  # its part may take the name, as it declares no class itself
            text = self._type(whole, name, is_argument=is_argument)
            self._reusable_names.discard(name)
        if len(text) > MAX_LENGTH:
            self._declared[component] = text = "Any"
        self._in_progress.discard(component)
        return text

    def _type(self, schema: Mapping[str, Any], name: str, *, is_argument: bool) -> str:
        """Annotate a schema by its own keywords, whatever its name."""
        parts = _alternatives(schema)
        values = _literal_values(schema)
        if values:
            return self._literal(schema, values, name)
        if parts != [schema]:
            texts = [self._text(part, name, is_argument=is_argument) for part in parts]
        else:
            texts = [
                self._annotate_json_type(kind, schema, name, is_argument=is_argument)
                for kind in schemas.type_names(schema)
            ]
        return _union(texts) or ("object" if is_argument else "Any")

    def _is_union_of_classes(self, schema: Mapping[str, Any]) -> bool:
        """Whether a schema is a union of classes only, so that arguments and results are annotated alike."""
        parts = [self._components.get(part.get(COMPONENT_NAME_KEY, ""), {}) for part in _alternatives(schema)]
        return len(parts) > 1 and all("properties" in part or _literal_values(part) for part in parts)

    def _annotate_json_type(self, kind: str, schema: Mapping[str, Any], name: str, *, is_argument: bool) -> str:
        """Annotate a schema as one of its JSON types."""
        annotate = self.argument if is_argument else self.value
        if kind == "array":
            item = annotate(_expect_schema(schema.get("items")), f"{name}Item")
            return f"Sequence[{item}]" if is_argument else f"list[{item}]"
        if kind == "object" and "properties" in schema:
            return self._typed_dict(schema, name)
        if kind == "object":
            value = "object" if is_argument else "Any"
            additional = schema.get("additionalProperties")
            if isinstance(additional, Mapping) and additional:
                value = annotate(additional, f"{name}Value")
                if is_argument and _is_nullable(additional):
                    value = _union([value, "None"])
            return f"Mapping[str, {value}]" if is_argument else f"dict[str, {value}]"
        if is_argument and schema.get("format") == "binary":
            return "FileContent"
        return SCALARS.get(kind, "Any")

    def _literal(self, schema: Mapping[str, Any], values: list[object], name: str) -> str:
        """Annotate an enumeration or a constant. Null is left out: `value` adds `None`."""
        if any(isinstance(value, float) for value in values):
            return "float"  # PEP 586: no Literal of a float
        if not all(isinstance(value, str | int) for value in values):
            return "Any"
        literal = Brackets("Literal[", [quote(value) for value in values], "]")
        if COMPONENT_NAME_KEY not in schema and len(values) <= MAX_INLINE_VALUES:
            return "".join(format_lines(literal))
        name, is_declared = self._claim_name(schema, name)
        if not is_declared:
            alias = literal._replace(head=f"{name}: TypeAlias = {literal.head}")
            self._declare(name, [*format_lines(alias), *_docstring_lines(schema)])
        return name

    def _typed_dict(self, schema: Mapping[str, Any], name: str) -> str:
        name, is_declared = self._claim_name(schema, name)
        if is_declared:
            return name
        properties = schema["properties"].items()
        fields = {
            key: self.value(_expect_schema(field), name + to_pascal_case(key))
            for key, field in properties
            if key  # type checkers refuse a field with an empty name
        }
        for key in dict.fromkeys(schemas.required_names(schema)):  # a merged schema may list a name twice
            if key in fields:
                fields[key] = f"Required[{fields[key]}]"
        if _can_be_attributes(fields):
            code = [f"class {name}(TypedDict, total=False):"]
            code += _docstring_lines(schema, "    ", f"The fields of {name}.")
            if fields:
                code += ["", *(f"    {key}: {text}" for key, text in fields.items())]
        else:  # a key such as "x-depth" can only be written in the functional form
            pairs = Brackets("{", [f"{quote(key)}: {quote(text)}" for key, text in fields.items()], "}")
            code = format_lines(Brackets(f"{name} = TypedDict(", [quote(name), pairs, "total=False"], ")"))
        self._declare(name, code)
        return name

    def _claim_name(self, schema: Mapping[str, Any], name: str) -> tuple[str, bool]:
        """Return the name of a schema's declaration, and whether it was declared before."""
        component = schema.get(COMPONENT_NAME_KEY)
        key = component or (name, self._shapes.number(schema))
        is_declared = key in self._declared
        if not is_declared:  # claimed before its fields are written, since they may refer to it
            is_own = component or name in self._reusable_names
            self._declared[key] = name if is_own else self._names.claim(name)
            self._reusable_names.discard(name)
            self._forward_names.add(self._declared[key])
        return self._declared[key], is_declared


def _names_in(text: str) -> set[str]:
    """The names in an annotation."""
    return set(_WORD.findall(_STRING.sub("", text)))


def _union(parts: Iterable[str]) -> str:
    """Annotations joined by `|`, each once."""
    return " | ".join(dict.fromkeys(parts))


def _is_nullable(schema: Mapping[str, Any]) -> bool:
    """Whether a value may be null. Many documents only list null among the values of an enumeration."""
    values = schema.get("enum")
    return schemas.is_nullable(schema) or (isinstance(values, list) and None in values)


def _alternatives(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The types that a schema chooses from; only the schema itself if its alternatives merely restrict it."""
    parts = schemas.alternatives(schema)
    if parts and not any(TYPE_KEYWORDS & set(part) for part in parts):
        return [schema]
    return parts


def _literal_values(schema: Mapping[str, Any]) -> list[object]:
    """The values that a schema allows, each once and without null; none if it allows any."""
    values: object
    parts = _alternatives(schema)
    if len(parts) < 2 and "enum" not in schema and "const" not in schema:  # noqa: PLR2004 - most of 14,000 schemas
        return []
    if len(parts) > 1:  # some documents list the values as constants, each with a title and a description
        each = [[] if COMPONENT_NAME_KEY in part else _literal_values(part) for part in parts]
        values = [value for allowed in each for value in allowed] if all(each) else []
    else:
        values = schema.get("enum", [schema.get("const")])
    if not isinstance(values, list | tuple):
        return []
    stated = [schemas.stated_value(schema, value) for value in values if value is not None]
    return list({repr(value): value for value in stated if value is not None}.values())


def _expect_schema(node: object) -> Mapping[str, Any]:
    """Return a node that should be a schema, or an empty schema if it is something else."""
    return node if isinstance(node, Mapping) else {}


def _can_be_attributes(fields: Mapping[str, str]) -> bool:
    """Whether fields can be attributes of a class: their names are legal, and no annotation uses one as a type.

    Python mangles names that begin with two underscores inside a class.
    """
    if not all(key.isidentifier() and not keyword.iskeyword(key) and not key.startswith("__") for key in fields):
        return False
    return not any(fields.keys() & _names_in(text) for text in fields.values())


def _docstring_lines(schema: Mapping[str, Any], indent: str = "", default: str = "") -> list[str]:
    """The docstring of a declaration: the first paragraph of the schema's description, or else the default."""
    text = summarize(schema.get("description")) or default
    return [docstring(text, indent)] if text else []
