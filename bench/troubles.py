# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with a fleet of real processes: planned by a seed, then carried out.

Only processes that were started here are killed and stopped, by their own process IDs.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from typing import TYPE_CHECKING, Final, Generic, Literal, NamedTuple, Protocol, TypeVar

from callwell.core.quota.permits import MAX_PAUSE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Kind = Literal["kill", "pause", "resume", "away"]

LONGEST_PAUSE_S: Final = 0.9 * MAX_PAUSE_S
"""Seconds for which a process is paused at most: less than the pause that the proof allows."""

LONGEST_AWAY_S: Final = 15.0
"""Seconds for which the store is away at most: longer than a lease."""


class Trouble(NamedTuple):
    """One event.

    Attributes:
        at_s: when it happens, in seconds from the beginning.
        kind: a process is killed and started again, is paused or continues; or the store is away.
        seat: which process.
        for_s: for how long the store is away.
    """

    at_s: float
    kind: Kind
    seat: int = 0
    for_s: float = 0.0


class Course(NamedTuple):
    """What is to go wrong, at random times with these means.

    Attributes:
        lasts_s: seconds.
        seats: processes.
        kill_every_s: mean seconds between two kills.
        pause_every_s: mean seconds between two pauses.
        away_every_s: mean seconds from the store's return until it is away again.
        seed: of the random numbers.
    """

    lasts_s: float
    seats: int
    kill_every_s: float
    pause_every_s: float
    away_every_s: float
    seed: int


class Process(Protocol):
    """A process, as much of it as is needed here."""

    def kill(self) -> None:
        """End it at once."""

    def wait(self) -> int:
        """Wait for its end; its status."""
        ...

    def send_signal(self, number: int, /) -> None:
        """Send it a signal, unless it has ended."""


P = TypeVar("P", bound=Process)


class Endured(NamedTuple, Generic[P]):
    """What has happened.

    Attributes:
        processes: those that ran at the end.
        killed: how many were killed.
        paused: how often one stood still.
        away_s: for how long the store was away.
    """

    processes: list[P]
    killed: int
    paused: int
    away_s: float


def plan(course: Course) -> list[Trouble]:
    """The events of a course, in order: the same for the same seed."""
    dice = random.Random(course.seed)  # noqa: S311 - no secret
    troubles = [
        Trouble(at_s, "kill", dice.randrange(course.seats)) for at_s in _times(course, course.kill_every_s, dice)
    ]
    for at_s in _times(course, course.pause_every_s, dice):
        seat = dice.randrange(course.seats)
        end_s = min(course.lasts_s, at_s + dice.uniform(0.1, LONGEST_PAUSE_S))
        troubles += [Trouble(at_s, "pause", seat), Trouble(end_s, "resume", seat)]
    back_s = 0.0
    for at_s in _times(course, course.away_every_s, dice):
        if at_s >= back_s:
            back_s = min(course.lasts_s, at_s + dice.uniform(1.0, LONGEST_AWAY_S))
            troubles.append(Trouble(at_s, "away", for_s=back_s - at_s))
    return sorted(troubles)


def _times(course: Course, mean_s: float, dice: random.Random) -> Iterator[float]:
    at_s = dice.expovariate(1.0 / mean_s)
    while at_s < course.lasts_s:
        yield at_s
        at_s += dice.expovariate(1.0 / mean_s)


def endure(
    begin_at: float,
    troubles: list[Trouble],
    start: Callable[[int, float], P],
    seats: int,
    stop_for: Callable[[float], None],
) -> Endured[P]:
    """Start the processes, let everything go wrong, and return those that run then.

    Args:
        begin_at: when the processes begin, in seconds of the epoch.
        troubles: what goes wrong, in order.
        start: starts the process of a seat, which begins at that time.
        seats: processes.
        stop_for: keeps the store away for this many seconds.
    """
    processes = [start(seat, begin_at) for seat in range(seats)]
    keeping_away: list[threading.Thread] = []
    killed = 0
    for trouble in troubles:
        time.sleep(max(0.0, begin_at + trouble.at_s - time.time()))
        process = processes[trouble.seat]
        if trouble.kind == "kill":
            process.kill()
            process.wait()
            processes[trouble.seat] = start(trouble.seat, time.time())
            killed += 1
        elif trouble.kind == "away":
            keeping_away.append(threading.Thread(target=stop_for, args=(trouble.for_s,)))
            keeping_away[-1].start()
        else:
            process.send_signal(signal.SIGSTOP if trouble.kind == "pause" else signal.SIGCONT)
    for thread in keeping_away:
        thread.join()
    for process in processes:
        process.send_signal(signal.SIGCONT)
    return Endured(
        processes=processes,
        killed=killed,
        paused=sum(trouble.kind == "pause" for trouble in troubles),
        away_s=sum(trouble.for_s for trouble in troubles),
    )
