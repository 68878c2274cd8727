# SPDX-License-Identifier: Apache-2.0
"""The rule records of a provider's profile: what OpenAPI cannot say, as frozen values.

The records are the schema of `profile.toml`. A table is a record, a key is a field, and a key without a field is an
error. Times are in seconds (`_s`). A default applies to a provider that documents nothing.

A path (`data.pagination.total`) leads to a value in a JSON body, with numbers as indexes into lists.

The records of single operations are in `operations`, those of environments and end users in `environments`.
"""

from typing import Final, Literal

from msgspec import Struct, field

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
    "PracticeRule",
    "Profile",
    "QuotaHeaderRule",
    "QuotaRule",
    "RecordingRule",
    "RetryRule",
    "SandboxRule",
    "StreamRule",
    "TokenRule",
    "UntilRule",
    "UploadRule",
    "WebhookRule",
]

MAX_BACKOFF_S: Final = 20.0
"""The longest wait between attempts, before jitter, in seconds: the cap of the standard mode of the AWS SDKs."""


class QuotaRule(Struct, frozen=True, kw_only=True):
    """One quota: `limit` requests per `window_s` seconds, or a limit that is not documented.

    Attributes:
        limit: requests in a window.
        window_s: the length of the window.
        adaptive: the limit is not documented, and is learned from responses. Then only `methods` may be set with it.
        window: `fixed` only if the provider documents windows that reset all permits at the same time.
        shape: `plain` for fixed windows, sliding logs and token buckets of size `limit`; with the others, requests are
            spread evenly.
        burst: requests that may be sent together, if the provider documents it; then requests are spread evenly.
        methods: the HTTP methods that count against it, unless an operation names its quotas; all if None.
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
        """Whether requests are spread evenly from the start."""
        return self.shape != "plain" or self.burst is not None


class QuotaHeaderRule(Struct, frozen=True, kw_only=True):
    """Headers of every response with the state of a quota, which is the first one that the operation counts against.

    Attributes:
        limit: the header with the requests allowed in a window.
        remaining: the header with the requests left in it.
        reset: the header with the end of the window; after a 429 the client waits for it.
        reset_is: `delta` for seconds from now, `delta_ms` for milliseconds from now, `epoch` for the time since 1970 in
            seconds or smaller units. A date is always recognised.
    """

    limit: str | None = None
    remaining: str
    reset: str | None = None
    reset_is: Literal["delta", "delta_ms", "epoch"] = "delta"


class RetryRule(Struct, frozen=True, kw_only=True):
    """When a call is retried, how often, and after which waits.

    Attributes:
        attempts: requests of one call, those answered by 429 not counted. The five waits between six add up to 15 s at
            most, well within the deadline of an interactive call.
        throttles: 429 responses that one call may get.
        lost_attempts: for a provider that bills each request: how many of `attempts` may end without a complete
            response: whether those were billed is unknown.
        base_s: the first wait; waits double.
        cap_s: the longest wait before jitter.
        unsafe_5xx: retry unsafe operations after a 5xx, at the risk of doing them twice.
        attempt_s: the longest time that one request waits for its complete response.
        max_transit_s: the longest time that a request may still be under way after its connection was closed. It is the
            one assumption of the proof that no quota is exceeded (D in `core/quota/permits.py`).
        commit_bound_s: the longest time that a received request may take to commit.
        rekey_wait_s: the longest time that a call waits for a new key.
        announce_retries: requests carry a header that says the client retries, so that a server that uses Callwell
            itself does not: only the outermost caller should.
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
    announce_retries: bool = False


class StreamRule(Struct, frozen=True, kw_only=True):
    """How streams of events and of JSON lines behave.

    Attributes:
        end: the data of the event that ends a stream, which is not delivered; empty if there is none. The default is
            the convention of most language model streams, and is not JSON.
        idle_s: the longest time without a byte, after which a stream counts as broken off.
        reconnects: for events of a GET: how often the stream is reopened after it has ended, without an event in
            between, with the ID of the last event.
    """

    end: str = "[DONE]"
    idle_s: float = 120.0
    reconnects: int = 0


class CodeRule(Struct, frozen=True, kw_only=True):
    """One documented error code.

    Attributes:
        status: the HTTP status of responses with it.
        dead_key: the key is revoked or expired: its source is read again, and the call is repeated.
        not_done: nothing was done although the status is a 5xx, so the call may be repeated.
    """

    status: int
    dead_key: bool = False
    not_done: bool = False


class ErrorRule(Struct, frozen=True, kw_only=True):
    """Where an error response says what is wrong.

    Attributes:
        code: keys of the body that may hold the code; the first one that is present counts.
        code_is: `text` for the value itself, `url` for the last part of its path.
        message: keys of the body that may hold the message.
        parameter: keys of the body that may name the wrong parameter.
        problems: path of a list of such objects, for requests with several problems.
        request_id: headers that may hold the provider's ID of the request.
        retry_after: headers that may hold a wait, of which the first one counts: seconds or a date, or milliseconds if
            the name ends in `-ms`.
        codes: the documented codes.
        dead_key_statuses: statuses that mean a revoked or expired key, if the response has no code.
    """

    code: tuple[str, ...] = ("code", "error")
    code_is: Literal["text", "url"] = "text"
    message: tuple[str, ...] = ("message", "detail", "title")
    parameter: tuple[str, ...] = ()
    problems: str | None = None
    request_id: tuple[str, ...] = ("x-request-id",)
    retry_after: tuple[str, ...] = ("retry-after-ms", "retry-after")
    codes: dict[str, CodeRule] = field(default_factory=dict)
    dead_key_statuses: tuple[int, ...] = ()


class TokenRule(Struct, frozen=True, kw_only=True):
    """How tokens are obtained with a key: an access token, and a refresh token that renews both (RFC 6749).

    Attributes:
        issue: the operation that takes the key and returns tokens.
        key: its argument for the key.
        renew: the operation that takes the refresh token and returns new ones; a refresh token works once.
        refresh: its argument for the refresh token.
        access_at: path of the access token in the responses of both.
        refresh_at: path of the refresh token.
        expires_at: path of the access token's lifetime in seconds.
        early_s: how long before its expiry it is renewed: longer than a request takes, so that none arrives with an
            expired token.
        dead_codes: error codes that mean the access token is no longer valid.
        refused_codes: error codes of `issue` that mean the key is not valid.
    """

    issue: str
    key: str
    renew: str
    refresh: str
    access_at: str
    refresh_at: str
    expires_at: str
    early_s: float = 60.0
    dead_codes: tuple[str, ...] = ()
    refused_codes: tuple[str, ...] = ()


class KeyRule(Struct, frozen=True, kw_only=True):
    """How a request carries the key.

    Attributes:
        scheme: `bearer`, `basic` (the key is the user name), `header` (the bare key), or `none`: there are no keys.
        header: the header that carries it.
        env: the environment variable that holds the key by default.
        pattern: a regular expression that every key matches from start to end.
        looks_like: the same as a phrase, for messages.
        canary: a safe operation without required parameters that tries a new key before other calls use it.
        token: how tokens are obtained with it, if the provider has them.
        whole_origin: the key also follows a redirect to a path of the same origin outside the environment's base URL.
        page: the address where keys are created and deleted.
        create: how to create a new key there that leaves the others valid, in one or two sentences; empty if that is
            not known to be possible.
        replace: how to replace a key there so that the old one is refused immediately.
        revoke: how to revoke a key there.
        expires_s: the longest lifetime that a key can be given; None if keys do not expire.
    """

    scheme: Literal["bearer", "basic", "header", "none"] = "bearer"
    header: str = "authorization"
    env: str
    pattern: str = r"\S+"
    looks_like: str = "a string without spaces"
    canary: str | None = None
    token: TokenRule | None = None
    whole_origin: bool = False
    page: str = ""
    create: str = ""
    replace: str = ""
    revoke: str = ""
    expires_s: float | None = None


class PracticeRule(Struct, frozen=True, kw_only=True):
    """One rule of the provider's best practices.

    Attributes:
        rule: the rule, in a few words of our own.
        page: the address of the page that states it, with the section if the page has several.
        checks: the checks of `callwell check` that enforce it: their IDs (`keys.unused`), or groups (`leaks`). Empty if
            the client always follows the rule itself.
    """

    rule: str
    page: str
    checks: tuple[str, ...] = ()


class Profile(Struct, frozen=True, kw_only=True):
    """A whole profile.

    Attributes:
        name: the name of the provider in code and on the command line.
        title: its display name.
        docs: the URL of its documentation, for messages.
        source: the address of the OpenAPI document; `callwell init --check` compares it with the current one there.
        result: path of the result in a successful body; the whole body if None.
        environments: by name; at least one.
        key: how a request carries the key.
        end_user: how a request names the end user; None if the provider does not have end users.
        quotas: by name.
        quota_headers: the headers with the state of its quotas.
        retry: when a call is retried.
        stream: how streams of events behave.
        errors: where error responses say what is wrong.
        audio: which audio it accepts.
        names: names of operations that replace those derived from the document, by `operationId` or by derived name.
        operations: rules of single operations, by name.
        export: what `callwell export` copies.
        webhooks: how events are delivered.
        practices: the rules of its best-practice pages, by our names for them.
        libraries: its own Python client libraries, by import name.
        max_answer_bytes: the most bytes of a decoded response (64 MiB); a larger one is refused, so that no response
            can fill the memory. Files are streamed and have no limit.
    """

    name: str
    title: str
    docs: str = ""
    source: str = ""
    result: str | None = None
    environments: dict[str, EnvironmentRule]
    key: KeyRule
    end_user: EndUserRule | None = None
    quotas: dict[str, QuotaRule] = field(default_factory=dict)
    quota_headers: QuotaHeaderRule | None = None
    retry: RetryRule = RetryRule()
    stream: StreamRule = StreamRule()
    errors: ErrorRule = ErrorRule()
    audio: AudioRule | None = None
    names: dict[str, str] = field(default_factory=dict)
    operations: dict[str, OperationRule] = field(default_factory=dict)
    export: ExportRule | None = None
    webhooks: WebhookRule | None = None
    practices: dict[str, PracticeRule] = field(default_factory=dict)
    libraries: tuple[str, ...] = ()
    max_answer_bytes: int = 67_108_864
