# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/calls/caching.py by tools/unasync.py; do not edit
"""Answers calls from the result cache, and stores their results in it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from callwell.client._sync.concurrency.primitives import use_state
from callwell.client.result_cache import cache_key
from callwell.errors import StateError, UsageError
from callwell.observe.logs import LOGGER

if TYPE_CHECKING:
    from callwell.client._sync.concurrency.primitives import Fetch
    from callwell.client.calls.context import PreparedCall
    from callwell.client.calls.operations import OperationHandle
    from callwell.client.calls.responses import Answer
    from callwell.client.config import ClientConfig


def run_cached(config: ClientConfig, handle: OperationHandle, prepared: PreparedCall, send: Fetch) -> Answer:
    """Return the cached result of a call; make the call if there is none, or if `force` bypasses the cache.

    Args:
        config: the client's configuration.
        handle: the operation.
        prepared: the call.
        send: makes the call.

    Raises:
        UsageError: results of this operation may not be cached.
        CallwellError: see `callwell.errors`.
    """
    name = config.provider.name
    operation = prepared.plan.operation
    if not handle.rule.remember:
        raise UsageError(
            f"{name} {operation}: its results cannot be cached, since the profile does not say that they depend on "
            "the request alone; call it without remember=True"
        )
    cache = config.result_cache()
    key = cache_key(prepared.request)
    cached = None
    if not prepared.options.force:
        cached = use_state(config.state, partial(cache.get, key))
    if cached is not None:
        return cached
    answer = send()
    if answer.json is not None:
        try:
            use_state(config.state, partial(cache.put, key, answer))
        except StateError as error:  # the result has been paid for, so it is returned anyway
            LOGGER.warning("%s %s: the result could not be cached: %s", name, operation, error)
    return answer
