# SPDX-License-Identifier: Apache-2.0
"""Documents in the forms in which they are published: by FastAPI, as Swagger 2.0, in several files."""

from __future__ import annotations

from typing import Any, Final

_INVALID: Final = {
    "description": "Validation Error",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HTTPValidationError"}}},
}

FASTAPI: Final[dict[str, Any]] = {
    "openapi": "3.1.0",
    "info": {"title": "FastAPI", "version": "0.1.0"},
    "paths": {
        "/health": {
            "get": {
                "summary": "Health",
                "operationId": "health_health_get",
                "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": {}}}}},
            }
        },
        "/items/": {
            "get": {
                "tags": ["items"],
                "summary": "Read Items",
                "operationId": "read_items_items__get",
                "parameters": [
                    {
                        "name": "skip",
                        "in": "query",
                        "required": False,
                        "schema": {"type": "integer", "default": 0, "title": "Skip"},
                    },
                    {
                        "name": "limit",
                        "in": "query",
                        "required": False,
                        "schema": {"type": "integer", "maximum": 100, "default": 10, "title": "Limit"},
                    },
                ],
                "responses": {
                    "200": {
                        "description": "Successful Response",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "array",
                                    "items": {"$ref": "#/components/schemas/Item"},
                                    "title": "Response Read Items Items  Get",
                                }
                            }
                        },
                    },
                    "422": _INVALID,
                },
            },
            "post": {
                "tags": ["items"],
                "summary": "Create Item",
                "operationId": "create_item_items__post",
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}},
                },
                "responses": {
                    "201": {
                        "description": "Successful Response",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}},
                    },
                    "422": _INVALID,
                },
            },
        },
        "/items/{item_id}": {
            "get": {
                "tags": ["items"],
                "summary": "Read Item",
                "operationId": "read_item_items__item_id__get",
                "parameters": [
                    {
                        "name": "item_id",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "integer", "title": "Item Id"},
                    }
                ],
                "responses": {
                    "200": {
                        "description": "Successful Response",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}},
                    },
                    "422": _INVALID,
                },
            }
        },
    },
    "components": {
        "schemas": {
            "HTTPValidationError": {
                "properties": {
                    "detail": {
                        "items": {"$ref": "#/components/schemas/ValidationError"},
                        "type": "array",
                        "title": "Detail",
                    }
                },
                "type": "object",
                "title": "HTTPValidationError",
            },
            "Item": {
                "properties": {
                    "name": {"type": "string", "title": "Name"},
                    "description": {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "Description"},
                    "price": {"type": "number", "title": "Price"},
                },
                "type": "object",
                "required": ["name", "price"],
                "title": "Item",
            },
            "ValidationError": {
                "properties": {
                    "loc": {
                        "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
                        "type": "array",
                        "title": "Location",
                    },
                    "msg": {"type": "string", "title": "Message"},
                    "type": {"type": "string", "title": "Error Type"},
                },
                "type": "object",
                "required": ["loc", "msg", "type"],
                "title": "ValidationError",
            },
        }
    },
}
"""What FastAPI 0.11x writes for a small service."""

PETSTORE: Final[dict[str, Any]] = {
    "swagger": "2.0",
    "info": {"title": "Petstore", "version": "1.0.0"},
    "host": "petstore.example",
    "basePath": "/v2",
    "schemes": ["https", "http"],
    "produces": ["application/json"],
    "securityDefinitions": {"api_key": {"type": "apiKey", "name": "api_key", "in": "header"}},
    "security": [{"api_key": []}],
    "paths": {
        "/pet/{petId}": {
            "get": {
                "tags": ["pet"],
                "operationId": "getPetById",
                "parameters": [{"name": "petId", "in": "path", "required": True, "type": "integer", "format": "int64"}],
                "responses": {"200": {"description": "ok", "schema": {"$ref": "#/definitions/Pet"}}},
            }
        }
    },
    "definitions": {"Pet": {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}},
}

SPLIT: Final[dict[str, dict[str, Any]]] = {
    "api.json": {
        "openapi": "3.0.3",
        "info": {"title": "Split", "version": "1"},
        "servers": [{"url": "https://split.example"}],
        "paths": {
            "/things/{id}": {
                "get": {
                    "operationId": "things.get",
                    "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                    "responses": {
                        "200": {
                            "description": "",
                            "content": {"application/json": {"schema": {"$ref": "parts/thing.json#/Thing"}}},
                        }
                    },
                }
            }
        },
    },
    "parts/thing.json": {"Thing": {"type": "object", "properties": {"id": {"type": "string"}}}},
}
"""A document in two files."""
