# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/calls/deleted_lookup.py by tools/unasync.py; do not edit
"""Whether what is not found was deleted, where another operation of the provider tells.

The second call is a call like any other, with a permit of its own, in what is left of the first one's time. It is made
after a 404 alone, and only its success says anything: whatever else becomes of it, nothing was found.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from callwell.errors import CallwellError, Gone, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.client._sync.calls.engine import Engine
    from callwell.client.calls.context import PreparedCall
    from callwell.client.calls.operations import DeletedLookup
    from callwell.client.calls.responses import Answer


def run_checking_deleted(
    engine: Engine, prepared: PreparedCall, lookup: DeletedLookup, arguments: Mapping[str, object]
) -> Answer:
    """Make a call, and look elsewhere for what it does not find.

    Args:
        engine: which makes the calls.
        prepared: the call.
        lookup: the operation that has what was deleted.
        arguments: those of the call.

    Raises:
        Gone: it was deleted.
        CallwellError: see `callwell.errors`.
    """
    ends_at = engine.clock.now() + prepared.options.deadline_s
    try:
        return engine.run(prepared)
    except NotFound as error:
        left_s = ends_at - engine.clock.now()
        options = dataclasses.replace(prepared.options, deadline_s=left_s)
        found = _found(engine, lookup.prepare(options, arguments)) if left_s > 0 else None
        if found is None:
            raise
        raise Gone(
            f"{error}: it was deleted: {lookup.plan.operation} has it",
            status=error.status,
            code=error.code,
            message=error.message,
            request_id=error.request_id,
            problems=error.problems,
            provider=error.provider,
            operation=error.operation,
            attempts=error.attempts + found.attempts,
            outcome=error.outcome,
        ) from error


def _found(engine: Engine, prepared: PreparedCall) -> Answer | None:
    try:
        return engine.run(prepared)
    except CallwellError:
        return None
