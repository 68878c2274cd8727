# SPDX-License-Identifier: Apache-2.0
"""An account with a short and a long quota, and what its record says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.core.quota import account
from callwell.core.quota.permits import Permit
from callwell.core.quota.record import AccountRecord, CallQuotas, to_account_quotas, to_call_quotas, to_private
from callwell.core.rules.profile import QuotaRule, RetryRule

if TYPE_CHECKING:
    from callwell.core.quota.buckets import Bucket
    from callwell.core.quota.record import AccountQuotas

SHORT: Final = QuotaRule(limit=3, window_s=10.0)
LONG: Final = QuotaRule(limit=1000, window_s=1000.0)
RETRY: Final = RetryRule(attempt_s=60.0, max_transit_s=5.0)
HOLD_S: Final = 60.0 + 30.0
"""The longest attempt, and the pause before it."""


def quotas(rules: dict[str, QuotaRule] | None = None, *, private: bool = True) -> AccountQuotas:
    """The quotas of an account; a short and a long one unless others are given."""
    own = to_account_quotas(rules or {"short": SHORT, "long": LONG}, RETRY)
    return to_private(own) if private else own


def call(own: AccountQuotas) -> CallQuotas:
    """A call that all of them count."""
    return to_call_quotas(own, (*own.documented, *own.adaptives))


BOTH: Final = call(quotas())


def acquired(record: AccountRecord, counted: CallQuotas = BOTH, now: float = 0.0) -> tuple[AccountRecord, Permit]:
    """The record after a permit was acquired that must be there, and the permit."""
    after, (got, count) = account.acquire(record, counted, now)
    assert isinstance(got, Permit)
    assert count == 1
    return after, got


def bucket(record: AccountRecord, name: str, own: AccountQuotas = BOTH.own) -> Bucket:
    """A quota's bucket in the record."""
    return record.buckets[own.keys[name]]


def places(one: Bucket) -> tuple[int, int, int, int]:
    """How many permits are available, held, cooling and in transit."""
    counts = [sum(n for _, n in bins) for bins in (one.held, one.cooling, one.in_transit)]
    return one.available, counts[0], counts[1], counts[2]
