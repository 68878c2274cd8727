# SPDX-License-Identifier: Apache-2.0
"""One call in the engine: what all calls of its operation share, what is sent, and what the call holds.

::

    CallPlan       what the description says about an operation; created once for all its calls
    PreparedCall   one call as the engine gets it: plan, request, options; it never changes
    CallContext    what that call holds while it is under way: permit, key, state, last response
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

from msgspec import Struct

from callwell.client.calls.binding import BoundRequest
from callwell.client.calls.options import ResolvedOptions
from callwell.client.calls.responses import Answer, ParsedResponse
from callwell.core import outcome as outcomes
from callwell.core.call import Call, IllegalEvent, Phase
from callwell.core.quota.hint import QuotaHint
from callwell.core.quota.permits import Permit
from callwell.core.types import Answered, Fail, FailReason, Outcome, Traits
from callwell.description.model import AnswerType
from callwell.errors import KeyRefused
from callwell.keys import Key
from callwell.observe.call_trace import CallTrace
from callwell.observe.logs import DEBUG, LOGGER
from callwell.opaque import Opaque
from callwell.transport.base import NoReply

if TYPE_CHECKING:
    from callwell.core.types import Action, Event, Finish
    from callwell.observe.hooks import Hooks
    from callwell.transport.base import RequestHeaders


MIN_RESPONSE_S: Final = 5.0
"""Seconds: a provider that had less time than this to respond has not failed; the caller gave it too little time."""

CUT_SHORT_SHARE: Final = 0.9
"""The fraction of the timeout after which a request without a response counts as timed out: a transport's timers may
fire slightly early."""


class CallPlan(Struct, frozen=True):
    """What all calls of an operation have in common.

    Attributes:
        operation: the operation's name, or the method for requests outside the description.
        traits: what the description says about it.
        quotas: names of the quotas that it counts against.
        template: the path with its parameters in braces. None for requests outside the description: their successes may
            be anything, not only JSON.
        media: the described media types of its successes; empty if they are JSON.
        redirects: a success may be a redirect to another server that holds the file.
        tries_keys: its calls may try a new key: they may be repeated, and their success proves that the key is known.
        takes_range: a caller may request a part of its answer, so a 206 may be right.
    """

    operation: str
    traits: Traits
    quotas: tuple[str, ...]
    template: str | None
    media: tuple[AnswerType, ...] = ()
    redirects: bool = False
    tries_keys: bool = False
    takes_range: bool = False

    @property
    def has_files(self) -> bool:
        """Whether a success may be a file: anything but JSON and streams."""
        return any(kind.kind in ("text", "bytes", "any") for kind in self.media)


class TriedKey(Struct, frozen=True):
    """A new key that a call tried without success, and the response.

    Attributes:
        generation: of the key.
        status: of the answer; 0 without one.
        code: the provider's error code.
        moved_to: where a redirect leads.
        is_settled: the old key's response is known.
    """

    generation: int
    status: int
    code: str | None
    moved_to: str | None
    is_settled: bool = False


class StepRecorder(Protocol):
    """Records each step of a call that is made exactly once, before the step is taken.

    Attributes:
        name: the call's name in the ledger.
        is_named_by_caller: the caller chose the name.
        state: the call's state when the engine takes it over.
        event: the first event for the state machine.
        lookup_error: why the lookup of an unknown outcome failed, if it did.
    """

    name: str
    is_named_by_caller: bool
    state: Call
    event: Event
    lookup_error: Exception | None

    def record(self, state: Call, action: Action) -> Any:
        """Record a state and the next action, before the action is carried out."""
        ...

    def probe(self, context: CallContext) -> Any:
        """Look up whether the call was done; if it created something, that becomes the context's last result."""
        ...


class PreparedCall(Struct, frozen=True):
    """One call, as the engine gets it.

    Attributes:
        plan: of its operation.
        request: what is sent.
        options: what the caller chose.
        recorder: records its steps, for an exactly-once call.
        explain: finds out more about a rejected key, and returns the error to raise instead.
    """

    plan: CallPlan
    request: BoundRequest
    options: ResolvedOptions
    recorder: StepRecorder | None = None
    explain: Callable[[KeyRefused], Any] | None = None


class CallContext(Opaque, Struct):
    """What one call holds while it is under way. Its `repr` shows no response, which may hold tokens.

    Attributes:
        prepared: the call.
        url: its address; a redirect changes it.
        provider: the provider's name.
        began_at: monotonic seconds.
        keys: where its key comes from.
        trace: reports it to log and hooks; None without hooks and DEBUG logs, as long as the call goes well.
        permit: the permit that it holds.
        key: the generation and the text of the key that it holds.
        sending: a request was sent, and its permit has not been released.
        closes_at: the latest time at which that request ends, in monotonic seconds.
        status: of its response; 0 before there is one.
        permit_denied: no permit was available before the deadline.
        late_response: an `asyncio.Future` of the response to a request that continues without its caller.
        attempts: requests sent.
        hints: what the last response says about quotas.
        state: the state of the call, once it needs more than a successful first attempt.
        answer: of a call that is done.
        last: the result of the last attempt, if it was not a success.
        body_error: the exception raised while the caller's body was read.
        outside_base_path: a redirect led outside the environment's base path, where no key is sent.
        tried_key: the new key that it tried without success.
        key_refused: its key was refused, so it is sent again with a newer one.
    """

    prepared: PreparedCall
    url: str
    provider: str
    began_at: float
    keys: Any
    trace: CallTrace | None
    permit: Permit | None = None
    key: tuple[int, Key] | None = None
    sending: bool = False
    closes_at: float = 0.0
    status: int = 0
    permit_denied: bool = False
    late_response: Any = None
    attempts: int = 0
    hints: tuple[QuotaHint, ...] = ()
    state: Call | None = None
    answer: Answer | None = None
    last: ParsedResponse | NoReply | None = None
    body_error: Exception | None = None
    outside_base_path: bool = False
    tried_key: TriedKey | None = None
    key_refused: bool = False

    @property
    def may_be_done(self) -> bool:
        """An earlier attempt ended with an unknown outcome."""
        return self.state is not None and self.state.may_be_done

    @property
    def possibly_billed(self) -> int:
        """Requests without a whole response that the provider may have billed."""
        return 0 if self.state is None else self.state.unanswered

    def summary(self) -> str:
        """The operation, and the number of attempts."""
        return f"{self.provider} {self.prepared.plan.operation}, attempts: {self.attempts}"

    def on_abandoned(self, late_response: Any) -> None:
        """The transport continues a request although its caller is gone: see `Request.on_abandoned`."""
        self.late_response = late_response

    def attempt_began(
        self, trace: CallTrace, attempt: int, sent_at: float, base_url: str, headers: RequestHeaders
    ) -> RequestHeaders:
        """Show the hooks a request that is about to be sent; returns its headers, with those that the hooks add."""
        plan = self.prepared.plan
        request = self.prepared.request
        template = None
        if plan.template is not None and self.url == base_url + request.target:  # not after a redirect
            template = base_url + plan.template
        names = set(headers.names)
        added = trace.attempt_began(attempt, sent_at, request.method, self.url, names, template=template)
        return headers.with_fields(added)

    def attempt_ended(self, attempt: int, status: int | None, code: str | None, reason: str, seconds: float) -> None:
        """An attempt has ended, or could not be made: see `AttemptEnded`."""
        if self.trace is not None:
            self.trace.attempt_ended(attempt, status, code, reason, seconds)

    def wait_began(self, seconds: float, reason: str) -> None:
        """The call waits: see `Waiting`. Waits are logged even without hooks."""
        self._ensure_trace().wait_began(seconds, reason)

    def call_ended(self, attempts: int, outcome: Outcome, now: float) -> None:
        """The call has ended: see `CallEnded`. Failures and possible double billing are logged even without hooks."""
        if self.trace is not None or self.possibly_billed or outcome is not Outcome.DONE:
            self._ensure_trace().call_ended(attempts, str(outcome), now, possibly_billed=self.possibly_billed)

    def finish(self, action: Finish, now: float) -> Answer:
        """The response of a call that is done."""
        tried = self.tried_key
        if tried is not None and not tried.is_settled:
            self.keys.set_aside(tried.generation, f"{tried.status or 'no response'} {tried.code or ''}".strip())
        self.call_ended(action.attempts, Outcome.DONE, now)
        answer = self.answer
        if answer is None and isinstance(self.last, ParsedResponse):
            answer = self.last.answer
        if answer is None:
            raise IllegalEvent("a call finished without a response")
        answer = answer._replace(attempts=action.attempts, possibly_billed=action.possibly_billed, url=self.url)
        return answer if action.result else answer._replace(json=None)

    def was_cut_short(self, now: float, seconds: float) -> bool:
        """Whether a request got no response because its caller gave it too little time.

        Args:
            now: monotonic seconds.
            seconds: the time since it was sent.
        """
        allowed_s = self.closes_at - now + seconds
        return allowed_s < MIN_RESPONSE_S and seconds >= allowed_s * CUT_SHORT_SHARE

    def fail_now(self) -> Fail:
        """How a call that was sent and cannot continue fails, given what is known about it now."""
        traits = self.prepared.plan.traits
        state = self.state
        if state is not None and state.result_lost:
            known = Outcome.DONE
        elif self.status and self._is_attempt_open():
            known = outcomes.known_outcome(traits, Answered(self.status), may_be_done=self.may_be_done)
        elif traits.safe or not (self.may_be_done or self._is_attempt_open()):
            known = Outcome.REFUSED
        else:
            known = Outcome.UNKNOWN
        reason = FailReason.NO_ANSWER
        if known is not Outcome.REFUSED and not traits.repeatable:
            reason = FailReason.UNKNOWN if known is Outcome.UNKNOWN else FailReason.RESULT_LOST
        return Fail(reason=reason, outcome=known, attempts=self.attempts, possibly_billed=self.possibly_billed)

    def _is_attempt_open(self) -> bool:
        """Whether the outcome of the last attempt is still open."""
        return self.sending or self.state is None or self.state.phase is Phase.IN_FLIGHT

    def _ensure_trace(self) -> CallTrace:
        if self.trace is None:
            # Where there are hooks there is a trace from the beginning.
            self.trace = CallTrace(None, self.provider, self.prepared.plan.operation, self.began_at)
        return self.trace


def begin(
    prepared: PreparedCall, url: str, provider: str, began_at: float, hooks: Hooks | None, *, keys: Any
) -> CallContext:
    """The context of a call that begins.

    Args:
        prepared: the call.
        url: its address.
        provider: the provider's name.
        began_at: monotonic seconds.
        hooks: the client's hooks.
        keys: where its key comes from.
    """
    trace = None
    if hooks is not None or LOGGER.isEnabledFor(DEBUG):
        trace = CallTrace(hooks, provider, prepared.plan.operation, began_at)
    return CallContext(prepared, url, provider, began_at, keys, trace)
