# SPDX-License-Identifier: Apache-2.0
"""How values stand in paths, queries and headers, in the styles that nearly all parameters have.

| place | style | a text or number | a list | an object |
| --- | --- | --- | --- | --- |
| path | simple | `v` | `a,b` | see `rare_styles` |
| query | form, exploded | `p=v` | `p=a&p=b` | `k=v&l=w` |
| query | deepObject | `p=v` | `p[]=a&p[]=b` | `p[k]=v&p[l]=w` |
| header | simple | `v` | `a,b` | `k,v,l,w` |

What is nested deeper in a query stands in brackets, see `nested_pairs`. Null is left out.
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
"""What stands between the items of a list in one text, in words."""

UNSAFE_SEGMENTS: Final = frozenset({"", ".", ".."})
"""Path segments that would change the path: RFC 3986, section 5.2.4 removes dot segments."""


def path_segment(label: str, value: object) -> str:
    """A value as a segment of a path, or the items of a list with commas between them.

    Raises:
        InvalidOption: a value that would make another path.
    """
    if isinstance(value, list):
        text = ",".join([quote(to_text(label, item), safe="") for item in value])
        if text in UNSAFE_SEGMENTS:
            raise InvalidOption(label, value, "at least one identifier")
        return text
    text = to_text(label, value)
    if text in UNSAFE_SEGMENTS:
        raise InvalidOption(label, value, "one identifier, not a path")
    return text if text.isalnum() and text.isascii() else quote(text, safe="")


def header_pairs(label: str, parameter: Parameter, value: object) -> list[tuple[str, str]]:
    """A value as a header; no header for a list without items.

    Raises:
        InvalidOption: a value that a header cannot hold.
    """
    name = parameter.wire_name.lower()
    if isinstance(value, Mapping | list):
        if not value:
            return []
        text = ",".join(flatten(label, value))
    else:
        text = to_text(label, value)
    return [(name, check_header_text(label, value, text))]


def check_header_text(label: str, value: object, text: str) -> str:
    """A text that a header can hold.

    Raises:
        InvalidOption: it cannot.
    """
    if not (text.isascii() and text.isprintable() and text == text.strip()):
        raise InvalidOption(label, value, "a text of printable ASCII characters, without spaces at its ends")
    return text


def query_pairs(label: str, parameter: Parameter, value: object) -> list[tuple[str, str]]:
    """A value as pairs of a query, in the style `form`, exploded, or in the style `deepObject`.

    Raises:
        InvalidOption: a value that a query cannot hold.
    """
    wire = parameter.wire_name
    if parameter.style == "deepObject":
        return nested_pairs(label, wire, value)
    if isinstance(value, Mapping):
        return [pair for key, item in value.items() for pair in nested_pairs(label, key, item)]
    if not isinstance(value, list):
        return [(wire, to_text(label, value))]
    if parameter.schema.get("x-array-style") == "indexed":
        return [(f"{wire}[{i}]", to_text(label, item)) for i, item in enumerate(value)]
    return [(wire, to_text(label, item)) for item in value]


def nested_pairs(label: str, name: str, value: object) -> list[tuple[str, str]]:
    """The pairs of a value with its keys in brackets, as Rack and PHP read them: null is left out.

    The items of a list get `[]`. If objects or lists are among them, they get `[0]`, `[1]` and so on: otherwise nothing
    would say which of their fields belong together.
    """
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [pair for key, item in value.items() for pair in nested_pairs(label, f"{name}[{key}]", item)]
    if isinstance(value, list):
        numbered = any(isinstance(item, Mapping | list) for item in value)
        if not numbered:
            return [(f"{name}[]", to_text(label, item)) for item in value]
        return [pair for i, item in enumerate(value) for pair in nested_pairs(label, f"{name}[{i}]", item)]
    return [(name, to_text(label, value))]


def flatten(label: str, value: Mapping[str, object] | list[object], separator: str = ",") -> list[str]:
    """The items of a list, or keys and values in turn, to be joined by a separator (RFC 6570, no explode)."""
    items = value
    if isinstance(value, Mapping):
        items = [text for pair in value.items() if pair[1] is not None for text in pair]
    return [text_without(separator, label, item) for item in items]


def text_without(separator: str, label: str, value: object) -> str:
    """A plain value as a text that does not have the separator of the list that it is in.

    Raises:
        InvalidOption: it has it.
    """
    text = to_text(label, value)
    if separator in text:
        name = SEPARATORS[separator]
        raise InvalidOption(label, value, f"a text without a {name}, since {name}s separate the items of this list")
    return text


def to_text(label: str, value: object) -> str:
    """A plain value as in JSON, but a text without its quotes.

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
    raise InvalidOption(label, value, "a text, number or boolean, since it is sent in an address or a header")


def undescribed_pairs(query: Mapping[str, object]) -> list[tuple[str, str]]:
    """The pairs of an undescribed query: a list repeats its name, and None is left out.

    Raises:
        InvalidOption: not a mapping, a name that is not a text, or a value that a query cannot hold.
    """
    if not isinstance(query, Mapping):
        raise InvalidOption("query", query, "a mapping of names to values")
    pairs: list[tuple[str, str]] = []
    for name, item in query.items():
        if not isinstance(name, str):
            raise InvalidOption("query", name, "names that are texts")
        label = f"query: {name}"
        value = to_wire_value(label, {}, item)
        if isinstance(value, list):
            pairs.extend((name, to_text(label, item)) for item in value)
        elif value is not None:
            pairs.append((name, to_text(label, value)))
    return pairs
