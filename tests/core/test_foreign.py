# SPDX-License-Identifier: Apache-2.0
"""What others spend is seen where it can be seen, and never where there are no others."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callwell.core.quota import foreign, permits
from callwell.core.quota.hint import QuotaHint
from callwell.core.quota.permits import Permit
from callwell.core.rules.profile import QuotaRule
from tests.core.foreign_world import KINDS, Account, Counter, Kind

if TYPE_CHECKING:
    from callwell.core.quota.permits import Bucket

MINUTE = permits.to_quota(QuotaRule(limit=100, window_s=60.0), 60.0)
DAY = permits.to_quota(QuotaRule(limit=1000, window_s=86_400.0), 60.0)


def rule(kind: Kind, limit: int, window_s: float) -> QuotaRule:
    """What a profile says about a server that counts so."""
    return QuotaRule(limit=limit, window_s=window_s, window="fixed" if kind in ("aligned", "begun") else "unknown")


@given(
    kind=st.sampled_from(KINDS),
    documented=st.booleans(),
    limit=st.integers(1, 30),
    window_s=st.sampled_from([1.0, 10.0, 60.0]),
    offset_s=st.floats(0.0, 60.0),
    most=st.integers(1, 40),
    slow=st.sampled_from([0.0, 0.01, 0.3, 2.5]),
    rate=st.sampled_from([0.9995, 1.0, 1.0005]),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=60)
def test_nobody_is_seen_where_nobody_is(  # noqa: PLR0917 - drawn
    kind: Kind,
    documented: bool,  # noqa: FBT001 - drawn
    limit: int,
    window_s: float,
    offset_s: float,
    most: int,
    slow: float,
    rate: float,
    seed: int,
) -> None:
    """However windows lie and answers overtake each other, nothing is set aside, and nothing refused."""
    dice = random.Random(seed)
    known = rule(kind, limit, window_s) if documented else QuotaRule(limit=limit, window_s=window_s)
    counter = Counter(kind, limit, window_s, offset_s)
    account = Account(known, counter, dice, most, slow * window_s, rate=rate)
    for _ in range(30):
        account.ours(dice.random() * 6 * window_s)
    account.run(6 * window_s)
    assert (account.set_aside, account.refused) == (0, [])
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
    sent = len(account.sent)
    refused = len(account.refused)
    assert refused < 0.02 * sent, (refused, sent)
    assert account.theirs + sent - refused > 0.85 * 120 * 20, (account.theirs, sent)


@pytest.mark.parametrize(
    ("hints", "found"),
    [
        ([QuotaHint(name="day", limit=5, remaining=3)], [1]),
        ([QuotaHint(name="x", remaining=3, window_s=86_400.0)], [1]),
        ([QuotaHint(name="x", remaining=3, window_s=3600.0)], []),
        ([QuotaHint(limit=1000, remaining=3)], [1]),
        ([QuotaHint(limit=60, remaining=3)], [0]),
        ([QuotaHint(remaining=3)], [0]),
        ([QuotaHint(limit=60, remaining=3, reset_s=3600.0)], []),
        ([QuotaHint(name="a", limit=100, remaining=3), QuotaHint(name="b", limit=7, remaining=3)], [0]),
        (
            [
                QuotaHint(name="a", limit=100, remaining=3, window_s=60.0),
                QuotaHint(name="b", limit=1000, remaining=3, window_s=86_400.0),
            ],
            [0, 1],
        ),
    ],
)
def test_a_hint_finds_its_quota(hints: list[QuotaHint], found: list[int]) -> None:
    """By name, window or limit; the first where it is alone and says none of them; none that ends after its window."""
    assert [i for i, _ in foreign.match_hints(hints, ("minute", "day"), (MINUTE, DAY))] == found


def learnt(bucket: Bucket, hint: QuotaHint, at: float = 10.0) -> Bucket:
    """The bucket after one call with a response that says that."""
    (after,), permit = permits.acquire((MINUTE,), (bucket,), at)
    assert isinstance(permit, Permit)
    answered = permits.release_answered(MINUTE, after, permit, at + 0.1)
    return foreign.learn(MINUTE, answered, permit, at + 0.1, hint, cooled_before=permit.cooled_before[0])


def test_a_lower_limit_is_obeyed_until_it_is_raised() -> None:
    """The permits between the two limits are withheld, and do not count as foreign."""
    lowered = learnt(permits.full_bucket(MINUTE), QuotaHint(limit=60, remaining=59))
    assert (lowered.available, lowered.withheld, lowered.foreign) == (59, 40, ())
    assert permits.refill(MINUTE, lowered, 1000.0).available == 60
    raised = learnt(permits.refill(MINUTE, lowered, 1000.0), QuotaHint(limit=100, remaining=99), 1000.0)
    assert (raised.available, raised.withheld) == (99, 0)


def test_a_header_that_lied_is_forgotten_when_another_says_otherwise() -> None:
    """A header said that nothing was left, all but one permit was set aside, and one true answer is enough."""
    lied = learnt(permits.full_bucket(MINUTE), QuotaHint(limit=100, remaining=0))
    assert lied.available == 0
    true = learnt(permits.refill(MINUTE, lied, 20.0), QuotaHint(limit=100, remaining=98), 20.0)
    assert true.available > 90
