# SPDX-License-Identifier: Apache-2.0
"""What a caller may choose, for a client and for single calls."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, TypedDict

from msgspec import Struct
from msgspec.structs import replace

from callwell.errors import InvalidOption, UnknownName

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from callwell.clock import Clock
    from callwell.description.provider import Provider
    from callwell.keys import Key
    from callwell.observe.hooks import Hook
    from callwell.observe.notices import Notice
    from callwell.state.base import State
    from callwell.transport.base import AsyncTransport, Transport

INTERACTIVE_DEADLINE_S: Final = 60.0
"""The deadline of an interactive call: people wait a minute at most, and the window of a per-minute quota ends within
it."""

MIN_DEADLINE_S: Final = 0.001
"""The deadline of a follow-up call when no time is left: it must be positive, and expires immediately."""

MAX_NAME_LENGTH: Final = 200
"""Characters of a caller's own name for a call."""

STRINGS: Final = {
    "proxy": "the address of a proxy, or `environment`",
    "ca_file": "the path of a file of PEM certificates",
    "environment": "the name of an environment",
    "account": "a name",
}
"""Options that are strings, and what each one means."""

RETRIES_HEADER: Final = "callwell-retries"
"""The header by which a server learns that its caller retries."""

Priority = Literal["interactive", "batch"]

Auth = Literal["key", "token"]


class NotGiven(Enum):
    """The type of `NOT_GIVEN`, for parameters where None means null on the wire."""

    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN: Final = NotGiven.NOT_GIVEN


class CallOptions(TypedDict, total=False):
    """What may differ from call to call: the arguments of `with_options`.

    Attributes:
        deadline_s: seconds for the whole call, waits included; None for no deadline. By default 60 for interactive
            calls, none for batch.
        priority: `interactive` goes before `batch` where permits are scarce.
        for_user: your user ID of the end user, for providers that ask for one; where the profile says so, the provider
            sees only a pseudonym.
        retry_unsafe_5xx: repeat an unsafe call after a 5xx, at the risk of doing it twice.
        nested: a caller of these calls retries, so each makes one attempt only. Or pass the incoming headers of the
            request being served; a Callwell caller marks retries there.
        exactly_once: record a call that could happen twice before it is sent, and settle it if its response is lost. A
            string names the call, so that it is found again when the program is restarted.
        remember: keep results in the state, and answer the same request from there: nothing is sent or billed again.
            Only for operations that the profile allows it for.
        force: bypass that cache, and keep the new result.
    """

    deadline_s: float | None
    priority: Priority
    for_user: str | None
    retry_unsafe_5xx: bool
    nested: bool | Mapping[str, str]
    exactly_once: bool | str
    remember: bool
    force: bool


class ClientOptions(CallOptions, total=False):
    """All keyword arguments of a client.

    Attributes:
        key: a `Key`, `env:NAME`, `file:PATH` or another key source; unless given, the provider's usual environment
            variable.
        environment: one that the profile names; its default unless given.
        base_url: the address of another deployment of the provider, or such addresses by environment.
        auth: the credential to send: the `key`, or a short-lived `token` obtained with it, if there are tokens.
        explain: if the provider rejects a key that it never accepted, send one request to each environment with other
            keys, and say where the key belongs.
        key_header: the header that carries the key, if a proxy of your own expects another one.
        account: the name of the account that the quota belongs to, if you use several.
        plan: billing plan; `monthly-active-users` requires `for_user`.
        alpha: allow operations that the provider calls alpha.
        user_secret: where the secret for pseudonyms of end users is kept, as for `key`; by default a file created
            once for all programs of this user.
        state: `memory:`, `sqlite:///PATH`, `postgresql://USER@HOST/DATABASE`, or an open state.
        proxy: the address of a proxy, or `environment` for the usual variables; none unless given.
        ca_file: a file of PEM certificates to trust as well as the usual ones.
        connect_s: seconds to make a connection.
        max_answer_bytes: bytes of a decoded answer; a larger one is not read, and the call ends with `AnswerTooLarge`.
            The profile's bound unless given, 64 MiB. Files are streamed and have no bound.
        on_notice: called with every notice (attempts, waits, new keys); it must not block, and its exceptions are
            logged.
        hooks: what watches the calls and may add headers: `Hook`s of `callwell.observe.hooks`, `opentelemetry`,
            `prometheus`.
        clock: a clock to use instead of the machine's.
        transport: a transport to use instead of the default one.
    """

    key: str | Key | None
    environment: str | None
    base_url: str | Mapping[str, str] | None
    auth: Auth
    explain: bool
    key_header: str | None
    account: str
    plan: str | None
    alpha: bool
    user_secret: str | Key | None
    state: str | State
    proxy: str | None
    ca_file: str | None
    connect_s: float
    max_answer_bytes: int
    on_notice: Callable[[Notice], None] | None
    hooks: Sequence[Hook | str] | None
    clock: Clock | None
    transport: AsyncTransport | Transport | None


class ResolvedOptions(Struct, frozen=True, kw_only=True):
    """Call options, checked.

    Attributes:
        deadline_s: infinite for none.
        explicit_deadline_s: the same if the caller set it, otherwise infinite: for transfers, which take as long as
            their size.
        priority: see `CallOptions`.
        for_user: the end user as the provider knows them.
        retry_unsafe_5xx: see `CallOptions`.
        nested: a caller of the call retries.
        exactly_once: see `CallOptions`.
        remember: see `CallOptions`.
        force: see `CallOptions`.
        headers: headers of every request, in addition to the key.
    """

    deadline_s: float = INTERACTIVE_DEADLINE_S
    explicit_deadline_s: float = float("inf")
    priority: Priority = "interactive"
    for_user: str | None = None
    retry_unsafe_5xx: bool = False
    nested: bool = False
    exactly_once: bool | str = False
    remember: bool = False
    force: bool = False
    headers: tuple[tuple[str, str], ...] = ()


def is_nested(nested: bool | Mapping[str, str]) -> bool:  # noqa: FBT001 - the option as it is given
    """Whether the option `nested` says that a caller retries: True, or the headers of a request being served."""
    if isinstance(nested, Mapping):
        return any(name.lower() == RETRIES_HEADER for name in nested)
    return nested


def check_names(options: CallOptions, known: Collection[str]) -> None:
    """Check that all options are known, and that strings are strings: other libraries take other types by these names.

    Raises:
        UnknownName: one is not.
        InvalidOption: a value has the wrong type.
    """
    for name, value in options.items():
        if name not in known:
            raise UnknownName("option", name, known)
        if name not in STRINGS or value is None:
            continue
        if not isinstance(value, str) and not (name == "ca_file" and isinstance(value, os.PathLike)):
            raise InvalidOption(name, type(value).__name__, STRINGS[name])
    if not isinstance(state := options.get("state", ""), str) and not hasattr(state, "shared"):
        raise InvalidOption("state", type(state).__name__, "the address of a state, such as `memory:`, or a state")


def resolve_options(before: ResolvedOptions, options: CallOptions) -> ResolvedOptions:
    """Apply options on top of earlier ones.

    Raises:
        InvalidOption: an option cannot take this value.
    """
    values = {name: options[name] for name in ResolvedOptions.__struct_fields__ if name in options}  # type: ignore[literal-required]
    priority = values.get("priority", before.priority)
    if priority not in ("interactive", "batch"):
        raise InvalidOption("priority", priority, "`interactive` or `batch`")
    if "deadline_s" not in values and "priority" in values:
        values["deadline_s"] = INTERACTIVE_DEADLINE_S if priority == "interactive" else None
    if "deadline_s" in values:
        deadline_s = values["deadline_s"]
        values["deadline_s"] = float("inf") if deadline_s is None else check_seconds("deadline_s", deadline_s)
        values["explicit_deadline_s"] = values["deadline_s"] if "deadline_s" in options else float("inf")
    if "nested" in values:
        values["nested"] = is_nested(values["nested"])
    if "exactly_once" in values:
        _check_exactly_once(values["exactly_once"])
    for name in ("remember", "force"):
        if not isinstance(values.get(name, False), bool):
            raise InvalidOption(name, values[name], "True or False")
    return replace(before, **values)


def _check_exactly_once(value: object) -> None:
    if isinstance(value, bool):
        return
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= MAX_NAME_LENGTH:
        expected = f"True, False, or a name of 1 to {MAX_NAME_LENGTH} printable characters"
        raise InvalidOption("exactly_once", value, expected)


def check_seconds(name: str, value: object) -> float:
    """A time that an option gives.

    Args:
        name: of the option.
        value: what was given.

    Raises:
        InvalidOption: it is not a time.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise InvalidOption(name, value, "seconds above zero")
    return float(value)


def check_auth(provider: Provider, given: Auth) -> Auth:
    """Which credential is sent to the provider.

    Args:
        provider: the description.
        given: the option.

    Raises:
        InvalidOption: a value that it does not accept.
    """
    if given not in ("key", "token"):
        raise InvalidOption("auth", given, "`key` or `token`")
    if given == "token" and provider.profile.key.token is None:
        raise InvalidOption("auth", given, f"`key`: {provider.name} has no tokens")
    return given
