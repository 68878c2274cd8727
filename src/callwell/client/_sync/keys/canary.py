# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/keys/canary.py by tools/unasync.py; do not edit
"""Tries a new key with a request of its own, before any call depends on it: the profile names a harmless operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from callwell.client._sync.calls.engine import Engine
from callwell.client._sync.keys.manager import Keyless
from callwell.client.calls.context import PreparedCall
from callwell.client.calls.operations import find_operation
from callwell.client.calls.options import MIN_DEADLINE_S, ResolvedOptions
from callwell.core.key_trial import NOT_TRIED
from callwell.errors import CallError, Forbidden, KeyRefused, Unauthorized

if TYPE_CHECKING:
    from callwell.client.config import ClientConfig
    from callwell.keys import Key


class Canary:
    """Tries keys.

    Args:
        engine: the client's engine, for its account, connections and hooks.
        config: the client's configuration.
        operation: the operation that tries a key: a read without arguments.
    """

    def __init__(self, engine: Engine, config: ClientConfig, operation: str) -> None:
        self._engine = engine
        self._config = config
        self._operation = operation

    def try_key(self, key: Key, until: float) -> str | None:
        """Send the canary with a key.

        Args:
            key: the key.
            until: monotonic seconds.

        Returns:
            why the key cannot be used yet, for display; None if the provider accepted it.
        """
        engine = self._engine
        profile = engine.profile
        canary_engine = Engine(
            # A single request: the caller that sends it waits, and so does the key under trial.
            replace(profile, retry=replace(profile.retry, attempts=1, throttles=0)),
            engine.base_url,
            account=engine.account,
            keys=SingleKey(key, engine.keys.location),  # type: ignore[arg-type] # used as a key manager
            transport=engine.transport,
            clock=engine.clock,
            hooks=engine.hooks,
        )
        operation = find_operation(self._config.provider, self._operation, self._config.resolve_server)
        options = ResolvedOptions(deadline_s=max(MIN_DEADLINE_S, until - engine.clock.now()))
        try:
            canary_engine.run(PreparedCall(operation.plan, operation.binder.bind({}), options))
        except KeyRefused as error:
            return error.code or "no code"
        except (Unauthorized, Forbidden) as error:
            return NOT_TRIED if error.from_gateway else f"{error.status} {error.code or ''}".strip()
        except CallError:
            return NOT_TRIED
        return None


class SingleKey(Keyless):
    """A key on trial, in place of the client's keys.

    Args:
        key: the key.
        location: where the key is kept, for display.
    """

    def __init__(self, key: Key, location: str) -> None:
        super().__init__(lambda: key)
        self.location = location
        self.keyless = self

    def is_on_trial(self, generation: int) -> bool:  # noqa: ARG002 - as `BaseKeyManager` has it
        """Whether a key is on trial: this one is, so a 429 for it does not throttle the calls with the old key."""
        return True
