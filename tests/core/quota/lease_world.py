# SPDX-License-Identifier: Apache-2.0
"""A fleet in virtual time: holders with clocks of their own, a record, a lossy way between them, and a server.

`true_s` is true time. A machine's monotonic clock counts from anywhere and is wrong by up to 500 ppm; times of day may
be set. Whatever a lease allows to happen can be drawn here, and nothing else.
"""

from __future__ import annotations

from functools import partial
from heapq import heappop, heappush
from math import inf
from typing import TYPE_CHECKING, Final

from callwell.core.quota import buckets, holder_exchange, holdings, leases
from callwell.core.quota.bins import count
from callwell.core.quota.lease_records import FleetRecord, Holding
from callwell.core.quota.permits import MAX_PAUSE_S, Permit
from callwell.core.quota.record import SendEnd, to_account_quotas, to_call_quotas, to_private
from callwell.core.quota.store_time import ClockReading
from callwell.core.rules.profile import QuotaRule, RetryRule
from callwell.core.types import Outcome

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from callwell.core.quota.lease_records import Grant, Report
    from callwell.core.quota.record import AccountQuotas

ATTEMPT_S: Final = 4.0
TRANSIT_S: Final = 3.0
RETRY: Final = RetryRule(attempt_s=ATTEMPT_S, max_transit_s=TRANSIT_S)
PAUSING: Final = 0.04
"""The part of the requests before which the process pauses for as long as it may."""

SLOWEST: Final = 1.0 - 5e-4


class Machine:
    """A machine's clocks.

    Attributes:
        boot: its name.
        wall_ahead_s: by how much its time of day is wrong.
    """

    def __init__(self, boot: str, origin: float, rate: float) -> None:
        self.boot = boot
        self.wall_ahead_s = 0.0
        self._origin = origin
        self._rate = rate

    def monotonic(self, true_s: float) -> float:
        """Monotonic seconds at a true time."""
        return self._origin + true_s * self._rate


class Process:
    """One holder.

    Attributes:
        alive: it has not crashed.
        busy: an exchange is under way.
        paused_until: true time until which it does nothing.
        cut_until: true time until which it does not reach the store.
    """

    def __init__(self, name: str, machine: Machine, own: AccountQuotas) -> None:
        self.machine = machine
        self.own = own
        self.private = to_private(own)
        self.holding: Holding = holdings.open_holding(name, own)
        self.alive = True
        self.busy = False
        self.paused_until = -inf
        self.cut_until = -inf
        self.waiting: dict[tuple[str, ...], int] = {}


class Fleet:
    """Processes, their record, and the arrivals at the server.

    Args:
        rules: the quotas, by their names; what the server counts by.
        dice: random numbers.
        versions: other versions of the same quotas, which some processes have.
        has_server: the record's state has a time of day of its own.
    """

    def __init__(
        self,
        rules: dict[str, QuotaRule],
        dice: random.Random,
        *,
        versions: tuple[dict[str, QuotaRule], ...] = (),
        machines: int = 2,
        has_server: bool = True,
    ) -> None:
        self.rules = rules
        self.dice = dice
        self.true_s = 0.0
        self.record = FleetRecord()
        self.is_store_up = True
        self.server_ahead_s = 0.0
        self.has_server = has_server
        self.sent = 0
        self._latest: dict[str, list[float]] = {name: [] for name in rules}
        self.processes: list[Process] = []
        self.exchanges = 0
        self.owns = [to_account_quotas(each, RETRY) for each in (rules, *versions)]
        self.machines = [
            Machine(f"boot{i}", dice.choice([0.0, 1e3, 1e6]), dice.choice([SLOWEST, 1.0, 2.0 - SLOWEST]))
            for i in range(machines)
        ]
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = 0

    def start(self) -> Process:
        """A new process on one of the machines."""
        self._numbers += 1
        process = Process(f"p{self._numbers}", self.dice.choice(self.machines), self.dice.choice(self.owns))
        self.processes.append(process)
        return process

    def at(self, after_s: float, event: Callable[[], None]) -> None:
        """Do something so many true seconds from now."""
        self._numbers += 1
        heappush(self._events, (self.true_s + after_s, self._numbers, event))

    def pass_time(self, seconds: float) -> None:
        """Let time pass, with all that happens in it."""
        end = self.true_s + seconds
        while self._events and self._events[0][0] <= end:
            self.true_s, _, event = heappop(self._events)
            event()
        self.true_s = end

    def now(self, process: Process) -> float:
        """The process's monotonic clock."""
        return process.machine.monotonic(self.true_s)

    def take(self, process: Process, names: tuple[str, ...]) -> bool:
        """Acquire a permit and send a request, which ends in one way or another."""
        if not process.alive or self.true_s < process.paused_until:
            return False
        call = to_call_quotas(process.private, names)
        process.holding, (permit, _) = holdings.acquire(process.holding, call, self.now(process))
        if not isinstance(permit, Permit):
            process.waiting[names] = process.waiting.get(names, 0) + 1
            return False
        dice = self.dice
        # Most are quick, as quotas are full only where permits come back soon.
        pause_s = MAX_PAUSE_S * 0.99 if dice.random() < PAUSING else 0.0
        lasts_s = dice.choice([0.01, 0.01, 0.1, ATTEMPT_S * 0.99])
        fate = dice.choice(["answered"] * 8 + ["lost", "unsent", "throttled", "failed"])
        if fate == "unsent":
            end = SendEnd(Outcome.REFUSED)
            self.at(pause_s, partial(self._end, process, names, permit, end))
            return True
        latest_s = pause_s + lasts_s + (TRANSIT_S * 0.99 if fate == "lost" else 0.0)
        self._arrive(names, self.true_s + latest_s)
        end = {
            "answered": SendEnd(Outcome.DONE, 200),
            "failed": SendEnd(Outcome.DONE, 500),
            "throttled": SendEnd(Outcome.DONE, 429, wait_s=dice.choice([None, 0.5])),
            "lost": SendEnd(Outcome.UNKNOWN),
        }[fate]
        self.at(pause_s + lasts_s, partial(self._end, process, names, permit, end))
        return True

    def _arrive(self, names: tuple[str, ...], latest: float) -> None:
        """A request may arrive at once; each one before it may have arrived as late as it can."""
        self.sent += 1
        for name in names:
            rule = self.rules[name]
            since = self.true_s - rule.window_s
            within = [at for at in self._latest[name] if at > since]
            assert len(within) < rule.limit, (name, self.true_s)
            self._latest[name] = [*within, latest]

    def _end(self, process: Process, names: tuple[str, ...], permit: Permit, end: SendEnd) -> None:
        if not process.alive:
            return
        if self.true_s < process.paused_until:
            self.at(process.paused_until - self.true_s, partial(self._end, process, names, permit, end))
            return
        call = to_call_quotas(process.private, names)
        process.holding, _ = holdings.release(process.holding, call, permit, end, self.now(process))

    def exchange(
        self, process: Process, *, there_s: float, back_s: float, lost: str = "", leaving: bool = False
    ) -> None:
        """Begin an exchange; what is lost of it, `request` or `reply`, is sent again at a later exchange."""
        if not process.alive or process.busy or self.true_s < process.paused_until:
            return
        waiting = process.waiting
        process.waiting = {}
        process.holding, report = holder_exchange.prepare(
            process.holding, process.own, waiting, self.now(process), leaving=leaving
        )
        process.busy = True
        if lost == "request" or self.true_s < process.cut_until:
            self.at(there_s, partial(self._fail, process))
        else:
            self.at(there_s, partial(self._apply, process, report, back_s, lost))

    def _fail(self, process: Process) -> None:
        process.busy = False

    def _apply(self, process: Process, report: Report, back_s: float, lost: str) -> None:
        if not self.is_store_up or not process.alive:
            process.busy = False
            return
        clocks = ClockReading(
            boot=process.machine.boot,
            monotonic=self.now(process),
            wall=1e9 + self.true_s + process.machine.wall_ahead_s,
            server_wall=1e9 + self.true_s + self.server_ahead_s if self.has_server else None,
        )
        before = self.record.time.at
        self.record, grant = leases.exchange(self.record, report, process.own, clocks)
        assert self.record.time.at >= before
        self.exchanges += 1
        self.check()
        if lost == "reply":
            self.at(back_s, partial(self._fail, process))
        else:
            self.at(back_s, partial(self._receive, process, grant))

    def _receive(self, process: Process, grant: Grant) -> None:
        process.busy = False
        if not process.alive:
            return
        if self.true_s < process.paused_until:
            process.busy = True
            self.at(process.paused_until - self.true_s, partial(self._receive, process, grant))
            return
        process.holding = holder_exchange.receive(process.holding, process.own, grant, self.now(process))
        lease = self.record.leases.get(process.holding.holder)
        for key, rule in process.holding.record.rules.items():
            bucket = process.holding.record.buckets[key]
            assert buckets.is_consistent(rule.quota, bucket), key
            if lease is not None and lease.seq == process.holding.seq and process.holding.has_lease:
                assert lease.counts.get(key, 0) == rule.quota.limit - bucket.elsewhere, key

    def check(self) -> None:
        """Every permit of the pool is in one place, and what leases name is held."""
        account = self.record.account
        for key, rule in account.rules.items():
            bucket = account.buckets[key]
            assert buckets.is_consistent(rule.quota, bucket), (key, bucket)
            leased = sum(lease.counts.get(key, 0) for lease in self.record.leases.values())
            assert leased <= count(bucket.held), (key, leased, bucket)

    def settle(self) -> None:
        """All go, and time passes, until the whole quota must be available again."""
        self.is_store_up = True
        for process in self.processes:
            process.alive = False
        self.pass_time(3600.0)
        longest_s = max(rule.window_s for rule in self.rules.values())
        # A boot that is new, a clock that was set and each other boot that must believe its clock again move no time.
        for _ in range(3 + len(self.machines)):
            last = self.start()
            self.exchange(last, there_s=0.01, back_s=0.01)
            self.pass_time(2.0 * longest_s + 200.0)
            last.alive = False
        account = self.record.account
        for key, rule in account.rules.items():
            assert account.buckets[key].available == rule.quota.limit, (key, account.buckets[key])
