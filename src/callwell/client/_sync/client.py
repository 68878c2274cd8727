# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/client.py by tools/unasync.py; do not edit
"""The client: a provider's operations as methods or by name, and any other request, all with the same guarantees."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Unpack

from callwell.client._sync.calls.caller import Caller
from callwell.client._sync.calls.engine import Engine
from callwell.client._sync.concurrency.primitives import CloseMixin, run_with_timeout, runs_event_loop
from callwell.client._sync.group import DynamicGroup, Group
from callwell.client._sync.keys.manager import KeyManager
from callwell.client.calls.binding import ACCEPT_ANYTHING, BoundRequest
from callwell.client.calls.operations import asset_operations, group_names, plan_undescribed, upload_operations
from callwell.client.calls.options import ResolvedOptions
from callwell.client.calls.parameter_styles import raw_query_pairs
from callwell.client.calls.wire_values import encode_json, to_wire_value
from callwell.client.config import ClientConfig
from callwell.description import catalog
from callwell.errors import InvalidOption, UnknownName
from callwell.transport.default import DefaultTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Self

    from callwell.client._sync.calls.stream import Stream
    from callwell.client._sync.concurrency.primitives import PendingAnswer
    from callwell.client._sync.downloads.asset import Asset
    from callwell.client._sync.exactly_once.ledger import Ledger
    from callwell.client._sync.pages.pager import Pager
    from callwell.client._sync.uploads.uploader import Uploader
    from callwell.client.calls.options import CallOptions, ClientOptions
    from callwell.client.calls.responses import Answer
    from callwell.client.state_session import StateSession
    from callwell.client.uploads.options import Uploaded
    from callwell.description.provider import Provider


class Client(CloseMixin):
    """A client of one provider.

    Use it as a context manager, or close it. Tasks may share an async client, threads a sync one.

    Args:
        provider: a bundled provider's name, the folder of a description, or a loaded description.
        options: see `ClientOptions`.

    Raises:
        UnknownName: a provider or environment that is not described.
        KeyMissing: there is no key at its location.
        InvalidOption: a value that an option does not accept.
    """

    def __new__(cls, provider: str | Path | Provider, **_options: Unpack[ClientOptions]) -> Self:
        """A client of the provider's generated class, if it has one."""
        is_general = isinstance(provider, str) and cls.__name__ == "Client"
        generated = catalog.generated_client(str(provider), "Client") if is_general else None
        client: Self = object.__new__(generated or cls)
        return client

    def __init__(self, provider: str | Path | Provider, **options: Unpack[ClientOptions]) -> None:
        config = ClientConfig.from_options(provider, options, open_now=False)
        self.provider = config.provider
        self.config = config
        self._account_handle = config.open_account()
        self._session: StateSession | None = None
        try:
            call_options = config.resolve_options(ResolvedOptions(), options)
            keys = KeyManager(
                config.provider.name,
                config.provider.profile.key,
                source=config.source,
                clock=config.clock,
                uses=config.key_uses(self._account_handle.state),
                notify=self._notify,
            )
            self._engine = Engine(
                config.provider.profile,
                config.base_url,
                account=self._account_handle.account,
                keys=keys,
                transport=config.transport or DefaultTransport(config.network),
                clock=config.clock,
                hooks=config.hooks,
            )
            attach_credentials(self._engine, keys, config)
            self._caller = Caller(self._engine, config, call_options, {})
            if config.state.shared:
                from callwell.client.state_session import StateSession  # a state in memory ends with the client

                self._session = StateSession(config, self._account_handle, keys.poller)
                self._session.close_on_collection(self._engine.queues)
        except BaseException:
            self._account_handle.release()
            config.close()
            raise

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> DynamicGroup:
            """A group of operations, for a description without a generated class."""
            if name.startswith("_") or "provider" not in vars(self):
                raise AttributeError(name)
            if name not in (known := group_names(self.provider)):
                raise UnknownName("operation", name, known, owner=self.provider.name)
            return DynamicGroup(self, name)

    def __dir__(self) -> list[str]:
        """The attributes, and the groups of operations among them."""
        known = group_names(self.provider) if "provider" in vars(self) else ()
        return sorted({*super().__dir__(), *known})

    def __enter__(self) -> Self:
        try:
            self._engine.keys.open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections. Calls in progress fail.

        The client's share of a shared state is released. If the state does not respond within five seconds, that
        continues in a thread.
        """
        self._engine.stop()
        self._engine.transport.close()
        if self._session is None:
            self._account_handle.release()
            self.config.close()
            return
        from callwell.client.state_session import CLOSE_S  # loaded already

        run_with_timeout(self._session.close, CLOSE_S)

    def with_options(self, **options: Unpack[CallOptions]) -> Self:
        """A client with other call options that shares this one's connections, quotas and keys.

        Raises:
            InvalidOption: a value that an option does not accept.
        """
        other: Self = object.__new__(type(self))
        vars(other).update({name: value for name, value in vars(self).items() if not isinstance(value, Group)})
        other._caller = self._caller.with_options(options)
        return other

    def spent(self) -> Mapping[str, tuple[int, int]]:
        """By quota: the number of permits in use, and the limit.

        Where processes share a state, the numbers come from the state; on an event loop, which must not wait for it,
        they are the last known ones.
        """
        return self._engine.account.spent(refresh=not runs_event_loop())

    @property
    def ledger(self) -> Ledger:
        """The account's exactly-once calls, to list, settle and resume."""
        from callwell.client._sync.exactly_once.ledger import Ledger

        return Ledger(self._caller)

    def call(self, operation: str, /, **arguments: object) -> Any:
        """Call an operation by name.

        Args:
            operation: for example `recordings.get`.
            arguments: in snake case.

        Returns:
            the part of the body that the profile names as the result, or the whole body.

        Raises:
            CallwellError: see `callwell.errors`.
        """
        caller = self._caller
        handle = caller.find_operation(operation)
        return caller.result(handle, caller.run(handle, arguments))

    def call_raw(self, operation: str, /, **arguments: object) -> Answer:
        """Call an operation by name, and return the whole response.

        Args:
            operation: for example `recordings.get`.
            arguments: in snake case.
        """
        return self._caller.run(self._caller.find_operation(operation), arguments)

    def request(
        self, method: str, path: str, *, query: Mapping[str, object] | None = None, json: object = None
    ) -> Answer:
        """Make any request to the provider, with the same guarantees as described operations.

        Args:
            method: the HTTP method. GET, HEAD, OPTIONS, PUT and DELETE are repeated as HTTP allows, others are not.
            path: a path below the environment's address, or a whole address of the same origin.
            query: query parameters; a list repeats its name, and None is left out.
            json: the body; None for no body.

        Raises:
            InvalidOption: an address of another origin.
            CallwellError: see `callwell.errors`.
        """
        method = method.upper()
        if not re.fullmatch("[A-Z]+", method):
            raise InvalidOption("method", method, "an HTTP method")
        body = None if json is None else encode_json(method, to_wire_value(f"{method}: the body", {}, json))
        target = self.config.request_target(path, raw_query_pairs(query or {}))
        is_keyless = self.provider.profile.key.scheme == "none"
        bound = BoundRequest(method, target, body, accept=ACCEPT_ANYTHING, keyless=is_keyless)
        return self._caller.send(self._caller.prepare(plan_undescribed(self.provider, method), bound))

    def pages(self, operation: str, /, **arguments: object) -> Pager[Any]:
        """The items of a list operation.

        Args:
            operation: for example `recordings.list`.
            arguments: in snake case.

        Raises:
            UnknownName: no such operation.
            InvalidOption: the operation is not a list, or an argument is invalid.
        """
        return self._caller.pages(operation, **arguments)

    def stream(self, operation: str, /, **arguments: object) -> Stream[Any]:
        """The events or values that an operation answers with one by one.

        Args:
            operation: for example `chats.create`.
            arguments: in snake case. An argument `stream` that chooses the stream is set if you leave it out.

        Raises:
            UnknownName: no such operation.
            InvalidOption: the operation does not answer with a stream, or an argument is invalid.
        """
        from callwell.client._sync.calls.stream import start_stream  # few programs read streams

        return start_stream(self._caller, self._caller.find_operation(operation), arguments)

    def asset(self, operation: str, /, **arguments: object) -> Asset:
        """The file that an operation leads to, or answers with.

        Args:
            operation: for example `recordings.video`.
            arguments: in snake case.

        Raises:
            UnknownName: no such operation.
            InvalidOption: the operation does not lead to a file, or an argument is invalid.
        """
        handle = self._caller.find_operation(operation)
        rule = handle.rule.asset
        caller = self._caller
        options = caller.options
        wire = handle.binder.wire(arguments)
        bound = handle.binder.bind(wire)  # refuses invalid arguments now, not during the download
        if rule is None and not handle.plan.has_files:
            known = ", ".join(asset_operations(self.provider)) or "none of this provider"
            raise InvalidOption("operation", operation, f"one that leads to a file ({known})")
        from callwell.client._sync.downloads.asset import Asset  # many programs download nothing

        if rule is None:
            from callwell.client._sync.downloads.answer_file import AnswerFile

            source = AnswerFile(caller, handle, bound)
            return Asset(source, deadline_s=options.explicit_deadline_s, wait_s=options.deadline_s)
        from callwell.client._sync.downloads.signed_url import SignedUrl

        def ask(left_s: float | None) -> PendingAnswer:
            """Call the operation within the remaining seconds."""
            limited = caller if left_s is None else caller.with_options({"deadline_s": left_s})
            return limited.run(handle, wire)

        url = SignedUrl(f"{self.provider.name} {operation}", rule, engine=self._engine, ask=ask)
        return Asset(url, deadline_s=options.explicit_deadline_s, wait_s=options.deadline_s)

    def upload(self, operation: str, file: Any, /, **arguments: Any) -> Uploaded[Any]:
        """Send a large file in pieces. The same call resumes an interrupted upload, even in another process.

        Args:
            operation: for example `videos.upload`.
            file: a path, bytes, an open file, or an iterable of bytes.
            arguments: arguments of the operation and of the one that creates the object, in snake case; and
                `UploadOptions`.

        Raises:
            UnknownName: no such operation.
            InvalidOption: the operation does not take a large file, or an argument is invalid.
            UploadError: the file cannot be sent, or the upload stopped.
            CallwellError: see `callwell.errors`.
        """
        return self.uploader(operation).run(file, arguments)

    def uploader(self, operation: str, on_done: Callable[[Uploaded[Any]], None] | None = None) -> Uploader:
        """The uploader that sends one large file by an operation.

        Args:
            operation: for example `videos.upload`.
            on_done: called with the result before the position of the upload is forgotten.

        Raises:
            UnknownName: no such operation.
            InvalidOption: the operation does not take a large file.
        """
        handle = self._caller.find_operation(operation)
        if handle.rule.upload is None:
            raise InvalidOption(
                "operation", operation, f"one that takes a large file ({', '.join(upload_operations(self.provider))})"
            )
        from callwell.client._sync.uploads.uploader import Uploader  # many programs upload nothing

        return Uploader(self._caller, handle, handle.rule.upload, on_done)

    def _notify(self, notice: Any) -> None:
        engine = getattr(self, "_engine", None)
        if engine is not None:
            engine.notify(notice)


def attach_credentials(engine: Engine, keys: KeyManager, config: ClientConfig) -> None:
    """Make an engine send tokens instead of keys if the configuration says so; otherwise try new keys with a canary.

    A key that is exchanged for tokens needs no canary, since the exchange tests it. Unused modules are not loaded.

    Raises:
        UsageError: tokens cannot be stored.
    """
    rule = engine.profile.key.token
    if config.auth == "token" and rule is not None:
        from callwell.client._sync.tokens.manager import TokenManager
        from callwell.core.tokens import to_token_profile

        tokens = TokenManager(keys, config, rule, engine)
        engine.keys = tokens  # type: ignore[assignment] # used as a key manager
        engine.profile = to_token_profile(engine.profile, rule)
    elif engine.profile.key.canary is not None:
        from callwell.client._sync.keys.canary import Canary

        keys.use_canary(Canary(engine, config, engine.profile.key.canary))
