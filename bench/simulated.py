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


class Scenario(NamedTuple):
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


class Slot:
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
    """A run of one scenario.

    Args:
        scenario: what is simulated.

    Attributes:
        true_s: true time.
        exchanges: changes of the record in the store.
        arrivals: when requests have arrived at the provider.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.dice = random.Random(scenario.seed)  # noqa: S311 - chance that can be repeated
        self.true_s = 0.0
        self.exchanges = 0
        self.server_ahead_s = 0.0
        self.store_down_until = -inf
        self._record = FleetRecord()
        self.arrivals: list[float] = []
        self._waits: list[float] = []
        versions = scenario.versions or ({"calls": QuotaRule(limit=scenario.limit, window_s=scenario.window_s)},)
        self.owns = [to_account_quotas(rules, RetryRule()) for rules in versions]
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = 0
        self.machines = [Machine(f"boot{i}", self.dice) for i in range(scenario.machines)]
        self.slots = [self._slot(i) for i in range(scenario.processes)]

    def run(self) -> dict[str, Any]:
        """Simulate the scenario, and say what came of it."""
        for slot in self.slots:
            if slot.rate < inf:
                self.at(self.dice.expovariate(slot.rate), partial(self._arrive, slot))
            else:
                self.at(self.dice.random(), partial(self._begin_greedy, slot))
        if self.scenario.faulty:
            Faults(self).plan()
        while self._events and self._events[0][0] < self.scenario.virtual_s:
            self.true_s, _, event = heappop(self._events)
            event()
        return self._result()

    def at(self, after_s: float, event: Callable[[], object]) -> None:
        """Do something this many true seconds from now."""
        self._numbers += 1
        heappush(self._events, (self.true_s + after_s, self._numbers, event))

    def kill(self, slot: Slot) -> None:
        """End a process without a word; its requests arrive all the same. Another takes its place at once."""
        self._replace(slot, slot.own)

    def upgrade(self, slot: Slot, version: int) -> None:
        """Let a process give back what it has, and start one of another version in its place.

        Args:
            slot: of the process.
            version: the number of the other version.
        """
        now = slot.machine.monotonic(self.true_s)
        slot.holding, report = holder_exchange.prepare(slot.holding, slot.own, {}, now, leaving=True)
        self._deliver(slot, partial(self._change, slot.machine, slot.own, report))
        self._replace(slot, self.owns[version])

    def _replace(self, slot: Slot, own: AccountQuotas) -> None:
        slot.life += 1
        self._numbers += 1
        slot.begin(f"p{self._numbers}", own)
        slot.busy = False
        slot.paused_until = -inf
        slot.exchange_at = inf
        slot.ask_at = inf
        slot.waiting.clear()
        if slot.rate == inf:
            self._begin_greedy(slot)

    def _slot(self, number: int) -> Slot:
        scenario = self.scenario
        small = max(1, scenario.processes - scenario.greedy)
        mean_rate = scenario.small_share * scenario.limit / scenario.window_s / small
        rate = inf if number < scenario.greedy else mean_rate * self.dice.choice((0.25, 0.5, 1.0, 2.25))
        machine = self.machines[number % len(self.machines)]
        return Slot(machine, self.owns[0], rate, f"s{number}")

    def _begin_greedy(self, slot: Slot) -> None:
        slot.asked += self.scenario.workers
        slot.waiting.extend([self.true_s] * self.scenario.workers)
        self._serve(slot)

    def _arrive(self, slot: Slot) -> None:
        """One call is asked for, and the next one is planned."""
        slot.asked += 1
        slot.waiting.append(self.true_s)
        self.at(self.dice.expovariate(slot.rate), partial(self._arrive, slot))
        self._serve(slot)

    def _serve(self, slot: Slot) -> None:
        """Send what there are permits for."""
        if self.true_s < slot.paused_until:
            self._when_awake(slot, partial(self._serve, slot))
            return
        while slot.waiting:
            now = slot.machine.monotonic(self.true_s)
            slot.holding, (permit, _) = holdings.acquire(slot.holding, slot.call, now)
            if not isinstance(permit, Permit):
                self._ask_again(slot, permit)
                break
            waited_s = self.true_s - slot.waiting.popleft()
            if slot.rate < inf:
                self._waits.append(waited_s)
            self._send(slot, permit)
        self._plan_exchange(slot)

    def _ask_again(self, slot: Slot, at: float) -> None:
        if at == inf:
            return
        true_s = max(self.true_s, slot.machine.true(at)) + 1e-6
        if true_s < slot.ask_at or slot.ask_at <= self.true_s:
            slot.ask_at = true_s
            self.at(true_s - self.true_s, partial(self._if_alive, slot, slot.life, partial(self._serve, slot)))

    def _send(self, slot: Slot, permit: Permit) -> None:
        slot.served += 1
        dice = self.dice
        answer_s = dice.uniform(*self.scenario.answer_s)
        if self.scenario.faulty and dice.random() < 1e-4:  # noqa: PLR2004 - one call in ten thousand
            answer_s += dice.uniform(0.0, 0.95 * slot.own.max_hold_s)
        self.arrivals.append(self.true_s + answer_s * dice.random())
        self.at(answer_s, partial(self._if_alive, slot, slot.life, partial(self._answer, slot, permit)))

    def _answer(self, slot: Slot, permit: Permit) -> None:
        if self.true_s < slot.paused_until:
            self._when_awake(slot, partial(self._answer, slot, permit))
            return
        now = slot.machine.monotonic(self.true_s)
        slot.holding, _ = holdings.release(slot.holding, slot.call, permit, PLAIN_SUCCESS, now)
        if slot.rate == inf:
            slot.asked += 1
            slot.waiting.append(self.true_s)
            self._serve(slot)
        else:
            self._plan_exchange(slot)

    def _if_alive(self, slot: Slot, life: int, event: Callable[[], object]) -> None:
        if slot.life == life:
            event()

    def _when_awake(self, slot: Slot, event: Callable[[], None]) -> None:
        self.at(slot.paused_until - self.true_s, partial(self._if_alive, slot, slot.life, event))

    def _plan_exchange(self, slot: Slot, no_sooner_s: float = 0.0) -> None:
        if slot.busy:
            return
        due = holder_exchange.due_at(slot.holding, slot.own, self._needs(slot))
        if due == inf:
            return
        at = max(self.true_s + no_sooner_s, slot.machine.true(due))
        if at < slot.exchange_at or slot.exchange_at < self.true_s:
            slot.exchange_at = at
            self.at(at - self.true_s, partial(self._if_alive, slot, slot.life, partial(self._exchange, slot, at)))

    @staticmethod
    def _needs(slot: Slot) -> dict[Names, int]:
        return {slot.call.names: len(slot.waiting)} if slot.waiting else {}

    def _exchange(self, slot: Slot, planned_at: float) -> None:
        if slot.busy or slot.exchange_at != planned_at:
            return
        if self.true_s < slot.paused_until:
            slot.exchange_at = slot.paused_until
            self._when_awake(slot, partial(self._exchange, slot, slot.exchange_at))
            return
        slot.exchange_at = inf
        now = slot.machine.monotonic(self.true_s)
        slot.holding, report = holder_exchange.prepare(slot.holding, slot.own, self._needs(slot), now)
        slot.busy = True
        self._deliver(slot, partial(self._apply, slot, slot.life, report))

    def _deliver(self, slot: Slot, event: Callable[[], object]) -> None:
        """A message to the store or from it, which may be lost."""
        trip_s = self.dice.uniform(*HALF_TRIP_S)
        if self.true_s < max(slot.machine.cut_until, self.store_down_until):
            event = partial(self._if_alive, slot, slot.life, partial(self._fail, slot))
        self.at(trip_s, event)

    def _fail(self, slot: Slot) -> None:
        slot.busy = False
        self._plan_exchange(slot, RETRY_STORE_S)

    def _apply(self, slot: Slot, life: int, report: Report) -> None:
        """The change of the record. It happens even if the process has died since it asked."""
        grant = self._change(slot.machine, slot.own, report)
        self._deliver(slot, partial(self._if_alive, slot, life, partial(self._receive, slot, grant)))

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

    def _receive(self, slot: Slot, grant: Grant) -> None:
        if self.true_s < slot.paused_until:
            self._when_awake(slot, partial(self._receive, slot, grant))
            return
        slot.busy = False
        now = slot.machine.monotonic(self.true_s)
        slot.holding = holder_exchange.receive(slot.holding, slot.own, grant, now)
        self._serve(slot)

    def _result(self) -> dict[str, Any]:
        scenario = self.scenario
        arrivals = sorted(self.arrivals)
        greedy = [slot.served for slot in self.slots if slot.rate == inf]
        small = [slot for slot in self.slots if slot.rate < inf]
        calls = len(arrivals)
        end = scenario.virtual_s
        fair = (scenario.limit * end / scenario.window_s - sum(slot.served for slot in small)) / max(1, len(greedy))
        whole_windows = max(1, int(end / scenario.window_s) - 2)
        begin = end - whole_windows * scenario.window_s
        now_waiting = [end - at for slot in small for at in slot.waiting]
        waits = sorted(self._waits + now_waiting) or [0.0]
        return {
            "utilisation": used_share(arrivals, scenario.limit, scenario.window_s, begin, end),
            "over_window": max(0, fullest(arrivals, scenario.window_s) - scenario.limit),
            "slowest_share": min(greedy, default=0) / fair,
            "small_served": min([slot.served / slot.asked for slot in small if slot.asked], default=1.0),
            "small_wait_s": sum(waits) / len(waits),
            "small_wait_p99_s": waits[int(0.99 * len(waits))],
            "small_wait_max_s": waits[-1],
            "store_ops_per_call": self.exchanges / calls,
            "calls": calls,
            "exchanges": self.exchanges,
            "lost_leases": sum(slot.holding.lost for slot in self.slots),
        }
