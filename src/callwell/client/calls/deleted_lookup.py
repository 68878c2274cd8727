# SPDX-License-Identifier: Apache-2.0
"""After a 404, asks another operation of the provider whether the object was deleted.

The second call has its own permit, and the time that the first one left. It is made only after a 404. Only its success
proves a deletion; if it fails in any way, the 404 stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from callwell.errors import CallwellError, Gone, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.client.calls.context import PreparedCall
    from callwell.client.calls.engine import AsyncEngine
    from callwell.client.calls.operations import DeletedLookup
    from callwell.client.calls.responses import Answer


async def run_checking_deleted(
    engine: AsyncEngine, prepared: PreparedCall, lookup: DeletedLookup, arguments: Mapping[str, object]
) -> Answer:
    """Make a call; after a 404, look for the object among the deleted ones.

    Args:
        engine: makes the calls.
        prepared: the call.
        lookup: the operation that finds deleted objects.
        arguments: the arguments of the call.

    Raises:
        Gone: the object was deleted.
        CallwellError: see `callwell.errors`.
    """
    ends_at = engine.clock.now() + prepared.options.deadline_s
    try:
        return await engine.run(prepared)
    except NotFound as error:
        left_s = ends_at - engine.clock.now()
        options = replace(prepared.options, deadline_s=left_s)
        deleted = await _find_deleted(engine, lookup.prepare(options, arguments)) if left_s > 0 else None
        if deleted is None:
            raise
        raise Gone(
            f"{error}: it was deleted: {lookup.plan.operation} still finds it",
            status=error.status,
            code=error.code,
            message=error.message,
            request_id=error.request_id,
            problems=error.problems,
            provider=error.provider,
            operation=error.operation,
            attempts=error.attempts + deleted.attempts,
            outcome=error.outcome,
        ) from error


async def _find_deleted(engine: AsyncEngine, prepared: PreparedCall) -> Answer | None:
    try:
        return await engine.run(prepared)
    except CallwellError:
        return None
