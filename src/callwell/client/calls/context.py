# SPDX-License-Identifier: Apache-2.0
"""What one call has in hand while it is under way, and what is told of it to the log and to hooks."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import msgspec

from callwell.client.calls.prepared import PreparedCall
from callwell.client.calls.responses import Answer, ParsedResponse
from callwell.core import outcome as outcomes
from callwell.core.call import Call, IllegalEvent, Phase
from callwell.core.headers import QuotaHint
from callwell.core.quota.permits import Permit
from callwell.core.types import Answered, Fail, FailReason, Outcome
from callwell.keys import Key
from callwell.observe.call_trace import Watch
from callwell.observe.logs import LOGGER, log_notice
from callwell.observe.notices import AttemptEnded, CallEnded, Waiting
from callwell.opaque import Opaque
from callwell.transport.base import NoReply

if TYPE_CHECKING:
    from callwell.core.types import Finish
    from callwell.observe.hooks import Hooks
    from callwell.transport.base import RequestHeaders


PATIENCE_S: Final = 5.0
"""A provider that has not answered within less time has not failed: the caller was in a hurry."""

NEARLY: Final = 0.9
"""Of the time given, from where on a request without an answer ended for lack of it."""


class CallContext(Opaque, msgspec.Struct):
    """What one call has in hand while it is under way. Its `repr` shows no answer, which may hold tokens.

    Attributes:
        prepared: the call.
        url: its address; a redirect changes it.
        provider: the provider's name.
        began: monotonic seconds.
        keys: where its key comes from.
        observer: what tells the hooks of it.
        is_observed: attempts and the end are told even if all is well.
        permit: that it holds.
        key: that it holds, and its generation.
        sending: a request was sent for which the permit is not settled.
        closes_at: when it ends at the latest.
        status: of its answer; 0 before there is one.
        denied: no permit could be had before the deadline.
        ending: the end to come of a request that goes on without its caller, an `asyncio.Future`.
        attempts: arrivals so far.
        hints: what the last answer says about quotas.
        state: where the call stands, once it is not done at the first attempt.
        answer: of a call that is done.
        last: what the last attempt came to, if it was no success.
        callers: what was raised while a body of the caller's was read.
        astray: a redirect has led out of the environment's path, where no key is shown.
    """

    prepared: PreparedCall
    url: str
    provider: str
    began: float
    keys: Any
    observer: Watch | None
    is_observed: bool
    permit: Permit | None = None
    key: tuple[int, Key] | None = None
    sending: bool = False
    closes_at: float = 0.0
    status: int = 0
    denied: bool = False
    ending: Any = None
    attempts: int = 0
    hints: tuple[QuotaHint, ...] = ()
    state: Call | None = None
    answer: Answer | None = None
    last: ParsedResponse | NoReply | None = None
    callers: Exception | None = None
    astray: bool = False

    def summary(self) -> str:
        """The operation, and how often it was sent."""
        return f"{self.provider} {self.prepared.plan.operation}, attempts: {self.attempts}"

    def outlived(self, ending: Any) -> None:
        """The transport goes on with a request although its caller has gone: see `Request.on_abandoned`."""
        self.ending = ending

    def watched(self, attempt: int, began: float, base_url: str, shown: RequestHeaders) -> RequestHeaders:
        """The headers of a request that is about to be sent, with those that hooks add."""
        plan, bound = self.prepared.plan, self.prepared.bound
        moved = self.url != base_url + bound.target
        template = None if moved or plan.template is None else base_url + plan.template
        observer = self.observer
        if observer is None:
            return shown
        names = set(shown.names)
        return shown.with_fields(observer.began(attempt, began, bound.method, self.url, names, template=template))

    def attempted(self, attempt: int, status: int | None, code: str | None, reason: str, seconds: float) -> None:
        """An arrival was made, or could not be: see `AttemptEnded`."""
        if self.is_observed:
            self._say(AttemptEnded(self.provider, self.prepared.plan.operation, attempt, status, code, reason, seconds))

    def waits(self, seconds: float, reason: str) -> None:
        """The call waits: see `Waiting`."""
        self._say(Waiting(self.provider, self.prepared.plan.operation, max(0.0, seconds), reason))

    def ended(self, attempts: int, outcome: Outcome, now: float) -> None:
        """The call has ended: see `CallEnded`."""
        billed = 0 if self.state is None else self.state.unanswered
        if self.is_observed or billed or outcome is not Outcome.DONE:
            operation, seconds = self.prepared.plan.operation, now - self.began
            self._say(CallEnded(self.provider, operation, attempts, str(outcome), seconds, possibly_billed=billed))

    def finished(self, action: Finish, now: float) -> Answer:
        """The answer of a call that is done."""
        self.ended(action.attempts, Outcome.DONE, now)
        answer = self.answer or (self.last.answer if isinstance(self.last, ParsedResponse) else None)
        if answer is None:
            raise IllegalEvent("a call finished without an answer")
        billed = action.possibly_billed
        answer = answer._replace(attempts=action.attempts, possibly_billed=billed, url=self.url)
        return answer if action.result else answer._replace(json=None)

    def hasty(self, now: float, seconds: float) -> bool:
        """Whether a request that took so long without an answer ended because the caller gave it too little time.

        Args:
            now: monotonic seconds.
            seconds: since it was sent.
        """
        given_s = self.closes_at - now + seconds
        return given_s < PATIENCE_S and seconds >= given_s * NEARLY

    def stopped(self) -> Fail:
        """What is known of a call that was sent and cannot go on."""
        traits, state = self.prepared.plan.traits, self.state
        doubt = state is not None and state.may_be_done
        known = Outcome.UNKNOWN if doubt and not traits.safe else Outcome.REFUSED
        if state is not None and state.result_lost:
            known = Outcome.DONE
        elif self.sending or state is None or state.phase is Phase.FLIGHT:
            known = Outcome.REFUSED if traits.safe else Outcome.UNKNOWN
            if self.status:
                known = outcomes.known_outcome(traits, Answered(self.status), may_be_done=doubt)
        why = FailReason.NO_ANSWER
        if known is not Outcome.REFUSED and not traits.repeatable:
            why = FailReason.UNKNOWN if known is Outcome.UNKNOWN else FailReason.RESULT_LOST
        return Fail(why, known, self.attempts, possibly_billed=0 if state is None else state.unanswered)

    def left(self, now: float) -> None:
        """The caller goes, one way or another: for the hooks, what has not ended ends now."""
        if self.observer is not None:
            self.observer.left(self.attempts, now, may_be_done=self.state is not None and self.state.may_be_done)

    def _say(self, notice: AttemptEnded | Waiting | CallEnded) -> None:
        log_notice(notice)
        if self.observer is not None:
            self.observer.notice(notice)


def begun(
    prepared: PreparedCall, url: str, provider: str, began: float, hooks: Hooks | None, *, keys: Any
) -> CallContext:
    """What a call has in hand when it begins.

    Args:
        prepared: the call.
        url: its address.
        provider: the provider's name.
        began: monotonic seconds.
        hooks: what watches the calls.
        keys: where its key comes from.
    """
    observer = None if hooks is None else Watch(hooks, provider, prepared.plan.operation, began)
    return CallContext(
        prepared, url, provider, began, keys, observer, observer is not None or LOGGER.isEnabledFor(logging.DEBUG)
    )
