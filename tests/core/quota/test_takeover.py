# SPDX-License-Identifier: Apache-2.0
"""A pool that begins with the record of an earlier version: what was used still cools, whoever looks."""

from __future__ import annotations

import pytest

from callwell.core.quota import account, holder_exchange, holdings
from callwell.core.quota.leases import exchange
from callwell.core.quota.permits import Permit
from callwell.core.quota.record import (
    PLAIN_SUCCESS,
    AccountRecord,
    to_account_quotas,
    to_call_quotas,
    to_present,
    to_private,
)
from callwell.core.quota.store_time import ClockReading
from callwell.core.quota.takeover import begin
from callwell.core.rules.profile import QuotaRule, RetryRule

LIMIT = 5
USED_AT = 5_000.0
WALL_S = 1_800_000_000.0
NAMES = ("minute",)
OWN = to_account_quotas({"minute": QuotaRule(limit=LIMIT, window_s=60.0)}, RetryRule())


def used_up(*, held: bool = False) -> AccountRecord:
    """A record of which all permits were used at once, or are held."""
    call = to_call_quotas(OWN, NAMES)
    record = to_present(AccountRecord(), OWN, USED_AT, WALL_S, "boot 1")
    for _ in range(LIMIT):
        record, (permit, _) = account.acquire(record, call, USED_AT)
        assert isinstance(permit, Permit)
        if not held:
            record, _ = account.release(record, call, permit, PLAIN_SUCCESS, USED_AT)
    return record


def granted(record: AccountRecord, after_s: float, boot: str, offset_s: float) -> int:
    """How many permits a holder gets that comes so much later, with another clock or the same."""
    now = USED_AT + offset_s + after_s
    own = to_private(OWN)
    _, report = holder_exchange.prepare(holdings.open_holding("h", own), own, {NAMES: LIMIT}, now)
    _, grant = exchange(begin(record), report, own, ClockReading(boot, now, WALL_S + after_s))
    return sum([part.available for part in grant.buckets.values()])


@pytest.mark.parametrize(("boot", "offset_s"), [("boot 1", 0.0), ("boot 2", -4_990.0), ("boot 2", 1e6)])
def test_what_was_used_before_cools_as_long_as_it_would_have(boot: str, offset_s: float) -> None:
    """Not a second more is waited for in the same boot; after another one it may be a second."""
    assert granted(used_up(), 50.0, boot, offset_s) == 0
    assert granted(used_up(), 62.0, boot, offset_s) == LIMIT


def test_what_was_held_comes_back_by_itself() -> None:
    """An earlier process that is gone does not hold its permits for ever, nor does it give them back at once."""
    assert granted(used_up(held=True), 62.0, "boot 1", 0.0) == 0
    assert granted(used_up(held=True), 300.0, "boot 1", 0.0) == LIMIT
