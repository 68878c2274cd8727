# SPDX-License-Identifier: Apache-2.0
"""The only place that decides which described requests the client can make. It can read any response.

An operation that needs anything else cannot be a typed method. It is left out of the description with the reason given
here, and `client.request` still reaches it. To support another kind of request, add a row to a table below.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from callwell.core.media_types import base_type, is_json_lines, is_text
from callwell.description import schemas
from callwell.description.error import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.description.error import KeyPath
    from callwell.description.model import BodyKind

STYLES: Final[Mapping[str, tuple[str, ...]]] = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "tabDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form", "cookie"),
}
"""Location of a parameter → the styles in which it can be serialized, OpenAPI's default first."""

FORM: Final = "application/x-www-form-urlencoded"

BODY_KINDS: Final[tuple[tuple[str, BodyKind, int], ...]] = (
    (r"application/json", "json", 0),
    (r"text/json|\*/\*|application/\*|application/\*\+json", "json", 1),
    (r"application/merge-patch\+json", "json", 2),
    (r"application/json-patch\+json", "json", 4),
    (r".*\+json", "json", 3),  # some documents omit the type before the slash
    (r"application/x-www-form-urlencoded", "urlencoded", 5),
    (r"multipart/form-data", "multipart", 6),
)
"""Media types of bodies, how they are serialized, and their rank: of several types, the lowest number is preferred.

A JSON Patch is a list of steps (RFC 6902); a merge patch has the fields themselves (RFC 7396), so it is preferred."""

TEXT_RANK: Final = 7
BYTES_RANK: Final = 8
"""The ranks of bodies that are in no row: a string, or a file of any other type."""

JSON_SEQUENCE: Final = "application/json-seq"
"""JSON values with a separator before each (RFC 7464): the caller gives the text."""

_FILE: Final = re.compile(r"(?!multipart/)[^/]+/.*")


def check_parameter(node: Mapping[str, Any], path: KeyPath) -> None:
    """Check that a parameter can be sent.

    Args:
        node: the parameter.
        path: the path of the parameter.

    Raises:
        DescriptionError: it cannot be sent.
    """
    location = str(node.get("in"))
    if location not in STYLES:
        raise DescriptionError((*path, "in"), f"expected {_any_of(tuple(STYLES))}", found=node.get("in"))
    style = node.get("style", STYLES[location][0])
    if style not in STYLES[location]:
        raise DescriptionError((*path, "style"), f"expected {_any_of(STYLES[location])}", found=style)


def querystring_parameter(node: Mapping[str, Any], path: KeyPath) -> Mapping[str, Any]:
    """Convert a parameter for the whole query (`querystring` of OpenAPI 3.2) to an object with its pairs.

    Args:
        node: the parameter.
        path: the path of the parameter.

    Raises:
        DescriptionError: its content is not a form.
    """
    content = node.get("content")
    media = content.get(FORM) if isinstance(content, dict) else None
    if not isinstance(media, dict):
        raise DescriptionError((*path, "content"), f"expected {FORM}", found=content)
    others = {key: value for key, value in node.items() if key != "content"}
    return {**others, "in": "query", "style": "form", "explode": True, "schema": media.get("schema", {})}


def body_kind(media_type: str, schema: Mapping[str, Any]) -> tuple[BodyKind, int] | None:
    """How a body of a media type is serialized, and its rank among several; None if it cannot be sent.

    Args:
        media_type: the media type, or a range of them.
        schema: the schema of the body.
    """
    name = base_type(media_type)
    for pattern, kind, rank in BODY_KINDS:
        if re.fullmatch(pattern, name):
            is_file = kind == "json" and schemas.is_file(schema)
            return ("bytes", rank) if is_file else (kind, rank)
    if is_text(name) or is_json_lines(name) or name == JSON_SEQUENCE:
        return "text", TEXT_RANK
    return ("bytes", BYTES_RANK) if _FILE.fullmatch(name) else None


def _any_of(names: tuple[str, ...]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
