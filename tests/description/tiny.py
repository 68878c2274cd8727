# SPDX-License-Identifier: Apache-2.0
"""A provider of three operations, with every oddity that a generated client must survive."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

THING: Final[dict[str, Any]] = {
    "type": "object",
    "description": 'A "thing".\nMore about it.',
    "required": ["id"],
    "properties": {
        "id": {"type": "integer"},
        "parent": {"$ref": "#/components/schemas/Thing"},
        "colour": {"type": "string", "enum": ["red", "green", "blue", "grey"], "nullable": True},
        "tags": {"type": "array", "items": {"type": "object", "properties": {"class": {"type": "string"}}}},
        "size": {"allOf": [{"$ref": "#/components/schemas/Size"}, {"properties": {"unit": {"const": "mm"}}}]},
        "any": {},
    },
}

OPENAPI: Final[dict[str, Any]] = {
    "openapi": "3.0.3",
    "info": {"title": "Tiny", "version": "1"},
    "paths": {
        "/things": {
            "get": {
                "operationId": "things.list",
                "parameters": [
                    {"name": "offset", "in": "query", "schema": {"type": "integer", "default": 0}, "required": True},
                    {"name": "from", "in": "query", "schema": {"type": "string"}},
                    {"name": "id", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                    {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
                    {"name": "Accept", "in": "header", "schema": {"type": "string"}},
                ],
                "responses": {"200": {"$ref": "#/components/responses/Things"}},
            },
            "post": {
                "operationId": "things.import",
                "summary": "Bring things in",
                "requestBody": {"$ref": "#/components/requestBodies/New"},
                "responses": {"201": {"content": {"application/json": {"schema": {"type": "array", "items": THING}}}}},
            },
        },
        "/things/{thingId}": {
            "parameters": [{"name": "thingId", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "delete": {"operationId": "things.delete", "responses": {"204": {"description": "Gone."}}},
        },
    },
    "components": {
        "responses": {
            "Things": {
                "content": {
                    "application/vnd.tiny+json; charset=utf-8": {
                        "schema": {
                            "type": "object",
                            "properties": {
                                "things": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
                                "meta": {"type": "object", "properties": {"next-one": {"type": "string"}}},
                            },
                        }
                    }
                }
            }
        },
        "requestBodies": {
            "New": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["name", "kind", "sizes"],
                            "properties": {
                                "name": {"type": "string", "description": "Its name.\nAnd more."},
                                "kind": {"type": "string", "enum": ["a", "b", "c", "d"], "default": "a"},
                                "sizes": {"type": "array", "items": {"$ref": "#/components/schemas/Size"}},
                                "note": {"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
                                "extra": {"type": "object"},
                                "anything": {},
                            },
                        }
                    }
                },
            }
        },
        "schemas": {
            "Thing": THING,
            "Size": {
                "type": "object",
                "properties": {
                    "width": {"type": "number"},
                    "x-depth": {"type": "number"},
                    "Code": {"$ref": "#/components/schemas/Code"},
                },
            },
            "Code": {"type": "object", "properties": {}},
        },
    },
}

PROFILE: Final = """\
name = "tiny"
title = "Tiny"

[environments.production]
base_url = "https://tiny.test/v1/"

[key]
env = "TINY_KEY"

[errors.codes]
not-found = { status = 404 }

[operations."things.list".paging]
style = "offset"
items = "things"
key = "id"
position = "offset"
first = 0
"""


def write(folder: Path) -> Path:
    """Write the two files of the provider into a new folder."""
    folder.mkdir()
    (folder / "openapi.json").write_text(json.dumps(OPENAPI, indent=2), encoding="utf-8")
    (folder / "profile.toml").write_text(PROFILE, encoding="utf-8")
    return folder
