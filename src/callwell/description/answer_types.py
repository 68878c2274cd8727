# SPDX-License-Identifier: Apache-2.0
"""Which answers an operation declares, how each is decoded, and what its requests accept.

The responses that count are those of 2xx, or `default` if neither a 2xx nor a redirect is declared. An operation whose
only success is a redirect, or which declares both a file and a redirect, leads to a file that may be on another server.

| media type | decoded as |
| --- | --- |
| JSON, also `vnd.acme+json` | the value |
| `text/*`, XML, YAML and other text; an unknown type with a string schema | `str` |
| an unknown type with an object or array schema | the value, as JSON |
| `text/event-stream` | a stream of events |
| JSON lines by any of their names, and `application/json;stream=…` | a stream of values |
| a range such as `*/*` with an object or array schema, as Spring writes it | the value, as JSON |
| any other range | by the type of the response |
| anything else | `bytes` |
| none at all | JSON if it is JSON; otherwise, unless it is HTML, by the type of the response |

A request accepts JSON from each response that offers it. If a response offers no JSON, the request accepts everything
that it offers, but streams only if there is nothing else. If no response offers anything, it prefers JSON and accepts
anything.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.core.media_types import JSON, OCTET_STREAM, is_json, is_json_lines, is_text
from callwell.description import schemas
from callwell.description.model import UNDECLARED, AnswerType

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from callwell.description.model import AnswerKind

ANYTHING: Final = AnswerType(name="*/*", kind="any")
"""The target of a redirect: its type is unknown until the redirect is followed."""

ANY_BYTES: Final = AnswerType(name="*/*", kind="bytes")
"""A file of any type, which documents often call `application/octet-stream`."""

PREFERS_JSON: Final = f"{JSON}, */*;q=0.5"
"""The `Accept` header if the document declares nothing."""

BODILESS: Final = frozenset({"204", "205"})
"""Successes without a body (RFC 9110, sections 15.3.5 and 15.3.6)."""

STREAMS: Final = ("events", "lines")
"""Kinds of answers that do not end until the server ends them."""

EVENTS: Final = "text/event-stream"

_RANGE: Final = re.compile(r"(?:\*|application)/\*")

_BYTES: Final = re.compile(
    r"(?:image|audio|video|font|model|multipart)/.*"
    r"|application/(?:octet-stream|pdf|zip|gzip|.*(?:protobuf|msgpack|cbor|avro|bson).*)"
)

_KINDS_BY_TYPE: Final[Mapping[str, AnswerKind]] = {"string": "text", "object": "json", "array": "json"}
"""How an unknown media type is decoded, by the type of its schema: a vendor's name for JSON may lack `+json`."""

_SUCCESS: Final = re.compile(r"2(?:\d\d|XX)", re.IGNORECASE)
_REDIRECT: Final = re.compile(r"30[12378]|3XX", re.IGNORECASE)


class DeclaredAnswers(NamedTuple):
    """The successful responses that an operation declares.

    Attributes:
        accept: the `Accept` header of its requests.
        media: the media types, including JSON; empty if JSON is the only one.
        redirects: whether a redirect leads to the file.
    """

    accept: str
    media: tuple[AnswerType, ...]
    redirects: bool


def success_statuses(statuses: Collection[str]) -> list[str]:
    """The keys of the Responses Object that mean a success, by ascending status.

    Args:
        statuses: all its keys.
    """
    found = sorted(status for status in statuses if _SUCCESS.fullmatch(status))
    if not found and "default" in statuses and not any(map(_REDIRECT.fullmatch, statuses)):
        return ["default"]
    return found


def declared_answers(
    method: str, statuses: Collection[str], contents: Sequence[Mapping[str, Mapping[str, Any]]]
) -> DeclaredAnswers:
    """Collect what the responses of an operation declare.

    Args:
        method: the HTTP method, in upper case.
        statuses: the keys of its Responses Object.
        contents: for each successful response, the schema of each media type.
    """
    offers = [tuple(classify(name, schema) for name, schema in content.items()) for content in contents]
    media = tuple(dict.fromkeys(answer_type for offer in offers for answer_type in offer))
    has_json = any(answer_type.kind == "json" for answer_type in media)
    successes = success_statuses(statuses)
    may_redirect = method == "GET" and any(map(_REDIRECT.fullmatch, statuses))
    redirects = may_redirect and not has_json and bool(media or not successes)
    if redirects and not media:
        return DeclaredAnswers(ANYTHING.name, (ANYTHING,), redirects=True)
    if not media and (not successes or not BODILESS.issuperset(successes)):
        return DeclaredAnswers(PREFERS_JSON, (UNDECLARED,), redirects=False)
    accepted = dict.fromkeys(answer_type.name for offer in offers for answer_type in _preferred(offer))
    if all(answer_type.kind == "json" for answer_type in media):
        media = ()
    elif method == "GET" and OCTET_STREAM in accepted:
        media = (*media, ANY_BYTES)
    return DeclaredAnswers(", ".join(accepted) or JSON, media, redirects)


def json_schema(contents: Sequence[Mapping[str, dict[str, Any]]]) -> dict[str, Any]:
    """The schema of an operation's JSON: a union if successful responses differ, empty if none returns JSON.

    Args:
        contents: for each successful response, the schema of each media type.
    """
    found: list[dict[str, Any]] = []
    for content in contents:
        classified = {name: classify(name, schema) for name, schema in content.items()}
        names = {answer_type.name: name for name, answer_type in classified.items()}
        for answer_type in _preferred(tuple(classified.values())):
            schema = content[names[answer_type.name]]
            if answer_type.kind == "json" and schema not in found:
                found.append(schema)
    found = [schema for schema in found if schema]
    return {"anyOf": found} if len(found) > 1 else next(iter(found), {})


def classify(name: str, schema: Mapping[str, Any]) -> AnswerType:
    """Decide how a media type is decoded.

    Args:
        name: the media type or range, as the document spells it.
        schema: its schema.
    """
    base, *parameters = [part.strip().lower() for part in name.split(";")]
    kept = [part.replace(" ", "") for part in parameters if part and not part.startswith("charset")]
    name = ";".join([base, *kept])
    kind = _kind_of(name, base, schema)
    if kind == "any" and _kind_by_schema(schema) == "json":
        return AnswerType(name=JSON, kind="json")
    return AnswerType(name=name, kind=kind)


def _kind_of(name: str, base: str, schema: Mapping[str, Any]) -> AnswerKind:
    if base == EVENTS:
        return "events"
    if is_json_lines(name) or is_json_lines(base):
        return "lines"
    if is_json(base):
        return "json"
    if _RANGE.fullmatch(base):
        return "any"
    if is_text(base):
        return "text"
    if _BYTES.fullmatch(base) or schema.get("format") in ("binary", "byte", "base64"):
        return "bytes"
    return _kind_by_schema(schema)


def _kind_by_schema(schema: Mapping[str, Any]) -> AnswerKind:
    return _KINDS_BY_TYPE.get("".join(schemas.type_names(schema)), "bytes")


def _preferred(offer: tuple[AnswerType, ...]) -> tuple[AnswerType, ...]:
    """The media types that a request accepts, of those that one response offers."""
    json = [answer_type for answer_type in offer if answer_type.kind == "json"]
    if json:
        return (next((answer_type for answer_type in json if answer_type.name == JSON), json[0]),)
    return tuple(answer_type for answer_type in offer if answer_type.kind not in STREAMS) or offer
