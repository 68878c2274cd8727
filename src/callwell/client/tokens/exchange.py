# SPDX-License-Identifier: Apache-2.0
"""Token exchange: a call with a key, or a refresh token, as its only argument returns tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.client.calls.context import PreparedCall
from callwell.client.calls.operations import find_operation
from callwell.client.calls.options import MIN_DEADLINE_S, ResolvedOptions
from callwell.client.tokens.store import bind_secret, parse_tokens
from callwell.errors import ApiError, KeyRefused
from callwell.keys.source import describe_refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.client.calls.engine import AsyncEngine
    from callwell.client.tokens.store import IssuedTokens
    from callwell.core.rules.profile import TokenRule
    from callwell.description.provider import Provider
    from callwell.keys import Key


class AsyncTokenExchange:
    """Obtains tokens from a provider.

    Args:
        engine: makes the calls.
        provider: the description.
        rule: how a key is exchanged for tokens.
        resolve_server: see `find_operation`; it decides which addresses receive the key.
    """

    def __init__(
        self, engine: AsyncEngine, provider: Provider, rule: TokenRule, resolve_server: Callable[[str], str]
    ) -> None:
        self._engine = engine
        self._provider = provider
        self._rule = rule
        self._resolve_server = resolve_server

    async def exchange_key(self, key: Key, until: float) -> IssuedTokens:
        """Exchange a key for tokens.

        Args:
            key: the key.
            until: monotonic seconds.

        Raises:
            KeyRefused: the provider refuses the key.
            CallwellError: see `callwell.errors`.
        """
        rule = self._rule
        try:
            return await self._call(rule.issue, rule.key, key, until)
        except ApiError as error:
            unauthorized = error.status == 401 and not error.from_gateway  # noqa: PLR2004 - RFC 9110, 15.5.2
            if error.code not in rule.refused_codes and not unauthorized:
                raise
            refusal = describe_refusal(self._engine.keys.location, error.code)
            raise KeyRefused(f"{self._provider.name} {rule.issue}: {refusal}", code=error.code) from error

    async def exchange_refresh_token(self, refresh_token: Key, until: float) -> IssuedTokens:
        """Exchange a refresh token for tokens, which uses it up.

        Args:
            refresh_token: the token.
            until: monotonic seconds.

        Raises:
            CallwellError: see `callwell.errors`.
        """
        return await self._call(self._rule.renew, self._rule.refresh, refresh_token, until)

    async def _call(self, operation: str, argument: str, secret: Key, until: float) -> IssuedTokens:
        asked_at = self._engine.clock.now()
        handle = find_operation(self._provider, operation, self._resolve_server)
        options = ResolvedOptions(deadline_s=max(MIN_DEADLINE_S, until - asked_at))
        call = PreparedCall(handle.plan, bind_secret(handle, argument, secret), options)
        return parse_tokens(  # the response is in no local variable, which an error reporter would write down
            self._rule, await self._engine.run(call), asked_at, provider=self._provider.name, operation=operation
        )
