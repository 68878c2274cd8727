# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/keys/refused_key.py by tools/unasync.py; do not edit
"""Explains why a key was refused: it may belong to another environment of the same provider, which can be checked.

Other environments are asked only if the caller wants that, only about a key that was never accepted here, and with one
request each. The key goes only to addresses from the provider's profile, or to those that the caller configured for its
environments.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from callwell.client import addresses
from callwell.client._sync.calls.engine import Engine
from callwell.client._sync.concurrency.primitives import use_state
from callwell.client._sync.tokens.exchange import TokenExchange
from callwell.client.quota.account import Account
from callwell.errors import CallError, KeyOfAnotherEnvironment, KeyRefused
from callwell.state import MemoryState

if TYPE_CHECKING:
    from callwell.client.config import ClientConfig
    from callwell.core.rules.profile import TokenRule
    from callwell.errors import KeyProblem
    from callwell.keys import Key

ASK_DEADLINE_S: Final = 10.0
"""The deadline of the request to another environment: the call has failed already, and its caller waits."""


def explain_refusal(error: KeyRefused, engine: Engine, config: ClientConfig) -> KeyProblem:
    """The error to raise for a refused key: with the environment that it belongs to, if that can be found out.

    Args:
        error: the refusal.
        engine: the engine of the refused call.
        config: the client's configuration.
    """
    if error.explained:
        return error
    key = engine.keys.newest()
    rule = config.provider.profile.key.token
    if rule is None or not config.other_base_urls:
        return error
    if use_state(config.state, partial(config.key_uses().find_environment, key.fingerprint)):
        return error
    if not config.explain_refused_key:
        names = " or ".join(config.other_base_urls)
        hint = f"if it may belong to environment {names}, explain=True (--explain) asks there"
        return KeyRefused(f"{error}; {hint}", code=error.code, explained=True)
    results = []
    for name, address in config.other_base_urls.items():
        if address is None:
            results.append(f"environment {name} was not asked: pass its address as base_url")
            continue
        try:
            _try_environment(key, (name, address), rule, engine, config)
        except KeyRefused:
            results.append(f"environment {name} refuses it too")
        except CallError as failure:
            results.append(f"environment {name} could not be asked ({failure})")
        else:
            uses = config.key_uses_in(name, address)
            use_state(config.state, partial(uses.record_accepted, key.fingerprint, engine.keys.location))
            return KeyOfAnotherEnvironment(
                config.provider.name,
                environment=config.realm.environment,
                belongs_to=name,
                location=engine.keys.location,
            )
    return KeyRefused("; ".join((str(error), *results)), code=error.code, explained=True)


def _try_environment(key: Key, place: tuple[str, str], rule: TokenRule, engine: Engine, config: ClientConfig) -> None:
    """Exchange the key for tokens in another environment: once, and within that environment's own quotas."""
    environment, address = place
    profile = config.provider.profile
    profile = replace(profile, retry=replace(profile.retry, attempts=1, throttles=0))
    other_engine = Engine(
        profile,
        address,
        account=Account(profile, config.account_key, MemoryState(), config.clock),
        keys=engine.keys,
        transport=engine.transport,
        clock=config.clock,
        hooks=engine.hooks,
    )
    resolve_server = partial(addresses.resolve_server, base_url=address, environment=profile.environments[environment])
    exchange = TokenExchange(other_engine, config.provider, rule, resolve_server)
    exchange.exchange_key(key, config.clock.now() + ASK_DEADLINE_S)
