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
from callwell.core.quota.lease_records import FleetRecord, Holding, Lease
from callwell.core.quota.permits import MAX_PAUSE_S, Permit
from callwell.core.quota.record import CallQuotasByNames, SendEnd, to_account_quotas, to_private
from callwell.core.quota.store_time import ClockReading
from callwell.core.quota.versions import other_keys
from callwell.core.rules.profile import RetryRule
from callwell.core.types import Outcome
from tests.core.quota.lease_server import Server

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from callwell.core.quota.lease_records import Grant, Names, Report
    from callwell.core.quota.record import AccountQuotas
    from callwell.core.rules.profile import QuotaRule

ATTEMPT_S: Final = 4.0
TRANSIT_S: Final = 3.0
RETRY: Final = RetryRule(attempt_s=ATTEMPT_S, max_transit_s=TRANSIT_S)
PAUSING: Final = 0.04
"""The part of the requests before which the process pauses for as long as it may."""

DURATIONS_S: Final = (0.01, 0.01, 0.1, ATTEMPT_S * 0.99)
ENDS: Final = {
    "answered": SendEnd(Outcome.DONE, 200),
    "failed": SendEnd(Outcome.DONE, 500),
    "throttled": SendEnd(Outcome.DONE, 429),
    "throttled for a while": SendEnd(Outcome.DONE, 429, wait_s=0.5),
    "lost": SendEnd(Outcome.UNKNOWN),
    "unsent": SendEnd(Outcome.REFUSED),
}
FATES: Final = (*["answered"] * 16, "lost", "lost", "unsent", "unsent", "throttled", "throttled for a while", "failed")

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
        kinds: the quotas of its calls, by the kind of call.
        exchanged_at: true time of its last exchange that was applied.
        denied: what it held when it last had no permit, and until when that stays so, by the quotas of the call.
    """

    def __init__(self, name: str, machine: Machine, own: AccountQuotas, kinds: Sequence[Names]) -> None:
        self.machine = machine
        self.own = own
        self.kinds = kinds
        self.calls = CallQuotasByNames(to_private(own))
        self.holding: Holding = holdings.open_holding(name, own)
        self.alive = True
        self.busy = False
        self.paused_until = -inf
        self.cut_until = -inf
        self.exchanged_at = -inf
        self.denied: dict[Names, tuple[Holding, float]] = {}
        self.waiting: dict[Names, int] = {}


class Fleet:
    """Processes, their record, and the arrivals at the server.

    Args:
        versions: of the profile, each with its quotas by their names.
        dice: random numbers.
        kinds: the quotas that calls of a kind count against; those that a version does not have are left out.
        machines: how many there are.
        has_server: the record's state has a time of day of its own.
    """

    def __init__(
        self,
        versions: Sequence[dict[str, QuotaRule]],
        dice: random.Random,
        *,
        kinds: Sequence[Names],
        machines: int = 2,
        has_server: bool = True,
    ) -> None:
        self.versions = versions
        self.dice = dice
        self.true_s = 0.0
        self.record = FleetRecord()
        self.is_store_up = True
        self.server_ahead_s = 0.0
        self.has_server = has_server
        self.sent = 0
        self.processes: list[Process] = []
        self.exchanges = 0
        self.owns = [to_account_quotas(rules, RETRY) for rules in versions]
        self.machines = [
            Machine(f"boot{i}", dice.choice([0.0, 1e3, 1e6]), dice.choice([SLOWEST, 1.0, 2.0 - SLOWEST]))
            for i in range(machines)
        ]
        self._kinds = kinds
        self._servers: dict[str, Server] = {}
        for own, rules in zip(self.owns, versions, strict=True):
            for key, versioned in own.rules.items():
                rule = rules[versioned.name]
                self._servers[key] = Server(versioned, rule.limit, rule.window_s)
        self._counted: dict[tuple[str, Names], tuple[str, ...]] = {}
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = 0

    def start(self, own: AccountQuotas | None = None) -> Process:
        """A new process on one of the machines.

        Args:
            own: its quotas; those of any version, unless said.
        """
        self._numbers += 1
        own = own or self.dice.choice(self.owns)
        kinds = [tuple([name for name in names if name in own.keys or name in own.adaptives]) for names in self._kinds]
        process = Process(
            f"p{self._numbers}", self.dice.choice(self.machines), own, [names for names in kinds if names]
        )
        self.processes.append(process)
        return process

    @property
    def windows_s(self) -> list[float]:
        """The windows of all quotas."""
        return [rule.window_s for rules in self.versions for rule in rules.values()]

    def replace(self, process: Process, *, killed: bool) -> None:
        """Let a process end, and start another one.

        Args:
            process: the process.
            killed: it does not give anything back.
        """
        if not killed:
            self.exchange(process, there_s=0.001, back_s=0.001, leaving=True)
            self.pass_time(0.1)
        process.alive = False
        self.processes.remove(process)
        self.start()

    def has_seen_more(self, process: Process, record: FleetRecord) -> bool:
        """Whether a process can reach the store, and knows that a record is not the last one.

        Args:
            process: the process.
            record: the record as it was.
        """
        lease = record.leases.get(process.holding.holder)
        is_newer = process.holding.seq > (0 if lease is None else lease.seq)
        can_exchange = (
            self.is_store_up and not process.busy and max(process.cut_until, process.paused_until) < self.true_s
        )
        return is_newer and can_exchange and process.holding.has_lease and process.holding.pending is None

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

    def take(self, process: Process, names: Names, fate: str = "") -> bool:
        """Acquire a permit and send a request, which ends in one way or another.

        Args:
            process: the process.
            names: the quotas of the call.
            fate: what becomes of it, if it is not left to chance: `unsent` soon, or `lost` as late as can be.
        """
        if not process.alive or self.true_s < process.paused_until:
            return False
        now = self.now(process)
        denied, until = process.denied.get(names, (None, 0.0))
        if process.holding is denied and now < until:
            # Nothing has changed since.
            return False
        process.holding, (permit, _) = holdings.acquire(process.holding, process.calls[names], now)
        if not isinstance(permit, Permit):
            process.denied[names] = (process.holding, permit)
            process.waiting[names] = process.waiting.get(names, 0) + 1
            return False
        dice = self.dice
        # Most are quick, as quotas are full only where permits come back soon.
        pause_s = MAX_PAUSE_S * 0.99 if fate == "lost" or dice.random() < PAUSING else 0.0
        lasts_s = ATTEMPT_S * 0.99 if fate == "lost" else dice.choice(DURATIONS_S)
        fate = fate or dice.choice(FATES)
        if fate == "unsent":
            self.at(pause_s, partial(self._end, process, names, permit, ENDS[fate]))
            return True
        latest_s = pause_s + lasts_s + (TRANSIT_S * 0.99 if fate == "lost" else 0.0)
        self._arrive(process, names, self.true_s + latest_s)
        self.at(pause_s + lasts_s, partial(self._end, process, names, permit, ENDS[fate]))
        return True

    def _arrive(self, process: Process, names: Names, latest: float) -> None:
        """A request is sent, which each quota counts that any version has for it."""
        self.sent += 1
        known = process.holding.record.buckets.keys() & self.record.account.rules.keys()
        if process.own.adaptives and not known:
            # Nobody counts all requests of a quota that is not documented: they do not bind one that joins.
            return
        for key in self._counting(process.own, names):
            self._servers[key].arrive(self.true_s, latest, informed=key in known, documented=not process.own.adaptives)

    def _counting(self, own: AccountQuotas, names: Names) -> tuple[str, ...]:
        """The keys of all quotas that count a call."""
        found = self._counted.get((own.version, names))
        if found is None:
            rules = {key: server.rule for key, server in self._servers.items()}
            found = (*[own.keys[name] for name in names if name in own.keys], *other_keys(rules, own.rules, names))
            self._counted[own.version, names] = found
        return found

    def _end(self, process: Process, names: Names, permit: Permit, end: SendEnd) -> None:
        if not process.alive:
            return
        if self.true_s < process.paused_until:
            # When it wakes, it may do other things before.
            late_s = self.dice.choice([0.0, 0.3, 1.0])
            self.at(process.paused_until - self.true_s + late_s, partial(self._end, process, names, permit, end))
            return
        process.holding, _ = holdings.release(process.holding, process.calls[names], permit, end, self.now(process))

    def keep(self, process: Process, *, there_s: float, back_s: float) -> None:
        """Begin an exchange if one is due."""
        if holder_exchange.due_at(process.holding, process.own, process.waiting) <= self.now(process):
            self.exchange(process, there_s=there_s, back_s=back_s)

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
        process.exchanged_at = self.true_s
        for key in self._servers.keys() - self.record.account.rules.keys():
            self._servers[key].lapse()
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
        if lease is None or lease.seq != process.holding.seq or not process.holding.has_lease:
            lease = Lease(0.0)
        for key, rule in process.holding.record.rules.items():
            bucket = process.holding.record.buckets[key]
            assert buckets.is_consistent(rule.quota, bucket), key
            # A version may have left or joined since the answer was given.
            if key in lease.counts and key not in lease.joined:
                assert lease.counts[key] == rule.quota.limit - bucket.elsewhere, key

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
        longest_s = max(self.windows_s)
        own = self.owns[0]
        # A boot that is new, a clock that was set and each other boot that must believe its clock again move no time.
        for _ in range(3 + len(self.machines)):
            last = self.start(own)
            self.exchange(last, there_s=0.01, back_s=0.01)
            self.pass_time(2.0 * longest_s + 200.0)
            last.alive = False
        account = self.record.account
        for key, rule in account.rules.items():
            assert account.buckets[key].available == rule.quota.limit, (key, account.buckets[key])
