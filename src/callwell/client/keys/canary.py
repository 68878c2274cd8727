# SPDX-License-Identifier: Apache-2.0
"""A new key is tried by a request of its own, before any call depends on it: the profile names a harmless one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.client.calls.engine import AsyncEngine
from callwell.client.calls.operations import find_operation
from callwell.client.calls.options import ResolvedOptions
from callwell.client.calls.prepared import PreparedCall
from callwell.client.keys.manager import AsyncKeyless
from callwell.errors import CallError, Forbidden, KeyRefused, Unauthorized

if TYPE_CHECKING:
    from callwell.description.provider import Provider
    from callwell.keys import Key

LEAST_S: Final = 0.001
"""The least time that a call is given: one whose time has passed ends at once, and says so."""


class AsyncCanary:
    """Tries keys.

    Args:
        engine: the client's: its account, connections and hooks are used.
        provider: the description.
        operation: by which a key is tried: a read without arguments.
    """

    def __init__(self, engine: AsyncEngine, provider: Provider, operation: str) -> None:
        self._engine = engine
        self._provider = provider
        self._operation = operation

    async def try_key(self, key: Key, until: float) -> str | None:
        """Why a key is refused; empty if it is accepted, None if nobody can say.

        Args:
            key: the key.
            until: monotonic seconds.
        """
        engine = self._engine
        there = AsyncEngine(
            engine.profile,
            engine.base_url,
            account=engine.account,
            keys=AsyncSingleKey(key, engine.keys.location),  # type: ignore[arg-type] # it is asked like a keyholder
            transport=engine.transport,
            clock=engine.clock,
            hooks=engine.hooks,
        )
        called = find_operation(self._provider, self._operation)
        choices = ResolvedOptions(deadline_s=max(LEAST_S, until - engine.clock.now()))
        try:
            await there.run(PreparedCall(called.plan, called.binder.bind({}), choices))
        except KeyRefused as error:
            return error.code or "no code"
        except (Unauthorized, Forbidden) as error:
            return None if error.from_gateway else f"{error.status} {error.code or ''}".strip()
        except CallError:
            return None
        return ""


class AsyncSingleKey(AsyncKeyless):
    """One key, in the place of those that a client has in hand.

    Args:
        key: the key.
        where: the place where it is kept, for people.
    """

    def __init__(self, key: Key, where: str) -> None:
        super().__init__(lambda: key)
        self.location = where
        self.keyless = self
