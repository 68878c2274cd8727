# SPDX-License-Identifier: Apache-2.0
"""What is said of a call that may have been done: what was sent, and how to settle it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from callwell.client.calls.binding import BoundRequest
    from callwell.client.calls.prepared import PreparedCall
    from callwell.errors import CallFacts


def describe_request(bound: BoundRequest) -> str:
    """Method and path of a request, for people; a query may hold what is nobody's business."""
    return f"{bound.method} {bound.target.partition('?')[0]}"


def outcome_unknown_message(call: CallFacts, prepared: PreparedCall, happened: str, sure_at: float) -> str:
    """The message.

    Args:
        call: its provider and operation.
        prepared: the call.
        happened: to its last request.
        sure_at: seconds since the epoch from when on it is sure that what is not there was not done; 0 if nobody knows.
    """
    provider = call["provider"]
    text = f"{provider} {call['operation']}: {happened}: {describe_request(prepared.bound)} may have been done; "
    if prepared.recorder is None:
        return f"{text}look before you repeat it"
    name = prepared.recorder.name
    if sure_at:
        text += f"it is not there yet, which says nothing before {datetime.fromtimestamp(sure_at, UTC):%H:%M:%S} UTC; "
    elif prepared.recorder.lookup_error is not None:
        text += f"looking for it failed ({prepared.recorder.lookup_error}); "
    if prepared.plan.traits.probe:
        again = ", and so does the same call under its name" if prepared.recorder.has_given_name else ""
        return f"{text}`callwell ledger resume {provider} {name}` settles it{again}"
    return f"{text}look before you repeat it, and say `callwell ledger settle {provider} {name}` what you have found"
