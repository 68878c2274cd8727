# SPDX-License-Identifier: Apache-2.0
"""Detects a record that was reset to an earlier state, and accounts for permits that holders may have without it.

Changes after that state are lost, as when a replica takes over without them. Permits in the record may have been handed
out since, and those of one holder may have been returned and handed out to another. None of that lasts longer than a
lease that begins now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from callwell.core.quota.bins import add, count, drain
from callwell.core.quota.buckets import transit_bin
from callwell.core.quota.holder_needs import HORIZON_S
from callwell.core.quota.lease_records import LEASE_S
from callwell.core.quota.lease_versions import put_back, take_out

if TYPE_CHECKING:
    from callwell.core.quota.buckets import Bucket, Quota
    from callwell.core.quota.lease_records import Lease, Report
    from callwell.core.quota.record import AccountQuotas, AccountRecord


def was_rolled_back(lease: Lease | None, report: Report, own: AccountQuotas, now: float, holder_now: float) -> bool:
    """Whether the record has lost changes that a holder knows of.

    Args:
        lease: the holder's lease, if the record has it.
        report: of the holder.
        own: its quotas.
        now: store time.
        holder_now: monotonic seconds of the holder's clock.
    """
    if not report.has_lease:
        return False
    if lease is None:
        # A lease is kept for as long as its requests can take. Store time does not tell alone how long ago it began:
        # it may stand still where a clock was set, and the earlier record does not know that.
        kept_s = LEASE_S + own.max_hold_s
        return now < report.store_at + kept_s or holder_now < report.last_prepared_at + kept_s
    return lease.seq < report.seq - 1


def assume_handed_out(
    account: AccountRecord, leases: dict[str, Lease], now: float, hold_s: float
) -> tuple[AccountRecord, dict[str, Lease]]:
    """The pool without permits that a holder may have without the record, and the leases.

    Args:
        account: the pool.
        leases: the leases, which hold their permits for as long as one that begins now.
        now: store time.
        hold_s: the longest that a request can take.
    """
    account, leases = take_out(account, leases)
    ends_at = now + LEASE_S
    pool = {
        key: _forget(account.rules[key].quota, bucket, now, ends_at + hold_s) for key, bucket in account.buckets.items()
    }
    renewed = {holder: replace(lease, ends_at=max(lease.ends_at, ends_at)) for holder, lease in leases.items()}
    return put_back(replace(account, buckets=pool), renewed, account.rules, ())


def _forget(quota: Quota, bucket: Bucket, now: float, until: float) -> Bucket:
    """A bucket without permits that may have been handed out, and may be used until a given time."""
    # Permits are handed out this long before they are cool, or when a fixed window has ended.
    last = int((now + HORIZON_S) // quota.width_s)
    cooling, soon = ((), count(bucket.cooling)) if quota.fixed else drain(bucket.cooling, last)
    unknown = max(0, bucket.available) + soon + count(bucket.foreign)
    return replace(
        bucket,
        available=min(0, bucket.available),
        cooling=cooling,
        in_transit=add(bucket.in_transit, transit_bin(quota, until), unknown) if unknown else bucket.in_transit,
        foreign=(),
        window_end=None,
    )
