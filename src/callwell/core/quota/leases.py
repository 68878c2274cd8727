# SPDX-License-Identifier: Apache-2.0
"""Leases: how the processes of a fleet share the permits of one account, and why they never exceed its quota.

**The model.** The permits of an account are in a *pool*, one record in the state, and with *holders*, one for each
process. A call takes its permit from its process's holding, in memory; a thread of the process exchanges permits with
the pool every half second, or when somebody waits::

      process A                         pool, in the state                        process B
    ┌───────────────────┐             ┌──────────────────────────┐             ┌───────────────────┐
    │ available  held   │   Report    │ available        cooling │    Grant    │ available  held   │
    │ cooling           │ ──────────> │ held by A ······· until  │ ──────────> │ cooling           │
    │                   │ used ones,  │ held by B ······· until  │ cool ones,  │                   │
    │ elsewhere: others │ "cool in 8 s"│                         │ "cool in 1 s"│ elsewhere: others │
    └───────────────────┘             └──────────────────────────┘             └───────────────────┘

Everywhere, permits live as in `permits`. A holder's permits are `held` in the pool's bucket; others' permits are
`elsewhere` in the holder's bucket. So the permits of the pool's bucket add up to the quota's limit, those of a holder's
bucket do too, and the permits of all holders together never exceed those that the pool counts as held.

**A permit changes hands together with the time when it is cool.** A holder returns used permits with the time left
until they are cool, and the pool hands them out to other holders up to a second before that. So a permit is reused no
earlier than W after its last response, by any holder:

* *Returned.* A holder's times are relative to the creation of the report (`prepared_at`); the pool adds them to store
  time, which is read later. So they are late in the pool by the time in between, never early.
* *Handed out.* A grant's times are relative to the exchange; the holder adds them to the arrival time of the answer.
* *Clocks.* Each part of W is measured by a clock that is off by at most 500 ppm: a holder's monotonic clock, or store
  time, which is never faster than true time (`store_time`). W is stretched by more than that (`STRETCH`).

**A lease ends** `LEASE_S` after the exchange in store time. The holder stops acquiring earlier, according to its own
monotonic clock read *before* it requested the exchange, minus a margin. A request with an acquired permit can run for
`covers_s` after that: the longest attempt, and the pause P before it. So the pool's held permits expire at the end of
the lease, plus `covers_s`, plus D + W as in `permits`; a renewal moves them. A holder that comes back before the first
two have passed renews its lease as if nothing had happened. After that the answer is `lost`: it forgets all permits,
its requests' permits are not released, and the pool gets them back when they expire.

**A lost message neither loses nor duplicates permits.** A report has a number, and is sent until it is answered. The
pool remembers each holder's last number and answer: a repeated report changes nothing and gets the same answer later,
so its times are later too. A record that was reset to an earlier state, by a backup or a replica without the last
changes, is detected by the first holder that comes with a lease or a number that the record cannot know: then every
available permit is assumed to be in another holder's hands.

**Who gets how much.** A holder keeps what it needs for the near future (`HORIZON_S`), and a reserve if nobody else
wants it; a new process gets several seconds' worth immediately. If the needs of all exceed what may be handed out,
`fair_share` divides it, and holders with more than their share return the excess at their next exchange
(`lease_shares`). Less is handed out than there is, so that a holder that wants everything does not use up a whole
window: permits are handed out no faster than they come back (`lease_supply`). So permits follow demand within a second.
A single process may use a whole window immediately, if the window is a minute or less. Paced permits are handed out as
a sequence of slots that nobody else has. If one call needs permits of several quotas, no holder gets more of one than
it can use with the others.

**What the fleet learns** is kept in the pool and learned with the functions that a single process uses: holders report
informative ends of Sends (`LeaseEvent`), the pool applies them, and every answer carries the result. A 429 throttles
its holder immediately, and everyone else at their next exchange. A failed provider is tried by one holder. The retry
budget's tokens move like permits. All permits of holders count as possibly used where responses are compared with sent
requests (`foreign`).

**Several versions of a profile** share the pool as in `versions`. A holder learns of a new quota with the answer to its
next exchange, and has permits of it from then on: see `lease_versions`.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from callwell.core.quota import account as decisions
from callwell.core.quota import adaptive, lease_events, lease_shares, lease_slots, lease_supply, lease_versions, permits
from callwell.core.quota.bins import add, remove
from callwell.core.quota.buckets import cool_bin, refill, to_transit_bin
from callwell.core.quota.lease_records import LEASE_S, FleetRecord, Grant, Lease
from callwell.core.quota.lease_rollbacks import assume_handed_out, was_rolled_back
from callwell.core.quota.lease_shares import update_presence
from callwell.core.quota.lease_versions import lease_bin, total
from callwell.core.quota.record import to_present
from callwell.core.quota.store_time import advance

if TYPE_CHECKING:
    from callwell.core.quota.buckets import Bucket, Quota
    from callwell.core.quota.lease_records import BucketGrant, Counts, Report
    from callwell.core.quota.lease_shares import Division
    from callwell.core.quota.record import AccountQuotas, AccountRecord
    from callwell.core.quota.store_time import ClockReading

FRESH_S: Final = 3.0
"""Seconds that a stated need counts: longer than the longest interval between two exchanges."""

STORE: Final = "store"
"""The name of store time, where a record names the boot of its times."""


def exchange(
    record: FleetRecord, report: Report, own: AccountQuotas, clocks: ClockReading
) -> tuple[FleetRecord, Grant]:
    """One exchange between a holder and the pool, which is one change of the record.

    Args:
        record: the record.
        report: the holder's report, from `holder_exchange.prepare`.
        own: the account's quotas in the holder's version of the profile.
        clocks: the clock readings, taken by the holder's process within the change.
    """
    time, stepped = advance(record.time, clocks)
    lease = record.leases.get(report.holder)
    if lease is not None and time.at < lease.expires_at and lease.grant is not None and lease.seq == report.seq:
        return replace(record, time=time), lease.grant
    account, leases = _to_pool(record, own, time.at, stepped=stepped)
    news = account.rules.keys() - record.account.rules.keys()
    if was_rolled_back(leases.get(report.holder), report, own, time.at, clocks.monotonic):
        account, leases = assume_handed_out(account, leases, time.at, max(own.max_hold_s, report.covers_s))
    lease = leases.pop(report.holder, None)
    known = replace(record, leases=leases, time=time, clock=None if stepped else record.clock)
    is_next = lease is not None and report.has_lease and lease.seq == report.seq - 1
    is_first = lease is None and not report.has_lease
    report = lease_versions.translate(report, lease, account.rules)
    # Learning counts all permits of the holder as possibly used, so it comes before permits are returned.
    counted = _count_cooled(account, report)
    applied = lease_events.apply(counted, lease if is_next else None, report, own, time, clocks)
    taken = _remove_held(applied.account, lease, report)
    if taken is None or not (is_next or is_first):
        account = applied.account if lease is None else lease_versions.count_unreported(applied.account, lease)
        lost = Grant(seq=report.seq, lost=True, store_at=time.at, urgent=applied.urgent)
        return replace(known, account=account), lost
    back = _return_permits(taken, lease, report, time.at, time.doubt_s)
    pool = replace(known, account=back, presence=update_presence(record.presence, report, time.at))
    passed_s = time.at - lease.exchanged_at if lease is not None else 0.0
    given, renewed, grant = _hand_out(pool, _renewed(lease, report, time.at), report, own, passed_s)
    account, grant = lease_events.share(given.account, grant, report, time.at, 1 + len(leases))
    clock = lease_events.merge_clock_offset(known.clock, report, time, clocks)
    several = len(account.versions_seen) > 1
    is_held = any(renewed.counts.values()) or any(renewed.slots.values())
    is_over = not (is_held or any(renewed.needs.values()) or grant.has_trial)
    grant = replace(
        grant,
        ends_in_s=LEASE_S,
        covers_s=renewed.covers_s,
        store_at=time.at,
        rules=account.rules if several else {},
        versions=account.versions_seen if several else {},
        clock=lease_events.provider_time_bounds(clock, time.at),
        observed=applied.observed,
        # Holders that do not know a quota yet have permits of it, so all are told immediately.
        urgent=applied.urgent or bool(news and leases),
        over=is_over,
    )
    kept = leases if is_over else {**leases, report.holder: replace(renewed, grant=grant)}
    return replace(given, account=account, leases=kept, clock=clock), grant


def _to_pool(
    record: FleetRecord, own: AccountQuotas, now: float, *, stepped: bool
) -> tuple[AccountRecord, dict[str, Lease]]:
    """The pool at store time `now`, with a bucket for each quota, and the leases that are not over."""
    account = record.account
    leases = {}
    for holder, lease in record.leases.items():
        if now < lease.expires_at:
            leases[holder] = lease
        else:
            account = lease_versions.count_unreported(account, lease)
    known = account.rules
    has_news = not own.rules.keys() <= known.keys()
    if has_news:
        account, leases = lease_versions.take_out(account, leases)
    fleet = replace(own, expires_in_s=LEASE_S + own.max_hold_s)
    present = to_present(account, fleet, now, now, STORE)
    pool = {}
    for key, rule in present.rules.items():
        bucket = refill(rule.quota, decisions.bucket_of(present, key, rule.quota, now), now)
        pool[key] = replace(bucket, window_end=None) if stepped else bucket
    present = replace(present, buckets=pool)
    if has_news:
        return lease_versions.put_back(present, leases, known, account.adaptives)
    if len(present.rules) < len(known):
        leases = lease_versions.prune(leases, present.rules)
    return present, leases


def _count_cooled(account: AccountRecord, report: Report) -> AccountRecord:
    """The pool, with the permits that became available at the holder counted."""
    pool = dict(account.buckets)
    for key, n in report.cooled.items():
        if key in pool:
            pool[key] = replace(pool[key], cooled_count=pool[key].cooled_count + n)
    return replace(account, buckets=pool)


def _remove_held(account: AccountRecord, lease: Lease | None, report: Report) -> AccountRecord | None:
    """The pool without the permits of a lease; None if they are missing, or fewer than the returned ones."""
    if lease is None:
        return None if report.returned else account
    if not lease_versions.knows_sources(lease, account):
        return None
    pool = dict(account.buckets)
    for key, n in lease.counts.items():
        if key not in pool or not n:
            continue
        quota = account.rules[key].quota
        held = remove(pool[key].held, lease_bin(quota, lease), n)
        back = report.returned.get(key)
        if held is None or (back is not None and total(back) > n):
            return None
        pool[key] = replace(pool[key], held=held)
    return replace(account, buckets=pool)


def _return_permits(
    account: AccountRecord, lease: Lease | None, report: Report, now: float, doubt_s: float
) -> AccountRecord:
    """The pool with the returned permits and slots, and without finished runs of refusals."""
    pool = dict(account.buckets)
    to_store_s = now - report.prepared_at + doubt_s
    for key, back in report.returned.items():
        if key not in pool:
            continue
        quota = account.rules[key].quota
        bucket = pool[key]
        cooling = bucket.cooling
        in_transit = bucket.in_transit
        for at, n in back.cooling:
            cooling = add(cooling, cool_bin(quota, at + to_store_s), n)
        for at, n in back.in_transit:
            in_transit = add(in_transit, to_transit_bin(quota, at + to_store_s), n)
        available = bucket.available + back.available
        pool[key] = replace(bucket, available=available, cooling=cooling, in_transit=in_transit)
    for key in report.recovered:
        if key in pool:
            pool[key] = replace(pool[key], throttle_count=0)
    adaptives = dict(account.adaptives)
    for name in report.slots:
        state = adaptive.expire(adaptives.get(name, adaptive.UNUSED_QUOTA), now)
        adaptives[name] = lease_slots.remove_slots(state, lease, name)
    return replace(account, buckets=pool, adaptives=adaptives)


def _renewed(lease: Lease | None, report: Report, now: float) -> Lease:
    """The new lease of a holder, with the permits that it kept."""
    counts: Counts = {}
    for key, n in (lease.counts if lease is not None else {}).items():
        back = report.returned.get(key)
        counts[key] = n - total(back) if back is not None else n
    return Lease(
        ends_at=now + LEASE_S,
        covers_s=report.covers_s,
        counts=counts,
        unused=report.unused,
        slots=report.slots,
        exchanged_at=now,
        seq=report.seq,
        allowances=lease.allowances if lease is not None else {},
        joined=lease.joined if lease is not None else {},
    )


def _hand_out(
    record: FleetRecord, lease: Lease, report: Report, own: AccountQuotas, passed_s: float
) -> tuple[FleetRecord, Lease, Grant]:
    """Hand out permits, and hold all of the holder's permits until its lease has ended."""
    account = record.account
    now = lease.exchanged_at
    fresh = [other for other in record.leases.values() if now - other.exchanged_at < FRESH_S]
    pool = dict(account.buckets)
    counts = dict(lease.counts)
    unused = dict(lease.unused)
    needs: dict[str, float] = {}
    allowances = {}
    ample_at = dict(record.ample_at)
    given = {}
    for key, part in lease_shares.divide(record, lease, fresh, report, own, passed_s).items():
        quota = account.rules[key].quota
        bucket, handed_out = lease_supply.hand_out(quota, pool[key], part.grant, now, skip=part.skip)
        counts[key] = counts.get(key, 0) + part.grant
        unused[key] = unused.get(key, 0) + part.grant
        needs[key] = part.demand
        if part.allowance is not None:
            allowances[key] = part.allowance
        if not part.missing and 2 * bucket.available >= quota.limit:
            ample_at[key] = now
        if counts[key]:
            bucket = replace(bucket, held=add(bucket.held, lease_bin(quota, lease), counts[key]))
        pool[key] = bucket
        given[key] = _complete(handed_out, part, quota, bucket, now)
        if key in lease.joined:
            given[key] = replace(given[key], adopted=lease.counts.get(key, 0), sources=lease.joined[key])
    adaptives = dict(account.adaptives)
    slots = {}
    in_hand = dict(lease.slots)
    for name in lease.slots:
        need = lease_slots.slot_need(adaptives[name], report, name)
        adaptives[name], slots[name] = lease_slots.hand_out(adaptives[name], lease, fresh, need, name)
        in_hand[name] += slots[name].slots
        needs[name] = need
    renewed = replace(lease, counts=counts, unused=unused, slots=in_hand, needs=needs, allowances=allowances, joined={})
    account = replace(account, buckets=pool, adaptives=adaptives)
    given_record = replace(record, account=account, ample_at=ample_at)
    return given_record, renewed, Grant(seq=report.seq, buckets=given, slots=slots)


def _complete(handed_out: BucketGrant, part: Division, quota: Quota, bucket: Bucket, now: float) -> BucketGrant:
    """The grant of a bucket, after permits were handed out."""
    at = permits.available_at(quota, bucket, now)
    is_known = part.missing > 0 and not part.movable and not isinstance(at, permits.AtLatest)
    return replace(
        handed_out,
        keep=part.keep,
        more_in_s=at - now if is_known else inf,
        again_in_s=lease_shares.again_in_s(part, quota, at, now),
        overdrawn=max(0, -bucket.available),
    )
