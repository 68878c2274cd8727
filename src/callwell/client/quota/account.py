# SPDX-License-Identifier: Apache-2.0
"""What all calls of one account share: its permits and its retry budget, in one record of the state.

The record is changed before a request is sent and after its end, each time in one step. Times in it are monotonic
seconds of this machine's present boot. A record of an earlier boot, or of another clock, is moved: what was the moment
of its last change is now as long ago as the wall clocks say, and never in the future.

In a record that is damaged all permits cool as if they had just been used.
Several versions of a profile on one record: see `core.quota.versions`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.clock import boot_id
from callwell.core import breaker, retry
from callwell.core.quota import adaptive, permits, record, versions
from callwell.core.quota.permits import Permit
from callwell.core.quota.record import TOO_MANY_REQUESTS, AccountRecord
from callwell.state.base import Cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from callwell.clock import Clock
    from callwell.core.breaker import Breaker
    from callwell.core.quota.adaptive import AdaptiveQuota
    from callwell.core.quota.permits import Bucket, Quota
    from callwell.core.quota.record import SendEnd
    from callwell.core.retry import RetryBudget
    from callwell.core.rules.profile import Profile
    from callwell.state.base import State

PAUSE_S: Final = 30.0
"""The longest pause of a process between taking a permit and sending that the proof covers (P)."""


class Counted(NamedTuple):
    """What counts a call.

    Attributes:
        names: its documented quotas.
        keys: their buckets in the record.
        quotas: the same as buckets know them.
        paces: its quotas that nobody documents.
    """

    names: tuple[str, ...]
    keys: tuple[str, ...]
    quotas: tuple[Quota, ...]
    paces: tuple[str, ...]


class Account:
    """The permits and the retry budget of one account.

    Args:
        profile: whose quotas they are.
        name: of the record: provider, environment, origin and account.
        state: where the record is.
        clock: whose seconds are in it.

    Attributes:
        max_hold_s: the longest from taking a permit to the end of its request.
        observed: by quota of which an answer spoke: permits left to others, the limit by the provider, by the profile.
    """

    def __init__(self, profile: Profile, name: str, state: State, clock: Clock) -> None:
        transit_s = profile.retry.max_transit_s
        known = {key: rule for key, rule in profile.quotas.items() if not rule.adaptive}
        self.quotas = {key: permits.to_quota(rule, transit_s) for key, rule in known.items()}
        self.adaptive = tuple([key for key, rule in profile.quotas.items() if rule.adaptive])
        self.shared = state.shared
        self._hold_s = self.max_hold_s = profile.retry.attempt_s + PAUSE_S
        self.observed = dict[str, tuple[int, int, int]]()
        self._sets: dict[tuple[str, ...], Counted] = {}
        self._state = state
        self._clock = clock
        self._boot = f"{boot_id()} {clock}" if state.shared else ""
        self._keys = {name: versions.bucket_key(name, quota) for name, quota in self.quotas.items()}
        self._rules = {self._keys[name]: versions.to_versioned(name, known[name], q) for name, q in self.quotas.items()}
        self._version = versions.version_id(self._rules)
        self._cell = Cell(f"account:{name}", AccountRecord, AccountRecord(), AccountRecord(past_known=False))

    def hold_until_released(self) -> None:
        """Only one client uses this account: its permits come back when they are settled, and never by themselves."""
        self._hold_s = float("inf")

    def acquire(self, names: tuple[str, ...], *, retrying: bool, longer_s: float = 0.0) -> Permit | float:
        """One permit of each of these quotas, or when to ask again; infinite if a permit must be settled first.

        Args:
            names: the quotas.
            retrying: the permit is for a repetition, which the retry budget pays for.
            longer_s: how much longer than others the request may take.
        """
        return self.acquire_batch(names, 1, retrying=retrying, longer_s=longer_s)[0]

    def acquire_batch(
        self, names: tuple[str, ...], most: int, *, retrying: bool, longer_s: float = 0.0
    ) -> tuple[Permit | float, int]:
        """Several permits of each of these quotas at once, for one call and the next ones, or when to ask again.

        Args:
            names: the quotas.
            most: how many are wanted; there are fewer where permits are scarce or the provider has just failed.
            retrying: the first is for a repetition.
            longer_s: how much longer than others the requests may take.

        Returns:
            what all of them have in common, and how many they are.
        """
        _, own_keys, own_quotas, paces = self._of(names)

        def change(shared: AccountRecord) -> tuple[AccountRecord, tuple[Permit | float, int]]:
            now, shared = self._present(shared)
            knocking = shared.breaker
            keys, quotas = own_keys, own_quotas
            if len(shared.versions_seen) > 1:
                keys += versions.other_keys(shared.rules, self._rules, names)
                quotas = tuple([shared.rules[key].quota for key in keys])
            before = self._buckets(shared, keys, quotas, now)
            knock_at = breaker.available_at(knocking, now)
            if knock_at > now:
                return shared, (float("inf") if breaker.is_half_open(knocking, now) else knock_at, 0)
            waits = [adaptive.available_at(one, now) for one in _paces(shared, paces, now)]
            if waits and max(waits) > now:
                return shared, (max(waits), 0)
            count = 1
            if most > 1 and not paces and not knocking.failures:
                count = max(1, min(most, permits.max_batch(quotas, before, now)))
            buckets, got = permits.acquire(quotas, before, now, self._hold_s + longer_s, count)
            if not isinstance(got, Permit):
                return self._with(shared, keys, buckets), (got, 0)
            budget = retry.spend_retry(shared.budget) if retrying else retry.begin_calls(shared.budget)
            try_s = self.max_hold_s + longer_s
            knocking = breaker.admit(knocking, now, try_s)
            lent = [adaptive.acquire(one, now, got.expires_at, try_s) for one in _paces(shared, paces, now)]
            return self._with(shared, keys, buckets, budget, knocking, zip(paces, lent, strict=True)), (got, count)

        return self._state.update(self._cell, change)

    def release_batch(self, names: tuple[str, ...], first: Permit, answered: int, begun: int, at: float) -> None:
        """Take permits back whose requests had an answer that was neither a failure nor a 429.

        Args:
            names: their quotas.
            first: the one that was taken first.
            answered: how many.
            begun: how many calls began that no permit of their own was taken for.
            at: when the last answer came.
        """
        _, keys, quotas, _ = self._of(names)

        def back(quota: Quota, bucket: Bucket) -> Bucket:
            return permits.release_answered(quota, bucket, first, at, count=answered)

        def change(shared: AccountRecord) -> tuple[AccountRecord, None]:
            now, shared = self._present(shared)
            if len(shared.versions_seen) > 1:
                shared = self._elsewhere(shared, names, back)
            before = self._buckets(shared, keys, quotas, now)
            buckets = tuple(map(back, quotas, before))
            budget = retry.record_successes(retry.begin_calls(shared.budget, begun), answered)
            knocking = breaker.record_attempt(shared.breaker, now, failed=False) if answered else shared.breaker
            return self._with(shared, keys, buckets, budget, knocking), None

        self._state.update(self._cell, change)

    def release(self, names: tuple[str, ...], permit: Permit, end: SendEnd) -> bool:
        """Take a permit back, and learn from the end of its Send.

        Args:
            names: its quotas.
            permit: the permit.
            end: how the Send ended.

        Returns:
            whether the retry budget allows a repetition.
        """
        known, keys, quotas, paces = self._of(names)
        failed = end.status >= 500 or not end.status  # noqa: PLR2004 - server errors

        def change(shared: AccountRecord) -> tuple[AccountRecord, tuple[tuple[Bucket, ...], bool]]:
            now, shared = self._present(shared)
            if len(shared.versions_seen) > 1:
                shared = self._elsewhere(shared, names, lambda q, b: record.release(q, b, permit, end, now))
            before = self._buckets(shared, keys, quotas, now)
            buckets = tuple([record.release(q, b, permit, end, now) for q, b in zip(quotas, before, strict=True)])
            if end.hints and permit.cooled_before:
                refused = end.status == TOO_MANY_REQUESTS
                buckets = record.learn_hints(known, quotas, buckets, permit, end.hints, now, refused=refused)
            if end.status == TOO_MANY_REQUESTS:
                buckets = permits.throttle(quotas, buckets, permit, now, end.wait_s)
            budget = shared.budget
            if end.blameless:
                knocking = breaker.release(shared.breaker)
            else:
                budget = retry.record_attempt(budget, failed=failed)
                knocking = breaker.record_attempt(shared.breaker, now, failed=failed)
            ended = [record.release_adaptive(one, permit, end, now) for one in _paces(shared, paces, now)]
            shared = self._with(shared, keys, buckets, budget, knocking, zip(paces, ended, strict=True))
            return shared, (buckets, retry.allows_retry(budget))

        after, again = self._state.update(self._cell, change)
        if end.hints:
            for name, quota, bucket in zip(known, quotas, after, strict=True):
                observed = permits.count(bucket.foreign), quota.limit - bucket.withheld, quota.limit
                self.observed[name] = observed
        return again

    def abandon(self, names: tuple[str, ...], permit: Permit, closes_at: float) -> Permit:
        """Hold a permit whose caller has gone until its request has ended: see `permits.abandon`.

        Args:
            names: its quotas.
            permit: the permit.
            closes_at: when the connection is closed at the latest.

        Returns:
            the permit to settle then.
        """
        _, keys, quotas, paces = self._of(names)
        left = permit._replace(expires_at=closes_at)

        def go_on(quota: Quota, bucket: Bucket) -> Bucket:
            return permits.abandon(quota, bucket, permit, left)

        def change(shared: AccountRecord) -> tuple[AccountRecord, None]:
            now, shared = self._present(shared)
            if len(shared.versions_seen) > 1:
                shared = self._elsewhere(shared, names, go_on)
            held = tuple(map(go_on, quotas, self._buckets(shared, keys, quotas, now)))
            going = [adaptive.abandon(one, permit.expires_at, closes_at) for one in _paces(shared, paces, now)]
            return self._with(shared, keys, held, paces=zip(paces, going, strict=True)), None

        self._state.update(self._cell, change)
        return left

    def return_unused(self, names: tuple[str, ...], permit: Permit, count: int = 1) -> None:
        """Take permits back that were surely not used."""
        _, keys, quotas, paces = self._of(names)

        def back(quota: Quota, bucket: Bucket) -> Bucket:
            return permits.return_unused(quota, bucket, permit, count)

        def change(shared: AccountRecord) -> tuple[AccountRecord, None]:
            now, shared = self._present(shared)
            if len(shared.versions_seen) > 1:
                shared = self._elsewhere(shared, names, back)
            before = self._buckets(shared, keys, quotas, now)
            buckets = tuple(map(back, quotas, before))
            ended = [
                adaptive.return_unused(one, permit.acquired_at, permit.expires_at) for one in _paces(shared, paces, now)
            ]
            knocking = breaker.release(shared.breaker)
            return self._with(shared, keys, buckets, None, knocking, zip(paces, ended, strict=True)), None

        self._state.update(self._cell, change)

    def recover_interrupted(self, *, sent: bool, closes_at: float) -> None:
        """An interrupt struck a thread that may have had a permit in hand: in time it comes back by itself."""

    def reconcile(self, lent: Mapping[str, int], used: Mapping[str, int], closes_at: float) -> None:
        """Put a record that only one client uses right after an interrupt: see `permits.reconcile`.

        Args:
            lent: by quota: permits that are in hand.
            used: by quota: others that may have been used.
            closes_at: when the last connection of those is closed at the latest.
        """

        def change(shared: AccountRecord) -> tuple[AccountRecord, None]:
            buckets = dict(shared.buckets)
            for name, key in self._keys.items():
                if key in buckets:
                    in_hand = lent.get(name, 0)
                    may_be_used = used.get(name, 0)
                    quota = self.quotas[name]
                    buckets[key] = permits.reconcile(quota, buckets[key], in_hand, may_be_used, closes_at)
            paces = {name: adaptive.reconcile(one, lent.get(name, 0)) for name, one in shared.adaptive.items()}
            return shared._replace(buckets=buckets, adaptive=paces), None

        self._state.update(self._cell, change)

    def spent(self) -> Mapping[str, tuple[int, int]]:
        """By quota: permits that are not to be had now, and the limit; requests in flight where no limit is known."""
        now, shared = self._present(self._state.read(self._cell))
        quotas = tuple(self.quotas.values())
        there = self._buckets(shared, tuple(self._keys.values()), quotas, now)
        buckets = zip(self.quotas.items(), there, strict=True)
        paces = zip(self.adaptive, _paces(shared, self.adaptive, now), strict=True)
        paced = {name: (adaptive.in_flight(one), int(one.limit)) for name, one in paces}
        return paced | {
            name: (permits.spent(quota, permits.refill(quota, bucket, now)), quota.limit)
            for (name, quota), bucket in buckets
        }

    def breaker_open_s(self) -> float:
        """For how long the provider is left alone after failures in a row; 0 if it is not."""
        now, shared = self._present(self._state.read(self._cell))
        return max(0.0, breaker.available_at(shared.breaker, now) - now)

    def _of(self, names: tuple[str, ...]) -> Counted:
        """What counts a call by this version of the profile."""
        found = self._sets.get(names)
        if found is None:
            known = tuple([name for name in names if name in self.quotas])
            keys = tuple([self._keys[name] for name in known])
            quotas = tuple([self.quotas[name] for name in known])
            paces = tuple([name for name in names if name not in self.quotas])
            found = self._sets[names] = Counted(known, keys, quotas, paces)
        return found

    def _elsewhere(
        self, shared: AccountRecord, names: tuple[str, ...], change: Callable[[Quota, Bucket], Bucket]
    ) -> AccountRecord:
        """The record after a change of the buckets that count a call by other versions of the profile."""
        buckets = dict(shared.buckets)
        for key in versions.other_keys(shared.rules, self._rules, names):
            if key in buckets:
                buckets[key] = change(shared.rules[key].quota, buckets[key])
        return shared._replace(buckets=buckets)

    def _buckets(
        self, shared: AccountRecord, keys: tuple[str, ...], quotas: tuple[Quota, ...], now: float
    ) -> tuple[Bucket, ...]:
        both = zip(keys, quotas, strict=True)
        return tuple([shared.buckets.get(key) or self._begun(shared, quota, now) for key, quota in both])

    @staticmethod
    def _begun(shared: AccountRecord, quota: Quota, now: float) -> Bucket:
        return permits.full_bucket(quota) if shared.past_known else permits.cooling_bucket(quota, now)

    @staticmethod
    def _with(  # noqa: PLR0917 - private
        shared: AccountRecord,
        keys: tuple[str, ...],
        buckets: tuple[Bucket, ...],
        budget: RetryBudget | None = None,
        knocking: Breaker | None = None,
        paces: Iterable[tuple[str, AdaptiveQuota]] = (),
    ) -> AccountRecord:
        held = {**shared.buckets, **dict(zip(keys, buckets, strict=True))}
        known = {**shared.adaptive, **dict(paces)}
        return AccountRecord(
            held,
            budget or shared.budget,
            shared.boot,
            shared.changed_at,
            shared.changed_at_wall,
            shared.past_known,
            knocking or shared.breaker,
            shared.rules,
            known,
            shared.versions_seen,
        )

    def _present(self, shared: AccountRecord) -> tuple[float, AccountRecord]:
        now = self._clock.now()
        if not self.shared:
            return now, shared
        wall = self._clock.wall()
        rules = shared.rules
        buckets = shared.buckets
        at = shared.changed_at
        knocking = shared.breaker
        paces = shared.adaptive
        seen = shared.versions_seen
        sound = {
            key: one for key, one in buckets.items() if key in rules and permits.is_consistent(rules[key].quota, one)
        }
        known = shared.past_known and len(sound) == len(buckets)
        buckets = sound
        if shared.boot and (shared.boot != self._boot or now < shared.changed_at):
            by = now - shared.changed_at - max(0.0, wall - shared.changed_at_wall)
            at = shared.changed_at + by
            buckets = {key: permits.shift(rules[key].quota, bucket, by) for key, bucket in buckets.items()}
            seen = {version: seen_at + by for version, seen_at in seen.items()}
            knocking = breaker.shift(knocking, by)
            paces = {name: adaptive.shift(one, by) for name, one in paces.items()}
        if len(seen) != 1 or self._version not in seen:
            rules, buckets, seen = versions.join(
                rules,
                buckets,
                seen,
                self._rules,
                now,
                hold_s=self._hold_s,
                at=at,
                known=known,
                paces=paces,
            )
        return now, AccountRecord(buckets, shared.budget, self._boot, now, wall, known, knocking, rules, paces, seen)


def _paces(shared: AccountRecord, names: tuple[str, ...], now: float) -> list[AdaptiveQuota]:
    return [adaptive.expire(shared.adaptive.get(name, adaptive.UNTRIED), now) for name in names]
