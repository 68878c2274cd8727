# SPDX-License-Identifier: Apache-2.0
# Generated from _async/client.py by tools/unasync.py; do not edit
"""The client: a provider's operations as attributes, by name, or any request to it, all with the same promises."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

from callwell import providers
from callwell.client._sync.asset import Asset
from callwell.client._sync.engine import Engine
from callwell.client._sync.explain import explained
from callwell.client._sync.group import DynamicGroup, Group
from callwell.client._sync.keyholder import Keyholder
from callwell.client._sync.missing import sought
from callwell.client._sync.pager import Pager, Position
from callwell.client._sync.primitives import DefaultTransport
from callwell.client._sync.tokenholder import arm
from callwell.client.answers import joined, renamed
from callwell.client.binding import Bound, encoded
from callwell.client.describe import Known, files, groups, known, lists, plan_beyond
from callwell.client.options import NOT_GIVEN, Choices, choose
from callwell.client.order import Order
from callwell.client.setting import Setting
from callwell.core import paging
from callwell.errors import CallFacts, InvalidOption, KeyRefused, UnexpectedAnswer, UnknownName

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Self

    from callwell.client._sync.ledger import Ledger
    from callwell.client.answers import Answer
    from callwell.client.options import CallOptions, ClientOptions
    from callwell.core.rules import PagingRule
    from callwell.spec.provider import Provider


class Client:
    """A client of one provider.

    Use it as a context manager, or close it. Tasks may share an async client, threads a sync one.

    Args:
        provider: a bundled provider's name, the folder of a description, or a loaded description.
        options: see `ClientOptions`.

    Raises:
        UnknownName: a provider or environment that is not described.
        KeyMissing: there is no key where one was looked for.
        InvalidOption: a value that an option cannot take.
    """

    def __new__(cls, provider: str | Path | Provider, **_options: Unpack[ClientOptions]) -> Self:
        """A client with the provider's own operations as attributes, where there is a generated class."""
        general = isinstance(provider, str) and cls.__name__ == "Client"
        special = providers.client_class(str(provider), "Client") if general else None
        made: Self = object.__new__(special or cls)
        return made

    def __init__(self, provider: str | Path | Provider, **options: Unpack[ClientOptions]) -> None:
        self._choices = choose(Choices(), options)
        self._all_known: dict[str, Known] = {}
        setting = Setting.of(provider, options)
        self.provider = setting.provider
        self.setting = setting
        account = setting.open_account()
        try:
            keys = Keyholder(
                setting.provider.name,
                setting.provider.profile.key,
                source=setting.source,
                clock=setting.clock,
                uses=setting.key_uses(),
                notify=self._notify,
            )
            self._engine = Engine(
                setting.provider.profile,
                setting.base_url,
                account=account,
                keys=keys,
                transport=setting.transport or DefaultTransport(setting.network),
                clock=setting.clock,
                hooks=setting.hooks,
            )
            arm(self._engine, keys, setting)
        except BaseException:
            setting.close()
            raise

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> DynamicGroup:
            """The operations of a description without a generated class."""
            if name.startswith("_") or "provider" not in vars(self):
                raise AttributeError(name)
            if name not in (known := groups(self.provider)):
                raise UnknownName("operation", name, known, where=self.provider.name)
            return DynamicGroup(self, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections. Calls that are under way fail."""
        self._engine.closed = True
        self._engine.transport.close()
        self.setting.close()

    def with_options(self, **options: Unpack[CallOptions]) -> Self:
        """The same client with other options for its calls; both share connections, quotas and keys.

        Raises:
            InvalidOption: a value that an option cannot take.
        """
        other: Self = object.__new__(type(self))
        vars(other).update({name: value for name, value in vars(self).items() if not isinstance(value, Group)})
        other._choices = self.setting.choose(self._choices, options)
        return other

    def spent(self) -> Mapping[str, tuple[int, int]]:
        """By quota: requests that the account cannot make now because of earlier ones, and the limit."""
        return self._engine.account.spent()

    @property
    def ledger(self) -> Ledger:
        """The calls of the account that are made exactly once, to look at, settle and resume."""
        from callwell.client._sync.ledger import Ledger

        return Ledger(self)

    def call(self, operation: str, /, **arguments: object) -> Any:
        """Call an operation by name.

        Args:
            operation: for instance `recordings.get`.
            arguments: in snake case.

        Returns:
            the result: the part of the body that the profile names, or the whole body.

        Raises:
            CallwellError: see `callwell.errors`.
        """
        found = self._known(operation)
        return self._result(found, self._run(found, arguments))

    def call_raw(self, operation: str, /, **arguments: object) -> Answer:
        """Call an operation by name, and get the whole answer.

        Args:
            operation: for instance `recordings.get`.
            arguments: in snake case.
        """
        return self._run(self._known(operation), arguments)

    def request(self, method: str, path: str, *, query: Mapping[str, str] | None = None, json: object = None) -> Answer:
        """Make any request to the provider, with all promises kept.

        Args:
            method: the HTTP method. GET, HEAD, OPTIONS, PUT and DELETE are repeated as HTTP allows, others are not.
            path: below the environment's address, or a whole address of the same origin.
            query: query parameters.
            json: the body.

        Raises:
            InvalidOption: an address of another origin.
            CallwellError: see `callwell.errors`.
        """
        method = method.upper()
        if not re.fullmatch("[A-Z]+", method):
            raise InvalidOption("method", method, "an HTTP method")
        body = None if json is None else encoded(method, json)
        bound = Bound(method, self.setting.target(path, query or {}), body)
        try:
            return self._engine.run(Order(plan_beyond(self.provider, method), bound, self._choices))
        except KeyRefused as error:
            raise explained(error, self._engine, self.setting) from error.__cause__

    def pages(self, operation: str, /, **arguments: object) -> Pager[Any]:
        """The items of a list operation.

        Args:
            operation: for instance `recordings.list`.
            arguments: in snake case.

        Raises:
            UnknownName: no such operation.
            InvalidOption: the operation has no pages, or an argument is wrong.
        """
        found = self._known(operation)
        rule = found.rule.paging
        if rule is None:
            raise InvalidOption("operation", operation, f"a list ({', '.join(lists(self.provider))})")
        given = {name: value for name, value in arguments.items() if value is not None and value is not NOT_GIVEN}
        size = given.setdefault(rule.size, rule.max_size) if rule.size and rule.max_size else 0
        found.binder.bind(given)
        first = given.pop(rule.position, None)
        fetch = partial(self._page, found, rule, given)
        walk = paging.start(rule)
        if isinstance(first, int | str) and first != rule.first:
            walk = walk._replace(position=first, partial=True)
        name = f"{self.provider.name} {operation}"
        full = size if isinstance(size, int) else 0
        return Pager(name, rule, size=full, fetch=fetch, start=Position(walk, ()), names=found.rule.renamed)

    def asset(self, operation: str, /, **arguments: object) -> Asset:
        """The file that an operation leads to.

        Args:
            operation: for instance `recordings.video`.
            arguments: in snake case.

        Raises:
            UnknownName: no such operation.
            InvalidOption: the operation leads to no file, or an argument is wrong.
        """
        found = self._known(operation)
        rule = found.rule.asset
        if rule is None:
            raise InvalidOption("operation", operation, f"one that leads to a file ({', '.join(files(self.provider))})")
        found.binder.bind(arguments)
        ask = partial(self._run, found, arguments)
        return Asset(f"{self.provider.name} {operation}", rule, engine=self._engine, ask=ask)

    def _page(self, found: Known, rule: PagingRule, given: Mapping[str, object], position: int | str | None) -> Answer:
        if rule.style in ("next-link", "link-header") and position is not None:
            bound = found.binder.bind(given)
            link = joined(self.setting.base_url + bound.target, str(position))
            onward = bound._replace(target=self._target(found, link))
            return self._engine.run(Order(found.plan, onward, self._choices))
        return self._run(found, given if position is None else {**given, rule.position: position})

    def _target(self, found: Known, link: str) -> str:
        """Where a link to the next page leads, if that is a place for the key."""
        try:
            return self.setting.target(link, {})
        except InvalidOption as error:
            name, operation = self.provider.name, found.plan.operation
            text = f"{name} {operation}: the link to the next page is not followed: expected {error.expected}"
            facts = CallFacts(provider=name, operation=operation, attempts=0, outcome="refused")
            raise UnexpectedAnswer(text, status=200, **facts) from error

    def _run(self, found: Known, arguments: Mapping[str, object]) -> Answer:
        order = Order(found.plan, found.binder.bind(arguments), self._choices)
        try:
            if found.elsewhere is not None:
                return sought(self._engine, order, found.elsewhere, arguments)
            if self._choices.exactly_once:
                from callwell.client._sync.once import once  # few clients need it

                return once(self, found, order, arguments)
            return self._engine.run(order)
        except KeyRefused as error:
            raise explained(error, self._engine, self.setting) from error.__cause__

    def _result(self, found: Known, answer: Answer) -> Any:
        path = self.provider.profile.result
        result = answer.json if path is None else paging.at(answer.json, path)
        return renamed(result, found.rule.renamed) if found.rule.renamed else result

    def _known(self, name: str) -> Known:
        found = self._all_known.get(name)
        if found is None:
            found = self._all_known[name] = known(self.provider, name)
        return found

    def _notify(self, notice: Any) -> None:
        engine = getattr(self, "_engine", None)
        if engine is not None:
            engine.notify(notice)
