# SPDX-License-Identifier: Apache-2.0
"""The rule records that a provider's profile fills in: what OpenAPI cannot say, as frozen values.

These records are the schema of `profile.toml`: a table is a record, a key is a field, and a key that no field has is an
error. Times are in seconds.
"""

from __future__ import annotations

import dataclasses
from typing import Final, Literal

MAX_BACKOFF_S: Final = 20.0
"""The longest wait between attempts: the cap of AWS standard mode."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class QuotaRule:
    """One quota: `limit` requests per `window_s`.

    Attributes:
        limit: requests in a window.
        window_s: its length.
        window: `fixed` only where the provider documents windows that reset all at once.
        shape: `plain` for fixed windows, sliding logs and token buckets of size `limit`; the others are paced evenly.
        burst: requests that may come at once, where the provider names a number; such a quota is paced evenly.
    """

    limit: int
    window_s: float
    window: Literal["unknown", "fixed", "sliding"] = "unknown"
    shape: Literal["plain", "gcra", "sliding-counter"] = "plain"
    burst: int | None = None

    @property
    def paced(self) -> bool:
        """Whether permits are let out evenly from the start."""
        return self.shape != "plain" or self.burst is not None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """When and how often a call is repeated.

    Attributes:
        attempts: arrivals that one call may make, throttled ones not counted.
        throttles: answers 429 that one call may get.
        base_s: the first wait, which doubles.
        cap_s: the longest wait before jitter.
        unsafe_5xx: repeat unsafe operations after a 5xx, at the risk of doing them twice.
        attempt_s: the longest that one arrival waits for its whole answer.
        max_transit_s: how long a request may still be under way after its connection was closed (the D of the proof).
        commit_bound_s: how long after its arrival a request may still commit.
        rekey_wait_s: how long a call waits for a new key.
    """

    attempts: int = 6
    throttles: int = 20
    base_s: float = 0.5
    cap_s: float = MAX_BACKOFF_S
    unsafe_5xx: bool = False
    attempt_s: float = 60.0
    max_transit_s: float = 60.0
    commit_bound_s: float = 30.0
    rekey_wait_s: float = 30.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CodeRule:
    """One documented error code.

    Attributes:
        status: the HTTP status that it comes with.
        dead_key: the key is dead: its source is read again, and the call is sent once more.
        not_done: nothing was done, although the status is a 5xx.
    """

    status: int
    dead_key: bool = False
    not_done: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRule:
    """Where an error answer says what is wrong.

    Attributes:
        code: keys of the body that may hold the code, in order.
        message: keys of the body that may hold the words.
        request_id: header names that may hold the provider's name for the exchange.
        retry_after: header names that may hold a wait, in order; seconds or an HTTP date.
        codes: the documented codes.
    """

    code: tuple[str, ...] = ("code", "error")
    message: tuple[str, ...] = ("message", "detail", "title")
    request_id: tuple[str, ...] = ("x-request-id",)
    retry_after: tuple[str, ...] = ("retry-after",)
    codes: dict[str, CodeRule] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeyRule:
    """How a key is shown to the provider.

    Attributes:
        scheme: `bearer`, `basic` (the key is the user name), or `header` (the bare key).
        header: the header that carries it.
        env: the environment variable in which it is looked for.
        pattern: a regular expression that every key matches from start to end.
        looks_like: the same in words, for the person whose key does not match.
        canary: a safe operation without parameters, by which a new key is tried.
    """

    scheme: Literal["bearer", "basic", "header"] = "bearer"
    header: str = "authorization"
    env: str
    pattern: str = r"\S+"
    looks_like: str = "a text without spaces"
    canary: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PagingRule:
    """How a list is read page by page. Dotted names are paths into the body.

    Attributes:
        style: `page` (number), `offset`, `cursor`, `next-link` (in the body) or `link-header`.
        items: where the items are, relative to the body.
        key: the field that names an item; without it, drift shows only in totals.
        position: the query parameter that carries the page number, offset or cursor.
        first: the number of the first page, or the first offset.
        size: the query parameter for the page's size.
        max_size: the largest size that the provider takes, used for walks unless the caller says otherwise.
        more: where the body says that there is more (true or false).
        next: where the body has the next cursor or link.
        total: where the body has the total of items.
        pages: where the body has the total of pages.
    """

    style: Literal["page", "offset", "cursor", "next-link", "link-header"] = "page"
    items: str
    key: str | None = None
    position: str = "page"
    first: int = 1
    size: str | None = None
    max_size: int | None = None
    more: str | None = None
    next: str | None = None
    total: str | None = None
    pages: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AssetRule:
    """An operation whose answer names a file behind a signed URL that expires.

    Attributes:
        url: where the body has the URL; null there means that there is no file.
        size: where it has the size in bytes.
        type: where it has the media type.
        captured: where it says whether such a file was made at all.
        name: the file's name in an export, with `{parameters}` of the operation.
    """

    url: str
    size: str | None = None
    type: str | None = None
    captured: str | None = None
    name: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OperationRule:
    """What the profile adds to one operation of the OpenAPI document.

    Attributes:
        repeatable: whether a second arrival does no harm, where the HTTP method does not tell.
        quotas: names of the quotas that it counts against; all of them unless said.
        paging: how its list is read.
        asset: that it leads to a file.
        renamed: fields of its result (of its items, for a list) that have a new name: the old place, dotted, and the
            new name, under which the caller finds them whichever the provider sends.
        signed: fields of its items that hold signed URLs, with the asset operation whose file is meant.
    """

    repeatable: bool | None = None
    quotas: tuple[str, ...] | None = None
    paging: PagingRule | None = None
    asset: AssetRule | None = None
    renamed: dict[str, str] = dataclasses.field(default_factory=dict)
    signed: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExportRule:
    """What `callwell export` fetches.

    Attributes:
        scopes: a list operation whose items the export walks one after the other (workspaces, projects).
        scope_parameter: the parameter of the other operations that takes the key of a scope.
        items: the list operation of what is exported.
        items_arguments: arguments of that list by which new items come last, so that a walk drifts as little as can be.
        expires: the field of a listed item that says when its files are withdrawn; from then on those that are not
            there are not asked for again, unless that time changes.
        item_parameter: the parameter of `detail` and of the assets that takes the key of an item.
        detail: the operation that gives one item's full record.
        record: where that operation's answer has the record.
        assets: asset operations, in the order in which they are fetched.
    """

    scopes: str
    scope_parameter: str
    items: str
    items_arguments: dict[str, str] = dataclasses.field(default_factory=dict)
    expires: str | None = None
    item_parameter: str
    detail: str
    record: str
    assets: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentRule:
    """One deployment of the provider.

    Attributes:
        base_url: the address to which operations' paths are added.
        default: used when the caller names none.
    """

    base_url: str
    default: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A whole profile.

    Attributes:
        name: how the provider is called in code and on the command line.
        title: its name for people.
        docs: the address of its documentation, for messages.
        result: where a successful body has the result; the whole body unless said.
        environments: at least one.
        key: how a key is shown.
        quotas: by name.
        retry: when a call is repeated.
        errors: where error answers say what is wrong.
        operations: what is said about single operations.
        export: what `callwell export` fetches.
    """

    name: str
    title: str
    docs: str = ""
    result: str | None = None
    environments: dict[str, EnvironmentRule]
    key: KeyRule
    quotas: dict[str, QuotaRule] = dataclasses.field(default_factory=dict)
    retry: RetryRule = RetryRule()
    errors: ErrorRule = ErrorRule()
    operations: dict[str, OperationRule] = dataclasses.field(default_factory=dict)
    export: ExportRule | None = None
