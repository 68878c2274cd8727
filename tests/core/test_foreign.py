# SPDX-License-Identifier: Apache-2.0
"""What others spend is seen where it can be seen, and never where there is nobody."""

from __future__ import annotations

import random
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.core import foreign, permits
from callwell.core.headers import Hint
from callwell.core.permits import Permit, Quota
from callwell.core.rules import QuotaRule
from tests.core.foreign_world import KINDS, Account, Counter, Kind

MINUTE = QuotaRule(limit=100, window_s=60.0)
DAY = QuotaRule(limit=1000, window_s=86_400.0)
FIXED = QuotaRule(limit=100, window_s=60.0, window="fixed")


def quota(rule: QuotaRule) -> Quota:
    """As a bucket knows it."""
    return permits.quota(rule, 60.0)


def rule(kind: Kind, limit: int, window_s: float) -> QuotaRule:
    """What a profile says about a server that counts so."""
    return QuotaRule(limit=limit, window_s=window_s, window="fixed" if kind in ("aligned", "begun") else "unknown")


@given(
    kind=st.sampled_from(KINDS),
    told=st.booleans(),
    limit=st.integers(1, 30),
    window_s=st.sampled_from([1.0, 10.0, 60.0]),
    offset_s=st.floats(0.0, 60.0),
    most=st.integers(1, 40),
    slow=st.sampled_from([0.0, 0.01, 0.3, 2.5]),
    rate=st.sampled_from([0.9995, 1.0, 1.0005]),
    seed=st.integers(0, 2**32),
)
def test_nobody_is_seen_where_nobody_is(  # noqa: PLR0917 - drawn
    kind: Kind,
    told: bool,  # noqa: FBT001 - drawn
    limit: int,
    window_s: float,
    offset_s: float,
    most: int,
    slow: float,
    rate: float,
    seed: int,
) -> None:
    """However windows lie and answers overtake each other, nothing is parked, and nothing refused."""
    dice = random.Random(seed)
    known = rule(kind, limit, window_s) if told else QuotaRule(limit=limit, window_s=window_s)
    counter = Counter(kind, limit, window_s, offset_s)
    account = Account(known, counter, dice, most, slow * window_s, rate=rate)
    for _ in range(30):
        account.ours(dice.random() * 6 * window_s)
    account.run(6 * window_s)
    assert (account.parked, account.refused) == (0, [])
    assert account.sent


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_what_others_spend_is_left_to_them(kind: Kind, share: float) -> None:
    """With others on the account hardly anything is refused, and what they leave is used."""
    account = Account(rule(kind, 120, 60.0), Counter(kind, 120, 60.0, 17.0), dice := random.Random(1))
    at = 0.0
    while at < 1200.0:
        at += dice.expovariate(share * 2.0)
        account.others(at)
    account.ours(5.0)
    account.run(1200.0)
    sent, refused = len(account.sent), len(account.refused)
    assert refused < 0.02 * sent, (refused, sent)
    assert account.theirs + sent - refused > 0.85 * 120 * 20, (account.theirs, sent)
