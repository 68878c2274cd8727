# SPDX-License-Identifier: Apache-2.0
"""One call as a state machine: given what has happened, what is done next.

Theory of operation
-------------------

A call is a value, `Call`. A driver (`client/calls/engine.py`) reports what has happened, an *event*, and gets the next
value and what to do, an *action*. The machine does no I/O, reads no clock and rolls no dice: `now` and `roll` are
arguments. It can therefore be stored after any step, and resumed in another process.

::

    phase           action             event                 leads to
    -------------   ----------------   -------------------   ------------------------------------------------------
    NEW                                Started               ACQUIRING
    ACQUIRING       Acquire            Granted               IN_FLIGHT
                                       Denied                Fail: no permit before the deadline
    IN_FLIGHT       Send               Answered: a success   Finish
                                       Answered: redirect    ACQUIRING, within the environment's origin
                                       Answered: dead key    RENEWING_KEY
                                       Answered: other key   ACQUIRING, where nothing can be done twice
                                       Answered or Lost:
                                         may be repeated     WAITING
                                         may have been done  PROBING if a marker can tell, else Fail
                                         anything else       Fail
    WAITING         Wait               Woken                 ACQUIRING
    RENEWING_KEY    RenewKey           KeyRenewed            ACQUIRING with a new key, else Fail
    PROBING         Probe              Probed: found         Finish
                                       Probed: not found     PROBING again after a Wait; WAITING once that is certain
                                       Probed: not known     Fail
    ENDED           Finish, Fail

::

    NEW ──> ACQUIRING ──> IN_FLIGHT ──> ENDED
               ^  ^           │ ^
               │  │           │ └────── each Send is one request with a permit of its own
               │  ├─ WAITING <┤  <────┐
               │  └─ RENEWING_KEY     │
               │              └> PROBING
               └ a redirect, or another key

Rules that hold on every path:

- The order of one attempt is fixed: deadline, breaker, permit, key, send, learn, decide.
- An unknown outcome is never repeated blindly. It is repeated only if a second request does no harm
  (`Traits.repeatable`), or after probes that are late enough to be certain have found nothing.
- No wait begins that would end after the deadline, and none is shorter than a `Retry-After` that must be obeyed.
- A call that is found in the state after its process died continues with the event `Interrupted`. If it was in flight,
  its outcome is unknown.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from callwell.core import outcome, retry
from callwell.core.outcome import Judgement
from callwell.core.rules.profile import RetryRule
from callwell.core.types import (
    Acquire,
    Answered,
    Denied,
    Fail,
    FailReason,
    Finish,
    Granted,
    Interrupted,
    KeyRenewed,
    Lost,
    Outcome,
    Probe,
    Probed,
    RenewKey,
    Send,
    Started,
    Traits,
    Wait,
    Woken,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.core.types import Action, Event

MAX_REDIRECTS: Final = 5
"""Redirects that one call follows, each with a permit of its own: five, as RFC 2068 (10.3) recommended. Within one
origin more would be a loop."""

MAX_KEY_RENEWALS: Final = 5
"""Rejected keys after which a call gives up: a source that keeps returning dead keys would keep it going forever."""

MAX_KEY_CHANGES: Final = 2
"""How often one call is repeated with another key: once with a new key, and once back with the old one."""

PROBES_NEEDED: Final = 2
"""Probes that must find nothing before a call counts as not done: a lost request may be committed after the first."""


class Phase(StrEnum):
    """What a call waits for."""

    NEW = "new"
    ACQUIRING = "acquiring"
    IN_FLIGHT = "in flight"
    WAITING = "waiting"
    RENEWING_KEY = "renewing key"
    PROBING = "probing"
    ENDED = "ended"


class Call(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The state of one call, in plain values: it can be stored between any two steps, field by field in this order.

    Attributes:
        traits: what the description says about the operation.
        rule: how often and after which waits it is repeated.
        deadline_at: monotonic seconds; infinite for no deadline.
        phase: what it waits for.
        attempts: requests sent.
        failures: attempts that count against `rule.attempts`.
        throttles: 429 responses; they count against `rule.throttles` instead.
        backoff_s: the last wait that the backoff formula gave; the next one is not shorter.
        wait_until: the end of the last wait, in monotonic seconds; an interruption does not shorten it.
        may_be_done: some attempt may have been carried out.
        result_lost: a response said that an attempt was carried out, but its result was lost. No probe reverts this.
        generation: of the key of the last attempt.
        redirects: redirects followed.
        dead_generations: generations of the key that the provider rejected.
        probes: probes that found nothing.
        last_closed_at: when the last request with an unknown outcome ended, in monotonic seconds.
        unanswered: attempts without a complete response that may have been billed; counted where the rule limits them.
        key_changes: attempts that were repeated with another key, new or old.
    """

    traits: Traits
    rule: RetryRule
    deadline_at: float = float("inf")
    phase: Phase = Phase.NEW
    attempts: int = 0
    failures: int = 0
    throttles: int = 0
    backoff_s: float = 0.0
    wait_until: float = 0.0
    may_be_done: bool = False
    result_lost: bool = False
    generation: int = 0
    redirects: int = 0
    dead_generations: tuple[int, ...] = ()
    probes: int = 0
    last_closed_at: float = 0.0
    unanswered: int = 0
    key_changes: int = 0


class IllegalEvent(Exception):
    """A driver reported an event that cannot happen in this phase, which is a bug."""


def advance(state: Call, event: Event, now: float, roll: float) -> tuple[Call, Action]:
    """The next state, and the action to take.

    Args:
        state: the state of the call.
        event: what has happened.
        now: monotonic seconds.
        roll: a random number in [0, 1), for jitter.

    Raises:
        IllegalEvent: the event cannot happen in this phase.
    """
    handler = _TRANSITIONS.get((state.phase, type(event)))
    if handler is None:
        raise IllegalEvent(f"{type(event).__name__} in phase {state.phase}")
    return handler(state, event, now, roll)


def in_flight(traits: Traits, rule: RetryRule, deadline_at: float, generation: int) -> Call:
    """A call after a first request sent without a wait: as `advance` leaves it after `Started` and `Granted`."""
    return Call(
        traits=traits, rule=rule, deadline_at=deadline_at, phase=Phase.IN_FLIGHT, attempts=1, generation=generation
    )


def _acquire(state: Call, _event: Event, now: float, _roll: float) -> tuple[Call, Action]:
    if now >= state.deadline_at:
        return _fail(state, FailReason.DEADLINE)
    return replace(state, phase=Phase.ACQUIRING), Acquire(until=state.deadline_at)


def _on_granted(state: Call, event: Granted, now: float, _roll: float) -> tuple[Call, Action]:
    if now >= state.deadline_at:
        return _fail(state, FailReason.DEADLINE)
    attempt = state.attempts + 1
    return replace(state, phase=Phase.IN_FLIGHT, attempts=attempt, generation=event.generation), Send(attempt)


def _on_denied(state: Call, event: Denied, now: float, _roll: float) -> tuple[Call, Action]:
    reason = FailReason.WOULD_EXCEED if event.available_at > now else FailReason.DEADLINE
    return _fail(state, reason, available_at=event.available_at)


def _on_answered(state: Call, event: Answered, now: float, roll: float) -> tuple[Call, Action]:
    if outcome.is_success(event):
        return _finish(state)
    if event.other_key and state.key_changes < MAX_KEY_CHANGES and outcome.may_change_key(state.traits, event):
        may_be_done = state.may_be_done or outcome.is_ambiguous(event)
        changed = replace(state, key_changes=state.key_changes + 1, may_be_done=may_be_done)
        return _acquire(changed, event, now, roll)
    if event.is_redirect and state.traits.safe and state.redirects < MAX_REDIRECTS:
        return _acquire(replace(state, redirects=state.redirects + 1), event, now, roll)
    if outcome.is_known_done(state.traits, event):
        state = replace(state, result_lost=True)
    judgement = outcome.judge(state.traits, event, may_be_done=state.may_be_done, unsafe_5xx=state.rule.unsafe_5xx)
    return _on_judgement(state, judgement, event, now, roll)


def _on_judgement(state: Call, judgement: Judgement, event: Answered, now: float, roll: float) -> tuple[Call, Action]:
    match judgement:
        case Judgement.DONE | Judgement.DONE_WITHOUT_RESULT:
            return _finish(state, result=judgement is Judgement.DONE)
        case Judgement.THROTTLED:
            return _on_throttled(state, event, now, roll)
        case Judgement.DEAD_KEY if _may_renew_key(state):
            return _renew_key(state, now)
        case Judgement.REPEAT:
            return _on_repeatable(state, event, now, roll)
        case Judgement.UNKNOWN | Judgement.RESULT_LOST if state.traits.probe:
            not_before = now + outcome.requested_wait_s(event)
            probing = replace(state, phase=Phase.PROBING, may_be_done=True, last_closed_at=now, wait_until=not_before)
            return probing, Probe()
        case Judgement.UNKNOWN:
            return _fail(replace(state, may_be_done=True), FailReason.UNKNOWN)
        case Judgement.RESULT_LOST:
            return _fail(state, FailReason.RESULT_LOST)
    known = outcome.known_outcome(state.traits, event, may_be_done=state.may_be_done)
    reason = FailReason.KEY if judgement is Judgement.DEAD_KEY else FailReason.ANSWER
    return _fail(state, reason, known=known)


def _on_throttled(state: Call, event: Answered, now: float, roll: float) -> tuple[Call, Action]:
    state = replace(state, throttles=state.throttles + 1)
    if state.throttles > state.rule.throttles:
        return _fail(state, FailReason.ANSWER)
    backoff_s = retry.backoff(state.rule, state.throttles - 1, roll, state.backoff_s)
    # A 429 says when to come back in more ways than Retry-After; the driver has read them all.
    return _wait(state, now, backoff_s, event.retry_after_s or 0.0, "throttled")


def _on_repeatable(state: Call, event: Answered, now: float, roll: float) -> tuple[Call, Action]:
    if not outcome.is_known_not_done(event):
        state = replace(state, may_be_done=True)
    return _retry(
        state,
        now,
        roll,
        FailReason.ANSWER,
        allowed=event.may_retry,
        asked_s=outcome.requested_wait_s(event),
        # A success that arrived incomplete may be billed; a gateway's page in its place is not.
        maybe_billed=event.status in outcome.OK and not event.from_gateway,
    )


def _on_lost(state: Call, event: Lost, now: float, roll: float) -> tuple[Call, Action]:
    refused = event.outcome is Outcome.REFUSED
    if not refused:
        state = replace(state, may_be_done=True, last_closed_at=now)
    if refused or state.traits.repeatable:
        reason = FailReason.NO_CONNECTION if refused else FailReason.NO_ANSWER
        allowed = event.may_retry and not event.permanent
        return _retry(state, now, roll, reason, allowed=allowed, maybe_billed=not refused)
    if state.traits.probe:
        return replace(state, phase=Phase.PROBING), Probe()
    return _fail(state, FailReason.UNKNOWN)


def _on_key_renewed(state: Call, event: KeyRenewed, now: float, roll: float) -> tuple[Call, Action]:
    if event.generation in state.dead_generations:
        return _fail(state, FailReason.KEY)
    return _acquire(state, event, now, roll)


def _on_probed(state: Call, event: Probed, now: float, roll: float) -> tuple[Call, Action]:
    if event.found:
        return _finish(replace(state, may_be_done=False))
    reason = FailReason.RESULT_LOST if state.result_lost else FailReason.UNKNOWN
    if event.found is None:
        return _fail(state, reason)
    probes = state.probes + 1
    # After this time, a request that arrived or was committed late would have been found.
    certain_at = state.last_closed_at + state.rule.max_transit_s + state.rule.commit_bound_s
    if probes >= PROBES_NEEDED and now >= certain_at:
        if state.result_lost:
            return _fail(state, reason)
        state = replace(state, probes=0, may_be_done=False)
        return _retry(state, now, roll, FailReason.NO_ANSWER, allowed=True)
    until = max(now, certain_at, state.wait_until)
    if until > state.deadline_at:
        return _fail(state, reason, available_at=0.0 if state.result_lost else certain_at)
    return replace(state, probes=probes, wait_until=until), Wait(until, "commit")


def _probe_again(state: Call, _event: Event, _now: float, _roll: float) -> tuple[Call, Action]:
    return state, Probe()


def _on_interrupted(state: Call, event: Event, now: float, roll: float) -> tuple[Call, Action]:
    state = replace(state, dead_generations=())  # each process counts generations from 0
    if state.phase is Phase.IN_FLIGHT:
        return _on_lost(state, Lost(Outcome.UNKNOWN), now, roll)
    if state.phase is Phase.PROBING:
        return (state, Wait(state.wait_until, "commit")) if now < state.wait_until else (state, Probe())
    if state.phase is Phase.WAITING and now < state.wait_until:
        return state, Wait(state.wait_until, "backoff")
    return _acquire(state, event, now, roll)


def _may_renew_key(state: Call) -> bool:
    return state.generation not in state.dead_generations and len(state.dead_generations) < MAX_KEY_RENEWALS


def _renew_key(state: Call, now: float) -> tuple[Call, Action]:
    dead = (*state.dead_generations, state.generation)
    until = min(now + state.rule.rekey_wait_s, state.deadline_at)
    return replace(state, phase=Phase.RENEWING_KEY, dead_generations=dead), RenewKey(state.generation, until)


def _retry(
    state: Call,
    now: float,
    roll: float,
    reason: FailReason,
    *,
    allowed: bool,
    asked_s: float = 0.0,
    maybe_billed: bool = False,
) -> tuple[Call, Action]:
    """Wait and try again, or fail with `reason` if no attempt is left."""
    max_unanswered = state.rule.lost_attempts if maybe_billed else None
    state = replace(state, failures=state.failures + 1)
    if max_unanswered is not None:
        state = replace(state, unanswered=state.unanswered + 1)
        allowed = allowed and state.unanswered < max_unanswered
    if state.failures >= state.rule.attempts or not allowed:
        return _fail(state, reason)
    backoff_s = retry.backoff(state.rule, state.failures - 1, roll, state.backoff_s)
    return _wait(state, now, backoff_s, asked_s, "backoff")


def _wait(state: Call, now: float, backoff_s: float, asked_s: float, reason: str) -> tuple[Call, Action]:
    until = now + max(backoff_s, asked_s)
    if until >= state.deadline_at:
        return _fail(state, FailReason.WOULD_EXCEED, available_at=until)
    return replace(state, phase=Phase.WAITING, backoff_s=backoff_s, wait_until=until), Wait(until, reason)


def _finish(state: Call, *, result: bool = True) -> tuple[Call, Action]:
    finish = Finish(attempts=state.attempts, result=result, possibly_billed=state.unanswered)
    return replace(state, phase=Phase.ENDED), finish


def _fail(
    state: Call, reason: FailReason, *, available_at: float = 0.0, known: Outcome | None = None
) -> tuple[Call, Action]:
    if state.result_lost:
        known = Outcome.DONE
    elif known is None:
        known = Outcome.UNKNOWN if state.may_be_done and not state.traits.safe else Outcome.REFUSED
    fail = Fail(
        reason=reason,
        outcome=known,
        attempts=state.attempts,
        available_at=available_at,
        possibly_billed=state.unanswered,
    )
    return replace(state, phase=Phase.ENDED), fail


_TRANSITIONS: Final[dict[tuple[Phase, type], Callable[[Call, Any, float, float], tuple[Call, Action]]]] = {
    (Phase.NEW, Started): _acquire,
    (Phase.ACQUIRING, Granted): _on_granted,
    (Phase.ACQUIRING, Denied): _on_denied,
    (Phase.ACQUIRING, Interrupted): _on_interrupted,
    (Phase.IN_FLIGHT, Answered): _on_answered,
    (Phase.IN_FLIGHT, Lost): _on_lost,
    (Phase.IN_FLIGHT, Interrupted): _on_interrupted,
    (Phase.WAITING, Woken): _acquire,
    (Phase.WAITING, Interrupted): _on_interrupted,
    (Phase.RENEWING_KEY, KeyRenewed): _on_key_renewed,
    (Phase.RENEWING_KEY, Interrupted): _on_interrupted,
    (Phase.PROBING, Probed): _on_probed,
    (Phase.PROBING, Woken): _probe_again,
    (Phase.PROBING, Interrupted): _on_interrupted,
}
