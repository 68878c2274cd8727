# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/calls/caching.py by tools/unasync.py; do not edit
"""Calls that are answered from what is remembered, and else remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    """Make a call, unless its result is remembered and the caller does not insist.

    Args:
        config: what the client is made of.
        handle: the operation.
        prepared: the call.
        send: makes it.

    Raises:
        UsageError: results of this operation may not be cached.
        CallwellError: see `callwell.errors`.
    """
    name = config.provider.name
    operation = prepared.plan.operation
    if not handle.rule.remember:
        raise UsageError(
            f"{name} {operation}: its results are not remembered, for the profile does not say that they follow from "
            "what is sent; call it without remember=True"
        )
    memory = config.result_cache()
    mark = cache_key(prepared.request)
    known = None if prepared.options.force else memory.get(mark)
    if known is not None:
        return known
    answer = send()
    if answer.json is not None:
        try:
            memory.put(mark, answer)
        except StateError as error:  # it must not cost the result, which is paid for
            LOGGER.warning("%s %s: the result is not remembered: %s", name, operation, error)
    return answer
