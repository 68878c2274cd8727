# SPDX-License-Identifier: Apache-2.0
"""What one call has in hand while it is under way, and what is told of it to the log and to hooks."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from callwell.client.answers import Reading
from callwell.core.call import IllegalEvent
from callwell.core.types import Outcome
from callwell.observe.logs import LOGGER, log
from callwell.observe.notices import AttemptEnded, CallEnded, Waiting
from callwell.observe.watch import Watch

if TYPE_CHECKING:
    from callwell.client.answers import Answer
    from callwell.client.order import Order
    from callwell.core.call import Call
    from callwell.core.headers import Hint
    from callwell.core.permits import Permit
    from callwell.core.types import Finish
    from callwell.keys import Key
    from callwell.observe.hooks import Hooks
    from callwell.transport.base import NoReply

    Headers = tuple[tuple[str, str], ...]


class Trip:
    """What one call has in hand while it is under way.

    Args:
        order: the call.
        url: its address; a redirect changes it.
        provider: the provider's name.
        began: monotonic seconds.
        hooks: what watches the calls.
        keys: where its key comes from.
    """

    __slots__ = (
        "answer",
        "began",
        "closes_at",
        "hints",
        "key",
        "keys",
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

    def __init__(self, order: Order, url: str, provider: str, began: float, hooks: Hooks | None, *, keys: Any) -> None:
        self.order = order
        self.url = url
        self.provider = provider
        self.began = began
        self.keys = keys
        self.permit: Permit | None = None
        self.key: tuple[int, Key] | None = None
        self.sending = False
        self.closes_at = 0.0
        self.sends = 0
        self.hints: tuple[Hint, ...] = ()
        self.state: Call | None = None
        self.answer: Answer | None = None
        self.last: Reading | NoReply | None = None
        self.watch = None if hooks is None else Watch(hooks, provider, order.plan.operation, began)
        self.told = hooks is not None or LOGGER.isEnabledFor(logging.DEBUG)

    def watched(self, attempt: int, began: float, base_url: str, shown: Headers) -> Headers:
        """The headers of a request that is about to be sent, with those that hooks add."""
        plan, bound, *_ = self.order
        moved = self.url != base_url + bound.target
        template = None if moved or plan.template is None else base_url + plan.template
        watch = self.watch
        return shown if watch is None else watch.began(attempt, began, bound.method, self.url, shown, template=template)

    def attempted(self, attempt: int, status: int | None, code: str | None, reason: str, seconds: float) -> None:
        """An arrival was made, or could not be: see `AttemptEnded`."""
        if self.told:
            self._say(AttemptEnded(self.provider, self.order.plan.operation, attempt, status, code, reason, seconds))

    def waits(self, seconds: float, why: str) -> None:
        """The call waits: see `Waiting`."""
        self._say(Waiting(self.provider, self.order.plan.operation, max(0.0, seconds), why))

    def ended(self, attempts: int, outcome: Outcome, now: float) -> None:
        """The call has ended: see `CallEnded`."""
        billed = 0 if self.state is None else self.state.lost
        if self.told or billed or outcome is not Outcome.DONE:
            operation, seconds = self.order.plan.operation, now - self.began
            self._say(CallEnded(self.provider, operation, attempts, str(outcome), seconds, possibly_billed=billed))

    def finished(self, action: Finish, now: float) -> Answer:
        """The answer of a call that is done."""
        self.ended(action.attempts, Outcome.DONE, now)
        answer = self.answer or (self.last.answer if isinstance(self.last, Reading) else None)
        if answer is None:
            raise IllegalEvent("a call finished without an answer")
        answer = answer._replace(attempts=action.attempts, possibly_billed=action.possibly_billed)
        return answer if action.result else answer._replace(json=None)

    def left(self, now: float) -> None:
        """The caller goes, one way or another: for the hooks, what has not ended ends now."""
        if self.watch is not None:
            self.watch.left(self.sends, now, doubt=self.state is not None and self.state.doubt)

    def _say(self, notice: AttemptEnded | Waiting | CallEnded) -> None:
        log(notice)
        if self.watch is not None:
            self.watch.notice(notice)
