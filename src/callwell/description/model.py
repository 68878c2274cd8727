# SPDX-License-Identifier: Apache-2.0
"""What an OpenAPI document says about a provider's operations, as frozen records."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One value that an operation takes.

    Attributes:
        name: its name in Python, in snake case.
        wire_name: its name on the wire.
        location: where it goes; `body` is one field of a JSON object or of a form.
        required: the operation cannot be called without it.
        schema: its JSON schema, with references resolved.
        summary: one line about it.
        style: how an object stands in a query: `deepObject` is `name[key]=value`.
        explode: several values stand in a query under the name each, not in one text with commas.
    """

    name: str
    wire_name: str
    location: Literal["path", "query", "header", "body"]
    required: bool
    schema: Mapping[str, Any]
    summary: str = ""
    style: Literal["form", "deepObject"] = "form"
    explode: bool = True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One documented request.

    Attributes:
        name: dotted, in snake case: `recordings.list`.
        method: the HTTP method, in capitals.
        path: the template below the base URL: `/public/workspace/{workspaceId}`.
        parameters: what it takes, path first, then query, then body.
        summary: one line about it.
        response_schema: the JSON schema of a successful body, with references resolved; empty if there is none.
        media: the types of successful bodies that are described beside JSON, in lower case.
        form: its body is a form (`multipart/form-data`), which can hold files.
        keyless: it is called without a key.
    """

    name: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    summary: str
    response_schema: Mapping[str, Any]
    form: bool = False
    keyless: bool = False
    media: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """All operations of a provider, by name.

    Attributes:
        title: the document's title.
        version: the document's version.
        operations: by dotted name.
    """

    title: str
    version: str
    operations: Mapping[str, Operation]
