# SPDX-License-Identifier: Apache-2.0
"""What requests of the described kinds the client can make: the only place that judges it. It can read any response.

An operation that needs anything else cannot be a typed method. It is left out of the description with the reason given
here, and stays reachable by `client.request`. When the client learns one more kind, its line is added to a table below,
and the reason is gone.
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
"""Location of a parameter → the styles in which it can be written; the first is OpenAPI's default."""

FORM: Final = "application/x-www-form-urlencoded"

BODY_KINDS: Final[tuple[tuple[str, BodyKind, int], ...]] = (
    (r"application/json", "json", 0),
    (r"text/json|\*/\*|application/\*|application/\*\+json", "json", 1),
    (r"application/merge-patch\+json", "json", 2),
    (r"application/json-patch\+json", "json", 4),
    (r".*\+json", "json", 3),  # some documents leave out what comes before the slash
    (r"application/x-www-form-urlencoded", "urlencoded", 5),
    (r"multipart/form-data", "multipart", 6),
)
"""Media types of bodies, how they are written, and which goes first where there are several: the lowest number.

A patch by JSON Patch is a list of steps (RFC 6902): a merge patch says the same by the fields (RFC 7396)."""

TEXT_RANK: Final = 7
BYTES_RANK: Final = 8
"""The ranks of what is in no row: a string, or a file of any other type."""

JSON_SEQUENCE: Final = "application/json-seq"
"""JSON values with a separator before each (RFC 7464): text for a caller to write."""

_FILE: Final = re.compile(r"(?!multipart/)[^/]+/.*")


def check_parameter(node: Mapping[str, Any], path: KeyPath) -> None:
    """See that a parameter can be sent.

    Args:
        node: the parameter.
        path: where it is.

    Raises:
        DescriptionError: it cannot.
    """
    location = str(node.get("in"))
    if location not in STYLES:
        raise DescriptionError((*path, "in"), f"expected {_any_of(tuple(STYLES))}", found=node.get("in"))
    style = node.get("style", STYLES[location][0])
    if style not in STYLES[location]:
        raise DescriptionError((*path, "style"), f"expected {_any_of(STYLES[location])}", found=style)


def whole_query(node: Mapping[str, Any], path: KeyPath) -> Mapping[str, Any]:
    """A parameter that is the whole query (`querystring` of OpenAPI 3.2), as one for an object with its pairs.

    Args:
        node: the parameter.
        path: where it is.

    Raises:
        DescriptionError: its content is no form.
    """
    content = node.get("content")
    media = content.get(FORM) if isinstance(content, dict) else None
    if not isinstance(media, dict):
        raise DescriptionError((*path, "content"), f"expected {FORM}", found=content)
    others = {key: value for key, value in node.items() if key != "content"}
    return {**others, "in": "query", "style": "form", "explode": True, "schema": media.get("schema", {})}


def body_kind(media_type: str, schema: Mapping[str, Any]) -> tuple[BodyKind, int] | None:
    """How a body of a media type is written, and its rank among several; None if it cannot be made.

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
