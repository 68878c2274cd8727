# SPDX-License-Identifier: Apache-2.0
"""A driver for one call in virtual time: it shows the machine what a script says and writes down all that happens."""

from __future__ import annotations

from itertools import chain, cycle
from typing import TYPE_CHECKING, NamedTuple

from callwell.core import call as machine
from callwell.core.types import (
    Acquire,
    Answered,
    Denied,
    Fail,
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
    from collections.abc import Callable, Iterator, Sequence

    from callwell.core.call import Call
    from callwell.core.types import Action, Event

SAFE = Traits()
IDEMPOTENT = Traits(safe=False)
DELETE = Traits(safe=False, deletes=True)
UNSAFE = Traits(safe=False, repeatable=False)
PROBED = Traits(safe=False, repeatable=False, probe=True)
KINDS = (SAFE, IDEMPOTENT, DELETE, UNSAFE, PROBED)

MAX_STEPS = 2000


class Turn(NamedTuple):
    """What the world does next, whatever the machine does.

    Attributes:
        end: the end of a Send.
        took_s: how long anything takes.
        roll: the dice.
        granted: permits can be had.
        new_key: a dead key's source has a new one.
        found: a probe finds the marker.
        killed: the process dies meanwhile; another one finds the call.
    """

    end: Answered | Lost
    took_s: float = 0.25
    roll: float = 0.5
    granted: bool = True
    new_key: bool = True
    found: bool = False
    killed: bool = False


class Moment(NamedTuple):
    """One step: what was done, from when to when, what came of it, and the state after the decision to do it."""

    action: Action
    began: float
    ended: float
    event: Event
    state: Call


class Story(NamedTuple):
    """A call from its beginning to its end."""

    moments: tuple[Moment, ...]
    last: Finish | Fail
    ended: float

    @property
    def sends(self) -> list[Moment]:
        """The arrivals."""
        return [moment for moment in self.moments if isinstance(moment.action, Send)]

    @property
    def waits(self) -> list[float]:
        """Seconds of each wait."""
        return [moment.action.until - moment.began for moment in self.moments if isinstance(moment.action, Wait)]


def attempts(call: Call, *ends: Answered | Lost) -> Story:
    """Drive a call; its arrivals end like this, one after the other, and then from the first again."""
    return _play(call, map(Turn, cycle(ends)), lambda state: state, by_send=True)


def play(call: Call, script: Sequence[Turn], keep: Callable[[Call], Call] = lambda call: call) -> Story:
    """Drive a call to its end; a script that is too short begins again, but without kills.

    Args:
        call: the call.
        script: what the world does, a turn for each action.
        keep: stores the state between two steps and reads it again.
    """
    quiet = (turn._replace(killed=False) for turn in script)
    return _play(call, chain(script, cycle(quiet)), keep, by_send=False)


def _play(call: Call, turns: Iterator[Turn], keep: Callable[[Call], Call], *, by_send: bool) -> Story:
    now = 100.0
    key = 0
    moments = list[Moment]()
    event: Event = Started()
    turn = next(turns)
    while len(moments) < MAX_STEPS:
        call, action = machine.advance(keep(call), event, now, turn.roll)
        if isinstance(action, Finish | Fail):
            return Story(tuple(moments), action, now)
        if moments and (not by_send or isinstance(action, Acquire)):
            turn = next(turns)
        began = now
        key += isinstance(action, RenewKey) and turn.new_key
        event, now = _answer(action, turn, now, key)
        if turn.killed:
            event = Interrupted()
        moments.append(Moment(action, began, now, event, call))
    raise AssertionError("the call never ended")


def _answer(action: Action, turn: Turn, now: float, key: int) -> tuple[Event, float]:
    later = now + turn.took_s
    match action:
        case Acquire():
            return (Granted(key) if turn.granted else Denied(later + 5.0)), later
        case Send():
            return turn.end, later
        case Wait(until):
            return Woken(), (now + (until - now) * turn.roll if turn.killed else max(now, until))
        case RenewKey():
            return KeyRenewed(key), later
        case Probe():
            return Probed(turn.found), later
    raise AssertionError(action)


def unknown(event: Event) -> bool:
    """Whether an arrival that ended so may have been done, for all that anybody knows."""
    match event:
        case Lost(outcome=Outcome.UNKNOWN) | Interrupted():
            return True
        case Answered(status=status, not_done=not_done, from_gateway=foreign):
            if status in range(200, 300):
                return foreign
            return status < 200 or status in (301, 302, 408) or (status >= 500 and not not_done)
    return False
