# SPDX-License-Identifier: Apache-2.0
"""How leases count when a version of a profile joins, so that nothing is counted twice or held for long.

A quota that is new to the record counts the requests of all holders, but a holder learns of it only with the answer to
its next exchange. Until then it uses its permits, according to the quotas that it knows::

            joins                    next exchange              answer                     exchange after that
    ──────────┬────────────────────────────┬────────────────────────┬────────────────────────────────┬──────> time
              │ reserved: all requests     │ what it returns,       │ adopted: a copy of each permit │ what it does
              │ that the lease allows      │ and has used, is known │ that it has kept; the rest of  │ not need comes
              │                            │ as the new quota has   │ the reserved ones is available │ back as always
              │                            │ it; the rest stays     │                                │

* *Reserved.* The new bucket holds as many permits for each lease as its holder can have used since its last report, or
  can use before it learns of the quota: see `uses`. `sources` names the quotas that show how many these are.
* *Translated.* Permits that the holder returns at its next exchange are also returned in the new bucket, as cool as
  that bucket's window demands. The same applies to permits that became available at the holder, if the new window is
  longer.
* *Adopted.* Permits that it kept stay reserved, and it learns how many they are. It treats its present permits of the
  old quota as permits of the new one, in the same places. Requests in flight release both.
* *Overdrawn.* The reserved permits may exceed the limit: the pool is then negative, and hands out none. A holder that
  adopts permits withholds as many as that, returns them first, and reuses used ones only when the pool says that there
  are enough.

If several quotas together are the source, because none of them counts all calls, a request may have taken permits of
several. The holder then cannot know which permits of the new quota are released by which request, so those of requests
in flight come back when all of these must have ended.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from msgspec.structs import replace

from callwell.core.quota import versions
from callwell.core.quota.bins import NEVER, Bins, add, count, merge, remove
from callwell.core.quota.buckets import Bucket, cool_bin, refill, transit_bin
from callwell.core.quota.lease_records import LEASE_S, Returned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callwell.core.quota.buckets import Quota
    from callwell.core.quota.lease_records import BucketGrant, Counts, Holding, Lease, Report
    from callwell.core.quota.record import AccountRecord
    from callwell.core.quota.versions import VersionedQuota

    Rules = dict[str, VersionedQuota]
    Leases = dict[str, Lease]


def uses(new: Quota, old: Quota) -> int:
    """How many requests, as counted by a new quota, one permit of a lease can stand for.

    They are a window apart. The first may have been answered before the lease began, if the permit cooled then.

    Args:
        new: the new quota.
        old: the quota of the permit.
    """
    in_window = ceil(new.window_s / old.window_s)
    in_lease = 2 + int(LEASE_S / old.window_s)
    return min(in_window, in_lease)


def lease_bin(quota: Quota, lease: Lease) -> int:
    """The bin of a lease's permits, which expire with it: see `permits`."""
    return transit_bin(quota, lease.expires_at)


def total(back: Returned) -> int:
    """How many permits come back."""
    return back.available + sum([n for _, n in back.cooling]) + sum([n for _, n in back.in_transit])


def count_unreported(account: AccountRecord, lease: Lease) -> AccountRecord:
    """The pool after a lease ended without a last report: its permits may have been used several times.

    Each is counted once when it comes back.

    Args:
        account: the pool.
        lease: the lease.
    """
    pool = dict(account.buckets)
    for key, n in lease.counts.items():
        if n and key in pool and key in account.rules:
            more = n * (1 + int(LEASE_S / account.rules[key].quota.window_s))
            pool[key] = replace(pool[key], cooled_count=pool[key].cooled_count + more)
    return replace(account, buckets=pool)


def take_out(account: AccountRecord, leases: Leases) -> tuple[AccountRecord, Leases]:
    """The pool, temporarily without the permits of leases: `put_back` holds them again.

    Args:
        account: the pool.
        leases: the leases.

    Returns:
        The pool, and the leases with the permits that were in it.
    """
    pool = dict(account.buckets)
    found = {}
    for holder, lease in leases.items():
        counts: Counts = {}
        for key, n in lease.counts.items():
            if key not in pool or key not in account.rules:
                continue
            held = remove(pool[key].held, lease_bin(account.rules[key].quota, lease), n) if n else pool[key].held
            counts[key] = n if held is not None else 0
            if n and held is not None:
                pool[key] = replace(pool[key], held=held, elsewhere=pool[key].elsewhere + n)
        found[holder] = replace(lease, counts=counts)
    return replace(account, buckets=pool), found


def put_back(
    account: AccountRecord, leases: Leases, known: Rules, adaptives: Iterable[str]
) -> tuple[AccountRecord, Leases]:
    """The pool with the permits of leases held, including those of its new quotas.

    Args:
        account: the pool, with the buckets of all quotas.
        leases: the leases, from `take_out`.
        known: the quotas before the new ones joined.
        adaptives: the names of undocumented quotas.
    """
    pool = dict(account.buckets)
    held_again = {}
    for holder, lease in leases.items():
        counts: Counts = {}
        joined = {key: names for key, names in lease.joined.items() if key in account.rules}
        for key, rule in account.rules.items():
            bucket = pool[key]
            if key in known:
                counts[key] = n = lease.counts.get(key, 0)
                back = min(n, bucket.elsewhere)
                bucket = replace(bucket, elsewhere=bucket.elsewhere - back, available=bucket.available - (n - back))
            else:
                joined[key] = _sources_of(lease, rule, known, adaptives)
                counts[key] = n = _reserved(lease, rule.quota, joined[key], known)
                bucket = replace(bucket, available=bucket.available - n)
            if n:
                bucket = replace(bucket, held=add(bucket.held, lease_bin(rule.quota, lease), n))
            pool[key] = bucket
        held_again[holder] = replace(lease, counts=counts, joined=joined)
    return replace(account, buckets=pool), held_again


def prune(leases: Leases, rules: Rules) -> Leases:
    """Leases without the permits of quotas that nobody uses any more."""
    return {
        holder: replace(
            lease,
            counts={key: n for key, n in lease.counts.items() if key in rules},
            joined={key: names for key, names in lease.joined.items() if key in rules},
        )
        for holder, lease in leases.items()
    }


def _sources_of(lease: Lease, rule: VersionedQuota, known: Rules, adaptives: Iterable[str]) -> tuple[str, ...]:
    """The quotas that a lease's holder knows and that show how much it uses of a new one."""
    if not versions.counts_others(rule, known):
        return ()
    found: list[str] = []
    for name in versions.sources(known, rule, adaptives):
        found += lease.joined.get(name, (name,))
    return tuple(dict.fromkeys(found))


def _reserved(lease: Lease, quota: Quota, names: tuple[str, ...], known: Rules) -> int:
    """How many requests with the permits of a lease a new quota may count."""
    reserved = 0
    for name in names:
        if name in known:
            reserved += lease.counts.get(name, 0) * uses(quota, known[name].quota)
        else:
            reserved += lease.slots.get(name, 0)
    return reserved


def knows_sources(lease: Lease, account: AccountRecord) -> bool:
    """Whether the pool still has all quotas that show how much a holder uses of quotas that it does not know yet."""
    names = [name for names in lease.joined.values() for name in names]
    return all(name in account.rules or name in account.adaptives for name in names)


def translate(report: Report, lease: Lease | None, rules: Rules) -> Report:
    """A report, extended to the quotas that its holder does not know yet.

    Args:
        report: of the holder.
        lease: of the holder, before this exchange.
        rules: of the pool.
    """
    if lease is None or not lease.joined:
        return report
    returned = {key: back for key, back in report.returned.items() if key not in lease.joined}
    unused = {key: n for key, n in report.unused.items() if key not in lease.joined}
    cooled = {key: n for key, n in report.cooled.items() if key not in lease.joined}
    known = replace(report, returned=returned, unused=unused, cooled=cooled)
    more = {key: _translate(known, lease, rules, key) for key in lease.joined}
    more_unused = {key: sum([unused.get(name, 0) for name in names]) for key, names in lease.joined.items()}
    return replace(known, returned=returned | more, unused=unused | more_unused)


def _translate(report: Report, lease: Lease, rules: Rules, key: str) -> Returned:
    """The returned permits of a holder, in the bucket of a quota that it does not know yet."""
    new = rules[key].quota
    closed_at = report.prepared_at + new.window_s + new.transit_s
    kept = 0
    cooling: list[tuple[float, int]] = []
    in_transit: list[tuple[float, int]] = []
    for name in lease.joined[key]:
        if name not in rules:
            slots = report.slots.get(name, 0)
            kept += slots
            in_transit.append((closed_at, lease.slots.get(name, 0) - slots))
            continue
        old = rules[name].quota
        back = report.returned.get(name, Returned())
        used_s = new.window_s - old.window_s
        doubt_s = used_s + new.transit_s - old.transit_s
        kept += (lease.counts.get(name, 0) - total(back)) * uses(new, old)
        cooling += [(at + used_s, n) for at, n in back.cooling]
        in_transit += [(at + doubt_s, n) for at, n in back.in_transit]
        if used_s > 0.0:
            # They became available by now, so they were answered a window before.
            cooling.append((report.prepared_at + used_s, report.cooled.get(name, 0)))
    used = sum([n for _, n in (*cooling, *in_transit)])
    return Returned(
        available=lease.counts.get(key, 0) - kept - used,
        cooling=tuple([(at, n) for at, n in cooling if n]),
        in_transit=tuple([(at, n) for at, n in in_transit if n]),
    )


def adopt(holding: Holding, new: Quota, given: BucketGrant, now: float) -> Bucket:
    """A holder's bucket of a quota that it has just learned of, before it applies the grant.

    Args:
        holding: the holding, before it applies the answer.
        new: the quota.
        given: the answer's part about it.
        now: monotonic seconds.
    """
    held: Bins = ()
    cooling: Bins = ()
    in_transit: Bins = ()
    for name in given.sources:
        part = (
            _adopt_slots(holding, new, name, now)
            if name in holding.record.adaptives
            else _to_new_quota(holding, new, name, now)
        )
        held = merge(held, part[0])
        cooling = merge(cooling, part[1])
        in_transit = merge(in_transit, part[2])
    if held and len(given.sources) > 1:
        in_transit = add(in_transit, transit_bin(new, now + holding.covers_s), count(held))
        held = ()
    free = given.adopted - count(held) - count(cooling) - count(in_transit)
    # More than the limit may be in use or reserved for all holders: this one withholds the excess.
    withheld = min(given.overdrawn, given.adopted)
    return Bucket(
        available=free - withheld,
        held=held,
        cooling=cooling,
        in_transit=in_transit,
        withheld=withheld,
        elsewhere=new.limit - given.adopted,
    )


def _to_new_quota(holding: Holding, new: Quota, key: str, now: float) -> tuple[Bins, Bins, Bins]:
    """The held, cooling and in-transit permits of a bucket, as permits of a new quota."""
    bucket = holding.record.buckets.get(key)
    if bucket is None:
        return (), (), ()
    old = holding.record.rules[key].quota
    present = refill(old, bucket, now)
    held, cooling, in_transit = versions.move_uses(new, old, present, now)
    used_s = new.window_s - old.window_s
    again = present.cooled_count - holding.cooled.get(key, 0)
    if again and used_s > 0.0:
        cooling = add(cooling, cool_bin(new, now + used_s), again)
    return held, cooling, in_transit


def _adopt_slots(holding: Holding, new: Quota, name: str, now: float) -> tuple[Bins, Bins, Bins]:
    """The held, cooling and in-transit slots of an undocumented quota, as permits of a new quota."""
    state = holding.record.adaptives[name]
    held: Bins = ()
    in_transit: Bins = ()
    for at, n in state.held:
        if at >= NEVER:
            held = add(held, at, n)
        else:
            in_transit = add(in_transit, transit_bin(new, at), n)
    kept = holding.pending.slots.get(name, 0) if holding.pending is not None else 0
    ended = kept - int(state.limit)
    if ended > 0:
        in_transit = add(in_transit, transit_bin(new, now), ended)
    return held, (), in_transit
