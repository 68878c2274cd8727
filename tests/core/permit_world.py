# SPDX-License-Identifier: Apache-2.0
"""A world in virtual time in which permits are acquired and released, and a server that notes what arrives.

Events are kept in the client's local seconds. The server's clock is `rate` times slower, so an arrival at local `t` is
one at `t / rate` of the server. Whatever the theorem allows to happen can be drawn here, and nothing else.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from functools import partial
from heapq import heappop, heappush
from math import ceil, floor, inf
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from callwell.core.quota import permits
from callwell.core.quota.permits import Permit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from callwell.core.quota.permits import Bucket, Quota


LATER = 20
"""How many times longer than its request a late holder takes to give its permit back."""


class Fate(StrEnum):
    """What becomes of a request: a dead holder releases nothing, a late one long after its connection was closed.

    A request that is left goes on after its caller has gone and is answered; a forgotten one is lost unseen.
    """

    ANSWERED = "answered"
    THROTTLED = "throttled"
    LOST = "lost"
    UNSENT = "unsent"
    DEAD = "dead"
    LATE = "late"
    LEFT = "left"
    FORGOTTEN = "forgotten"


class Plan(NamedTuple):
    """One request.

    Attributes:
        start_s: when it is wanted.
        prep_s: from the permit to the sending.
        last_s: from the sending to its end.
        place: where the arrival is between the earliest (0) and the latest possible (1).
        fate: what becomes of it.
        quotas: indices of the quotas that it counts against.
        wait_s: what a 429 asks for.
        up: the server rounds the time until its reset up; it says nothing if this is None.
        first: the header is learnt before the permit is released.
    """

    start_s: float
    prep_s: float = 0.0
    last_s: float = 0.0
    place: float = 0.0
    fate: Fate = Fate.ANSWERED
    quotas: tuple[int, ...] = (0,)
    wait_s: float | None = None
    up: bool | None = False
    first: bool = False


class PermitSimulation:
    """Quotas, their buckets, and a server that counts.

    Args:
        quotas: as the client sees them.
        transit_s: server seconds for which a request may be in transit after its connection was closed.
        rate: local seconds in a server second.
        hold_s: local seconds in which every holder has closed its connection, dead or alive.
        window_s: of the server's fixed windows, which every response names; none does if it is zero.
        cold: the past is not known.
        end_s: nothing is checked after it.
        says: what a response really says of the reset, by the time there and what would be right.
    """

    def __init__(
        self,
        quotas: Sequence[Quota],
        *,
        transit_s: float = 0.0,
        rate: float = 1.0,
        hold_s: float = inf,
        window_s: float = 0.0,
        cold: bool = False,
        end_s: float = inf,
        says: Callable[[float, float], float | None] = lambda _, left: left,
    ) -> None:
        self.quotas = tuple(quotas)
        self.buckets: list[Bucket] = [
            permits.cooling_bucket(q, 0.0) if cold else permits.full_bucket(q) for q in quotas
        ]
        self.arrivals: list[list[float]] = [[] for _ in quotas]
        self.grants: list[float] = []
        self._transit_s = transit_s * rate
        self._rate = rate
        self._hold_s = hold_s
        self._window_s = window_s
        self._end_s = end_s
        self._says = says
        self._now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._lines: dict[tuple[int, ...], deque[Plan]] = {}
        self._idle: set[tuple[int, ...]] = set()

    def run(self, plans: Iterable[Plan]) -> None:
        """Play all plans to their end."""
        for plan in plans:
            self._at(plan.start_s, partial(self._want, plan))
        while self._events:
            self._now, _, event = heappop(self._events)
            if self._now > self._end_s:
                break
            before = list(self.buckets)
            event()
            self._check(before)
        for arrivals in self.arrivals:
            arrivals.sort()

    def _check(self, before: Sequence[Bucket]) -> None:
        """What an event has changed adds up."""
        for quota, old, bucket in zip(self.quotas, before, self.buckets, strict=True):
            if bucket is old:
                continue
            binned = sum([permits.count(bins) for bins in (bucket.held, bucket.cooling, bucket.in_transit)])
            assert bucket.available >= 0
            assert bucket.available + binned == quota.limit

    def _at(self, when: float, event: Callable[[], None]) -> None:
        self._count += 1
        heappush(self._events, (when, self._count, event))

    def _want(self, plan: Plan) -> None:
        line = self._lines.setdefault(plan.quotas, deque())
        line.append(plan)
        if len(line) == 1:
            self._serve(plan.quotas)

    def _serve(self, indices: tuple[int, ...]) -> None:
        line = self._lines[indices]
        quotas = tuple(self.quotas[i] for i in indices)
        while line:
            after, got = permits.acquire(quotas, tuple(self.buckets[i] for i in indices), self._now, self._hold_s)
            self._put(indices, after)
            if isinstance(got, Permit):
                self.grants.append(self._now)
                self._go(line.popleft(), got)
            elif got == inf:
                self._idle.add(indices)
                return
            else:
                assert got > self._now
                self._at(got, partial(self._serve, indices))
                return

    def _put(self, indices: tuple[int, ...], buckets: tuple[Bucket, ...]) -> None:
        for i, bucket in zip(indices, buckets, strict=True):
            self.buckets[i] = bucket

    def _go(self, plan: Plan, permit: Permit) -> None:
        sent_at = self._now + plan.prep_s
        ended_at = sent_at + plan.last_s
        match plan.fate:
            case Fate.UNSENT:
                self._at(sent_at, partial(self._settle, plan, permit, 0.0))
                return
            case Fate.LOST:
                latest = ended_at + self._transit_s
            case Fate.DEAD:
                latest = permit.expires_at + self._transit_s
            case Fate.LATE:
                latest = permit.expires_at
            case Fate.FORGOTTEN:
                latest = ended_at + self._transit_s
            case _:
                latest = ended_at
        arrived_at = sent_at + (latest - sent_at) * plan.place
        for i in plan.quotas:
            self.arrivals[i].append(arrived_at / self._rate)
        if plan.fate in (Fate.LEFT, Fate.FORGOTTEN):
            self._at(sent_at + plan.last_s / 2, partial(self._leave, plan, permit, arrived_at, ended_at))
        elif plan.fate is Fate.LATE:
            self._at(permit.expires_at + LATER * plan.last_s, partial(self._settle, plan, permit, arrived_at))
        elif plan.fate is not Fate.DEAD:
            self._at(ended_at, partial(self._settle, plan, permit, arrived_at))

    def _leave(self, plan: Plan, permit: Permit, arrived_at: float, ended_at: float) -> None:
        left = replace(permit, expires_at=ended_at)
        for i in plan.quotas:
            self.buckets[i] = permits.abandon(self.quotas[i], self.buckets[i], permit, left)
        if plan.fate is Fate.LEFT:
            self._at(ended_at, partial(self._settle, plan, left, arrived_at))
        self._wake()

    def _settle(self, plan: Plan, permit: Permit, arrived_at: float) -> None:
        if plan.first:
            self._learn(plan, permit, arrived_at)
        for i in plan.quotas:
            self.buckets[i] = self._back(plan, permit, self.quotas[i], self.buckets[i])
        if not plan.first:
            self._learn(plan, permit, arrived_at)
        if plan.fate is Fate.THROTTLED:
            quotas = tuple(self.quotas[i] for i in plan.quotas)
            buckets = tuple(self.buckets[i] for i in plan.quotas)
            self._put(plan.quotas, permits.throttle(quotas, buckets, permit, self._now, plan.wait_s))
        self._wake()

    def _wake(self) -> None:
        idle = self._idle
        self._idle = set()
        for indices in sorted(idle):
            self._serve(indices)

    def _back(self, plan: Plan, permit: Permit, quota: Quota, bucket: Bucket) -> Bucket:
        match plan.fate:
            case Fate.UNSENT:
                return permits.return_unused(quota, bucket, permit)
            case Fate.LOST:
                return permits.release_lost(quota, bucket, permit, self._now)
            case _:
                return permits.release_answered(quota, bucket, permit, self._now, ok=plan.fate is not Fate.THROTTLED)

    def _learn(self, plan: Plan, permit: Permit, arrived_at: float) -> None:
        if not self._window_s or plan.up is None or plan.fate in (Fate.UNSENT, Fate.LOST):
            return
        there = arrived_at / self._rate
        left = (floor(there / self._window_s) + 1) * self._window_s - there
        for i in plan.quotas:
            delta = self._says(there, float(ceil(left) if plan.up else floor(left)))
            if delta is not None:
                self.buckets[i] = permits.learn_reset(self.quotas[i], self.buckets[i], permit, self._now, delta)


def tightest(arrivals: Sequence[float], limit: int) -> float:
    """The shortest time from an arrival to the one `limit` later: no shorter window ever holds more than `limit`."""
    return min((b - a for a, b in zip(arrivals, arrivals[limit:], strict=False)), default=inf)


def fullest(arrivals: Sequence[float], window_s: float) -> int:
    """The most arrivals in one of the server's own windows, which begin at multiples of `window_s`."""
    counts: dict[int, int] = {}
    for at in arrivals:
        counts[floor(at / window_s)] = counts.get(floor(at / window_s), 0) + 1
    return max(counts.values(), default=0)
