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
        wire: its name on the wire.
        place: where it goes; `body` is one field of a JSON object.
        required: the operation cannot be called without it.
        schema: its JSON schema, with references resolved.
        summary: one line about it.
    """

    name: str
    wire: str
    place: Literal["path", "query", "header", "body"]
    required: bool
    schema: Mapping[str, Any]
    summary: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One documented request.

    Attributes:
        name: dotted, in snake case: `recordings.list`.
        method: the HTTP method, in capitals.
        path: the template below the base URL: `/public/workspace/{workspaceId}`.
        parameters: what it takes, path first, then query, then body.
        summary: one line about it.
        response: the JSON schema of a successful body, with references resolved; empty if there is none.
    """

    name: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    summary: str
    response: Mapping[str, Any]


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
