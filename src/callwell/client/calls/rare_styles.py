# SPDX-License-Identifier: Apache-2.0
"""Writes values into paths, queries, headers and cookies, in the rare styles.

The rules are those of OpenAPI 3.2 (Parameter Object, style examples), and of RFC 6570 behind them:

| place | style | a list | a list, exploded | an object | an object, exploded |
| --- | --- | --- | --- | --- | --- |
| path | simple | `a,b` | `a,b` | `k,v,l,w` | `k=v,l=w` |
| path | label | `.a,b` | `.a.b` | `.k,v,l,w` | `.k=v.l=w` |
| path | matrix | `;p=a,b` | `;p=a;p=b` | `;p=k,v,l,w` | `;k=v;l=w` |
| query | form | `p=a,b` | `p=a&p=b` | `p=k,v,l,w` | `k=v&l=w` |
| query | spaceDelimited | `p=a%20b` | `p=a&p=b` | `p=k%20v%20l%20w` | `k=v&l=w` |
| query | pipeDelimited | `p=a%7Cb` | `p=a&p=b` | `p=k%7Cv%7Cl%7Cw` | `k=v&l=w` |
| header | simple | `a,b` | `a,b` | `k,v,l,w` | `k=v,l=w` |
| cookie | form, cookie | `p=a,b` | `p=a; p=b` | `p=k,v,l,w` | `k=v; l=w` |

* `explode` is off unless the document sets it, except for `form` and `cookie`.
* A parameter with `content` is one string: JSON, if its media type is.
* `allowReserved` leaves the reserved characters of a query unchanged, and percent-encoded ones too. `#`, `&` and `+`
  are escaped even so, since they would end the value or become a space; in a path so are `/`, `?` and `%`.
* The style `cookie` escapes nothing, so it refuses what a cookie cannot hold (RFC 6265, section 4.1.1).

Each writer returns pairs. Values that are passed on as headers without being headers have special names: `{id}` for a
segment of the path, `cookie` for one cookie, `content-type` for the media type of the body, `accept` for those of the
response.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from callwell.client.calls.parameter_styles import (
    UNSAFE_SEGMENTS,
    check_header_text,
    flatten,
    header_pairs,
    query_pairs,
    to_list_item,
    to_text,
)
from callwell.client.calls.wire_values import encode_json
from callwell.core.media_types import base_type, is_json
from callwell.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from callwell.description.model import Parameter

    Pairs = list[tuple[str, str]]
    Writer = Callable[[str, Parameter, Any], Pairs]

DELIMITERS: Final = {"": ",", "form": ",", "spaceDelimited": " ", "pipeDelimited": "|", "tabDelimited": "\t"}
"""The separator of list items in a query that is not exploded, by style."""

RESERVED_IN_QUERY: Final = ":/?@!$'()*,;=[]"
RESERVED_IN_PATH: Final = ":@!$&'()*+,;="

_ESCAPED: Final = re.compile("(%[0-9A-Fa-f]{2})")
_COOKIE_TEXT: Final = re.compile(r"[!#-+\--:<-\[\]-~]*")
"""The characters of a cookie's value (RFC 6265, section 4.1.1)."""


class Escaped(str):
    """A part of a query that is already escaped."""

    __slots__ = ()


def writer(parameter: Parameter) -> Writer:
    """The function that writes a parameter.

    Args:
        parameter: one that `parameter_styles` cannot write.
    """
    if parameter.location == "header":
        if parameter.wire_name.lower() in ("accept", "content-type"):
            return header_pairs
        return _content_pairs if parameter.content else _exploded_header
    if parameter.content:
        return _content_pairs
    if parameter.location == "path":
        return _path_pairs
    return _cookie_pairs if parameter.location == "cookie" else _query_pairs


def join_query(pairs: Sequence[tuple[str, str]]) -> str:
    """Join pairs into a query. `Escaped` parts stay unchanged."""
    return "&".join(f"{_escape(name)}={_escape(value)}" for name, value in pairs)


def _escape(text: str) -> str:
    return text if isinstance(text, Escaped) else quote(text, safe="")


def _content_pairs(argument_name: str, parameter: Parameter, value: Any) -> Pairs:
    text = (
        encode_json(argument_name, value).decode()
        if is_json(base_type(parameter.content))
        else to_text(argument_name, value)
    )
    name = parameter.wire_name
    if parameter.location == "header":
        return [(name.lower(), check_header_text(argument_name, value, text))]
    if parameter.location == "path":
        return [(f"{{{name}}}", _check_segment(argument_name, value, quote(text, safe="")))]
    if parameter.location == "cookie":
        return [("cookie", f"{name}={quote(text, safe='')}")]
    return [(name, text)]


def _exploded_header(argument_name: str, parameter: Parameter, value: Any) -> Pairs:
    if not isinstance(value, Mapping):
        return header_pairs(argument_name, parameter, value)
    text = ",".join(
        f"{key}={to_list_item(',', argument_name, item)}" for key, item in value.items() if item is not None
    )
    return [(parameter.wire_name.lower(), check_header_text(argument_name, value, text))]


def _query_pairs(argument_name: str, parameter: Parameter, value: Any) -> Pairs:
    wire = parameter.wire_name
    explode = parameter.explode
    if explode is None:
        explode = parameter.style in ("", "form")
    if isinstance(value, Mapping | list) and not explode and parameter.style != "deepObject":
        separator = DELIMITERS[parameter.style]
        items = flatten(argument_name, value, separator)
        delimiter = separator if separator == "," else quote(separator)
        escaped = [_escape_value(item, allow_reserved=parameter.allow_reserved) for item in items]
        return [(wire, Escaped(delimiter.join(escaped)))] if items else []
    pairs = query_pairs(argument_name, parameter, value)
    if parameter.allow_reserved:
        return [(name, Escaped(_escape_value(text, allow_reserved=True))) for name, text in pairs]
    return pairs


def _escape_value(text: str, *, allow_reserved: bool) -> str:
    if not allow_reserved:
        return quote(text, safe="")
    parts = _ESCAPED.split(text)
    return "".join(part if _ESCAPED.fullmatch(part) else quote(part, safe=RESERVED_IN_QUERY) for part in parts)


def _path_pairs(argument_name: str, parameter: Parameter, value: Any) -> Pairs:
    name = parameter.wire_name
    safe = RESERVED_IN_PATH if parameter.allow_reserved else ""
    prefix, between = {"label": (".", "."), "matrix": (";", ";")}.get(parameter.style, ("", ","))
    items = _path_items(argument_name, value, safe, explode=bool(parameter.explode))
    is_named = isinstance(value, Mapping) and parameter.explode
    if parameter.style == "matrix" and not is_named:
        items = [f"{quote(name, safe='')}={item}" if item else quote(name, safe="") for item in items]
    text = between.join(items)
    return [(f"{{{name}}}", _check_segment(argument_name, value, f"{prefix}{text}"))]


def _path_items(argument_name: str, value: Any, safe: str, *, explode: bool) -> list[str]:
    """The parts of a path segment: several only if it is exploded."""
    if isinstance(value, Mapping):
        pairs = [(quote(key, safe=safe), item) for key, item in value.items() if item is not None]
        texts = [(key, quote(to_text(argument_name, item), safe=safe)) for key, item in pairs]
        return [f"{key}={item}" for key, item in texts] if explode else [",".join(",".join(pair) for pair in texts)]
    if isinstance(value, list):
        items = [quote(to_text(argument_name, item), safe=safe) for item in value]
        return items if explode else [",".join(items)]
    return [quote(to_text(argument_name, value), safe=safe)]


def _check_segment(argument_name: str, value: object, text: str) -> str:
    if text in UNSAFE_SEGMENTS:
        raise InvalidOption(argument_name, value, "at least one identifier, not a path")
    return text


def _cookie_pairs(argument_name: str, parameter: Parameter, value: Any) -> Pairs:
    name = parameter.wire_name
    explode = parameter.explode is not False
    pairs: list[tuple[str, list[str]]]
    if isinstance(value, Mapping) and explode:
        pairs = [(key, [to_text(argument_name, item)]) for key, item in value.items() if item is not None]
    elif isinstance(value, list) and explode:
        pairs = [(name, [to_text(argument_name, item)]) for item in value]
    elif isinstance(value, Mapping | list):
        pairs = [(name, flatten(argument_name, value))] if value else []
    else:
        pairs = [(name, [to_text(argument_name, value)])]
    return [("cookie", f"{key}={_cookie_text(argument_name, parameter, items)}") for key, items in pairs]


def _cookie_text(argument_name: str, parameter: Parameter, items: list[str]) -> str:
    if parameter.style != "cookie":
        return ",".join(quote(item, safe="") for item in items)
    if not all(_COOKIE_TEXT.fullmatch(item) for item in items):
        raise InvalidOption(
            argument_name, ",".join(items), "a string that a cookie can hold: no spaces, commas or semicolons"
        )
    return ",".join(items)
