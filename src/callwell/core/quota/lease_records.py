# SPDX-License-Identifier: Apache-2.0
"""What a leaseholder and the pool say to each other, and what each remembers: see `leases`.

Records that are stored are written by position: new fields go to the end, and have a default. Times are store time
(`store_time`) in what is stored, monotonic seconds of the holder's process in what stays there, and seconds from the
exchange on in a `Grant`.
"""

from __future__ import annotations

from math import inf
from typing import Final

from msgspec import Struct

from callwell.core import breaker
from callwell.core.breaker import Breaker
from callwell.core.clock_offset import ClockOffset
from callwell.core.quota.account import ObservedQuota
from callwell.core.quota.record import AccountRecord, SendEnd
from callwell.core.quota.store_time import StoreTime
from callwell.core.quota.versions import VersionedQuota
from callwell.core.retry import RetryBudget

LEASE_S: Final = 10.0
"""Seconds for which a holder may use its permits without its store: longer costs more when a process dies."""

Counts = dict[str, int]
"""Permits by the key of their bucket, or slots by the name of an undocumented quota."""

Names = tuple[str, ...]
"""The quotas that count a call."""

RelativeBins = tuple[tuple[float, int], ...]
"""Pairs of seconds until permits are available, counted from the exchange, and how many they are."""

NO_TOKENS: Final = RetryBudget(tokens=0.0)
"""A retry budget in which nothing was noted yet."""


class BucketGrant(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What an exchange says about one bucket. Stored by position, in the lease.

    Attributes:
        available: permits that may be used at once.
        cooling: permits that may be used when they are cool.
        next_in_s: paced permits are let out one by one from then on; minus infinity where they are not.
        keep: how many unused permits the holder may keep, as others want some; minus one if as many as it likes.
        more_in_s: when the pool expects to have another permit; infinite if it cannot know.
        throttled_in_s: nothing is used before.
        paced_in_s: permits are used one by one before.
        throttle_count: 429 responses in a row.
        throttled_ago_s: seconds since the last of them.
        cooled_count: the pool's count of permits that have become available.
        again_in_s: no exchange before brings more, unless others give something back.
        adopted: permits that the holder has had all along, as it hears of this quota with this answer; minus one if it
            has heard of it before.
        sources: the quotas that show where those are.
        overdrawn: how many more permits of it are in use or reserved than there are.
    """

    available: int = 0
    cooling: RelativeBins = ()
    next_in_s: float = -inf
    keep: int = -1
    more_in_s: float = inf
    throttled_in_s: float = -inf
    paced_in_s: float = -inf
    throttle_count: int = 0
    throttled_ago_s: float = inf
    cooled_count: int = 0
    again_in_s: float = 0.0
    adopted: int = -1
    sources: Names = ()
    overdrawn: int = 0


class SlotGrant(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What an exchange says about one undocumented quota. Stored by position, in the lease.

    Attributes:
        slots: requests that the holder may send.
        next_in_s: when the first of them may go.
        rate: how many a second may follow.
    """

    slots: int = 0
    next_in_s: float = 0.0
    rate: float = 1.0


class Grant(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The answer to an exchange. Stored by position, in the lease, in case it does not arrive.

    Attributes:
        seq: of the exchange.
        lost: the lease is over and its permits belong to others: the holder forgets all that it has.
        ends_in_s: when the lease ends.
        covers_s: seconds after that in which requests of its permits may still be under way.
        store_at: store time of the exchange.
        buckets: by their keys.
        slots: by the names of the undocumented quotas.
        rules: the quotas of all versions of the profile, by their bucket's keys; none where there is one version.
        versions: when each of them was last seen.
        breaker: the circuit breaker, its times counted from the exchange.
        has_trial: the holder may send the one request that tries a provider that failed.
        budget: the retry budget: the tokens are the holder's, the attempts those of all holders.
        clock: by how much the provider's time is ahead of the time of the exchange.
        observed: the state of quotas, after responses that said something about quotas.
        urgent: others must learn of what this exchange changed: a 429, a breaker that opened or closed.
        over: the holder keeps nothing and the lease was dropped.
    """

    seq: int
    lost: bool = False
    ends_in_s: float = 0.0
    covers_s: float = 0.0
    store_at: float = 0.0
    buckets: dict[str, BucketGrant] = {}
    slots: dict[str, SlotGrant] = {}
    rules: dict[str, VersionedQuota] = {}
    versions: dict[str, float] = {}
    breaker: Breaker = breaker.CLOSED
    has_trial: bool = False
    budget: RetryBudget = NO_TOKENS
    clock: ClockOffset | None = None
    observed: dict[str, ObservedQuota] = {}
    urgent: bool = False
    over: bool = False


class Lease(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What the pool knows about one holder. Stored by position.

    Attributes:
        ends_at: until then the holder may use its permits.
        covers_s: seconds after that in which requests of its permits may still be under way.
        counts: permits that it has.
        unused: how many of them are in no caller's hand, at its last exchange.
        slots: slots of undocumented quotas that it has.
        needs: permits that it will use until the horizon, by its last exchange.
        exchanged_at: when that was.
        seq: the number of the last exchange.
        grant: the answer to it.
        allowances: permits of its share that it may have now, where it wants more than that.
        joined: quotas that the holder has not heard of, with those that show how much it uses of them.
    """

    ends_at: float
    covers_s: float = 0.0
    counts: Counts = {}
    unused: Counts = {}
    slots: Counts = {}
    needs: dict[str, float] = {}
    exchanged_at: float = -inf
    seq: int = 0
    grant: Grant | None = None
    allowances: dict[str, float] = {}
    joined: dict[str, Names] = {}

    @property
    def expires_at(self) -> float:
        """When the last request of its permits has ended, if the holder does not come back."""
        return self.ends_at + self.covers_s


class Presence(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Who has needed permits lately. Stored by position.

    Attributes:
        holder: who did last; empty if that one has left.
        at: when.
        others_at: when any other holder did.
    """

    holder: str = ""
    at: float = -inf
    others_at: float = -inf


class FleetRecord(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The record of an account that a fleet shares. Stored by position.

    Attributes:
        account: the pool: buckets with the permits that no one has, and all that is shared beside them. Permits that
            holders have are `held` in it. Its times are store time.
        leases: by the names of the holders.
        time: store time, and how it is known.
        clock: by how much the provider's time of day is ahead of store time.
        presence: who has needed permits lately.
        ample_at: when half of a quota was last left after all needs were met, by the keys of the buckets.
    """

    account: AccountRecord = AccountRecord()
    leases: dict[str, Lease] = {}
    time: StoreTime = StoreTime()
    clock: ClockOffset | None = None
    presence: Presence = Presence()
    ample_at: dict[str, float] = {}


class Returned(Struct, frozen=True):
    """Permits of one bucket that a holder gives back.

    Attributes:
        available: those that may be used at once.
        cooling: bins of used ones, by monotonic seconds of the holder.
        in_transit: the same for those with requests that may still be in transit.
    """

    available: int = 0
    cooling: tuple[tuple[float, int], ...] = ()
    in_transit: tuple[tuple[float, int], ...] = ()


class Need(Struct, frozen=True):
    """What a holder needs for the calls of one set of quotas.

    Attributes:
        names: the quotas that count them.
        permits: unused permits that it needs until the horizon.
        reserve: how many more it would like, where no one else wants them.
        waiting: callers that wait for one.
        rate: calls a second, on average.
    """

    names: Names
    permits: int
    reserve: int
    waiting: int
    rate: float


class LeaseEvent(Struct, frozen=True):
    """The end of a Send that the pool must know of: a refusal, a failure, or news about a quota.

    Attributes:
        names: the quotas that counted it.
        acquired_at: when its permit was acquired, in monotonic seconds of the holder.
        ended_at: when it ended.
        end: how.
        cooled_before: the permit's `cooled_before`.
    """

    names: Names
    acquired_at: float
    ended_at: float
    end: SendEnd
    cooled_before: tuple[int, ...] = ()


class Report(Struct, frozen=True):
    """One side of an exchange: what a holder gives back, keeps, needs and has seen.

    Attributes:
        holder: its name.
        seq: the number of the exchange.
        has_lease: a lease of it should be in the record.
        prepared_at: monotonic seconds at which it was made.
        store_at: store time of the holder's last exchange.
        covers_s: the longest that its requests can take, from acquiring a permit to their end.
        returned: by the keys of the buckets.
        unused: permits that it keeps in no caller's hand.
        cooled: permits that have become available at the holder since its last exchange.
        slots: slots of undocumented quotas that it keeps, used or not.
        taken: permits that calls have taken since the last exchange.
        needs: what it needs.
        events: what it has seen.
        recovered: buckets with a row of 429 responses that is over.
        log: how attempts ended since the last exchange, and the tokens that the holder returns.
        trial_unused: the trial of the provider was not needed.
        clock: by how much the provider's time of day is ahead of the holder's monotonic clock.
        leaving: the holder ends: what it has beside this is in the hands of callers that are gone.
    """

    holder: str
    seq: int
    has_lease: bool
    prepared_at: float
    store_at: float
    covers_s: float
    returned: dict[str, Returned] = {}
    unused: Counts = {}
    cooled: Counts = {}
    slots: Counts = {}
    taken: Counts = {}
    needs: tuple[Need, ...] = ()
    events: tuple[LeaseEvent, ...] = ()
    recovered: tuple[str, ...] = ()
    log: RetryBudget = NO_TOKENS
    trial_unused: bool = False
    clock: ClockOffset | None = None
    leaving: bool = False


class Holding(Struct, frozen=True):
    """What a process has of an account, in its own memory: its permits, and what it must report.

    Attributes:
        holder: its name in the record, `HOST:PROCESS:RANDOM`: one for each process, state and account, for good.
        record: its permits, as a private record: all functions of `account` work on it.
        seq: the number of its last exchange.
        has_lease: a lease of it should be in the record.
        since: permits that were acquired before belong to a lease that was lost.
        usable_until: no permit is acquired from then on.
        covers_s: the longest that its requests may take by its lease, from acquiring a permit to their end.
        covers_wanted_s: the same as its callers want it.
        prepared_at: when its last report was made.
        received_at: when the last answer arrived.
        store_at: store time of the last exchange.
        pending: a report with no answer yet; it is sent again until there is one.
        taken: permits that calls took since the last report, by their quotas.
        rates: calls a second, by their quotas.
        grants: what the last answer said, by the keys of buckets.
        cooled: the `cooled_count` of its buckets at the last report or answer.
        events: what it has seen since the last report.
        log: how attempts ended since the last report.
        has_trial: it may send the one request that tries a provider that failed.
        clock: by how much the provider's time of day is ahead of this machine's monotonic clock.
        lost: how many leases it has lost so far: what was acquired under them is not to be released.
    """

    holder: str
    record: AccountRecord
    seq: int = 0
    has_lease: bool = False
    since: float = -inf
    usable_until: float = -inf
    covers_s: float = 0.0
    covers_wanted_s: float = 0.0
    prepared_at: float = -inf
    received_at: float = -inf
    store_at: float = -inf
    pending: Report | None = None
    taken: dict[Names, int] = {}
    rates: dict[Names, float] = {}
    grants: dict[str, BucketGrant] = {}
    cooled: Counts = {}
    events: tuple[LeaseEvent, ...] = ()
    log: RetryBudget = NO_TOKENS
    has_trial: bool = False
    clock: ClockOffset | None = None
    lost: int = 0
