# SPDX-License-Identifier: Apache-2.0
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

    from callwell.client.calls.engine import AsyncEngine
    from callwell.client.calls.operations import Elsewhere
    from callwell.client.calls.prepared import PreparedCall
    from callwell.client.calls.responses import Answer


async def sought(
    engine: AsyncEngine, order: PreparedCall, elsewhere: Elsewhere, arguments: Mapping[str, object]
) -> Answer:
    """Make a call, and look elsewhere for what it does not find.

    Args:
        engine: which makes the calls.
        order: the call.
        elsewhere: the operation that has what was deleted.
        arguments: those of the call.

    Raises:
        Gone: it was deleted.
        CallwellError: see `callwell.errors`.
    """
    ends_at = engine.clock.now() + order.choices.deadline_s
    try:
        return await engine.run(order)
    except NotFound as error:
        left_s = ends_at - engine.clock.now()
        choices = dataclasses.replace(order.choices, deadline_s=left_s)
        found = await _found(engine, elsewhere.order(choices, arguments)) if left_s > 0 else None
        if found is None:
            raise
        raise Gone(
            f"{error}: it was deleted: {elsewhere.plan.operation} has it",
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


async def _found(engine: AsyncEngine, order: PreparedCall) -> Answer | None:
    try:
        return await engine.run(order)
    except CallwellError:
        return None
