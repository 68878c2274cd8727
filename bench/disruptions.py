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


class Disruption(NamedTuple):
    """One event.

    Attributes:
        at_s: when it happens, in seconds from the beginning.
        kind: a process is killed and started again, is paused or continues; or the store is away.
        slot: which process.
        for_s: for how long the store is away.
    """

    at_s: float
    kind: Kind
    slot: int = 0
    for_s: float = 0.0


class DisruptionRates(NamedTuple):
    """How often things go wrong, at random times with these means.

    Attributes:
        lasts_s: seconds.
        slots: processes.
        kill_every_s: mean seconds between two kills.
        pause_every_s: mean seconds between two pauses.
        away_every_s: mean seconds from the store's return until it is away again.
        seed: of the random numbers.
    """

    lasts_s: float
    slots: int
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


class FleetRun(NamedTuple, Generic[P]):
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


def plan(rates: DisruptionRates) -> list[Disruption]:
    """The disruptions by their rates, in order: the same for the same seed."""
    dice = random.Random(rates.seed)  # noqa: S311 - no secret
    disruptions = [
        Disruption(at_s, "kill", dice.randrange(rates.slots)) for at_s in _times(rates, rates.kill_every_s, dice)
    ]
    for at_s in _times(rates, rates.pause_every_s, dice):
        slot = dice.randrange(rates.slots)
        end_s = min(rates.lasts_s, at_s + dice.uniform(0.1, LONGEST_PAUSE_S))
        disruptions += [Disruption(at_s, "pause", slot), Disruption(end_s, "resume", slot)]
    back_s = 0.0
    for at_s in _times(rates, rates.away_every_s, dice):
        if at_s >= back_s:
            back_s = min(rates.lasts_s, at_s + dice.uniform(1.0, LONGEST_AWAY_S))
            disruptions.append(Disruption(at_s, "away", for_s=back_s - at_s))
    return sorted(disruptions)


def _times(rates: DisruptionRates, mean_s: float, dice: random.Random) -> Iterator[float]:
    at_s = dice.expovariate(1.0 / mean_s)
    while at_s < rates.lasts_s:
        yield at_s
        at_s += dice.expovariate(1.0 / mean_s)


def run_fleet(
    begin_at: float,
    disruptions: list[Disruption],
    start: Callable[[int, float], P],
    slots: int,
    stop_for: Callable[[float], None],
) -> FleetRun[P]:
    """Start the processes, let everything go wrong, and return those that run then.

    Args:
        begin_at: when the processes begin, in seconds of the epoch.
        disruptions: what goes wrong, in order.
        start: starts the process of a slot, which begins at that time.
        slots: processes.
        stop_for: keeps the store away for this many seconds.
    """
    processes = [start(slot, begin_at) for slot in range(slots)]
    keeping_away: list[threading.Thread] = []
    killed = 0
    for disruption in disruptions:
        time.sleep(max(0.0, begin_at + disruption.at_s - time.time()))
        process = processes[disruption.slot]
        if disruption.kind == "kill":
            process.kill()
            process.wait()
            processes[disruption.slot] = start(disruption.slot, time.time())
            killed += 1
        elif disruption.kind == "away":
            keeping_away.append(threading.Thread(target=stop_for, args=(disruption.for_s,)))
            keeping_away[-1].start()
        else:
            process.send_signal(signal.SIGSTOP if disruption.kind == "pause" else signal.SIGCONT)
    for thread in keeping_away:
        thread.join()
    for process in processes:
        process.send_signal(signal.SIGCONT)
    return FleetRun(
        processes=processes,
        killed=killed,
        paused=sum(disruption.kind == "pause" for disruption in disruptions),
        away_s=sum(disruption.for_s for disruption in disruptions),
    )
