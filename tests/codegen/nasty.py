# SPDX-License-Identifier: Apache-2.0
"""A description with every name that has broken generated code, or could."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name.replace('/', '~1')}"}


def _object(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields}


SCHEMAS: Final[dict[str, Any]] = {
    "None": {"type": "integer", "enum": [0]},
    "Any": _object(literal=_reference("Literal"), typed_dict=_reference("TypedDict")),
    "Literal": {"type": "string", "enum": ["a", 'say "hi"', "it's", "both ' and \"", "back\\slash", "new\nline"]},
    "TypedDict": _object(),
    "Path": _object(asset=_reference("Asset")),
    "Asset": _object(pager=_reference("Pager")),
    "Pager": _object(path=_reference("Path")),
    "TimeoutError": _object(code=_reference("Code")),
    "Code": {"type": "string", "enum": []},
    "Nasty": _object(async_nasty=_reference("AsyncNasty")),
    "AsyncNasty": _object(),
    "2fa-code": _object(value={"type": "string"}),
    "user": _object(a={"type": "string"}),
    "User": _object(b={"type": "string"}),
    "u.s/e r": _object(c={"type": "string"}),
    "U_s_e-r": _object(d={"type": "string"}),
    "日本": _object(e={"type": "string"}),
    "Pet": _object(**{"class": {"type": "string"}, "owner": _reference("User"), "x-y": {"type": "integer"}}),
    "Shadow": _object(Shadow=_reference("Shadow"), str={"type": "string"}, list={"type": "array", "items": {}}),
    "Dunder": _object(__typename={"type": "string"}, _private={"type": "boolean"}),
    "Tree": {"oneOf": [_reference("Leaf"), _reference("Branch")], "description": "A tree."},
    "Leaf": _object(content={"type": ["string", "number", "null"]}),
    "Branch": _object(children={"type": "array", "items": _reference("Tree")}, nested=_reference("JsonList")),
    "JsonList": {"type": "array", "items": _reference("JsonList")},
    "JsonMap": {"type": "object", "additionalProperties": _reference("JsonMap")},
    "ThingsGet": _object(taken={"type": "boolean"}, cast={"type": "boolean"}),
    "Level": {"enum": [1, 2, 3, 4, None]},
    "Ratio": {"enum": [0.5, 1.5]},
    "Price": {"type": "string", "enum": [0, 1, 2.5, True]},
    "Objects": {"enum": [{"a": 1}, [2]]},
    "Effort": {"anyOf": [{"enum": ["low", "medium", "high", "max"]}, {"type": "null"}]},
    "Kind": {"oneOf": [{"title": "Code", "const": 1, "description": "One."}, {"title": "User", "const": 2}]},
    "Titled": {"title": "A title. With / dots and spaces", "type": "object", "properties": {"f": {"type": "string"}}},
}
"""Schemas by name."""

EVERYTHING: Final = {
    f"field {number}": {"description": f"As a field, {name}.", "allOf": [_reference(name)], "nullable": True}
    for number, name in enumerate(SCHEMAS)
}
ANSWER: Final = {
    **_object(**EVERYTHING, inline=_object(inner={"title": "Inline", **_object(x={"type": "string"})})),
    "required": ["inline", "nowhere"],
}


def _operation(operation_id: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}
    return {"operationId": operation_id, "responses": answer, **more}


def _query(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "schema": _reference("Literal")} for name in names]


PATHS: Final[dict[str, Any]] = {
    "/all": {"get": _operation("things.get", ANSWER)},
    "/one": {"get": _operation("things.list", _reference("Tree"), parameters=_query("self", "cast", "from", "2nd"))},
    "/pages": {"get": _operation("pages/list", _reference("Pager"))},
    "/pet": {"get": _operation("pet.get", _reference("Pet"))},
    "/import": {"get": _operation("import/class", _reference("User"))},
    "/path": {"get": _operation("path.asset", {"type": "array", "items": _reference("Shadow")})},
    "/group": {"get": _operation("group.client", {"type": "object", "additionalProperties": _reference("Leaf")})},
    "/nasty": {"get": _operation("nasty.object", _reference("user"))},
    "/cast": {"delete": {"operationId": "cast.cast", "responses": {"204": {"description": ""}}}},
    "/2fa": {"get": _operation("2fa/enable", _reference("2fa-code"))},
}

PROFILE: Final = """\
name = "nasty"
title = 'A "nasty" one\\'

[environments.production]
base_url = "https://nasty.test"

[key]
env = "NASTY_KEY"

[errors.codes]
"class" = { status = 404 }
"""


def write(folder: Path) -> Path:
    """Write the two files of the description into a new folder."""
    document = {"openapi": "3.0.3", "info": {}, "paths": PATHS, "components": {"schemas": SCHEMAS}}
    folder.mkdir()
    (folder / "openapi.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    (folder / "profile.toml").write_text(PROFILE, encoding="utf-8")
    return folder
