# SPDX-License-Identifier: Apache-2.0
"""The configuration of a client, resolved from its options."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from callwell import state
from callwell.client import addresses
from callwell.client.calls.options import (
    Auth,
    CallOptions,
    ClientOptions,
    check_auth,
    check_names,
    check_seconds,
    resolve_options,
)
from callwell.client.calls.responses import origin
from callwell.client.keys.usage import KeyRealm, KeyUseLog
from callwell.client.quota.account import Account
from callwell.client.quota.permit_batch import AccountHandle, PermitBatcher
from callwell.clock import Clock, SystemClock
from callwell.core.rules.environments import SandboxRule
from callwell.description import catalog
from callwell.description.provider import Provider
from callwell.errors import InvalidOption, UnknownName
from callwell.keys import Key, parse_source
from callwell.observe.hooks import HEADER_NAME, TRANSPORT_HEADERS, Hooks, build_hooks
from callwell.state.base import State
from callwell.transport.base import Network
from callwell.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Self

    from callwell.client.addresses import LinkTarget
    from callwell.client.calls.options import ResolvedOptions
    from callwell.client.end_users import EndUsers  # noqa: TC004 - nothing reads this annotation, and few clients have any
    from callwell.client.exactly_once.store import LedgerStore
    from callwell.client.result_cache import ResultCache
    from callwell.keys import KeySource  # noqa: TC004 - as above; the contract is for those who write a source


class ClientConfig(Struct, frozen=True, kw_only=True):
    """The resolved configuration of a client.

    Attributes:
        provider: the description.
        environment: the name of the provider's environment.
        base_url: the environment's address, without a trailing slash.
        auth: the credential that is sent: the key, or a token.
        explain_refused_key: a key that is refused and was never accepted may be sent to the other environments.
        other_base_urls: the addresses of the environments with other keys; None where unknown.
        account: the name of the account that the quota belongs to.
        account_key: the name of the account's record in the state.
        realm: which keys belong to that record.
        source: the source of the key.
        state: where records are kept.
        owns_state: the state was opened for this client, and is closed with it.
        clock: the source of all times.
        network: how connections are made.
        transport: the caller's own transport, if there is one.
        hooks: what observes the calls.
        headers: headers of every request, in addition to the key.
        operations: those of the environment; None for all.
        alpha: operations that the provider calls alpha are allowed.
        end_users: the end users, for a provider that asks for them.
        sandbox: what happens to files, if the environment is a sandbox.
    """

    provider: Provider
    environment: str
    base_url: str
    auth: Auth
    explain_refused_key: bool
    other_base_urls: Mapping[str, str | None]
    account: str
    account_key: str
    realm: KeyRealm
    source: KeySource
    state: State
    owns_state: bool
    clock: Clock
    network: Network
    transport: Any
    hooks: Hooks | None
    headers: tuple[tuple[str, str], ...]
    operations: tuple[str, ...] | None
    alpha: bool
    end_users: EndUsers | None
    sandbox: SandboxRule | None

    @classmethod
    def from_options(cls, provider: str | Path | Provider, options: ClientOptions, *, open_now: bool = True) -> Self:
        """Resolve the options of a client.

        Args:
            provider: see `AsyncClient`.
            options: see `ClientOptions`.
            open_now: open the state now instead of on first use.

        Raises:
            UnknownName: a provider, environment or option that does not exist.
            InvalidOption: a value that an option does not accept.
        """
        check_names(options, ClientOptions.__annotations__)
        described = catalog.load(provider) if isinstance(provider, str | os.PathLike) else provider
        environment = described.environment(options.get("environment"))
        base_url, others = addresses.resolve_base_urls(described, environment, options.get("base_url"))
        if drilled := os.environ.get(addresses.DRILL_VARIABLE):
            addresses.check_drill_address(described.name, base_url, drilled.split())
        default_urls = (
            {name: described.environment(name).base_url for name in (environment.name, *others)} if others else {}
        )
        described = _with_key_header(described.in_environment(environment.name), options.get("key_header"))
        given_state = options.get("state", "memory:")
        network = _network(described, options)
        host = origin(base_url)[1]
        account = options.get("account", "default")
        required = _check_user_options(described, options)
        hooks = build_hooks(options.get("on_notice"), options.get("hooks"))
        source = _key_source(described, options)
        clock = options.get("clock")
        config = cls(
            provider=described,
            environment=environment.name,
            base_url=base_url,
            auth=check_auth(described, options.get("auth", "key")),
            explain_refused_key=options.get("explain", False),
            other_base_urls=others,
            account=account,
            account_key=addresses.account_key(described.name, environment.name, base_url, account),
            realm=KeyRealm(
                provider=described.name,
                environment=environment.name,
                addresses={name: addresses.origin_name(url) for name, url in default_urls.items()},
            ),
            source=source,
            state=state.open_state(given_state, open_now=open_now) if isinstance(given_state, str) else given_state,
            owns_state=isinstance(given_state, str),
            clock=clock or SystemClock(),
            network=network,
            transport=options.get("transport"),
            hooks=hooks,
            headers=tuple([(name.lower(), text.replace("{host}", host)) for name, text in environment.headers.items()]),
            operations=environment.operations,
            alpha=options.get("alpha", False),
            end_users=None,
            sandbox=described.profile.environments[environment.name].sandbox,
        )
        return config._with_users(required=required, secret=options.get("user_secret"))

    def _with_users(self, *, required: bool, secret: str | Key | None) -> Self:
        """The same, with the end users of a provider that asks for them."""
        rule = self.provider.profile.end_user
        if rule is None:
            return self
        from callwell.client.end_users import EndUsers  # few providers ask for them

        users = EndUsers(
            self.provider.name,
            rule,
            required=required,
            secret=secret,
            account=self.account_key,
            state=self.state,
            clock=self.clock,
            hooks=self.hooks,
        )
        return replace(self, end_users=users)

    def open_account(self) -> AccountHandle:
        """The account's permits: those that this process holds, if the record is shared with other processes.

        Otherwise they are acquired in batches, if only this client uses the record and all quotas are documented.
        """
        if self.state.shared:
            from callwell.client.quota.shared_accounts import ACCOUNTS  # a state in memory needs no leases

            return ACCOUNTS.join(self.provider.profile, self.account_key, self.state, self.clock)
        account = Account(self.provider.profile, self.account_key, self.state, self.clock)
        alone = self.owns_state and not account.own.adaptives
        return AccountHandle(PermitBatcher(account, self.clock) if alone else account)

    def ledger(self) -> LedgerStore:
        """The account's calls that are made exactly once."""
        from callwell.client.exactly_once.store import LedgerStore  # few clients need it

        return LedgerStore(self.account_key, self.state, self.clock)

    def key_uses(self, opened: State | None = None) -> KeyUseLog:
        """The record of the account's keys, through another handle of the state if that is `opened`."""
        return KeyUseLog(self.account_key, opened or self.state, self.clock, self.realm)

    def key_uses_in(self, environment: str, address: str) -> KeyUseLog:
        """The record of the same account's keys in another environment."""
        account = addresses.account_key(self.provider.name, environment, address, self.account)
        return KeyUseLog(account, self.state, self.clock, self.realm)

    def result_cache(self) -> ResultCache:
        """The account's cached results."""
        from callwell.client.result_cache import ResultCache  # as above

        return ResultCache(self.account_key, self.state, self.clock)

    def close(self) -> None:
        """Close the state, if it was opened for this client."""
        if self.owns_state:
            self.state.close()

    def resolve_call_options(self, before: ResolvedOptions, options: CallOptions) -> ResolvedOptions:
        """Apply the options of a call.

        Raises:
            UnknownName: an option that does not exist, or that only a new client accepts.
            InvalidOption: a value that the option does not accept.
        """
        check_names(options, CallOptions.__annotations__)
        return self.resolve_options(before, options)

    def resolve_options(self, before: ResolvedOptions, options: CallOptions) -> ResolvedOptions:
        """Apply options; those that only a new client accepts are ignored.

        Raises:
            InvalidOption: a value that the option does not accept.
        """
        user = options.get("for_user")
        if user is not None and self.end_users is None:
            raise _unsupported_user_option(self.provider, "for_user", user)
        if user is not None and self.end_users is not None:
            options = {**options, "for_user": self.end_users.provider_id(user)}
        resolved = resolve_options(before, options)
        headers = self.headers
        if self.end_users is not None and resolved.for_user is not None:
            headers = (*headers, (self.end_users.header, resolved.for_user))
        return replace(resolved, headers=headers)

    def check_allowed(self, name: str, *, alpha: bool) -> None:
        """Check that an operation may be called with these settings.

        Args:
            name: of the operation.
            alpha: the provider calls it alpha.

        Raises:
            InvalidOption: it may not; the message says what to do.
        """
        if self.operations is not None and name not in self.operations:
            raise InvalidOption("operation", name, f"one that this environment has: {', '.join(self.operations)}")
        if alpha and not self.alpha:
            raise InvalidOption(
                "operation",
                name,
                f"one that {self.provider.name} does not call alpha, unless you allow these: alpha=True in code, "
                "`alpha = true` in callwell.toml",
            )

    def relative_url(self, url: str, server: str = "") -> str:
        """An address without the origin of the operation's own server or of the environment, if it has one of them."""
        base = (self.resolve_server(server) if server else "") or self.base_url
        return addresses.without_origin(url) if origin(url) == origin(base) else url

    def resolve_server(self, server: str) -> str:
        """The address of an operation's own server; empty if it is the environment's.

        It receives the key, since the document says that it is the provider's. A client with an address that differs
        from the profile's, such as a test server, sends everything there.

        Args:
            server: see `Operation.server`.

        Raises:
            InvalidOption: an address to which no key can be sent.
        """
        environment = self.provider.profile.environments[self.environment]
        return addresses.resolve_server(server, base_url=self.base_url, environment=environment)

    def check_link(self, url: str, server: str = "") -> LinkTarget:
        """Where a link or a redirect from the provider leads.

        Args:
            url: the whole address.
            server: the operation's own server, if it has one; see `Operation.server`.

        Raises:
            InvalidOption: an address of another origin, or a path that climbs.
        """
        own = self.resolve_server(server) if server else ""
        bases = (own, self.base_url) if own else (self.base_url,)
        return addresses.check_link(url, bases, whole_origin=self.provider.profile.key.whole_origin)

    def request_target(self, path: str, query: Sequence[tuple[str, str]] = ()) -> str:
        """Path and query below the environment's address.

        Raises:
            InvalidOption: an address of another origin, or a path that climbs.
        """
        if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//", path):
            path_origin = origin(path)
            if path_origin != origin(self.base_url):
                shown = "{}://{}:{}".format(*path_origin)
                raise InvalidOption(
                    "path", shown, f"an address of {self.base_url}, the only origin that receives the key"
                )
            parts = urlsplit(path)
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            base_path = urlsplit(self.base_url).path
            if not path.startswith(f"{base_path}/"):
                raise InvalidOption("path", path, f"an address below {self.base_url}")
            path = path.removeprefix(base_path)
        path = path.partition("#")[0]
        addresses.check_path(path)
        path = path if path.startswith("/") else f"/{path}"
        if not query:
            return path
        separator = "&" if "?" in path else "?"
        return f"{path}{separator}{urlencode(query)}"


def _network(provider: Provider, options: ClientOptions) -> Network:
    """How connections are made.

    Raises:
        InvalidOption: a value that an option does not accept.
    """
    max_bytes = options.get("max_answer_bytes", provider.profile.max_answer_bytes)
    if type(max_bytes) is not int or max_bytes < 1:
        raise InvalidOption("max_answer_bytes", max_bytes, "a whole number of bytes above zero")
    network = Network(
        proxy=options.get("proxy"),
        ca_file=options.get("ca_file"),
        user_agent=f"callwell/{VERSION}",
        max_answer_bytes=max_bytes,
    )
    if "connect_s" in options:
        network = replace(network, connect_s=check_seconds("connect_s", options["connect_s"]))
    return network


def _check_user_options(provider: Provider, options: ClientOptions) -> bool:
    """Check options about end users; returns whether each call must name one.

    Raises:
        InvalidOption: a user, a plan or a secret for a provider that does not ask for end users; a wrong value.
        UnknownName: a plan that the profile does not know.
    """
    rule = provider.profile.end_user
    plan = options.get("plan")
    if not isinstance(options.get("alpha", False), bool):
        raise InvalidOption("alpha", options.get("alpha"), "True or False")
    if rule is None:
        for name in ("for_user", "plan", "user_secret"):
            if (given := options.get(name)) is not None:
                raise _unsupported_user_option(provider, name, given)
        return False
    if plan is not None and plan not in rule.required_on:
        raise UnknownName("plan", str(plan), rule.required_on, owner=provider.name)
    return rule.required or plan is not None


def _unsupported_user_option(provider: Provider, name: str, given: object) -> InvalidOption:
    """The error of an option about end users; its message does not repeat the value."""
    from callwell.client.end_users import HiddenText

    return InvalidOption(name, HiddenText(given), f"no value: {provider.name} has no end users")


def _key_source(provider: Provider, options: ClientOptions) -> KeySource:
    """Where the key is kept. A provider without keys gets one that is never sent."""
    rule = provider.profile.key
    return parse_source(Key("none") if rule.scheme == "none" else options.get("key"), rule.env)


def _with_key_header(provider: Provider, header: str | None) -> Provider:
    """The provider, with the key in a different header."""
    if header is None:
        return provider
    if not HEADER_NAME.fullmatch(header.lower()) or header.lower() in TRANSPORT_HEADERS:
        raise InvalidOption("key_header", header, "the name of a header that no transport writes")
    profile = provider.profile
    key = replace(profile.key, header=header.lower())
    return replace(provider, profile=replace(profile, key=key))
