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
    Lost,
    Outcome,
    Probe,
    Probed,
    Rekey,
    Rekeyed,
    Send,
    Started,
    Traits,
    Wait,
    Woken,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.core.types import Action, Event

MAX_HOPS: Final = 5
"""Redirects that one call follows, each with a permit of its own."""

MAX_REKEYS: Final = 5
"""Dead keys that one call meets before it gives up: a source that gives nothing else would keep it going for ever."""

SURE_PROBES: Final = 2
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
        sends: arrivals made.
        failures: arrivals that count against the rule's attempts.
        throttles: answers 429.
        lost: arrivals without a whole answer that may have been billed; counted where the rule bounds them.
        waited_s: the last wait of the formula, below which the next one does not fall.
        until: the end of the last wait, which an interruption does not shorten.
        doubt: an arrival may have been done.
        done: an arrival was done, for an answer said so, whose result was lost: it is never undone by a probe.
        generation: of the key of the last arrival.
        hops: redirects followed.
        dead: the generations of key that were refused.
        probes: probes that found nothing.
        closed_at: when the last connection of unknown outcome was closed.
    """

    traits: Traits
    rule: RetryRule
    deadline: float = float("inf")
    phase: Phase = Phase.NEW
    sends: int = 0
    failures: int = 0
    throttles: int = 0
    waited_s: float = 0.0
    until: float = 0.0
    doubt: bool = False
    done: bool = False
    generation: int = 0
    hops: int = 0
    dead: tuple[int, ...] = ()
    probes: int = 0
    closed_at: float = 0.0
    lost: int = 0


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
    handler = _MOVES.get((state.phase, type(event)))
    if handler is None:
        raise IllegalEvent(f"{type(event).__name__} in phase {state.phase}")
    return handler(state, event, now, roll)


def sent(traits: Traits, rule: RetryRule, deadline: float, generation: int) -> Call:
    """A call, as in `Call`, whose first request was sent without waiting: as after `Started` and `Granted`."""
    return Call(traits, rule, deadline, Phase.FLIGHT, 1, generation=generation)


def _line(state: Call, _event: Event, now: float, _roll: float) -> tuple[Call, Action]:
    if now >= state.deadline:
        return _fail(state, FailReason.DEADLINE)
    return state._replace(phase=Phase.LINE), Acquire(state.deadline)


def _granted(state: Call, event: Granted, now: float, _roll: float) -> tuple[Call, Action]:
    if now >= state.deadline:
        return _fail(state, FailReason.DEADLINE)
    sends = state.sends + 1
    return state._replace(phase=Phase.FLIGHT, sends=sends, generation=event.generation), Send(sends)


def _denied(state: Call, event: Denied, now: float, _roll: float) -> tuple[Call, Action]:
    return _fail(state, FailReason.WOULD_EXCEED if event.at > now else FailReason.DEADLINE, at=event.at)


def _answered(state: Call, event: Answered, now: float, roll: float) -> tuple[Call, Action]:
    if outcome.fine(event):
        return state._replace(phase=Phase.ENDED), Finish(state.sends, possibly_billed=state.lost)
    if event.moved and state.traits.safe and state.hops < MAX_HOPS:
        return _line(state._replace(hops=state.hops + 1), event, now, roll)
    return _judged(state._replace(done=state.done or outcome.shows_done(state.traits, event)), event, now, roll)


def _judged(state: Call, event: Answered, now: float, roll: float) -> tuple[Call, Action]:
    rule = state.rule
    verdict = outcome.judge(state.traits, event, doubt=state.doubt, unsafe_5xx=rule.unsafe_5xx)
    match verdict:
        case Judgement.DONE | Judgement.DONE_WITHOUT_RESULT:
            return state._replace(phase=Phase.ENDED), Finish(state.sends, verdict is Judgement.DONE, state.lost)
        case Judgement.THROTTLED:
            return _throttled(state, event, now, roll)
        case Judgement.DEAD_KEY if state.generation not in state.dead and len(state.dead) < MAX_REKEYS:
            again = state._replace(phase=Phase.REKEY, dead=(*state.dead, state.generation))
            return again, Rekey(state.generation, min(now + rule.rekey_wait_s, state.deadline))
        case Judgement.REPEAT:
            doubtful = state._replace(doubt=state.doubt or not outcome.undone(event))
            floor = event.retry_after_s if event.status in outcome.HINTED else None
            unseen = event.status in outcome.OK and not event.foreign  # nobody bills for a page of a gateway's
            return _again(doubtful, now, roll, FailReason.ANSWER, allowed=event.retry, floor=floor, unseen=unseen)
        case Judgement.UNKNOWN | Judgement.RESULT_LOST if state.traits.probe:
            return state._replace(phase=Phase.PROBE, doubt=True, closed_at=now), Probe()
        case Judgement.UNKNOWN:
            return _fail(state._replace(doubt=True), FailReason.UNKNOWN)
        case Judgement.RESULT_LOST:
            return _fail(state, FailReason.RESULT_LOST)
    known = outcome.known(state.traits, event, doubt=state.doubt)
    return _fail(state, FailReason.KEY if verdict is Judgement.DEAD_KEY else FailReason.ANSWER, known=known)


def _throttled(state: Call, event: Answered, now: float, roll: float) -> tuple[Call, Action]:
    throttles = state.throttles + 1
    state = state._replace(throttles=throttles)
    if throttles > state.rule.throttles:
        return _fail(state, FailReason.ANSWER)
    pause = retry.backoff(state.rule, throttles - 1, roll, state.waited_s)
    return _pause(state, now, pause, event.retry_after_s, "throttled")


def _lost(state: Call, event: Lost, now: float, roll: float) -> tuple[Call, Action]:
    refused = event.outcome is Outcome.REFUSED
    if not refused:
        state = state._replace(doubt=True, closed_at=now)
    if refused or state.traits.repeatable:
        why = FailReason.NO_CONNECTION if refused else FailReason.NO_ANSWER
        allowed = event.retry and not event.permanent
        return _again(state, now, roll, why, allowed=allowed, unseen=not refused)
    if state.traits.probe:
        return state._replace(phase=Phase.PROBE), Probe()
    return _fail(state, FailReason.UNKNOWN)


def _again(
    state: Call,
    now: float,
    roll: float,
    why: FailReason,
    *,
    allowed: bool,
    floor: float | None = None,
    unseen: bool = False,
) -> tuple[Call, Action]:
    most = state.rule.lost_attempts if unseen else None
    state = state._replace(failures=state.failures + 1, lost=state.lost + (most is not None))
    if state.failures >= state.rule.attempts or not allowed or (most is not None and state.lost >= most):
        return _fail(state, why)
    pause = retry.backoff(state.rule, state.failures - 1, roll, state.waited_s)
    return _pause(state, now, pause, floor, "backoff")


def _pause(state: Call, now: float, pause: float, floor: float | None, why: str) -> tuple[Call, Action]:
    until = now + max(pause, floor or 0.0)
    if until >= state.deadline:
        return _fail(state, FailReason.WOULD_EXCEED, at=until)
    return state._replace(phase=Phase.PAUSE, waited_s=pause, until=until), Wait(until, why)


def _rekeyed(state: Call, event: Rekeyed, now: float, roll: float) -> tuple[Call, Action]:
    if event.generation in state.dead:
        return _fail(state, FailReason.KEY)
    return _line(state, event, now, roll)


def _probed(state: Call, event: Probed, now: float, roll: float) -> tuple[Call, Action]:
    if event.found:
        return state._replace(phase=Phase.ENDED, doubt=False), Finish(state.sends, possibly_billed=state.lost)
    probes = state.probes + 1
    lost = FailReason.RESULT_LOST if state.done else FailReason.UNKNOWN
    if event.found is None:
        return _fail(state, lost)
    sure_at = state.closed_at + state.rule.max_transit_s + state.rule.commit_bound_s
    if probes >= SURE_PROBES and now >= sure_at:
        if state.done:
            return _fail(state, lost)
        return _again(state._replace(probes=0, doubt=False), now, roll, FailReason.NO_ANSWER, allowed=True)
    if sure_at > state.deadline:
        return _fail(state, lost, at=0.0 if state.done else sure_at)
    until = max(now, sure_at)
    return state._replace(probes=probes, until=until), Wait(until, "commit")


def _probe_again(state: Call, _event: Event, _now: float, _roll: float) -> tuple[Call, Action]:
    return state, Probe()


def _interrupted(state: Call, event: Event, now: float, roll: float) -> tuple[Call, Action]:
    state = state._replace(dead=())  # the generations of another process are other keys
    if state.phase is Phase.FLIGHT:
        return _lost(state, Lost(Outcome.UNKNOWN), now, roll)
    if state.phase in (Phase.PAUSE, Phase.PROBE) and now < state.until:
        return state, Wait(state.until, "backoff" if state.phase is Phase.PAUSE else "commit")
    return (_probe_again if state.phase is Phase.PROBE else _line)(state, event, now, roll)


def _fail(state: Call, why: FailReason, *, at: float = 0.0, known: Outcome | None = None) -> tuple[Call, Action]:
    if state.done:
        known = Outcome.DONE
    elif known is None:
        known = Outcome.UNKNOWN if state.doubt and not state.traits.safe else Outcome.REFUSED
    return state._replace(phase=Phase.ENDED), Fail(why, known, state.sends, at, state.lost)


_MOVES: Final[dict[tuple[Phase, type], Callable[[Call, Any, float, float], tuple[Call, Action]]]] = {
    (Phase.NEW, Started): _line,
    (Phase.LINE, Granted): _granted,
    (Phase.LINE, Denied): _denied,
    (Phase.LINE, Interrupted): _interrupted,
    (Phase.FLIGHT, Answered): _answered,
    (Phase.FLIGHT, Lost): _lost,
    (Phase.FLIGHT, Interrupted): _interrupted,
    (Phase.PAUSE, Woken): _line,
    (Phase.PAUSE, Interrupted): _interrupted,
    (Phase.REKEY, Rekeyed): _rekeyed,
    (Phase.REKEY, Interrupted): _interrupted,
    (Phase.PROBE, Probed): _probed,
    (Phase.PROBE, Woken): _probe_again,
    (Phase.PROBE, Interrupted): _interrupted,
}
