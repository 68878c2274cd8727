# SPDX-License-Identifier: Apache-2.0
"""What a client is made of, before it makes a call."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlencode, urlsplit

from callwell import providers, state
from callwell.client.account import Account
from callwell.client.answers import origin
from callwell.client.keyuse import KeyUses, Realm
from callwell.client.options import check_names, choose, seconds
from callwell.client.till import Till
from callwell.clock import SystemClock
from callwell.errors import InvalidOption
from callwell.keys import parse_source
from callwell.observe.hooks import gathered
from callwell.transport.base import Network

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from callwell.client.ledger import Ledger
    from callwell.client.options import Auth, CallOptions, Choices, ClientOptions
    from callwell.clock import Clock
    from callwell.keys import Source
    from callwell.observe.hooks import Hooks
    from callwell.spec.provider import Environment, Provider
    from callwell.state.base import State

CHOICES: Final = frozenset({"deadline_s", "priority", "for_user", "retry_unsafe_5xx", "nested", "exactly_once"})
OPTIONS: Final = CHOICES | {
    "key",
    "environment",
    "base_url",
    "auth",
    "explain",
    "account",
    "state",
    "proxy",
    "ca_file",
    "connect_s",
    "on_notice",
    "hooks",
    "clock",
    "transport",
}

LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a client is made of.

    Attributes:
        provider: the description.
        environment: the name of the provider's environment.
        base_url: the environment's address, without a slash at its end.
        auth: what is shown: the key, or a token.
        explain: a key that is refused and was never accepted may be shown to the other environments.
        others: where the environments are that have other keys, None where that is not known.
        whose: whose quota it is.
        account: the name of the account's record in the state.
        realm: which keys belong to it.
        source: where the key is kept.
        state: what is shared.
        owns_state: the state was opened for this client, and is closed with it.
        clock: whose seconds are meant.
        network: how connections are made.
        transport: another way of sending, if the caller gave one.
        hooks: what watches the calls.
    """

    provider: Provider
    environment: str
    base_url: str
    auth: Auth
    explain: bool
    others: Mapping[str, str | None]
    whose: str
    account: str
    realm: Realm
    source: Source
    state: State
    owns_state: bool
    clock: Clock
    network: Network
    transport: Any
    hooks: Hooks | None

    @classmethod
    def of(cls, provider: str | Path | Provider, options: ClientOptions) -> Self:
        """What the options of a client say.

        Raises:
            UnknownName: a provider, environment or option that does not exist.
            InvalidOption: a value that an option cannot take.
        """
        check_names(options, OPTIONS)
        described = providers.load(provider) if isinstance(provider, str | os.PathLike) else provider
        environment = described.environment(options.get("environment"))
        base_url, others = _addresses(described, environment, options.get("base_url"))
        homes = {name: described.environment(name).base_url for name in (environment.name, *others)} if others else {}
        described = described.within(environment.name)
        where = options.get("state", "memory:")
        network = Network(proxy=options.get("proxy"), ca_file=options.get("ca_file"), user_agent=_user_agent())
        if "connect_s" in options:
            network = dataclasses.replace(network, connect_s=seconds("connect_s", options["connect_s"]))
        whose = options.get("account", "default")
        check_user(described, options)
        hooks = gathered(options.get("on_notice"), options.get("hooks"))
        return cls(
            provider=described,
            environment=environment.name,
            base_url=base_url,
            auth=_auth(described, options.get("auth", "key")),
            explain=options.get("explain", False),
            others=others,
            whose=whose,
            account=_account(described.name, environment.name, base_url, whose),
            realm=Realm(described.name, environment.name, {name: _place(home) for name, home in homes.items()}),
            source=parse_source(options.get("key"), described.profile.key.env),
            state=state.open_state(where) if isinstance(where, str) else where,
            owns_state=isinstance(where, str),
            clock=options.get("clock") or SystemClock(),
            network=network,
            transport=options.get("transport"),
            hooks=hooks,
        )

    def open_account(self) -> Account | Till:
        """The account's permits: by the lot where nobody else sees its record, and all quotas are known."""
        account = Account(self.provider.profile, self.account, self.state, self.clock)
        alone = self.owns_state and not account.shared and not account.paces
        return Till(account, self.clock) if alone else account

    def ledger(self) -> Ledger:
        """The account's calls that are made exactly once."""
        from callwell.client.ledger import Ledger  # few clients need it

        return Ledger(self.account, self.state, self.clock)

    def key_uses(self) -> KeyUses:
        """The record of the account's keys."""
        return KeyUses(self.account, self.state, self.clock, self.realm)

    def key_uses_at(self, environment: str, address: str) -> KeyUses:
        """The record of the same account's keys in another environment."""
        account = _account(self.provider.name, environment, address, self.whose)
        return KeyUses(account, self.state, self.clock, self.realm)

    def close(self) -> None:
        """Close the state, if it was opened for this client."""
        if self.owns_state:
            self.state.close()

    def choose(self, before: Choices, options: CallOptions) -> Choices:
        """The choices after some options of a call have been given.

        Raises:
            UnknownName: an option that does not exist, or that a client has for good.
            InvalidOption: a value that an option cannot take.
        """
        check_names(options, CHOICES)
        check_user(self.provider, options)
        return choose(before, options)

    def target(self, path: str, query: Mapping[str, str]) -> str:
        """Path and query below the environment's address.

        Raises:
            InvalidOption: an address of another origin, or a path that climbs.
        """
        if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//", path):
            there = origin(path)
            if there != origin(self.base_url):
                shown = "{}://{}:{}".format(*there)
                raise InvalidOption("path", shown, f"an address of {self.base_url}, to which alone the key is shown")
            parts = urlsplit(path)
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            base_path = urlsplit(self.base_url).path
            if not path.startswith(f"{base_path}/"):
                raise InvalidOption("path", path, f"an address below {self.base_url}")
            path = path.removeprefix(base_path)
        path = path.partition("#")[0]
        if not path.isprintable() or ".." in re.split(r"[/\\]", unquote(path.partition("?")[0])):
            raise InvalidOption("path", path, "a path without `..` and control characters")
        path = path if path.startswith("/") else f"/{path}"
        return f"{path}{'&' if '?' in path else '?'}{urlencode(query)}" if query else path


def check_user(provider: Provider, options: CallOptions) -> None:
    """See that an end user is named only where the provider wants to know.

    Raises:
        InvalidOption: it does not.
    """
    if options.get("for_user") is not None:
        raise InvalidOption("for_user", options.get("for_user"), f"nothing: {provider.name} asks for no end user")


def _account(provider: str, environment: str, address: str, whose: str) -> str:
    return f"{provider}:{environment}:{_place(address)}:{whose}"


def _place(address: str) -> str:
    return "{}-{}-{}".format(*origin(address))


def _addresses(
    provider: Provider, environment: Environment, given: str | Mapping[str, str] | None
) -> tuple[str, dict[str, str | None]]:
    """Where an environment is, and those that do not take its keys: at their own addresses, if it is at its own."""
    said = given if isinstance(given, Mapping) else {environment.name: given} if given else {}
    for name in said:
        provider.environment(name)
    own = _address(environment.base_url)
    here = _address(said[environment.name]) if environment.name in said else own
    others: dict[str, str | None] = {}
    for name in provider.rivals(environment.name):
        usual = provider.environment(name).base_url if here == own else None
        there = _address(said[name]) if name in said else usual
        others[name] = None if there == here else there
    return here, others


def _auth(provider: Provider, given: Auth) -> Auth:
    if given not in ("key", "token"):
        raise InvalidOption("auth", given, "`key` or `token`")
    if given == "token" and provider.profile.key.token is None:
        raise InvalidOption("auth", given, f"`key`: {provider.name} has no tokens")
    return given


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise InvalidOption("base_url", text, "an address such as https://api.example.com/v1") from error
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
        raise InvalidOption("base_url", text, "an address such as https://api.example.com/v1")
    if parts.username or parts.password:
        raise InvalidOption("base_url", f"{parts.scheme}://…@{parts.hostname}", "an address without a password")
    if parts.scheme == "http" and parts.hostname not in LOCAL:
        raise InvalidOption("base_url", text, "an https address: a key is sent without TLS to this machine only")
    return text.rstrip("/")


def _user_agent() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"callwell/{version('callwell')}"
    except PackageNotFoundError:
        return "callwell"
