# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/calls/caller.py by tools/unasync.py; do not edit
"""Makes the calls of a client: the layer between client and engine that depends on operation and options.

::

    client.call ──> Caller.run ── bind ──> engine.run                                 the common case
                                          └──> cache ──> end user ──> exactly once ──> engine.run
                                                                  └─> deleted? ──────> engine.run
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from callwell.client._sync.concurrency.primitives import post_to_state
from callwell.client.calls.context import PreparedCall
from callwell.client.calls.operations import OperationHandle, find_operation, paged_operations
from callwell.client.calls.options import NOT_GIVEN
from callwell.client.calls.responses import rename_fields, resolve_link
from callwell.core import json_values, outcome
from callwell.core.outcome import REDIRECTS
from callwell.errors import CallFacts, InvalidOption, KeyRefused, UnexpectedAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from callwell.client._sync.calls.engine import Engine
    from callwell.client._sync.concurrency.primitives import Fetch, PendingAnswer
    from callwell.client._sync.pages.pager import Pager
    from callwell.client.calls.binding import BoundRequest
    from callwell.client.calls.context import CallPlan
    from callwell.client.calls.options import CallOptions, ResolvedOptions
    from callwell.client.calls.responses import Answer
    from callwell.client.config import ClientConfig
    from callwell.core.rules.operations import PagingRule
    from callwell.errors import KeyProblem


LINK_STYLES: Final = ("next-link", "link-header")
"""Paging styles in which a page contains the address of the next one."""

ADDRESSES: Final = ("https://", "http://")
"""Prefixes of a cursor that is such an address."""


class Caller:
    """Makes the calls of a client, all with the same options.

    Args:
        engine: makes the requests.
        config: the client's configuration.
        options: the options of the calls.
        operations: a cache of operations by name, shared by the callers of one client.
    """

    def __init__(
        self,
        engine: Engine,
        config: ClientConfig,
        options: ResolvedOptions,
        operations: dict[str, OperationHandle],
    ) -> None:
        self.engine = engine
        self.config = config
        self.options = options
        self._operations = operations
        self._plain = config.end_users is None and not (options.exactly_once or options.remember)

    def with_options(self, options: CallOptions) -> Self:
        """A caller with other options.

        Raises:
            UnknownName: an option that does not exist, or that only a new client accepts.
            InvalidOption: a value that an option does not accept.
        """
        resolved = self.config.resolve_call_options(self.options, options)
        return type(self)(self.engine, self.config, resolved, self._operations)

    def with_engine(self, engine: Engine) -> Self:
        """A caller with the same options that uses another engine."""
        return type(self)(engine, self.config, self.options, self._operations)

    def explain(self, error: KeyRefused) -> KeyProblem:
        """The error to raise for a refused key, with everything that can be found out about it."""
        from callwell.client._sync.keys.refused_key import explain_refusal  # rarely needed

        return explain_refusal(error, self.engine, self.config)

    def find_operation(self, name: str) -> OperationHandle:
        """An operation by its name, or by the document's own name for it.

        Raises:
            UnknownName: there is no such operation.
            UsageError: it may not be called in this environment, or needs the option `alpha`.
        """
        handle = self._operations.get(name)
        if handle is None:
            provider = self.config.provider
            handle = find_operation(provider, name, self.config.resolve_server)
            self.config.check_allowed(handle.plan.operation, alpha=handle.rule.alpha)
            self._operations[name] = handle
        return handle

    def run(self, handle: OperationHandle, arguments: Mapping[str, object]) -> PendingAnswer:
        """Call an operation.

        Args:
            handle: the operation.
            arguments: in snake case.

        Raises:
            CallwellError: see `callwell.errors`.
        """
        if self._plain and handle.is_plain:
            bound = handle.binder.bind(arguments)
            return self.engine.run(PreparedCall(handle.plan, bound, self.options, None, self.explain))
        wire = handle.binder.wire(arguments)  # these calls may be bound more than once, or recorded
        return self._run_with_options(handle, self.prepare(handle.plan, handle.binder.bind(wire)), wire)

    def prepare(self, plan: CallPlan, bound: BoundRequest) -> PreparedCall:
        """A call for the engine, with this caller's options."""
        return PreparedCall(plan, bound, self.options, None, self.explain)

    def send(self, prepared: PreparedCall) -> Answer:
        """Make a prepared call, and count its end user if the provider bills by end user.

        Raises:
            CallwellError: see `callwell.errors`.
        """
        send: Fetch = self.engine.run
        if self.options.exactly_once:
            from callwell.client._sync.exactly_once.once import request_exactly_once  # few clients need it

            send = partial(request_exactly_once, self)
        return self._run_for_user(prepared, partial(send, prepared))

    def result(self, handle: OperationHandle, answer: Answer) -> Any:
        """The part of the body that the profile names as the result, or the whole body; text and bytes unchanged."""
        path = self.config.provider.profile.result
        if answer.json is None and handle.plan.media and answer.status in outcome.OK:
            from callwell.client.calls.answer_values import read_value  # few operations need it

            return read_value(answer.body, answer.headers, handle.plan.media)
        result = answer.json if path is None else json_values.value_at(answer.json, path)
        return rename_fields(result, handle.rule.renamed) if handle.rule.renamed else result

    def pages(self, operation: str, /, **arguments: object) -> Pager[Any]:
        """The items of a list operation.

        Raises:
            UnknownName: no such operation.
            InvalidOption: the operation is not a list, or an argument is invalid.
        """
        from callwell.client._sync.pages.pager import Pager, PagerPosition  # many programs read no lists
        from callwell.core.paging import start_walk

        handle = self.find_operation(operation)
        provider = self.config.provider
        rule = handle.rule.paging
        if rule is None:
            raise InvalidOption("operation", operation, f"a list ({', '.join(paged_operations(provider))})")
        wire = handle.binder.wire(arguments)
        filters = {name: value for name, value in wire.items() if value is not None and value is not NOT_GIVEN}
        size = filters.setdefault(rule.size, rule.max_size) if rule.size and rule.max_size else 0
        handle.binder.bind(filters)  # refuses invalid arguments now, not at the first page
        first = None if rule.style in LINK_STYLES else filters.pop(rule.position, None)
        fetch = partial(self._fetch_page, handle, rule, filters)
        walk = start_walk(rule)
        if isinstance(first, int | str) and first != rule.first:
            walk = walk._replace(position=first, partial=True)
        return Pager(
            f"{provider.name} {operation}",
            rule,
            size=size if isinstance(size, int) else 0,
            fetch=fetch,
            start=PagerPosition(walk, ()),
            names=handle.rule.renamed,
            to_relative=partial(self.config.relative_url, server=self._server(handle))
            if rule.style in LINK_STYLES
            else None,
        )

    def _run_with_options(
        self, handle: OperationHandle, prepared: PreparedCall, arguments: Mapping[str, object]
    ) -> Answer:
        send = partial(self._run_for_user, prepared, partial(self._dispatch, handle, prepared, arguments))
        if self.options.remember:
            from callwell.client._sync.calls.caching import run_cached  # few clients need it

            return run_cached(self.config, handle, prepared, send)
        answer = send()
        if handle.plan.redirects and answer.status in REDIRECTS:
            from callwell.client._sync.downloads.answer_file import read_redirected  # few operations need it

            return read_redirected(self, handle, prepared.request, answer)
        return answer

    def _run_for_user(self, prepared: PreparedCall, send: Fetch) -> Answer:
        """Make a call, and count its end user if the provider bills by end user."""
        users = self.config.end_users
        if users is None:
            return send()
        with users.counting(prepared.plan.operation, prepared.options.for_user, post_to_state):
            return send()

    def _dispatch(self, handle: OperationHandle, prepared: PreparedCall, arguments: Mapping[str, object]) -> Answer:
        if handle.deleted_lookup is not None:
            from callwell.client._sync.calls.deleted_lookup import run_checking_deleted  # few operations have one

            return run_checking_deleted(self.engine, prepared, handle.deleted_lookup, arguments)
        if self.options.exactly_once:
            from callwell.client._sync.exactly_once.once import call_exactly_once  # few clients need it

            try:
                return call_exactly_once(self, handle, prepared, arguments)
            except KeyRefused as error:
                raise self.explain(error) from error.__cause__
        return self.engine.run(prepared)

    def _fetch_page(
        self, handle: OperationHandle, rule: PagingRule, filters: Mapping[str, object], position: int | str | None
    ) -> Answer:
        # A cursor that is an address is the next page's link: some documents do not declare it as one.
        if rule.style not in LINK_STYLES and not (isinstance(position, str) and position.startswith(ADDRESSES)):
            return self.run(
                handle, filters if position is None else handle.binder.with_position(filters, rule.position, position)
            )
        bound = handle.binder.bind(filters)
        url = bound.url or self.config.base_url + bound.target
        if position is None:
            answer = self.run(handle, filters)
        else:
            url = resolve_link(url, str(position))
            answer = self.send(self.prepare(handle.plan, self._bind_link(handle, bound, url)))
        return answer if answer.url else answer._replace(url=url)

    def _server(self, handle: OperationHandle) -> str:
        """The server that the document gives only this operation; empty for none."""
        return self.config.provider.operation(handle.plan.operation).server

    def _bind_link(self, handle: OperationHandle, bound: BoundRequest, link: str) -> BoundRequest:
        """The request for the next page by its link, if the link leads to one of the provider's addresses.

        Raises:
            UnexpectedAnswer: it leads elsewhere.
        """
        try:
            checked = self.config.check_link(link, self._server(handle))
            target = checked.url.removeprefix(self.config.base_url)
            if checked.sends_key and target != checked.url:
                return replace(bound, target=target, url="")
            return replace(bound, url=checked.url, keyless=bound.keyless or not checked.sends_key)
        except InvalidOption as error:
            name = self.config.provider.name
            operation = handle.plan.operation
            text = f"{name} {operation}: the link to the next page is not followed: expected {error.expected}"
            facts = CallFacts(provider=name, operation=operation, attempts=0, outcome="refused")
            raise UnexpectedAnswer(text, status=200, **facts) from error
