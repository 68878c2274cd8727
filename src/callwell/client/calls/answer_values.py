# SPDX-License-Identifier: Apache-2.0
"""Reads answers that may be something other than JSON; only operations with such answers need this module.

The type of an answer must be a described one, since an unexpected page may come from a gateway (`gateways`). But
providers are careless with media types, so these are also accepted::

    declared                     also accepted                                            read as
    image, audio or video        another type of the same family                          bytes
    text                         any string but HTML; `application/octet-stream`; no type   str
    any other file               anything but text and JSON; no type                      bytes
    application/octet-stream     anything but HTML                                        bytes
    JSON                         anything that is JSON, regardless of its type            the value
    nothing                      anything but HTML                                        JSON if it is, else by type

A body without a type that begins like HTML or XML is accepted only where such a type is declared.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.client.calls import gateways
from callwell.client.calls.json_body import decode_json
from callwell.client.calls.json_repair import CHARSET
from callwell.core.headers import join_lines
from callwell.core.media_types import OCTET_STREAM, base_type, is_json, is_text
from callwell.description.model import UNDECLARED, AnswerType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callwell.transport.base import Response

FAMILIES: Final = ("image/", "audio/", "video/", "font/")
HTML: Final = frozenset({"text/html", "application/xhtml+xml"})

UNKNOWN: Final = AnswerType(name="", kind="bytes")

UNSUPPORTED_CHARSETS: Final = frozenset(
    {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "utf-7", "undefined"}
)
"""Python's text encodings that are not character sets of the web, or take quadratic time."""


def media_type(headers: Mapping[str, str]) -> str:
    """The media type that an answer names, in lower case and without parameters; empty if it names none."""
    return base_type(join_lines(headers, "content-type"))


def find_type(media: Sequence[AnswerType], headers: Mapping[str, str], body: bytes) -> AnswerType | None:
    """The declared type that an answer has; None if it has none of them.

    Args:
        media: the declared types.
        headers: the answer's.
        body: the beginning of its body.
    """
    name = media_type(headers)
    for kind in sorted(media, key=_is_range):
        if _is_in(name, kind.name):
            return _resolve(kind, name, body)
    if name in HTML or (not name and gateways.is_markup(body)):
        return None
    near = next((kind for kind in media if _is_similar(name, kind)), None)
    return None if near is None else _resolve(near, name, body)


class ReadAnswer(NamedTuple):
    """An answer of a declared type.

    Attributes:
        json: its value if it is JSON.
    """

    json: Any = None


def read_answer(response: Response, media: Sequence[AnswerType]) -> ReadAnswer | None:
    """What a successful answer holds; None if its type is not declared.

    Args:
        response: a whole 2xx.
        media: the declared types.
    """
    headers = response.headers
    body = response.body
    if not body:
        return ReadAnswer()
    kind = find_type(media, headers, body)
    is_undeclared = UNDECLARED in media
    if kind is not None and kind.kind != "json" and not is_undeclared:
        return ReadAnswer()
    if kind is None and all(declared.kind != "json" for declared in media) and not is_undeclared:
        return None
    json, readable = decode_json(body, headers)
    if readable:
        return ReadAnswer(json)
    return ReadAnswer() if is_undeclared and kind is not None else None


def read_value(body: bytes, headers: Mapping[str, str], media: Sequence[AnswerType]) -> str | bytes | None:
    """What a call returns for an answer that is not JSON.

    Args:
        body: its body.
        headers: the answer's.
        media: the declared types.
    """
    kind = find_type(media, headers, body) or UNKNOWN
    if not body or kind.kind == "json":
        return None
    return body if kind.kind == "bytes" else decode_text(body, headers)


def decode_text(body: bytes, headers: Mapping[str, str]) -> str:
    """A body as text: in the character set that its type names, otherwise UTF-8; undecodable bytes become U+FFFD.

    A byte order mark is removed.

    Args:
        body: the body.
        headers: the answer's.
    """
    named = CHARSET.search(join_lines(headers, "content-type"))
    try:
        charset = codecs.lookup(named[1]).name if named else "utf-8"
        if charset not in UNSUPPORTED_CHARSETS:
            return body.decode(charset, "replace").removeprefix("\ufeff")
    except (LookupError, ValueError):
        pass  # an unknown character set, or not a character set
    return body.decode("utf-8", "replace").removeprefix("\ufeff")


def describe_mismatch(headers: Mapping[str, str], expected: str) -> str:
    """What is wrong with an answer of another type than expected, for display."""
    return f"a body of type {media_type(headers) or 'unknown'} instead of {expected}"


def _is_range(kind: AnswerType) -> bool:
    return kind.name.endswith("/*")


def _is_in(name: str, declared: str) -> bool:
    """Whether a media type is the declared one, or in the declared range."""
    if not declared:
        return False
    base = declared.partition(";")[0]
    return base in (name, "*/*") or (base.endswith("/*") and name.startswith(base[:-1]))


def _is_similar(name: str, kind: AnswerType) -> bool:
    """Whether an undeclared media type may stand for a declared one: see the table above."""
    if kind == UNDECLARED:
        return True
    if kind.kind == "text":
        return is_text(name) or name in ("", OCTET_STREAM)
    if kind.kind != "bytes":
        return False
    if kind.name == OCTET_STREAM or name in ("", OCTET_STREAM):
        return True
    family = kind.name.partition("/")[0] + "/"
    if family in FAMILIES:
        return name.startswith(family)
    return not is_text(name) and not is_json(name)


def _resolve(kind: AnswerType, name: str, body: bytes) -> AnswerType:
    """How the answer is read: where any type is declared, the answer's own type decides."""
    if kind.kind != "any":
        return kind
    if is_json(name):
        return AnswerType(name=name, kind="json")
    has_text = is_text(name) or (not name and gateways.is_markup(body))
    return AnswerType(name=name, kind="text" if has_text else "bytes")
