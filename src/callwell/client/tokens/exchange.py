# SPDX-License-Identifier: Apache-2.0
"""Calls whose only argument is a secret: a key, or a token for renewal, for which there come tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.client.calls.operations import find_operation
from callwell.client.calls.options import ResolvedOptions
from callwell.client.calls.prepared import PreparedCall
from callwell.client.tokens.store import bind_secret, parse_tokens
from callwell.errors import ApiError, KeyRefused

if TYPE_CHECKING:
    from callwell.client.calls.engine import AsyncEngine
    from callwell.client.tokens.store import IssuedTokens
    from callwell.core.rules.profile import TokenRule
    from callwell.description.provider import Provider
    from callwell.keys import Key

LEAST_S: Final = 0.001
"""The least time that a call is given: one whose time has passed ends at once, and says so."""


class AsyncTokenExchange:
    """Gets tokens from a provider.

    Args:
        engine: makes the calls.
        provider: the description.
        rule: how a key is traded.
    """

    def __init__(self, engine: AsyncEngine, provider: Provider, rule: TokenRule) -> None:
        self._engine = engine
        self._provider = provider
        self._rule = rule

    async def exchange_key(self, key: Key, until: float) -> IssuedTokens:
        """Tokens for a key.

        Args:
            key: the key.
            until: monotonic seconds.

        Raises:
            KeyRefused: the provider does not take it.
            CallwellError: see `callwell.errors`.
        """
        rule = self._rule
        try:
            return await self._call(rule.issue, rule.key, key, until)
        except ApiError as error:
            unauthorized = error.status == 401 and not error.from_gateway  # noqa: PLR2004 - RFC 9110, 15.5.2
            if error.code not in rule.refused_codes and not unauthorized:
                raise
            text = (
                f"{self._provider.name} {rule.issue}: the provider refuses the key ({error.code or 'no code'}); "
                f"put a valid one at {self._engine.keys.location}"
            )
            raise KeyRefused(text, code=error.code) from error

    async def refresh(self, refresh: Key, until: float) -> IssuedTokens:
        """Tokens for a token for renewal, which is used up.

        Args:
            refresh: the token.
            until: monotonic seconds.

        Raises:
            CallwellError: see `callwell.errors`.
        """
        return await self._call(self._rule.renew, self._rule.refresh, refresh, until)

    async def _call(self, operation: str, argument: str, secret: Key, until: float) -> IssuedTokens:
        asked_at, called = self._engine.clock.now(), find_operation(self._provider, operation)
        choices = ResolvedOptions(deadline_s=max(LEAST_S, until - asked_at))
        order = PreparedCall(called.plan, bind_secret(called, argument, secret), choices)
        return parse_tokens(  # the answer is in no local variable: it holds tokens
            self._rule, await self._engine.run(order), asked_at, provider=self._provider.name, operation=operation
        )
