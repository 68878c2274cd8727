# SPDX-License-Identifier: Apache-2.0
"""The rule records that a provider's profile fills in: what OpenAPI cannot say, as frozen values.

These records are the schema of `profile.toml`: a table is a record, a key is a field, and a key that no field has is an
error. Times are in seconds. Single operations have theirs in `operations`; deployments
and end users have theirs in `environments`.
"""

from __future__ import annotations

import dataclasses
from typing import Final, Literal

from callwell.core.rules.assess import AssessRule
from callwell.core.rules.environments import EndUserRule, EnvironmentRule, SandboxRule
from callwell.core.rules.export import ExportRule, PartRule
from callwell.core.rules.media import AudioRule, FormatRule, RecordingRule
from callwell.core.rules.operations import AssetRule, MarkerRule, OperationRule, PagingRule, UntilRule, UploadRule
from callwell.core.rules.webhooks import EventRule, WebhookRule

__all__ = [
    "MAX_BACKOFF_S",
    "AssessRule",
    "AssetRule",
    "AudioRule",
    "CodeRule",
    "EndUserRule",
    "EnvironmentRule",
    "ErrorRule",
    "EventRule",
    "ExportRule",
    "FormatRule",
    "KeyRule",
    "MarkerRule",
    "OperationRule",
    "PagingRule",
    "PartRule",
    "Profile",
    "QuotaHeaderRule",
    "QuotaRule",
    "RecordingRule",
    "RetryRule",
    "SandboxRule",
    "TokenRule",
    "UntilRule",
    "UploadRule",
    "WebhookRule",
]

MAX_BACKOFF_S: Final = 20.0
"""The longest wait between attempts: the cap of AWS standard mode."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class QuotaRule:
    """One quota: `limit` requests per `window_s`, or one that is not known.

    Attributes:
        limit: requests in a window.
        window_s: its length.
        adaptive: there is a limit, but nobody says which: it is found out. Then nothing else is said but `methods`.
        window: `fixed` only where the provider documents windows that reset all at once.
        shape: `plain` for fixed windows, sliding logs and token buckets of size `limit`; the others are paced evenly.
        burst: requests that may come at once, where the provider names a number; such a quota is paced evenly.
        methods: the HTTP methods whose operations count against it unless they name their quotas; all unless said.
    """

    limit: int = 0
    window_s: float = 0.0
    adaptive: bool = False
    window: Literal["unknown", "fixed", "sliding"] = "unknown"
    shape: Literal["plain", "gcra", "sliding-counter"] = "plain"
    burst: int | None = None
    methods: tuple[str, ...] | None = None

    @property
    def paced(self) -> bool:
        """Whether permits are let out evenly from the start."""
        return self.shape != "plain" or self.burst is not None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class QuotaHeaderRule:
    """Headers of every answer that say how a quota stands: the first one that the operation counts against.

    Attributes:
        limit: the header with the requests in a window.
        remaining: with the requests that are left in it.
        reset: with the end of the window; on a 429 it is waited for.
        reset_is: `delta` for seconds from now, `delta_ms` for milliseconds from now, `epoch` for the time since 1970 in
            seconds or smaller units. A date is read as one in any case.
    """

    limit: str | None = None
    remaining: str
    reset: str | None = None
    reset_is: Literal["delta", "delta_ms", "epoch"] = "delta"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """When and how often a call is repeated.

    Attributes:
        attempts: arrivals that one call may make, throttled ones not counted.
        throttles: answers 429 that one call may get.
        lost_attempts: where each arrival may be billed: how many of `attempts` may end without a whole answer, which
            does not tell whether they were.
        base_s: the first wait, which doubles.
        cap_s: the longest wait before jitter.
        unsafe_5xx: repeat unsafe operations after a 5xx, at the risk of doing them twice.
        attempt_s: the longest that one arrival waits for its whole answer.
        max_transit_s: how long a request may still be under way after its connection was closed (the D of the proof).
        commit_bound_s: how long after its arrival a request may still commit.
        rekey_wait_s: how long a call waits for a new key.
        tells: requests carry a header by which a server that uses Callwell stands down: only the outermost retries.
    """

    attempts: int = 6
    throttles: int = 20
    lost_attempts: int | None = None
    base_s: float = 0.5
    cap_s: float = MAX_BACKOFF_S
    unsafe_5xx: bool = False
    attempt_s: float = 60.0
    max_transit_s: float = 60.0
    commit_bound_s: float = 30.0
    rekey_wait_s: float = 30.0
    tells: bool = False


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
        code_is: `text` as it stands there, or `url`: the last part of an address.
        message: keys of the body that may hold the words.
        parameter: keys of the body that may name the parameter that is wrong.
        problems: where the body has a list of the same, for requests with several faults.
        request_id: header names that may hold the provider's name for the exchange.
        retry_after: header names that may hold a wait, in order; seconds or a date, milliseconds where the name ends
            in `-ms`.
        codes: the documented codes.
        dead_key_statuses: statuses by which a key is refused as dead, where there is no code to tell.
    """

    code: tuple[str, ...] = ("code", "error")
    code_is: Literal["text", "url"] = "text"
    message: tuple[str, ...] = ("message", "detail", "title")
    parameter: tuple[str, ...] = ()
    problems: str | None = None
    request_id: tuple[str, ...] = ("x-request-id",)
    retry_after: tuple[str, ...] = ("retry-after-ms", "retry-after")
    codes: dict[str, CodeRule] = dataclasses.field(default_factory=dict)
    dead_key_statuses: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TokenRule:
    """How a key is traded for tokens that end: one that is shown, and one by which both are renewed.

    Attributes:
        issue: the operation that takes the key.
        key: its argument.
        renew: the operation that takes the token for renewal, which is used up by it.
        refresh: its argument.
        access_at: where an answer of either has the token that is shown.
        refresh_at: where it has the token for renewal.
        expires_at: where it has the seconds for which the first one is good.
        early_s: how long before its end it is renewed.
        dead: codes by which a token that was shown is refused.
        refused: codes by which the first operation says that the key is none.
    """

    issue: str
    key: str
    renew: str
    refresh: str
    access_at: str
    refresh_at: str
    expires_at: str
    early_s: float = 60.0
    dead: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


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
        token: how it is traded for tokens, where the provider has them.
        whole_origin: a redirect within the origin carries the key out of the environment's path as well.
    """

    scheme: Literal["bearer", "basic", "header"] = "bearer"
    header: str = "authorization"
    env: str
    pattern: str = r"\S+"
    looks_like: str = "a text without spaces"
    canary: str | None = None
    token: TokenRule | None = None
    whole_origin: bool = False


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
        end_user: how the provider is told on whose behalf a call is made; nothing if it does not want to know.
        quotas: by name.
        quota_headers: the provider's own headers about its quotas.
        retry: when a call is repeated.
        errors: where error answers say what is wrong.
        audio: what sound it takes.
        operations: what is said about single operations.
        export: what `callwell export` fetches.
        webhooks: how events are delivered.
        max_answer_bytes: of a decoded answer; a larger one is not read. Files are streamed and have no bound.
    """

    name: str
    title: str
    docs: str = ""
    result: str | None = None
    environments: dict[str, EnvironmentRule]
    key: KeyRule
    end_user: EndUserRule | None = None
    quotas: dict[str, QuotaRule] = dataclasses.field(default_factory=dict)
    quota_headers: QuotaHeaderRule | None = None
    retry: RetryRule = RetryRule()
    errors: ErrorRule = ErrorRule()
    audio: AudioRule | None = None
    operations: dict[str, OperationRule] = dataclasses.field(default_factory=dict)
    export: ExportRule | None = None
    webhooks: WebhookRule | None = None
    max_answer_bytes: int = 67_108_864
