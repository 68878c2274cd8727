# SPDX-License-Identifier: Apache-2.0
"""The messages between leaseholders and the pool, and the records that each keeps: see `leases`.

Records that are stored are written by position: new fields go to the end, and have a default. Times are store time
(`store_time`) in stored records, monotonic seconds of the holder's process in its own records, and seconds since the
exchange in a `Grant`.
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
"""Seconds that a holder may use its permits without its store; a longer time costs more when a process dies."""

Counts = dict[str, int]
"""Permits by the key of their bucket, or slots by the name of an undocumented quota."""

Names = tuple[str, ...]
"""The quotas that count a call."""

RelativeBins = tuple[tuple[float, int], ...]
"""Pairs of seconds from the exchange until permits are available, and their number."""

NO_TOKENS: Final = RetryBudget(tokens=0.0)
"""A retry budget without recorded attempts."""


class BucketGrant(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The part of a grant about one bucket. Stored by position, in the lease.

    Attributes:
        available: permits that may be used immediately.
        cooling: permits that may be used when they are cool.
        next_in_s: paced permits are issued one by one from then on; minus infinity if they are not paced.
        keep: how many unused permits the holder may keep, because others want some; minus one for no limit.
        more_in_s: when the pool expects to have another permit; infinite if unknown.
        throttled_in_s: nothing is used before.
        paced_in_s: permits are used one by one before.
        throttle_count: consecutive 429 responses.
        throttled_ago_s: seconds since the last of them.
        cooled_count: the pool's count of permits that became available.
        again_in_s: an earlier exchange brings nothing more, unless others return permits.
        adopted: permits that the holder already has, if it learns of this quota with this answer; minus one if it knew
            the quota before.
        sources: the quotas whose buckets show where those permits are.
        overdrawn: how many more permits are in use or reserved than the quota has.
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
    """The part of a grant about one undocumented quota. Stored by position, in the lease.

    Attributes:
        slots: requests that the holder may send.
        next_in_s: when the first of them may be sent.
        rate: how many may follow per second.
    """

    slots: int = 0
    next_in_s: float = 0.0
    rate: float = 1.0


class Grant(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The pool's answer to a report. Stored by position, in the lease, in case it does not arrive.

    Attributes:
        seq: the number of the exchange.
        lost: the lease is over and its permits belong to others: the holder forgets all of them.
        ends_in_s: when the lease ends.
        covers_s: seconds after that during which requests with its permits may still be running.
        store_at: store time of the exchange.
        buckets: by their keys.
        slots: by the names of the undocumented quotas.
        rules: the quotas of all versions of the profile, by bucket key; empty if there is only one version.
        versions: when each of them was last seen.
        breaker: the circuit breaker, with times relative to the exchange.
        has_trial: the holder may send the breaker's trial request.
        budget: the retry budget, with the holder's tokens and the attempts of all holders.
        clock: how far the provider's time is ahead of the time of the exchange.
        observed: the state of quotas, after responses with quota headers.
        urgent: others must be told what this exchange changed: a 429, a breaker that opened or closed.
        over: the holder keeps nothing, and the lease was dropped.
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
    """The pool's record of one holder. Stored by position.

    Attributes:
        ends_at: the time until which the holder may use its permits.
        covers_s: seconds after that during which requests with its permits may still be running.
        counts: its permits.
        unused: how many of them were not in a caller's hand at its last exchange.
        slots: its slots of undocumented quotas.
        needs: permits that it will use until the horizon, according to its last exchange.
        exchanged_at: the time of its last exchange.
        seq: the number of the last exchange.
        grant: the last answer.
        allowances: permits of its share that it may have now, if it wants more than its share.
        joined: quotas that the holder does not know yet, each with the quotas that show how much it uses of them.
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
        """When the last request with its permits has ended, if the holder does not come back."""
        return self.ends_at + self.covers_s


class Presence(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The holders that recently needed permits. Stored by position.

    Attributes:
        holder: the one that needed permits last; empty if it has ended.
        at: when it needed them.
        others_at: when any other holder last needed permits.
    """

    holder: str = ""
    at: float = -inf
    others_at: float = -inf


class FleetRecord(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The record of an account that a fleet shares. Stored by position.

    Attributes:
        account: the pool: buckets with the permits that nobody has, and everything else that is shared. Permits of
            holders are `held` in it. Its times are store time.
        leases: by holder name.
        time: store time, and its derivation.
        clock: how far the provider's time of day is ahead of store time.
        presence: the holders that recently needed permits.
        ample_at: when half of a quota was last left after all needs were met, by bucket key.
    """

    account: AccountRecord = AccountRecord()
    leases: dict[str, Lease] = {}
    time: StoreTime = StoreTime()
    clock: ClockOffset | None = None
    presence: Presence = Presence()
    ample_at: dict[str, float] = {}


class Returned(Struct, frozen=True):
    """Permits of one bucket that a holder returns.

    Attributes:
        available: permits that may be used immediately.
        cooling: bins of used permits, in monotonic seconds of the holder.
        in_transit: the same for permits of requests that may still be in transit.
    """

    available: int = 0
    cooling: tuple[tuple[float, int], ...] = ()
    in_transit: tuple[tuple[float, int], ...] = ()


class Need(Struct, frozen=True):
    """A holder's need for the calls of one set of quotas.

    Attributes:
        names: the quotas that count them.
        permits: unused permits that it needs until the horizon.
        reserve: how many more it would like, if nobody else wants them.
        waiting: callers that wait for a permit.
        rate: calls per second, on average.
    """

    names: Names
    permits: int
    reserve: int
    waiting: int
    rate: float


class LeaseEvent(Struct, frozen=True):
    """The end of a Send that the pool must know about: a refusal, a failure, or news about a quota.

    Attributes:
        names: the quotas that count it.
        acquired_at: when its permit was acquired, in monotonic seconds of the holder.
        ended_at: when it ended.
        end: how it ended.
        cooled_before: the permit's `cooled_before`.
    """

    names: Names
    acquired_at: float
    ended_at: float
    end: SendEnd
    cooled_before: tuple[int, ...] = ()


class Report(Struct, frozen=True):
    """A holder's side of an exchange: what it returns, keeps, needs and has observed.

    Attributes:
        holder: its name.
        seq: the number of the exchange.
        has_lease: the record should have its lease.
        prepared_at: monotonic seconds at which the report was created.
        store_at: store time of the holder's last exchange.
        last_prepared_at: monotonic seconds at which the report of that exchange was created.
        covers_s: the longest that its requests can take, from acquiring a permit to their end.
        returned: the returned permits, by bucket key.
        unused: permits that it keeps and that are not in a caller's hand.
        cooled: permits that became available at the holder since its last exchange.
        slots: slots of undocumented quotas that it keeps, used or not.
        taken: permits that calls took since the last exchange.
        needs: what it needs.
        events: the ends of Sends that the pool must know about.
        recovered: buckets whose run of 429 responses is over.
        log: how attempts ended since the last exchange, and the tokens that the holder returns.
        trial_unused: the breaker's trial was not needed.
        clock: how far the provider's time of day is ahead of the holder's monotonic clock.
        leaving: the holder ends: its remaining permits are in the hands of callers that are gone.
    """

    holder: str
    seq: int
    has_lease: bool
    prepared_at: float
    store_at: float
    last_prepared_at: float
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
    """A process's permits of an account, in memory, and what it must report.

    Attributes:
        holder: its name in the record, `HOST:PROCESS:RANDOM`: unique for each process, state and account, and never
            reused.
        record: its permits, as a private record that all functions of `account` work on.
        seq: the number of its last exchange.
        has_lease: the record should have its lease.
        since: permits that were acquired before this time belong to a lost lease.
        usable_until: the time from which no permit is acquired.
        covers_s: the longest that its requests may take according to its lease, from acquiring a permit to their end.
        covers_wanted_s: the same, as its callers need it.
        prepared_at: when its last report was created.
        received_at: when the last answer arrived.
        store_at: store time of the last exchange.
        pending: an unanswered report, which is sent again until it is answered.
        taken: permits that calls took since the last report, by their quotas.
        rates: calls per second, by their quotas.
        grants: the last answer, by bucket key.
        cooled: the `cooled_count` of its buckets at the last report or answer.
        events: the ends of Sends since the last report that the pool must know about.
        log: how attempts ended since the last report.
        has_trial: it may send the one request that tries a provider that failed.
        clock: how far the provider's time of day is ahead of this machine's monotonic clock.
        lost: how many leases it has lost so far; permits acquired under them must not be released.
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
