# SPDX-License-Identifier: Apache-2.0
"""A made-up provider with every kind of operation, described in records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from callwell.client.calls.binding import Binder
from callwell.core.rules.environments import EnvironmentRule
from callwell.core.rules.operations import AssetRule, OperationRule, PagingRule
from callwell.core.rules.profile import CodeRule, ErrorRule, KeyRule, Profile, QuotaRule, RetryRule, TokenRule
from callwell.description.model import Api, Operation, Parameter
from callwell.description.provider import Provider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.client.calls.binding import BoundRequest

BASE: Final = "https://api.acme.test/v1"
KEY: Final = "acme_first"
MINUTE: Final = {"minute": QuotaRule(limit=100, window_s=60)}

STRING_SCHEMA: Final = {"type": "string"}
COUNT: Final = {"type": "integer", "minimum": 1, "maximum": 10}


def parameter(
    name: str,
    place: Literal["path", "query", "header", "body"],
    schema: dict[str, Any],
    *,
    wire: str = "",
    required: bool = False,
) -> Parameter:
    """One value that an operation takes."""
    return Parameter(
        name=name, wire_name=wire or name, location=place, required=required or place == "path", schema=schema
    )


def operation(name: str, method: str, path: str, *parameters: Parameter, keyless: bool = False) -> Operation:
    """One documented request."""
    return Operation(
        name=name, method=method, path=path, parameters=parameters, summary="", response_schema={}, keyless=keyless
    )


THING_ID: Final = parameter("thing_id", "path", STRING_SCHEMA, wire="thingId")
NAME: Final = parameter("name", "body", {"type": "string", "minLength": 1, "maxLength": 5}, required=True)

OPERATIONS: Final = (
    operation("things.get", "GET", "/things/{thingId}", THING_ID),
    operation("things.put", "PUT", "/things/{thingId}", THING_ID, NAME),
    operation("things.remove", "DELETE", "/things/{thingId}", THING_ID),
    operation("things.file", "GET", "/things/{thingId}/file", THING_ID),
    operation("things.upload", "GET", "/upload"),
    operation(
        "things.make",
        "POST",
        "/things",
        parameter("trace", "header", STRING_SCHEMA, wire="X-Trace"),
        NAME,
        parameter("count", "body", COUNT),
        parameter("ratio", "body", {"type": "number"}),
        parameter("note", "body", {"type": ["string", "null"]}),
        parameter("labels", "body", {"type": "object"}),
    ),
    operation(
        "things.list",
        "GET",
        "/things",
        parameter("page", "query", {"type": "integer"}),
        parameter("size", "query", COUNT),
        parameter("colour", "query", {"type": "string", "enum": ["red", "green"]}),
        parameter("deep", "query", {"type": "boolean"}),
        parameter("maybe", "query", {"type": ["string", "null"]}),
        parameter("tags", "query", {"type": "array", "items": STRING_SCHEMA, "x-array-style": "indexed"}),
        parameter("ids", "query", {"type": "array", "items": {"type": "integer"}}),
    ),
    operation("things.scroll", "GET", "/scroll", parameter("cursor", "query", STRING_SCHEMA)),
    operation("things.links", "GET", "/links", parameter("colour", "query", STRING_SCHEMA)),
    operation("things.headers", "GET", "/headers"),
    operation("auth.issue", "POST", "/auth/key", parameter("key", "body", STRING_SCHEMA, required=True), keyless=True),
    operation("auth.renew", "POST", "/auth/renew", parameter("by", "body", STRING_SCHEMA, required=True), keyless=True),
)

TOKENS: Final = TokenRule(
    issue="auth.issue",
    key="key",
    renew="auth.renew",
    refresh="by",
    access_at="access",
    refresh_at="renewal",
    expires_at="seconds",
    dead_codes=("TOKEN_DEAD",),
    refused_codes=("NO_SUCH_KEY",),
)

LISTED: Final = PagingRule(
    items="data.items", key="id", size="size", max_size=2, more="data.more", total="data.total", position="page"
)

RULES: Final = {
    "auth.issue": OperationRule(quotas=(), repeatable=True),
    "auth.renew": OperationRule(quotas=()),
    "things.list": OperationRule(paging=LISTED),
    "things.scroll": OperationRule(
        paging=PagingRule(style="cursor", items="items", key="id", position="cursor", next="next")
    ),
    "things.links": OperationRule(
        paging=PagingRule(style="next-link", items="items", key="id", next="next"), quotas=("minute",)
    ),
    "things.headers": OperationRule(paging=PagingRule(style="link-header", items="items", key="id")),
    "things.file": OperationRule(
        asset=AssetRule(
            url="data.url", size="data.size", type="data.type", captured="data.captured", name="{thing_id}.bin"
        )
    ),
}

ERRORS: Final = ErrorRule(
    code=("error", "code"),
    codes={
        "DEAD": CodeRule(status=401, dead_key=True),
        "KEY_REQUIRED": CodeRule(status=401),
        "NOT_DONE": CodeRule(status=503, not_done=True),
    },
)


KEYS: Final = KeyRule(env="ACME_KEY", pattern=r"acme_\S+", looks_like="a string that begins with acme_")


def acme(quotas: dict[str, QuotaRule] | None = None, *, retry: RetryRule | None = None, **rules: Any) -> Provider:
    """The provider.

    Args:
        quotas: by name; a hundred a minute unless said.
        retry: when a call is repeated.
        rules: other fields of the profile.
    """
    profile = Profile(
        name="acme",
        title="Acme",
        result="data",
        environments=rules.pop("environments", {"production": EnvironmentRule(base_url=BASE, default=True)}),
        key=rules.pop("key", KEYS),
        quotas=MINUTE if quotas is None else quotas,
        retry=retry or RetryRule(),
        errors=rules.pop("errors", ERRORS),
        operations=RULES | rules.pop("operations", {}),
        **rules,
    )
    return Provider(name="acme", profile=profile, api=Api(title="Acme", version="1", operations=_named(OPERATIONS)))


def _named(operations: tuple[Operation, ...]) -> dict[str, Operation]:
    return {item.name: item for item in operations}


def bind(operation: Operation, arguments: Mapping[str, object]) -> BoundRequest:
    """The request that an operation makes of its arguments."""
    return Binder(operation).bind(arguments)
