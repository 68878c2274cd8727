# SPDX-License-Identifier: Apache-2.0
"""Tries one key with a client of its own, for commands, which have no client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.client.client import AsyncClient
from callwell.client.keys.canary import AsyncCanary
from callwell.client.keys.manager import CANARY_S

if TYPE_CHECKING:
    from callwell.client.calls.options import ClientOptions
    from callwell.description.provider import Provider
    from callwell.keys import Key


async def try_one_key(provider: Provider, options: ClientOptions, key: Key) -> str | None:
    """Try a key with the canary of a client of its own, without waiting for another key.

    Args:
        provider: the description, which names a canary.
        options: those of the client.
        key: the key.

    Returns:
        as `AsyncCanary.try_key`.

    Raises:
        KeyProblem: the key belongs to another environment, or is marked as revoked.
    """
    own_options: ClientOptions = {**options, "key": key, "auth": "key"}  # a token would need an exchange first
    async with AsyncClient(provider, **own_options) as client:
        engine = client._engine  # noqa: SLF001 - of this package
        canary = AsyncCanary(engine, client.config, client.provider.profile.key.canary or "")
        return await canary.try_key(key, engine.clock.now() + CANARY_S)
