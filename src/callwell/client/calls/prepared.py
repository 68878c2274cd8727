# SPDX-License-Identifier: Apache-2.0
"""What the engine needs to know of an operation, which is the same for all its calls, and of one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from callwell.client.calls.binding import BoundRequest
from callwell.client.calls.options import ResolvedOptions
from callwell.errors import KeyRefused

if TYPE_CHECKING:
    from callwell.client.calls.context import CallContext
    from callwell.core.call import Call
    from callwell.core.types import Action, Event, Traits


class CallPlan(NamedTuple):
    """What all calls of an operation have in common.

    Attributes:
        operation: the operation's name, or the method for requests outside the description.
        traits: what the description says about it.
        quotas: names of the quotas that it counts against.
        template: the path with its parameters in braces, None for requests outside the description, whose successes
            may be anything and not only JSON.
        media: the types of successful bodies that are described beside JSON.
    """

    operation: str
    traits: Traits
    quotas: tuple[str, ...]
    template: str | None
    media: frozenset[str] = frozenset()


class StepRecorder(Protocol):
    """What sees that a call is done exactly once.

    Attributes:
        name: of the call, in the ledger.
        has_given_name: it is the caller's own.
        state: where it stands.
        event: what it is shown first.
        lookup_error: why it could not be looked up whether it was done.
    """

    name: str
    has_given_name: bool
    state: Call
    event: Event
    lookup_error: Exception | None

    def record(self, state: Call, action: Action) -> None:
        """Learn what will be done next, before it is."""
        ...

    def probe(self, context: CallContext) -> Any:
        """Look up whether the call was done; what it made, if anything, is the context's last answer."""
        ...


class PreparedCall(msgspec.Struct, frozen=True):
    """One call, as the engine takes it.

    Attributes:
        plan: of its operation.
        bound: what is sent.
        options: what the caller chose.
        recorder: what sees that it is done exactly once, if the caller wants that.
        explain: gives an error that tells more in the place of one that says that the key was refused.
    """

    plan: CallPlan
    bound: BoundRequest
    options: ResolvedOptions
    recorder: StepRecorder | None = None
    explain: Callable[[KeyRefused], Any] | None = None
