# SPDX-License-Identifier: Apache-2.0
"""One call as a state machine: what to do next, given what has happened.

::

               Started            Granted             Answered, fine
        NEW ─────────────> LINE ───────────> FLIGHT ───────────────────> Finish
                            │ ^                │ │ │
              Denied: Fail <┘ │  Woken         │ │ └─ refused, unknown, out of attempts ──> Fail
                              │<───────────────┤ │  moved within the origin
                              ├────── PAUSE <──┘ │  refused for now, may be repeated
                              │  Rekeyed         │
                              ├────── REKEY <────┤  dead key, not tried again with this generation
                              │  Probed: absent  │
                              └────── PROBE <────┘  may have been done, and a marker can tell

The order of one attempt is fixed: deadline, breaker, permit, key, send, learn, decide. The driver does what the action
says, learns from the answer (quotas, budget, key) and shows the event; everything that is decided is decided here.

An unknown outcome is never repeated blind. `Interrupted` is what a driver shows to a call that it found in store: if
it was in flight, it is unknown now.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.core import outcome, retry
from callwell.core.outcome import Judgement
from callwell.core.rules.profile import RetryRule  # noqa: TC001 - a stored `Call` is read by its annotations
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
"""Redirects that one call follows, each with a permit of its own."""

MAX_KEY_RENEWALS: Final = 5
"""Dead keys that one call meets before it gives up: a source that gives nothing else would keep it going for ever."""

PROBES_NEEDED: Final = 2
"""Probes that must find nothing before a call counts as not done: a lost request may still commit after the first."""


class Phase(StrEnum):
    """What a call waits for."""

    NEW = "new"
    LINE = "line"
    FLIGHT = "flight"
    PAUSE = "pause"
    REKEY = "rekey"
    PROBE = "probe"
    ENDED = "ended"


class Call(NamedTuple):
    """The state of one call. All of it are plain values: it can be stored between any two steps.

    Attributes:
        traits: what the description says about the operation.
        rule: when it is repeated.
        deadline: monotonic seconds; infinite for none.
        phase: what it waits for.
        attempts: arrivals made.
        failures: arrivals that count against the rule's attempts.
        throttles: answers 429.
        unanswered: arrivals without a whole answer that may have been billed; counted where the rule bounds them.
        backoff_s: the last wait of the formula, below which the next one does not fall.
        wait_until: the end of the last wait, which an interruption does not shorten.
        may_be_done: an arrival may have been done.
        result_lost: an arrival was done, for an answer said so, whose result was lost: it is never undone by a probe.
        generation: of the key of the last arrival.
        redirects: redirects followed.
        dead_generations: the generations of key that were refused.
        probes: probes that found nothing.
        last_closed_at: when the last connection of unknown outcome was closed.
    """

    traits: Traits
    rule: RetryRule
    deadline: float = float("inf")
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


class IllegalEvent(Exception):
    """A driver showed an event that cannot happen in this phase. If this is raised, it is a bug."""


def advance(state: Call, event: Event, now: float, roll: float) -> tuple[Call, Action]:
    """The next state, and what to do.

    Args:
        state: where the call stands.
        event: what has happened.
        now: monotonic seconds.
        roll: a random number in [0, 1).

    Raises:
        IllegalEvent: the event cannot happen in this phase.
    """
    handler = _TRANSITIONS.get((state.phase, type(event)))
    if handler is None:
        raise IllegalEvent(f"{type(event).__name__} in phase {state.phase}")
    return handler(state, event, now, roll)


def in_flight(traits: Traits, rule: RetryRule, deadline: float, generation: int) -> Call:
    """A call, as in `Call`, whose first request was sent without waiting: as after `Started` and `Granted`."""
    return Call(traits, rule, deadline, Phase.FLIGHT, 1, generation=generation)


def _acquire(state: Call, _event: Event, now: float, _roll: float) -> tuple[Call, Action]:
    if now >= state.deadline:
        return _fail(state, FailReason.DEADLINE)
    return state._replace(phase=Phase.LINE), Acquire(state.deadline)


def _on_granted(state: Call, event: Granted, now: float, _roll: float) -> tuple[Call, Action]:
    if now >= state.deadline:
        return _fail(state, FailReason.DEADLINE)
    sends = state.attempts + 1
    return state._replace(phase=Phase.FLIGHT, attempts=sends, generation=event.generation), Send(sends)


def _on_denied(state: Call, event: Denied, now: float, _roll: float) -> tuple[Call, Action]:
    return _fail(state, FailReason.WOULD_EXCEED if event.at > now else FailReason.DEADLINE, at=event.at)


def _on_answered(state: Call, event: Answered, now: float, roll: float) -> tuple[Call, Action]:
    if outcome.is_success(event):
        return state._replace(phase=Phase.ENDED), Finish(state.attempts, possibly_billed=state.unanswered)
    if event.is_redirect and state.traits.safe and state.redirects < MAX_REDIRECTS:
        return _acquire(state._replace(redirects=state.redirects + 1), event, now, roll)
    return _on_error_answer(
        state._replace(result_lost=state.result_lost or outcome.is_known_done(state.traits, event)), event, now, roll
    )


def _on_error_answer(state: Call, event: Answered, now: float, roll: float) -> tuple[Call, Action]:
    rule = state.rule
    verdict = outcome.judge(state.traits, event, may_be_done=state.may_be_done, unsafe_5xx=rule.unsafe_5xx)
    match verdict:
        case Judgement.DONE | Judgement.DONE_WITHOUT_RESULT:
            return state._replace(phase=Phase.ENDED), Finish(
                state.attempts, verdict is Judgement.DONE, state.unanswered
            )
        case Judgement.THROTTLED:
            return _on_throttled(state, event, now, roll)
        case Judgement.DEAD_KEY if (
            state.generation not in state.dead_generations and len(state.dead_generations) < MAX_KEY_RENEWALS
        ):
            again = state._replace(phase=Phase.REKEY, dead_generations=(*state.dead_generations, state.generation))
            return again, RenewKey(state.generation, min(now + rule.rekey_wait_s, state.deadline))
        case Judgement.REPEAT:
            doubtful = state._replace(may_be_done=state.may_be_done or not outcome.is_known_not_done(event))
            floor = event.retry_after_s if event.status in outcome.RETRY_AFTER_OBEYED else None
            unseen = event.status in outcome.OK and not event.from_gateway  # nobody bills for a page of a gateway's
            return _retry(doubtful, now, roll, FailReason.ANSWER, allowed=event.may_retry, floor=floor, unseen=unseen)
        case Judgement.UNKNOWN | Judgement.RESULT_LOST if state.traits.probe:
            asked_s = (event.retry_after_s or 0.0) if event.status in outcome.RETRY_AFTER_OBEYED else 0.0
            probing = state._replace(phase=Phase.PROBE, may_be_done=True, last_closed_at=now, wait_until=now + asked_s)
            return probing, Probe()
        case Judgement.UNKNOWN:
            return _fail(state._replace(may_be_done=True), FailReason.UNKNOWN)
        case Judgement.RESULT_LOST:
            return _fail(state, FailReason.RESULT_LOST)
    known = outcome.known_outcome(state.traits, event, may_be_done=state.may_be_done)
    return _fail(state, FailReason.KEY if verdict is Judgement.DEAD_KEY else FailReason.ANSWER, known=known)


def _on_throttled(state: Call, event: Answered, now: float, roll: float) -> tuple[Call, Action]:
    throttles = state.throttles + 1
    state = state._replace(throttles=throttles)
    if throttles > state.rule.throttles:
        return _fail(state, FailReason.ANSWER)
    pause = retry.backoff(state.rule, throttles - 1, roll, state.backoff_s)
    return _wait(state, now, pause, event.retry_after_s, "throttled")


def _on_lost(state: Call, event: Lost, now: float, roll: float) -> tuple[Call, Action]:
    refused = event.outcome is Outcome.REFUSED
    if not refused:
        state = state._replace(may_be_done=True, last_closed_at=now)
    if refused or state.traits.repeatable:
        reason = FailReason.NO_CONNECTION if refused else FailReason.NO_ANSWER
        allowed = event.may_retry and not event.permanent
        return _retry(state, now, roll, reason, allowed=allowed, unseen=not refused)
    if state.traits.probe:
        return state._replace(phase=Phase.PROBE), Probe()
    return _fail(state, FailReason.UNKNOWN)


def _retry(
    state: Call,
    now: float,
    roll: float,
    reason: FailReason,
    *,
    allowed: bool,
    floor: float | None = None,
    unseen: bool = False,
) -> tuple[Call, Action]:
    most = state.rule.lost_attempts if unseen else None
    state = state._replace(failures=state.failures + 1, unanswered=state.unanswered + (most is not None))
    if state.failures >= state.rule.attempts or not allowed or (most is not None and state.unanswered >= most):
        return _fail(state, reason)
    pause = retry.backoff(state.rule, state.failures - 1, roll, state.backoff_s)
    return _wait(state, now, pause, floor, "backoff")


def _wait(state: Call, now: float, pause: float, floor: float | None, reason: str) -> tuple[Call, Action]:
    until = now + max(pause, floor or 0.0)
    if until >= state.deadline:
        return _fail(state, FailReason.WOULD_EXCEED, at=until)
    return state._replace(phase=Phase.PAUSE, backoff_s=pause, wait_until=until), Wait(until, reason)


def _on_key_renewed(state: Call, event: KeyRenewed, now: float, roll: float) -> tuple[Call, Action]:
    if event.generation in state.dead_generations:
        return _fail(state, FailReason.KEY)
    return _acquire(state, event, now, roll)


def _on_probed(state: Call, event: Probed, now: float, roll: float) -> tuple[Call, Action]:
    if event.found:
        return state._replace(phase=Phase.ENDED, may_be_done=False), Finish(
            state.attempts, possibly_billed=state.unanswered
        )
    probes = state.probes + 1
    lost = FailReason.RESULT_LOST if state.result_lost else FailReason.UNKNOWN
    if event.found is None:
        return _fail(state, lost)
    sure_at = state.last_closed_at + state.rule.max_transit_s + state.rule.commit_bound_s
    if probes >= PROBES_NEEDED and now >= sure_at:
        if state.result_lost:
            return _fail(state, lost)
        return _retry(state._replace(probes=0, may_be_done=False), now, roll, FailReason.NO_ANSWER, allowed=True)
    until = max(now, sure_at, state.wait_until)
    if until > state.deadline:
        return _fail(state, lost, at=0.0 if state.result_lost else sure_at)
    return state._replace(probes=probes, wait_until=until), Wait(until, "commit")


def _probe_again(state: Call, _event: Event, _now: float, _roll: float) -> tuple[Call, Action]:
    return state, Probe()


def _on_interrupted(state: Call, event: Event, now: float, roll: float) -> tuple[Call, Action]:
    state = state._replace(dead_generations=())  # the generations of another process are other keys
    if state.phase is Phase.FLIGHT:
        return _on_lost(state, Lost(Outcome.UNKNOWN), now, roll)
    if state.phase in (Phase.PAUSE, Phase.PROBE) and now < state.wait_until:
        return state, Wait(state.wait_until, "backoff" if state.phase is Phase.PAUSE else "commit")
    return (_probe_again if state.phase is Phase.PROBE else _acquire)(state, event, now, roll)


def _fail(state: Call, reason: FailReason, *, at: float = 0.0, known: Outcome | None = None) -> tuple[Call, Action]:
    if state.result_lost:
        known = Outcome.DONE
    elif known is None:
        known = Outcome.UNKNOWN if state.may_be_done and not state.traits.safe else Outcome.REFUSED
    return state._replace(phase=Phase.ENDED), Fail(reason, known, state.attempts, at, state.unanswered)


_TRANSITIONS: Final[dict[tuple[Phase, type], Callable[[Call, Any, float, float], tuple[Call, Action]]]] = {
    (Phase.NEW, Started): _acquire,
    (Phase.LINE, Granted): _on_granted,
    (Phase.LINE, Denied): _on_denied,
    (Phase.LINE, Interrupted): _on_interrupted,
    (Phase.FLIGHT, Answered): _on_answered,
    (Phase.FLIGHT, Lost): _on_lost,
    (Phase.FLIGHT, Interrupted): _on_interrupted,
    (Phase.PAUSE, Woken): _acquire,
    (Phase.PAUSE, Interrupted): _on_interrupted,
    (Phase.REKEY, KeyRenewed): _on_key_renewed,
    (Phase.REKEY, Interrupted): _on_interrupted,
    (Phase.PROBE, Probed): _on_probed,
    (Phase.PROBE, Woken): _probe_again,
    (Phase.PROBE, Interrupted): _on_interrupted,
}
