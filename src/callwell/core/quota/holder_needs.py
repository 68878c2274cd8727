# SPDX-License-Identifier: Apache-2.0
"""Computes a leaseholder's needs: how many permits it asks for, and how many it keeps."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

from callwell.core.quota.lease_records import Need
from callwell.core.quota.record import counting_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.core.quota.buckets import Quota
    from callwell.core.quota.lease_records import BucketGrant, Counts, Holding, Names
    from callwell.core.quota.record import AccountQuotas, AccountRecord

HORIZON_S: Final = 1.0
"""Seconds ahead that permits are handed out for: two exchanges, so that a late one goes unnoticed."""

RATE_S: Final = 1.5
"""Seconds that the call rate is averaged over."""

MIN_CALL_RATE: Final = 0.3
"""Calls per second below which none is expected: an exchange for each call is then cheaper than keeping a lease."""

RESERVE_S: Final = 4.0
"""Seconds' worth of permits that a holder has in reserve while nobody else wants them, so that a store outage goes
unnoticed."""

MIN_RESERVE: Final = 8
"""The minimum of that reserve, in permits, while calls are made, since calls come in groups."""

COLD_SHARE: Final = 1024
"""A process whose rate is not known yet gets what the quota allows on average in `RESERVE_S`, or one permit in this
many if that is more: the average of a daily quota says nothing about bursts, and the permits of a dead process come
back late."""


def horizon_s(quota: Quota) -> float:
    """Seconds ahead that the pool hands out permits for: with a short window each permit is soon needed elsewhere."""
    return min(HORIZON_S, quota.window_s / 4.0)


def share_ahead_s(quota: Quota) -> float:
    """The same for a holder that wants more than its share: permits that cool later are for others in the meantime."""
    return horizon_s(quota) / 2.0


def rates(holding: Holding, waiting: Mapping[Names, int], now: float) -> dict[Names, float]:
    """The rate of made and waiting calls per second, by their quotas."""
    passed_s = max(1e-3, now - holding.prepared_at)
    weight = min(1.0, passed_s / RATE_S)
    rates = {}
    for names in {**holding.rates, **holding.taken, **waiting}:
        before = holding.rates.get(names, 0.0)
        rate = before + (holding.taken.get(names, 0) / passed_s - before) * weight
        if rate >= MIN_CALL_RATE or waiting.get(names, 0):
            rates[names] = rate
    return rates


def need(holding: Holding, own: AccountQuotas, names: Names, rate: float, waiting: Mapping[Names, int]) -> Need:
    """A holder's need for the calls of one set of quotas, made at a given rate."""
    callers = waiting.get(names, 0)
    reserve = max(MIN_RESERVE, ceil(rate * RESERVE_S))
    if names not in holding.rates:
        reserve = max(reserve, _cold_reserve(holding, own, names))
    return Need(names, max(callers, int(rate * HORIZON_S + 0.5)), reserve, callers, rate)


def _cold_reserve(holding: Holding, own: AccountQuotas, names: Names) -> int:
    """The reserve for calls whose rate is not known yet."""
    rules = holding.record.rules
    quotas = [rules[key].quota for key in counting_keys(holding.record, own, names) if key in rules]
    permits = [max(int(RESERVE_S / quota.step_s), quota.limit // COLD_SHARE) for quota in quotas]
    return min(permits, default=0)


def taken(holding: Holding, own: AccountQuotas) -> Counts:
    """Permits that calls have taken since the last report, by the keys of the buckets."""
    permits: Counts = {}
    for names, n in holding.taken.items():
        for key in counting_keys(holding.record, own, names):
            permits[key] = permits.get(key, 0) + n
    return permits


def keep(
    own: AccountQuotas, record: AccountRecord, needs: tuple[Need, ...], key: str, given: BucketGrant | None
) -> int:
    """How many unused permits of a bucket to keep."""
    counting = [need for need in needs if key in counting_keys(record, own, need.names)]
    wanted = sum([need.permits for need in counting])
    if given is not None and given.keep >= 0:
        return min(wanted, given.keep)
    return wanted + sum([need.reserve for need in counting])
