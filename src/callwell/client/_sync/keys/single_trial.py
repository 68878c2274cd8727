# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/keys/single_trial.py by tools/unasync.py; do not edit
"""Tries one key with a client of its own, for commands, which have no client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.client._sync.client import Client
from callwell.client._sync.keys.canary import Canary
from callwell.client._sync.keys.manager import CANARY_S

if TYPE_CHECKING:
    from callwell.client.calls.options import ClientOptions
    from callwell.description.provider import Provider
    from callwell.keys import Key


def try_one_key(provider: Provider, options: ClientOptions, key: Key) -> str | None:
    """Try a key with the canary of a client of its own, without waiting for another key.

    Args:
        provider: the description, which names a canary.
        options: those of the client.
        key: the key.

    Returns:
        as `Canary.try_key`.

    Raises:
        KeyProblem: the key belongs to another environment, or is marked as revoked.
    """
    own_options: ClientOptions = {**options, "key": key, "auth": "key"}  # a token would need an exchange first
    with Client(provider, **own_options) as client:
        engine = client._engine  # noqa: SLF001 - of this package
        canary = Canary(engine, client.config, client.provider.profile.key.canary or "")
        return canary.try_key(key, engine.clock.now() + CANARY_S)
