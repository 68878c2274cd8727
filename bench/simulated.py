# SPDX-License-Identifier: Apache-2.0
"""A fleet in virtual time: the core that real processes run, around a modelled store, network, clocks and provider.

Everything that decides is Callwell's own: `holdings` and `holder_exchange` in each process, `leases` in the store. The
model moves messages between them, loses some, stops and kills processes, cuts machines off, and sets clocks. Arrivals
are counted in true time, which no process sees. The same seed gives the same run.
"""

from __future__ import annotations

import random
from collections import deque
from functools import partial
from heapq import heappop, heappush
from math import inf
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.faults import Faults
from bench.windows import fullest, used_share
from callwell.core.quota import holder_exchange, holdings, leases
from callwell.core.quota.lease_records import FleetRecord
from callwell.core.quota.permits import Permit
from callwell.core.quota.record import PLAIN_SUCCESS, to_account_quotas, to_call_quotas, to_private
from callwell.core.quota.store_time import ClockReading
from callwell.core.rules.profile import QuotaRule, RetryRule

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.core.quota.lease_records import Grant, Holding, Names, Report
    from callwell.core.quota.record import AccountQuotas

DRIFT: Final = 5e-4
"""The most by which a machine's monotonic clock is wrong, as the proof allows."""

HALF_TRIP_S: Final = (0.0005, 0.005)
"""Seconds of a message to the store, or from it."""

RETRY_STORE_S: Final = 0.5
"""Seconds after an exchange that failed until the next one."""


class Course(NamedTuple):
    """What is simulated.

    Attributes:
        processes: how many, of all kinds.
        greedy: how many of them want everything; each other one wants little, at its own rate.
        machines: that they run on.
        limit: the quota's calls in a window.
        window_s: the window, in seconds.
        small_share: of the quota that all processes with little demand ask for together.
        virtual_s: seconds that are simulated.
        faulty: processes die and pause, machines lose their store, clocks are set.
        seed: of all chance.
        workers: callers of a process that wants everything: each calls again when it has its answer.
        answer_s: least and most seconds until the provider has answered.
        versions: of the profile, each with its quotas by their names, which count all calls; one with the quota above
            if there are none. Processes begin with the first: see `World.upgrade`.
    """

    processes: int
    greedy: int
    machines: int
    limit: int
    window_s: float
    small_share: float
    virtual_s: float
    faulty: bool
    seed: int
    workers: int = 8
    answer_s: tuple[float, float] = (0.01, 0.2)
    versions: tuple[dict[str, QuotaRule], ...] = ()


class Machine:
    """A machine's clocks, and whether it reaches the store.

    Attributes:
        name: of its boot.
        wall_ahead_s: by how much its time of day is wrong.
        cut_until: true time until which messages to and from the store are lost.
    """

    def __init__(self, name: str, dice: random.Random) -> None:
        self.name = name
        self.wall_ahead_s = dice.uniform(-1.0, 1.0)
        self.cut_until = -inf
        self._origin = dice.uniform(0.0, 1e6)
        self._rate = 1.0 + dice.uniform(-DRIFT, DRIFT)

    def monotonic(self, true_s: float) -> float:
        """Its monotonic seconds at a true time."""
        return self._origin + true_s * self._rate

    def true(self, monotonic: float) -> float:
        """The true time at which its monotonic clock shows so much."""
        return (monotonic - self._origin) / self._rate


class Seat:
    """A demand, and the process that serves it; when that dies, another takes its place.

    Attributes:
        machine: where it runs.
        own: the account's quotas by the process's version of the profile.
        rate: calls a second that are asked for; infinite for one that wants everything.
        holding: what the process holds.
        life: the number of the process: what an earlier one began is no concern of this one.
        waiting: when callers without a permit came, in true time.
        asked: calls that were asked for.
        served: calls that were sent.
        busy: an exchange is under way.
        paused_until: true time until which the process does nothing.
        exchange_at: true time of the next exchange that is planned.
        ask_at: true time at which callers ask again.
    """

    def __init__(self, machine: Machine, own: AccountQuotas, rate: float, name: str) -> None:
        self.machine = machine
        self.rate = rate
        self.begin(name, own)
        self.life = 0
        self.waiting: deque[float] = deque()
        self.asked = 0
        self.served = 0
        self.busy = False
        self.paused_until = -inf
        self.exchange_at = inf
        self.ask_at = inf

    def begin(self, name: str, own: AccountQuotas) -> None:
        """A process that has nothing yet."""
        self.own = own
        self.call = to_call_quotas(to_private(own), tuple(own.keys))
        self.holding: Holding = holdings.open_holding(name, own)


class World:
    """A run of one course.

    Args:
        course: what is simulated.

    Attributes:
        true_s: true time.
        exchanges: changes of the record in the store.
        arrivals: when requests have arrived at the provider.
    """

    def __init__(self, course: Course) -> None:
        self.course = course
        self.dice = random.Random(course.seed)  # noqa: S311 - chance that can be repeated
        self.true_s = 0.0
        self.exchanges = 0
        self.server_ahead_s = 0.0
        self.store_down_until = -inf
        self._record = FleetRecord()
        self.arrivals: list[float] = []
        self._waits: list[float] = []
        versions = course.versions or ({"calls": QuotaRule(limit=course.limit, window_s=course.window_s)},)
        self.owns = [to_account_quotas(rules, RetryRule()) for rules in versions]
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = 0
        self.machines = [Machine(f"boot{i}", self.dice) for i in range(course.machines)]
        self.seats = [self._seat(i) for i in range(course.processes)]

    def run(self) -> dict[str, Any]:
        """Simulate the course, and say what came of it."""
        for seat in self.seats:
            if seat.rate < inf:
                self.at(self.dice.expovariate(seat.rate), partial(self._arrive, seat))
            else:
                self.at(self.dice.random(), partial(self._begin_greedy, seat))
        if self.course.faulty:
            Faults(self).plan()
        while self._events and self._events[0][0] < self.course.virtual_s:
            self.true_s, _, event = heappop(self._events)
            event()
        return self._result()

    def at(self, after_s: float, event: Callable[[], object]) -> None:
        """Do something this many true seconds from now."""
        self._numbers += 1
        heappush(self._events, (self.true_s + after_s, self._numbers, event))

    def kill(self, seat: Seat) -> None:
        """End a process without a word; its requests arrive all the same. Another takes its place at once."""
        self._replace(seat, seat.own)

    def upgrade(self, seat: Seat, version: int) -> None:
        """Let a process give back what it has, and start one of another version in its place.

        Args:
            seat: of the process.
            version: the number of the other version.
        """
        now = seat.machine.monotonic(self.true_s)
        seat.holding, report = holder_exchange.prepare(seat.holding, seat.own, {}, now, leaving=True)
        self._deliver(seat, partial(self._change, seat.machine, seat.own, report))
        self._replace(seat, self.owns[version])

    def _replace(self, seat: Seat, own: AccountQuotas) -> None:
        seat.life += 1
        self._numbers += 1
        seat.begin(f"p{self._numbers}", own)
        seat.busy = False
        seat.paused_until = -inf
        seat.exchange_at = inf
        seat.ask_at = inf
        seat.waiting.clear()
        if seat.rate == inf:
            self._begin_greedy(seat)

    def _seat(self, number: int) -> Seat:
        course = self.course
        small = max(1, course.processes - course.greedy)
        mean_rate = course.small_share * course.limit / course.window_s / small
        rate = inf if number < course.greedy else mean_rate * self.dice.choice((0.25, 0.5, 1.0, 2.25))
        machine = self.machines[number % len(self.machines)]
        return Seat(machine, self.owns[0], rate, f"s{number}")

    def _begin_greedy(self, seat: Seat) -> None:
        seat.asked += self.course.workers
        seat.waiting.extend([self.true_s] * self.course.workers)
        self._serve(seat)

    def _arrive(self, seat: Seat) -> None:
        """One call is asked for, and the next one is planned."""
        seat.asked += 1
        seat.waiting.append(self.true_s)
        self.at(self.dice.expovariate(seat.rate), partial(self._arrive, seat))
        self._serve(seat)

    def _serve(self, seat: Seat) -> None:
        """Send what there are permits for."""
        if self.true_s < seat.paused_until:
            self._when_awake(seat, partial(self._serve, seat))
            return
        while seat.waiting:
            now = seat.machine.monotonic(self.true_s)
            seat.holding, (permit, _) = holdings.acquire(seat.holding, seat.call, now)
            if not isinstance(permit, Permit):
                self._ask_again(seat, permit)
                break
            waited_s = self.true_s - seat.waiting.popleft()
            if seat.rate < inf:
                self._waits.append(waited_s)
            self._send(seat, permit)
        self._plan_exchange(seat)

    def _ask_again(self, seat: Seat, at: float) -> None:
        if at == inf:
            return
        true_s = max(self.true_s, seat.machine.true(at)) + 1e-6
        if true_s < seat.ask_at or seat.ask_at <= self.true_s:
            seat.ask_at = true_s
            self.at(true_s - self.true_s, partial(self._if_alive, seat, seat.life, partial(self._serve, seat)))

    def _send(self, seat: Seat, permit: Permit) -> None:
        seat.served += 1
        dice = self.dice
        answer_s = dice.uniform(*self.course.answer_s)
        if self.course.faulty and dice.random() < 1e-4:  # noqa: PLR2004 - one call in ten thousand
            answer_s += dice.uniform(0.0, 0.95 * seat.own.max_hold_s)
        self.arrivals.append(self.true_s + answer_s * dice.random())
        self.at(answer_s, partial(self._if_alive, seat, seat.life, partial(self._answer, seat, permit)))

    def _answer(self, seat: Seat, permit: Permit) -> None:
        if self.true_s < seat.paused_until:
            self._when_awake(seat, partial(self._answer, seat, permit))
            return
        now = seat.machine.monotonic(self.true_s)
        seat.holding, _ = holdings.release(seat.holding, seat.call, permit, PLAIN_SUCCESS, now)
        if seat.rate == inf:
            seat.asked += 1
            seat.waiting.append(self.true_s)
            self._serve(seat)
        else:
            self._plan_exchange(seat)

    def _if_alive(self, seat: Seat, life: int, event: Callable[[], object]) -> None:
        if seat.life == life:
            event()

    def _when_awake(self, seat: Seat, event: Callable[[], None]) -> None:
        self.at(seat.paused_until - self.true_s, partial(self._if_alive, seat, seat.life, event))

    def _plan_exchange(self, seat: Seat, no_sooner_s: float = 0.0) -> None:
        if seat.busy:
            return
        due = holder_exchange.due_at(seat.holding, seat.own, self._needs(seat))
        if due == inf:
            return
        at = max(self.true_s + no_sooner_s, seat.machine.true(due))
        if at < seat.exchange_at or seat.exchange_at < self.true_s:
            seat.exchange_at = at
            self.at(at - self.true_s, partial(self._if_alive, seat, seat.life, partial(self._exchange, seat, at)))

    @staticmethod
    def _needs(seat: Seat) -> dict[Names, int]:
        return {seat.call.names: len(seat.waiting)} if seat.waiting else {}

    def _exchange(self, seat: Seat, planned_at: float) -> None:
        if seat.busy or seat.exchange_at != planned_at:
            return
        if self.true_s < seat.paused_until:
            seat.exchange_at = seat.paused_until
            self._when_awake(seat, partial(self._exchange, seat, seat.exchange_at))
            return
        seat.exchange_at = inf
        now = seat.machine.monotonic(self.true_s)
        seat.holding, report = holder_exchange.prepare(seat.holding, seat.own, self._needs(seat), now)
        seat.busy = True
        self._deliver(seat, partial(self._apply, seat, seat.life, report))

    def _deliver(self, seat: Seat, event: Callable[[], object]) -> None:
        """A message to the store or from it, which may be lost."""
        trip_s = self.dice.uniform(*HALF_TRIP_S)
        if self.true_s < max(seat.machine.cut_until, self.store_down_until):
            event = partial(self._if_alive, seat, seat.life, partial(self._fail, seat))
        self.at(trip_s, event)

    def _fail(self, seat: Seat) -> None:
        seat.busy = False
        self._plan_exchange(seat, RETRY_STORE_S)

    def _apply(self, seat: Seat, life: int, report: Report) -> None:
        """The change of the record. It happens even if the process has died since it asked."""
        grant = self._change(seat.machine, seat.own, report)
        self._deliver(seat, partial(self._if_alive, seat, life, partial(self._receive, seat, grant)))

    def _change(self, machine: Machine, own: AccountQuotas, report: Report) -> Grant:
        wall = 1e9 + self.true_s
        clocks = ClockReading(
            boot=machine.name,
            monotonic=machine.monotonic(self.true_s),
            wall=wall + machine.wall_ahead_s,
            server_wall=wall + self.server_ahead_s,
        )
        self._record, grant = leases.exchange(self._record, report, own, clocks)
        self.exchanges += 1
        return grant

    def _receive(self, seat: Seat, grant: Grant) -> None:
        if self.true_s < seat.paused_until:
            self._when_awake(seat, partial(self._receive, seat, grant))
            return
        seat.busy = False
        now = seat.machine.monotonic(self.true_s)
        seat.holding = holder_exchange.receive(seat.holding, seat.own, grant, now)
        self._serve(seat)

    def _result(self) -> dict[str, Any]:
        course = self.course
        arrivals = sorted(self.arrivals)
        greedy = [seat.served for seat in self.seats if seat.rate == inf]
        small = [seat for seat in self.seats if seat.rate < inf]
        calls = len(arrivals)
        end = course.virtual_s
        fair = (course.limit * end / course.window_s - sum(seat.served for seat in small)) / max(1, len(greedy))
        whole_windows = max(1, int(end / course.window_s) - 2)
        begin = end - whole_windows * course.window_s
        now_waiting = [end - at for seat in small for at in seat.waiting]
        waits = sorted(self._waits + now_waiting) or [0.0]
        return {
            "utilisation": used_share(arrivals, course.limit, course.window_s, begin, end),
            "over_window": max(0, fullest(arrivals, course.window_s) - course.limit),
            "slowest_share": min(greedy, default=0) / fair,
            "small_served": min([seat.served / seat.asked for seat in small if seat.asked], default=1.0),
            "small_wait_s": sum(waits) / len(waits),
            "small_wait_p99_s": waits[int(0.99 * len(waits))],
            "small_wait_max_s": waits[-1],
            "store_ops_per_call": self.exchanges / calls,
            "calls": calls,
            "exchanges": self.exchanges,
            "lost_leases": sum(seat.holding.lost for seat in self.seats),
        }
