# SPDX-License-Identifier: Apache-2.0
"""What is said of a call that may have been done: what was sent, and how to settle it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from callwell.client.calls.binding import Bound
    from callwell.client.calls.prepared import PreparedCall
    from callwell.errors import CallFacts


def sent(bound: Bound) -> str:
    """Method and path of a request, for people; a query may hold what is nobody's business."""
    return f"{bound.method} {bound.target.partition('?')[0]}"


def words(call: CallFacts, order: PreparedCall, happened: str, sure_at: float) -> str:
    """The message.

    Args:
        call: its provider and operation.
        order: the call.
        happened: to its last request.
        sure_at: seconds since the epoch from when on it is sure that what is not there was not done; 0 if nobody knows.
    """
    provider = call["provider"]
    text = f"{provider} {call['operation']}: {happened}: {sent(order.bound)} may have been done; "
    if order.guard is None:
        return f"{text}look before you repeat it"
    name = order.guard.name
    if sure_at:
        text += f"it is not there yet, which says nothing before {datetime.fromtimestamp(sure_at, UTC):%H:%M:%S} UTC; "
    elif order.guard.trouble is not None:
        text += f"looking for it failed ({order.guard.trouble}); "
    if order.plan.traits.probe:
        again = ", and so does the same call under its name" if order.guard.named else ""
        return f"{text}`callwell ledger resume {provider} {name}` settles it{again}"
    return f"{text}look before you repeat it, and say `callwell ledger settle {provider} {name}` what you have found"
