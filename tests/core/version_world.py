# SPDX-License-Identifier: Apache-2.0
"""Processes with different versions of a profile on one record, in virtual time."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from callwell.core.quota import permits, versions
from callwell.core.quota.permits import Permit

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from callwell.core.quota.buckets import Bucket
    from callwell.core.quota.versions import VersionedQuota
    from callwell.core.rules.profile import QuotaRule

HOLD_S = 5.0
"""The longest that a request takes, with the pause of a holder."""


class Version(NamedTuple):
    """One version of a profile, and when its processes call.

    Attributes:
        quotas: its documented quotas.
        names: the quotas that its calls count against.
        since: when its processes begin.
        until: when they stop.
        transit_s: D.
    """

    quotas: Mapping[str, QuotaRule]
    names: tuple[str, ...]
    since: float = 0.0
    until: float = float("inf")
    transit_s: float = 5.0


class VersionSimulation:
    """The record, and what arrives.

    Args:
        all_: the versions; each of them always wants to call.
        dice: for who is served first, and for delays.
        most_s: the longest request.
    """

    def __init__(self, all_: list[Version], dice: random.Random, *, most_s: float = 1.0) -> None:
        self.rules: dict[str, VersionedQuota] = {}
        self.buckets: dict[str, Bucket] = {}
        self.seen: dict[str, float] = {}
        self.arrivals: list[tuple[float, int, float]] = []
        self.at = 0.0
        self._dice = dice
        self._most_s = most_s
        self._all = all_
        self._own = [self._rules(version) for version in all_]
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._number = 0
        for i, version in enumerate(all_):
            self._later(version.since, self._wanting(i))

    def run(self, until: float) -> None:
        """Let time pass."""
        while self._events and self._events[0][0] <= until:
            now, _, event = heappop(self._events)
            event(now)

    def count(self, since: float, until: float, which: int | None = None) -> int:
        """How many requests arrived, of all versions or of one."""
        return sum(since <= at < until and which in (None, i) for at, i, _ in self.arrivals)

    def over(self, name: str, i: int) -> list[float]:
        """Arrivals by which a window was fuller than that version allows, of permits acquired while it was there."""
        version = self._all[i]
        rule = version.quotas[name]
        arrivals = sorted(self.arrivals)
        return [
            at
            for n, (at, _, lent_at) in enumerate(arrivals)
            if version.since < lent_at < version.until
            and n >= rule.limit
            and at - arrivals[n - rule.limit][0] < rule.window_s
        ]

    @staticmethod
    def _rules(version: Version) -> dict[str, VersionedQuota]:
        result = {name: permits.to_quota(rule, version.transit_s) for name, rule in version.quotas.items()}
        return {
            versions.bucket_key(name, quota): versions.to_versioned(name, version.quotas[name], quota)
            for name, quota in result.items()
        }

    def _later(self, at: float, event: Callable[[float], None]) -> None:
        self._number += 1
        heappush(self._events, (at, self._number, event))

    def _join(self, i: int, now: float) -> tuple[str, ...]:
        """The buckets that count a call of that version."""
        own = self._own[i]
        if list(self.seen) != [versions.version_id(own)]:
            self.rules, self.buckets, self.seen = versions.join(
                self.rules, self.buckets, self.seen, own, now, hold_s=HOLD_S, changed_at=self.at
            )
        self.at = now
        names = self._all[i].names
        mine = [key for key, rule in own.items() if rule.name in names]
        return (*mine, *versions.other_keys(self.rules, own, names))

    def _wanting(self, i: int) -> Callable[[float], None]:
        def want(now: float) -> None:
            version = self._all[i]
            if now >= version.until:
                return
            keys = self._join(i, now)
            quotas = tuple([self.rules[key].quota for key in keys])
            before = tuple(
                [self.buckets.get(key) or permits.full_bucket(quota) for key, quota in zip(keys, quotas, strict=True)]
            )
            after, got = permits.acquire(quotas, before, now, HOLD_S)
            self.buckets.update(zip(keys, after, strict=True))
            if isinstance(got, Permit):
                self._go(i, keys, got, now)
                again = now + self._dice.choice([0.0, 0.01, 0.5])
            else:
                again = min(got, now + 1.0) + 0.01 * self._dice.random()
            self._later(again, want)

        return want

    def _go(self, i: int, keys: tuple[str, ...], permit: Permit, now: float) -> None:
        takes_s = self._dice.random() * self._most_s
        lost = self._dice.random() < 0.05
        unsent = not lost and self._dice.random() < 0.05
        if not unsent:
            self.arrivals.append((now + takes_s * self._dice.random(), i, now))

        def end(then: float) -> None:
            self._join(i, then)
            for key in keys:
                if key not in self.buckets or key not in self.rules:
                    continue
                quota = self.rules[key].quota
                bucket = self.buckets[key]
                if unsent:
                    bucket = permits.return_unused(quota, bucket, permit)
                elif lost:
                    bucket = permits.release_lost(quota, bucket, permit, then)
                else:
                    bucket = permits.release_answered(quota, bucket, permit, then)
                self.buckets[key] = bucket

        self._later(now + takes_s, end)
