# SPDX-License-Identifier: Apache-2.0
"""Values of many types, and what arrives of one argument wherever it goes."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import parse_qsl, unquote

import msgspec
from msgspec.structs import replace

from callwell.description.model import BodyType, Parameter
from tests.client.acme import bind, operation

if TYPE_CHECKING:
    from callwell.client.calls.binding import BoundRequest

Place = Literal["path", "query", "header", "body"]

MULTIPART: Final = BodyType(media_type="multipart/form-data", kind="multipart")
TEXT: Final = {"type": "string"}
LIST: Final = {"type": "array", "items": TEXT}
PLACES: Final[tuple[Place, ...]] = ("path", "query", "header")
NEW_YORK: Final = dt.timezone(dt.timedelta(hours=-4))
NOON: Final = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


class Colour(enum.Enum):
    """A plain enumeration."""

    RED = "red"


class Shade(enum.StrEnum):
    """One of strings."""

    DARK = "dark"


class Level(enum.IntEnum):
    """One of numbers."""

    HIGH = 3


class Count:
    """A number of another library's."""

    def __index__(self) -> int:
        return 7


class Name(str):
    """A string with a face of its own."""

    __slots__ = ()

    def __str__(self) -> str:
        return "<Name>"


class Cell:
    """A scalar of an array library's."""

    dtype = "bool"
    shape = ()

    def item(self) -> bool:
        """Its value."""
        return True


@dataclasses.dataclass
class Point:
    """A record of the standard library's."""

    x: int
    at: dt.datetime


class Pair(msgspec.Struct, rename="camel"):
    """A record with another name on the wire."""

    left_side: Colour


def make(place: Place, schema: dict[str, Any], value: object, *, form: bool = False, **how: Any) -> BoundRequest:
    """A request with one argument."""
    path = "/x/{v}" if place == "path" else "/x"
    parameter = Parameter(name="v", wire_name="v", location=place, required=place == "path", schema=schema, **how)
    result = operation("x.y", "POST" if place == "body" else "GET", path, parameter)
    return bind(result if not form else operation_with_form(parameter), {"v": value})


def operation_with_form(one: Parameter) -> Any:
    """An operation that takes a form."""
    return replace(operation("x.y", "POST", "/x", one), bodies=(MULTIPART,))


def sent(place: Place, schema: dict[str, Any], value: object, **how: Any) -> Any:
    """What arrives of one argument: strings, or JSON for a body."""
    bound = make(place, schema, value, **how)
    if place == "path":
        return unquote(bound.target.removeprefix("/x/"))
    if place == "header":
        return dict(bound.headers).get("v")
    if place == "query":
        pairs = parse_qsl(bound.target.partition("?")[2], keep_blank_values=True)
        return [text for _, text in pairs] if len(pairs) != 1 else pairs[0][1]
    assert isinstance(bound.body, bytes)
    return msgspec.json.decode(bound.body)["v"]
