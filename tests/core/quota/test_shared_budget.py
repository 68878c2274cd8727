# SPDX-License-Identifier: Apache-2.0
"""Tokens of the retry budget are shared: none is made by sharing, and a debt is paid off by all."""

from __future__ import annotations

import pytest

from callwell.core.quota import lease_events
from callwell.core.quota.lease_records import Grant, Need, Report
from callwell.core.quota.record import AccountRecord
from callwell.core.retry import RetryBudget

NAMES = ("minute",)
NEEDS = (Need(NAMES, permits=1, reserve=0, waiting=1, rate=1.0),)


def report(needs: tuple[Need, ...]) -> Report:
    """What a holder says that calls, or is idle."""
    return Report(
        holder="h",
        seq=1,
        has_lease=True,
        prepared_at=0.0,
        store_at=0.0,
        last_prepared_at=0.0,
        covers_s=90.0,
        needs=needs,
    )


@pytest.mark.parametrize(
    ("tokens", "holders", "handed_out"), [(8.0, 4, 2.0), (0.5, 4, 0.5), (2.0, 4, 1.0), (-8.0, 4, -2.0), (0.0, 4, 0.0)]
)
def test_what_is_handed_out_is_missing_in_the_pool(tokens: float, holders: int, handed_out: float) -> None:
    """Of a debt, too: else each process could save up for a retry while all together have made too many."""
    account = AccountRecord(budget=RetryBudget(tokens=tokens))
    after, grant = lease_events.share(account, Grant(seq=1), report(NEEDS), 100.0, holders)
    assert grant.budget.tokens == handed_out
    assert after.budget.tokens + grant.budget.tokens == tokens


def test_who_calls_nothing_gets_none() -> None:
    """Its tokens would lie idle."""
    account = AccountRecord(budget=RetryBudget(tokens=8.0))
    after, grant = lease_events.share(account, Grant(seq=1), report(()), 100.0, 1)
    assert (grant.budget.tokens, after.budget.tokens) == (0.0, 8.0)
