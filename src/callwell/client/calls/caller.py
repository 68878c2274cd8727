# SPDX-License-Identifier: Apache-2.0
"""How a client makes a call of an operation: bound, for its end user, once if asked, looked for where it may have gone.

The engine below knows requests, and the client above what is called for. Between the two are the things that depend on
the operation and on what the caller chose; a call for which nothing is chosen passes straight through.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from callwell.client.calls.deleted import sought
from callwell.client.calls.operations import OperationHandle, known, lists
from callwell.client.calls.options import NOT_GIVEN
from callwell.client.calls.prepared import PreparedCall
from callwell.client.calls.responses import joined, renamed
from callwell.client.keys.refused_key import explain_refusal
from callwell.client.pages.pager import AsyncPager, PagerPosition
from callwell.core import json_values, paging
from callwell.errors import CallFacts, InvalidOption, KeyRefused, UnexpectedAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from callwell.client.calls.binding import Bound
    from callwell.client.calls.engine import AsyncEngine
    from callwell.client.calls.options import CallOptions, ResolvedOptions
    from callwell.client.calls.prepared import Plan
    from callwell.client.calls.responses import Answer
    from callwell.client.concurrency.primitives import AsyncFetch, AsyncPendingAnswer
    from callwell.client.config import ClientConfig
    from callwell.core.rules.operations import PagingRule


LINKED: Final = ("next-link", "link-header")
"""Styles of paging in which a page has the address of the next one."""


class AsyncCaller:
    """Makes the calls of a client, all with the same choices.

    Args:
        engine: which makes the requests.
        setting: what the client is made of.
        choices: what the caller chose.
        all_known: the operations that were looked up, by name.

    Attributes:
        explain: tells more of a key that was refused, see `explained`.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        setting: ClientConfig,
        choices: ResolvedOptions,
        all_known: dict[str, OperationHandle],
    ) -> None:
        self.engine = engine
        self.setting = setting
        self.choices = choices
        self._all_known = all_known
        self.explain = partial(explain_refusal, engine=engine, setting=setting)
        self._plain = setting.users is None and not (choices.exactly_once or choices.remember)

    def choosing(self, options: CallOptions) -> Self:
        """The same with other choices.

        Raises:
            UnknownName: an option that does not exist, or that a client has for good.
            InvalidOption: a value that an option cannot take.
        """
        return type(self)(self.engine, self.setting, self.setting.choose(self.choices, options), self._all_known)

    def known(self, name: str) -> OperationHandle:
        """An operation by its name.

        Raises:
            UnknownName: there is no such operation.
            UsageError: it is not to be called in this environment, or not without being asked for.
        """
        found = self._all_known.get(name)
        if found is None:
            found = known(self.setting.provider, name)
            self.setting.check_allowed(name, alpha=found.rule.alpha)
            self._all_known[name] = found
        return found

    def run(self, found: OperationHandle, arguments: Mapping[str, object]) -> AsyncPendingAnswer:
        """Call an operation.

        Args:
            found: the operation.
            arguments: in snake case.

        Raises:
            CallwellError: see `callwell.errors`.
        """
        if self._plain and found.elsewhere is None:
            return self.engine.run(self.order(found.plan, found.binder.bind(arguments)))
        taken = found.binder.wire(arguments)  # what is asked for again, or written down, is bound more than once
        return self._chosen(found, self.order(found.plan, found.binder.bind(taken)), taken)

    def order(self, plan: Plan, bound: Bound) -> PreparedCall:
        """A call as the engine takes it, with what the caller chose."""
        return PreparedCall(plan, bound, self.choices, None, self.explain)

    async def made(self, order: PreparedCall) -> Answer:
        """Make a call without more to it, for its end user where the provider wants to know.

        Raises:
            CallwellError: see `callwell.errors`.
        """
        return await self._counted(order, partial(self.engine.run, order))

    def result(self, found: OperationHandle, answer: Answer) -> Any:
        """The part of an answer that the profile names, or the whole body."""
        path = self.setting.provider.profile.result
        result = answer.json if path is None else json_values.value_at(answer.json, path)
        return renamed(result, found.rule.renamed) if found.rule.renamed else result

    def pages(self, operation: str, /, **arguments: object) -> AsyncPager[Any]:
        """The items of a list operation.

        Raises:
            UnknownName: no such operation.
            InvalidOption: the operation has no pages, or an argument is wrong.
        """
        found = self.known(operation)
        provider = self.setting.provider
        rule = found.rule.paging
        if rule is None:
            raise InvalidOption("operation", operation, f"a list ({', '.join(lists(provider))})")
        wire = found.binder.wire(arguments)
        given = {name: value for name, value in wire.items() if value is not None and value is not NOT_GIVEN}
        size = given.setdefault(rule.size, rule.max_size) if rule.size and rule.max_size else 0
        found.binder.bind(given)
        first = given.pop(rule.position, None)
        fetch = partial(self._page, found, rule, given)
        walk = paging.start_walk(rule)
        if isinstance(first, int | str) and first != rule.first:
            walk = walk._replace(position=first, partial=True)
        return AsyncPager(
            f"{provider.name} {operation}",
            rule,
            size=size if isinstance(size, int) else 0,
            fetch=fetch,
            start=PagerPosition(walk, ()),
            names=found.rule.renamed,
            locate=self.setting.relative if rule.style in LINKED else None,
        )

    async def _chosen(self, found: OperationHandle, order: PreparedCall, arguments: Mapping[str, object]) -> Answer:
        send = partial(self._counted, order, partial(self._asked, found, order, arguments))
        if self.choices.remember:
            from callwell.client.calls.cached import remembered  # few clients need it

            return await remembered(self.setting, found, order, send)
        return await send()

    async def _counted(self, order: PreparedCall, send: AsyncFetch) -> Answer:
        """What a call gives, made for its end user where the provider wants to know."""
        users = self.setting.users
        if users is None:
            return await send()
        with users.calling(order.plan.operation, order.choices.for_user):
            return await send()

    async def _asked(self, found: OperationHandle, order: PreparedCall, arguments: Mapping[str, object]) -> Answer:
        if found.elsewhere is not None:
            return await sought(self.engine, order, found.elsewhere, arguments)
        if self.choices.exactly_once:
            from callwell.client.exactly_once.once import make_once  # few clients need it

            try:
                return await make_once(self, found, order, arguments)
            except KeyRefused as error:
                raise await self.explain(error) from error.__cause__
        return await self.engine.run(order)

    async def _page(
        self, found: OperationHandle, rule: PagingRule, given: Mapping[str, object], position: int | str | None
    ) -> Answer:
        if rule.style not in LINKED:
            return await self.run(found, given if position is None else found.binder.at(given, rule.position, position))
        bound = found.binder.bind(given)
        url = self.setting.base_url + bound.target
        if position is None:
            answer = await self.run(found, given)
        else:
            url = joined(url, str(position))
            answer = await self.made(self.order(found.plan, self._leading(found, bound, url)))
        return answer if answer.url else answer._replace(url=url)

    def _leading(self, found: OperationHandle, bound: Bound, link: str) -> Bound:
        """The request that a link to the next page asks for, if it leads to a place of the provider's own."""
        try:
            place = self.setting.followed(link)
            below = place.url.removeprefix(self.setting.base_url)
            if place.keyed and below != place.url:
                return replace(bound, target=below)
            return replace(bound, url=place.url, keyless=bound.keyless or not place.keyed)
        except InvalidOption as error:
            name, operation = self.setting.provider.name, found.plan.operation
            text = f"{name} {operation}: the link to the next page is not followed: expected {error.expected}"
            facts = CallFacts(provider=name, operation=operation, attempts=0, outcome="refused")
            raise UnexpectedAnswer(text, status=200, **facts) from error
