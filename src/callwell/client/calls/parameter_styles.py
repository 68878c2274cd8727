# SPDX-License-Identifier: Apache-2.0
"""Writes values into paths, queries and headers, in the common styles.

| place | style | a primitive | a list | an object |
| --- | --- | --- | --- | --- |
| path | simple | `v` | `a,b` | see `rare_styles` |
| query | form, exploded | `p=v` | `p=a&p=b` | `k=v&l=w` |
| query | deepObject | `p=v` | `p[]=a&p[]=b` | `p[k]=v&p[l]=w` |
| query | `x-array-style: indexed` | `p=v` | `p[0]=a&p[1]=b` | `k=v&l=w` |
| header | simple | `v` | `a,b` | `k,v,l,w` |

A primitive is a string, a number or a boolean. Deeper levels of a query have their keys in brackets: see
`nested_pairs`. A property that is null is left out; null in a list of primitives raises `InvalidOption`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from callwell.client.calls.wire_values import JSON_ENCODER, to_wire_value
from callwell.errors import InvalidOption

if TYPE_CHECKING:
    from callwell.description.model import Parameter

SEPARATORS: Final = {
    ",": "comma",
    " ": "space",
    "|": "bar",
    "\t": "tab",
    ".": "dot",
    ";": "semicolon",
    "&": "ampersand",
}
"""The separators of list items in one string, in words."""

UNSAFE_SEGMENTS: Final = frozenset({"", ".", ".."})
"""Path segments that would change the path: RFC 3986, section 5.2.4 removes dot segments."""


def path_segment(argument_name: str, value: object) -> str:
    """A value as a segment of a path; the items of a list are joined by commas.

    Raises:
        InvalidOption: a value that would change the path.
    """
    if isinstance(value, list):
        text = ",".join([quote(to_text(argument_name, item), safe="") for item in value])
        if text in UNSAFE_SEGMENTS:
            raise InvalidOption(argument_name, value, "at least one identifier")
        return text
    text = to_text(argument_name, value)
    if text in UNSAFE_SEGMENTS:
        raise InvalidOption(argument_name, value, "one identifier, not a path")
    return text if text.isalnum() and text.isascii() else quote(text, safe="")


def header_pairs(argument_name: str, parameter: Parameter, value: object) -> list[tuple[str, str]]:
    """A value as a header; no header for a list without items.

    Raises:
        InvalidOption: a value that a header cannot hold.
    """
    name = parameter.wire_name.lower()
    if isinstance(value, Mapping | list):
        if not value:
            return []
        text = ",".join(flatten(argument_name, value))
    else:
        text = to_text(argument_name, value)
    return [(name, check_header_text(argument_name, value, text))]


def check_header_text(argument_name: str, value: object, text: str) -> str:
    """The string, if a header can hold it.

    Raises:
        InvalidOption: it cannot.
    """
    if not (text.isascii() and text.isprintable() and text == text.strip()):
        raise InvalidOption(argument_name, value, "a string of printable ASCII characters, without spaces at its ends")
    return text


def query_pairs(argument_name: str, parameter: Parameter, value: object) -> list[tuple[str, str]]:
    """A value as pairs of a query, in the style `form`, exploded, or in the style `deepObject`.

    Raises:
        InvalidOption: a value that a query cannot hold.
    """
    wire = parameter.wire_name
    if parameter.style == "deepObject":
        return nested_pairs(argument_name, wire, value)
    if isinstance(value, Mapping):
        return [pair for key, item in value.items() for pair in _property_pairs(argument_name, key, item)]
    if not isinstance(value, list):
        return [(wire, to_text(argument_name, value))]
    if parameter.schema.get("x-array-style") == "indexed":
        return [(f"{wire}[{i}]", to_text(argument_name, item)) for i, item in enumerate(value)]
    return [(wire, to_text(argument_name, item)) for item in value]


def _property_pairs(argument_name: str, name: str, value: object) -> list[tuple[str, str]]:
    """The pairs of a property of an object in the style `form`: a list of primitives repeats its name, as Spring reads.

    OpenAPI does not define how anything but a primitive is written there.
    """
    if isinstance(value, list) and not any(isinstance(item, Mapping | list) for item in value):
        return [(name, to_text(argument_name, item)) for item in value]
    return nested_pairs(argument_name, name, value)


def nested_pairs(argument_name: str, name: str, value: object) -> list[tuple[str, str]]:
    """The pairs of a value with its keys in brackets, as Rack and PHP read them.

    Null is left out, except in a list of primitives, where it raises `InvalidOption`.

    The items of a list get `[]`. If they include objects or lists, they get `[0]`, `[1]` and so on: otherwise nothing
    would show which fields belong together.
    """
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [pair for key, item in value.items() for pair in nested_pairs(argument_name, f"{name}[{key}]", item)]
    if isinstance(value, list):
        numbered = any(isinstance(item, Mapping | list) for item in value)
        if not numbered:
            return [(f"{name}[]", to_text(argument_name, item)) for item in value]
        return [pair for i, item in enumerate(value) for pair in nested_pairs(argument_name, f"{name}[{i}]", item)]
    return [(name, to_text(argument_name, value))]


def flatten(argument_name: str, value: Mapping[str, object] | list[object], separator: str = ",") -> list[str]:
    """The items of a list, or keys and values in turn, to be joined by a separator (RFC 6570, no explode)."""
    items = value
    if isinstance(value, Mapping):
        items = [text for pair in value.items() if pair[1] is not None for text in pair]
    return [to_list_item(separator, argument_name, item) for item in items]


def to_list_item(separator: str, argument_name: str, value: object) -> str:
    """A primitive as a string, for a list that is joined by a separator.

    Raises:
        InvalidOption: the string contains the separator.
    """
    text = to_text(argument_name, value)
    if separator in text:
        name = SEPARATORS[separator]
        raise InvalidOption(
            argument_name, value, f"a string without a {name}, since {name}s separate the items of this list"
        )
    return text


def to_text(argument_name: str, value: object) -> str:
    """A primitive as in JSON, but strings without quotes.

    Raises:
        InvalidOption: a list, an object or null.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, int | float):
        return JSON_ENCODER.encode(value).decode()
    raise InvalidOption(argument_name, value, "a string, number or boolean, since it is sent in an address or a header")


def raw_query_pairs(query: Mapping[str, object]) -> list[tuple[str, str]]:
    """The pairs of a query outside the description: a list repeats its name, and None is left out.

    Raises:
        InvalidOption: not a mapping, a name that is not a string, or a value that a query cannot hold.
    """
    if not isinstance(query, Mapping):
        raise InvalidOption("query", query, "a mapping of names to values")
    pairs: list[tuple[str, str]] = []
    for name, item in query.items():
        if not isinstance(name, str):
            raise InvalidOption("query", name, "names that are strings")
        argument_name = f"query: {name}"
        value = to_wire_value(argument_name, {}, item)
        if isinstance(value, list):
            pairs.extend((name, to_text(argument_name, item)) for item in value)
        elif value is not None:
            pairs.append((name, to_text(argument_name, value)))
    return pairs
