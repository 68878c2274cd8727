# SPDX-License-Identifier: Apache-2.0
"""What one call has in hand while it is under way, and what is told of it to the log and to hooks."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from callwell.core.types import Outcome
from callwell.observe.logs import LOGGER, log
from callwell.observe.notices import AttemptEnded, CallEnded, Waiting
from callwell.observe.watch import Watch

if TYPE_CHECKING:
    from callwell.client.answers import Reading
    from callwell.client.order import Order
    from callwell.core.call import Call
    from callwell.core.permits import Permit
    from callwell.keys import Key
    from callwell.observe.hooks import Hooks
    from callwell.transport.base import NoReply


class Trip:
    """What one call has in hand while it is under way.

    Args:
        order: the call.
        url: its address; a redirect changes it.
        provider: the provider's name.
        began: monotonic seconds.
        hooks: what watches the calls.
    """

    __slots__ = (
        "began",
        "closes_at",
        "key",
        "last",
        "order",
        "permit",
        "provider",
        "sending",
        "sends",
        "state",
        "told",
        "url",
        "watch",
    )

    def __init__(self, order: Order, url: str, provider: str, began: float, hooks: Hooks | None) -> None:
        self.order = order
        self.url = url
        self.provider = provider
        self.began = began
        self.permit: Permit | None = None
        self.key: tuple[int, Key] | None = None
        self.sending = False
        self.closes_at = 0.0
        self.sends = 0
        self.state: Call | None = None
        self.last: Reading | NoReply | None = None
        self.watch = None if hooks is None else Watch(hooks, provider, order.plan.operation, began)
        self.told = hooks is not None or LOGGER.isEnabledFor(logging.DEBUG)

    def attempted(self, attempt: int, status: int | None, code: str | None, reason: str, seconds: float) -> None:
        """An arrival was made, or could not be: see `AttemptEnded`."""
        if self.told:
            self._say(AttemptEnded(self.provider, self.order.plan.operation, attempt, status, code, reason, seconds))

    def waits(self, seconds: float, why: str) -> None:
        """The call waits: see `Waiting`."""
        self._say(Waiting(self.provider, self.order.plan.operation, max(0.0, seconds), why))

    def ended(self, attempts: int, outcome: Outcome, now: float) -> None:
        """The call has ended: see `CallEnded`."""
        if self.told or outcome is not Outcome.DONE:
            seconds = now - self.began
            self._say(CallEnded(self.provider, self.order.plan.operation, attempts, str(outcome), seconds))

    def left(self, now: float) -> None:
        """The caller goes, one way or another: for the hooks, what has not ended ends now."""
        if self.watch is not None:
            self.watch.left(self.sends, now, doubt=self.state is not None and self.state.doubt)

    def _say(self, notice: AttemptEnded | Waiting | CallEnded) -> None:
        log(notice)
        if self.watch is not None:
            self.watch.notice(notice)
