# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/keys/refused_key.py by tools/unasync.py; do not edit
"""Why a key is refused: perhaps it belongs to another environment of the same provider, which can be asked.

Only if the caller wants it, only with a key that was never accepted here, and by one request to each other environment.
The key is shown to addresses of the provider's profile, or to those that the caller has set for its environments.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from callwell.client._sync.calls.engine import Engine
from callwell.client._sync.tokens.exchange import TokenExchange
from callwell.client.quota.account import Account
from callwell.errors import CallError, KeyOfAnotherEnvironment, KeyRefused
from callwell.state import MemoryState

if TYPE_CHECKING:
    from callwell.client.config import ClientConfig
    from callwell.core.rules.profile import TokenRule
    from callwell.errors import KeyProblem
    from callwell.keys import Key

ASK_S: Final = 10.0
"""How long another environment is asked."""


def explain_refusal(error: KeyRefused, engine: Engine, config: ClientConfig) -> KeyProblem:
    """What to tell of a key that was refused: where it belongs, if that can be found out and the caller wants it.

    Args:
        error: how it was refused.
        engine: that of the call.
        config: what the client is made of.
    """
    if error.explained:
        return error
    key, rule = engine.keys.newest(), config.provider.profile.key.token
    if rule is None or not config.other_base_urls or config.key_uses().find_environment(key.fingerprint):
        return error
    if not config.explain_refused_key:
        names = " or ".join(config.other_base_urls)
        hint = f"if it may be one of environment {names}, explain=True (--explain) asks there"
        return KeyRefused(f"{error}; {hint}", code=error.code, explained=True)
    said = []
    for name, address in config.other_base_urls.items():
        if address is None:
            said.append(f"environment {name} was not asked: where it is has not been said")
            continue
        try:
            _ask(key, rule, address, engine, config)
        except KeyRefused:
            said.append(f"environment {name} refuses it as well")
        except CallError as failure:
            said.append(f"environment {name} could not be asked ({failure})")
        else:
            config.key_uses_in(name, address).record_accepted(key.fingerprint, engine.keys.location)
            return KeyOfAnotherEnvironment(
                config.provider.name,
                environment=config.realm.environment,
                belongs_to=name,
                where=engine.keys.location,
            )
    return KeyRefused("; ".join((str(error), *said)), code=error.code, explained=True)


def _ask(key: Key, rule: TokenRule, address: str, engine: Engine, config: ClientConfig) -> None:
    """One request to another environment, whose quotas are its own."""
    profile = config.provider.profile
    once = dataclasses.replace(profile.retry, attempts=1, throttles=0)
    profile = dataclasses.replace(profile, retry=once)
    there = Engine(
        profile,
        address,
        account=Account(profile, config.account_key, MemoryState(), config.clock),
        keys=engine.keys,
        transport=engine.transport,
        clock=config.clock,
        hooks=engine.hooks,
    )
    TokenExchange(there, config.provider, rule).exchange_key(key, config.clock.now() + ASK_S)
