# SPDX-License-Identifier: Apache-2.0
"""Arguments for a workload: IDs from earlier results, and values that a schema allows."""

from __future__ import annotations

import base64
import io
import re
import wave
from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.description.model import Operation, Parameter
    from callwell.description.provider import Provider

TEXT: Final = "callwell drill"
RATE: Final = 16_000
"""The sample rate of the silence that is sent as a recording: enough for speech."""

MAX_DEPTH: Final = 4
"""How deep results and schemas are searched for IDs and values: results nest two or three levels."""

FORMATS: Final[Mapping[str, str]] = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "email": "drill@example.com",
    "uri": "https://example.com/drill",
    "url": "https://example.com/drill",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
FILES: Final = ("binary", "byte", "base64")
"""Formats of files, which cannot be generated."""


def fill_arguments(provider: Provider, operation: Operation, known: Mapping[str, Any]) -> dict[str, Any] | None:
    """Fill in the required arguments of an operation; None if one of them is still unknown.

    Args:
        provider: the provider.
        operation: the operation. For one that takes a large file, the arguments are those of the operation that creates
            the object.
        known: IDs by name, from `find_ids`.
    """
    rule = provider.rule(operation.name)
    if rule.upload is not None:
        creating = rule.upload.create
        return None if creating is None else fill_arguments(provider, provider.operation(creating), known)
    arguments: dict[str, Any] = {}
    if rule.audio is not None:
        recording = make_silence(ceil(rule.audio.best_min_s or 1))
        arguments |= {
            rule.audio.data: base64.b64encode(recording).decode(),
            rule.audio.format: _wav_format(provider),
        }
    for parameter in operation.parameters:
        if not parameter.required or parameter.name in arguments:
            continue
        value = _value(parameter, known)
        if value is None:
            return None
        arguments[parameter.name] = value
    return arguments


def _wav_format(provider: Provider) -> str:
    """The provider's name for WAV, which every provider that takes recordings accepts."""
    audio = provider.profile.audio
    formats = {} if audio is None else audio.formats
    return next((name for name, rule in formats.items() if "wav" in rule.containers), "wav")


def make_silence(seconds: int) -> bytes:
    """Make a WAV file of silence.

    Args:
        seconds: its duration.
    """
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bytes(2 * RATE * seconds))
    return out.getvalue()


def find_ids(operation: Operation, result: object) -> dict[str, Any]:
    """Find the IDs in a result, by the argument names of other operations, such as `videoid`.

    Of a list, only the first item counts, so that all IDs belong together.

    Args:
        operation: the operation.
        result: its result.
    """
    owner = operation.name.partition(".")[0]
    found: dict[str, Any] = {}
    for name, value in _ids(result, owner, 0):
        found.setdefault(name, value)
    return found


def _ids(value: object, owner: str, depth: int) -> Iterator[tuple[str, Any]]:
    if depth > MAX_DEPTH:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            name = _plain(str(key))
            if name.endswith("id") and isinstance(inner, str | int):
                yield (_plain(_singular(owner)) + "id" if name == "id" else name), inner
        for key, inner in value.items():
            yield from _ids(inner, str(key) if isinstance(inner, list) else owner, depth + 1)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes) and value:
        yield from _ids(value[0], owner, depth + 1)


def _value(parameter: Parameter, known: Mapping[str, Any]) -> Any:
    for name in (parameter.wire_name, parameter.name):
        if _plain(name) in known:
            return known[_plain(name)]
    listed = _listed_value(parameter.schema)
    if listed is not None or parameter.location == "path":
        return listed
    return invent(parameter.schema)


def invent(schema: Mapping[str, Any], depth: int = 0) -> Any:
    """Generate a value that a schema allows; None if that is impossible.

    Args:
        schema: a JSON schema without references.
        depth: how many schemas contain it.
    """
    listed = _listed_value(schema)
    if listed is not None or depth > MAX_DEPTH:
        return listed
    for name in ("oneOf", "anyOf", "allOf"):
        if schema.get(name):
            return invent(schema[name][0], depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = next((name for name in kind if name != "null"), "string") if isinstance(kind, list) else kind
    match kind:
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case "array":
            item = invent(schema.get("items", {}), depth + 1)
            return None if item is None else [item]
        case "object":
            return _invent_object(schema, depth)
        case _:
            return _invent_text(schema)


def _listed_value(schema: Mapping[str, Any]) -> Any:
    """A value that the schema lists itself."""
    choices = schema.get("enum") or schema.get("examples")
    first = choices[0] if isinstance(choices, list) and choices else None
    return next((value for value in (schema.get("const"), schema.get("default"), first) if value is not None), None)


def _invent_object(schema: Mapping[str, Any], depth: int) -> dict[str, Any] | None:
    properties = schema.get("properties", {})
    values = {name: invent(properties.get(name, {}), depth + 1) for name in schema.get("required", ())}
    return None if None in values.values() else values


def _invent_text(schema: Mapping[str, Any]) -> str | None:
    form = schema.get("format", "")
    if form in FILES or "contentEncoding" in schema or "contentMediaType" in schema:
        return None
    text = FORMATS.get(form, TEXT)
    shortest: int = schema.get("minLength", 0)
    return (text * (1 + shortest // len(text)))[: schema.get("maxLength", max(len(text), shortest))]


def _plain(name: str) -> str:
    """Normalize a name: `videoId` and `video_id` become equal."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _singular(name: str) -> str:
    return name.removesuffix("s")
