# SPDX-License-Identifier: Apache-2.0
"""What happens to the record of an account: each decision by itself, and any row of them."""

from __future__ import annotations

import random
from math import inf
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from callwell.core import breaker, retry
from callwell.core.quota import account, buckets
from callwell.core.quota.account import AnsweredBatch, ObservedQuota, Released
from callwell.core.quota.hint import QuotaHint
from callwell.core.quota.permits import Permit
from callwell.core.quota.record import PLAIN_SUCCESS, AccountRecord, SendEnd
from callwell.core.rules.profile import QuotaRule
from callwell.core.types import Outcome
from tests.core.account_world import BOTH, HOLD_S, LONG, SHORT, acquired, bucket, call, places, quotas

LOST: Final = SendEnd(Outcome.UNKNOWN, closes_in_s=2.0)
UNSENT: Final = SendEnd(Outcome.REFUSED)
CUT_OFF: Final = SendEnd(Outcome.UNKNOWN, request_arrived=True)
THROTTLED: Final = SendEnd(Outcome.DONE, 429, wait_s=4.0)
FAILED: Final = SendEnd(Outcome.DONE, 503)
LEFT: Final = SendEnd(Outcome.UNKNOWN, inconclusive=True)

DEAD: Final = breaker.Breaker(failures=breaker.FAILURE_THRESHOLD, openings=1, open_until=100.0)


def test_a_permit_is_one_of_each_quota_and_pays_for_its_call() -> None:
    """Every quota of the call has one permit less, and the retry budget knows of the call."""
    record = AccountRecord(budget=retry.RetryBudget(tokens=0.0))
    after, permit = acquired(record, now=7.0)
    assert permit == Permit(acquired_at=7.0, expires_at=inf, cooled_before=(0, 0))
    assert places(bucket(after, "short")) == (2, 1, 0, 0)
    assert places(bucket(after, "long")) == (999, 1, 0, 0)
    assert after.budget.tokens == retry.TOKENS_PER_CALL
    retried, _ = account.acquire(record, BOTH, 7.0, retrying=True)
    assert retried.budget.tokens == -1.0


def test_a_shared_permit_expires() -> None:
    """Where others see the record a permit comes back by itself, later where the request may take longer."""
    counted = call(quotas(private=False))
    _, (permit, _) = account.acquire(AccountRecord(), counted, 1.0, extra_s=20.0)
    assert isinstance(permit, Permit)
    assert permit.expires_at == 1.0 + HOLD_S + 20.0


def test_nothing_is_acquired_while_one_quota_is_used_up() -> None:
    """The long quota has plenty, and is left alone while the short one has nothing."""
    record = AccountRecord()
    for _ in range(3):
        record, _ = acquired(record)
    before = record.budget
    record, (got, count) = account.acquire(record, BOTH, 1.0)
    assert (got, count, record.budget) == (inf, 0, before)
    assert places(bucket(record, "long")) == (997, 3, 0, 0)


@pytest.mark.parametrize(
    ("failures", "adaptive", "limit", "count"),
    [(0, False, 640, 10), (1, False, 640, 1), (0, True, 640, 1), (0, False, 63, 1)],
)
def test_permits_are_acquired_ahead_where_nothing_speaks_against_it(
    failures: int,
    adaptive: bool,  # noqa: FBT001 - a table
    limit: int,
    count: int,
) -> None:
    """A small share of what is available, and one only while the provider fails or a quota is undocumented."""
    rules = {"plenty": QuotaRule(limit=limit, window_s=10.0)} | (
        {"other": QuotaRule(adaptive=True)} if adaptive else {}
    )
    counted = call(quotas(rules))
    record = AccountRecord(breaker=breaker.Breaker(failures=failures))
    record, (got, many) = account.acquire(record, counted, 0.0, wanted=100)
    assert isinstance(got, Permit)
    assert many == count
    assert places(bucket(record, "plenty", counted.own)) == (limit - count, count, 0, 0)


def test_an_open_breaker_names_its_end_and_a_trial_none() -> None:
    """One attempt tries a provider that was dead; when it ends is unknown."""
    record = AccountRecord(breaker=DEAD)
    assert account.acquire(record, BOTH, 50.0) == (record, (100.0, 0))
    trying, _ = acquired(record, now=101.0)
    assert account.acquire(trying, BOTH, 102.0)[1] == (inf, 0)
    assert account.acquire(trying, BOTH, 101.0 + HOLD_S)[1][1] == 1


def test_an_undocumented_quota_lets_requests_out_evenly() -> None:
    """It has no bucket: its state is in the record, and a call waits for it as for any other."""
    counted = call(quotas({"other": QuotaRule(adaptive=True)}))
    record = AccountRecord()
    for _ in range(5):
        record, _ = acquired(record, counted)
    _, (got, count) = account.acquire(record, counted, 0.0)
    assert got == pytest.approx(0.1)
    assert count == 0
    assert account.spent(record, counted.own, 0.0) == {"other": (5, 20)}


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (PLAIN_SUCCESS, (2, 0, 1, 0)),
        (FAILED, (2, 0, 1, 0)),
        (THROTTLED, (2, 0, 1, 0)),
        (CUT_OFF, (2, 0, 1, 0)),
        (UNSENT, (3, 0, 0, 0)),
        (LOST, (2, 0, 0, 1)),
        (LEFT, (2, 0, 0, 1)),
    ],
)
def test_the_end_of_a_send_says_where_its_permit_goes(end: SendEnd, expected: tuple[int, ...]) -> None:
    """It cools if the request surely arrived, is in transit if it may arrive, and is available if nothing was sent."""
    record, permit = acquired(AccountRecord())
    record, released = account.release(record, BOTH, permit, end, 1.0)
    assert places(bucket(record, "short")) == expected
    assert released == Released(True, {})


def test_a_lost_request_is_in_transit_from_the_close_of_its_connection() -> None:
    """Its permit cools for W and D, and not from when its caller gave up."""
    counted = call(quotas({"one": QuotaRule(limit=1, window_s=10.0)}))
    record, permit = acquired(AccountRecord(), counted)
    record, _ = account.release(record, counted, permit, LOST, 1.0)
    _, (got, _) = account.acquire(record, counted, 1.0)
    assert got == pytest.approx(1.0 + 2.0 + 10.0 + 5.0, abs=0.1)


def test_a_throttled_quota_waits_for_as_long_as_the_answer_asks() -> None:
    """The shortest quota is throttled, and says when to ask again."""
    record, permit = acquired(AccountRecord())
    record, _ = account.release(record, BOTH, permit, THROTTLED, 1.0)
    assert account.acquire(record, BOTH, 1.0)[1] == (5.0, 0)
    assert bucket(record, "long").throttled_until == -inf


def test_a_429_that_may_be_about_a_key_alone_throttles_nothing() -> None:
    """Its permit was used; quotas, retry budget and breaker are as before."""
    for counted in (BOTH, call(quotas({"free": QuotaRule(adaptive=True)}))):
        record, permit = acquired(AccountRecord(), counted)
        after, _ = account.release(record, counted, permit, replace(THROTTLED, inconclusive=True), 1.0)
        assert isinstance(account.acquire(after, counted, 1.0)[1][0], Permit)
        assert (after.budget, after.breaker.failures) == (record.budget, 0)


def test_a_row_of_refusals_is_counted() -> None:
    """A 429 does not end the row; any other response to a request from after it does."""
    record = AccountRecord()
    for at in (0.0, 20.0):
        record, permit = acquired(record, now=at)
        record, _ = account.release(record, BOTH, permit, THROTTLED, at + 1.0)
    assert bucket(record, "short").throttle_count == 2
    record, permit = acquired(record, now=40.0)
    record, _ = account.release(record, BOTH, permit, PLAIN_SUCCESS, 41.0)
    assert bucket(record, "short").throttle_count == 0


def test_a_refusal_that_names_a_reset_is_tried_again_then() -> None:
    """Nothing is left for us: one permit comes back when the response said, the others much later."""
    counted = call(quotas({"long": LONG}))
    record, permit = acquired(AccountRecord(), counted)
    end = SendEnd(Outcome.DONE, 429, hints=(QuotaHint(name="long", remaining=0, reset_s=9.0),))
    record, _ = account.release(record, counted, permit, end, 1.0)
    assert bucket(record, "long", counted.own).available == 0
    _, (got, _) = account.acquire(record, counted, 1.0)
    assert got == pytest.approx(1.0 + 9.0 + 1.0, abs=1.0)


def test_an_undocumented_quota_slows_down_after_a_refusal() -> None:
    """A 429 pauses it; any other response ends the row; an interrupt leaves as many in flight as are in hand."""
    counted = call(quotas({"other": QuotaRule(adaptive=True)}))
    record, permit = acquired(AccountRecord(), counted)
    record, _ = acquired(record, counted, 0.2)
    refused, _ = account.release(record, counted, permit, THROTTLED, 1.0)
    assert refused.adaptives["other"].refusals == 1
    assert account.acquire(refused, counted, 1.0)[1] == (5.0, 0)
    interrupted = account.reconcile(record, counted.own, {"other": 1}, {}, 5.0)
    assert account.spent(interrupted, counted.own, 1.0)["other"][0] == 1


@pytest.mark.parametrize(
    ("end", "failures"), [(FAILED, 1), (LOST, 1), (CUT_OFF, 1), (THROTTLED, 0), (LEFT, 0), (PLAIN_SUCCESS, 0)]
)
def test_failures_count_for_breaker_and_budget(end: SendEnd, failures: int) -> None:
    """A 5xx and a missing response are failures; a 429 is none, nor is a response that no caller waited for."""
    record, permit = acquired(AccountRecord())
    record, _ = account.release(record, BOTH, permit, end, 1.0)
    assert record.breaker.failures == failures
    assert record.budget.failures.bit_count() == failures


def test_a_caller_that_left_ends_a_trial_and_judges_nobody() -> None:
    """The next call may try the provider at once."""
    record, permit = acquired(AccountRecord(breaker=DEAD), now=101.0)
    record, _ = account.release(record, BOTH, permit, LEFT, 102.0)
    assert record.breaker == DEAD
    assert account.acquire(record, BOTH, 102.0)[1][1] == 1


def test_no_retry_while_the_budget_is_in_debt() -> None:
    """A provider that looks dead gets no more retries than calls pay for."""
    dead = retry.RetryBudget(tokens=-1.0, failures=retry.ALL_BITS, attempts=retry.SAMPLE)
    record, permit = acquired(AccountRecord(budget=dead))
    _, released = account.release(record, BOTH, permit, FAILED, 1.0)
    assert not released.may_retry


def test_headers_set_permits_aside_and_are_observed() -> None:
    """What others have spent, and a lower limit, are in the record and in what the caller learns."""
    record, permit = acquired(AccountRecord())
    end = replace(PLAIN_SUCCESS, hints=(QuotaHint(name="long", limit=900, remaining=500),))
    record, released = account.release(record, BOTH, permit, end, 1.0)
    assert released.observed["short"] == ObservedQuota(foreign=0, limit=3, documented_limit=3)
    limit = released.observed["long"]
    assert (limit.limit, limit.documented_limit) == (900, 1000)
    assert limit.foreign >= 399
    assert bucket(record, "long").available == 1000 - 100 - 1 - limit.foreign


def test_hints_about_resets_free_a_fixed_window() -> None:
    """Two answers that name the same end of the window bring the permits back then."""
    counted = call(quotas({"fixed": QuotaRule(limit=2, window_s=60.0, window="fixed")}))
    record = AccountRecord()
    for now, left_s in ((0.0, 30.0), (10.0, 20.0)):
        record, permit = acquired(record, counted, now)
        end = replace(PLAIN_SUCCESS, hints=(QuotaHint(name="fixed", reset_s=left_s),))
        record, _ = account.release(record, counted, permit, end, now)
    _, (got, _) = account.acquire(record, counted, 11.0)
    assert 30.0 <= got <= 32.0  # type: ignore[operator] # a time, as the quota is used up


def test_a_batch_is_released_as_its_permits_would_be_singly() -> None:
    """The same number cools for as long, and budget and breaker have counted the same."""
    record = AccountRecord(breaker=breaker.Breaker(failures=3))
    for _ in range(3):
        record, permit = acquired(record)
    singly = record
    for _ in range(3):
        singly, _ = account.release(singly, BOTH, permit, PLAIN_SUCCESS, 2.0)
    together = account.release_batch(record, BOTH, AnsweredBatch(0.0, answered=3, answered_at=2.0, begun=0), 2.0)
    assert together == singly


def test_calls_of_a_batch_pay_for_retries() -> None:
    """A call that took its permit from a batch pays in when the batch is released."""
    record = AccountRecord(budget=retry.RetryBudget(tokens=0.0))
    after = account.release_batch(record, BOTH, AnsweredBatch(0.0, answered=0, answered_at=0.0, begun=5), 2.0)
    assert after.budget.tokens == pytest.approx(0.5)
    assert after.breaker == record.breaker


def test_an_unused_permit_leaves_no_trace() -> None:
    """Everything can be acquired as before, and a trial that did not begin is over."""
    before = AccountRecord(breaker=DEAD)
    record, permit = acquired(before, now=101.0)
    record = account.return_unused(record, BOTH, permit, 1, 102.0)
    assert places(bucket(record, "short")) == (3, 0, 0, 0)
    assert record.breaker == DEAD


def test_an_abandoned_permit_is_released_by_the_end_of_its_request() -> None:
    """It is held until the connection is closed at the latest, and its first form is worth nothing any more."""
    record, permit = acquired(AccountRecord())
    record, abandoned = account.abandon(record, BOTH, permit, 40.0, 1.0)
    assert abandoned == replace(permit, expires_at=40.0)
    assert places(bucket(record, "short")) == (2, 1, 0, 0)
    again, _ = account.release(record, BOTH, permit, PLAIN_SUCCESS, 2.0)
    assert places(bucket(again, "short")) == (2, 1, 0, 0)
    ended, _ = account.release(record, BOTH, abandoned, PLAIN_SUCCESS, 3.0)
    assert places(bucket(ended, "short")) == (2, 0, 1, 0)
    assert account.spent(record, BOTH.own, 40.0 + 5.0 + 10.0 + 1.0)["short"] == (0, 3)


@pytest.mark.parametrize(
    ("in_hand", "maybe_used", "expected"),
    [(3, 0, (0, 3, 0, 0)), (1, 0, (2, 1, 0, 0)), (1, 1, (1, 1, 0, 1)), (0, 9, (0, 0, 0, 3))],
)
def test_an_interrupted_record_agrees_with_its_holders(
    in_hand: int, maybe_used: int, expected: tuple[int, ...]
) -> None:
    """Permits without a holder are available, or in transit if they may have been used."""
    record = AccountRecord()
    for _ in range(3):
        record, _ = acquired(record)
    record = account.reconcile(record, BOTH.own, {"short": in_hand}, {"short": maybe_used}, 5.0)
    assert places(bucket(record, "short")) == expected


def test_another_version_of_the_profile_counts_the_call_too() -> None:
    """Its bucket holds a permit and gets it back, and learns nothing from headers."""
    ours = quotas({"q": QuotaRule(limit=5, window_s=10.0)}, private=False)
    theirs = quotas({"q": QuotaRule(limit=2, window_s=10.0)}, private=False)
    record = AccountRecord(
        rules=ours.rules | theirs.rules, versions_seen={ours.version: 0.0, theirs.version: 0.0}, boot="b"
    )
    counted = call(ours)
    record, permit = acquired(record, counted)
    assert [places(bucket(record, "q", own))[:2] for own in (ours, theirs)] == [(4, 1), (1, 1)]
    end = replace(PLAIN_SUCCESS, hints=(QuotaHint(name="q", limit=5, remaining=0),))
    released, _ = account.release(record, counted, permit, end, 1.0)
    assert places(bucket(released, "q", ours)) == (0, 0, 1, 0)
    assert places(bucket(released, "q", theirs)) == (1, 0, 1, 0)
    unused = account.return_unused(record, counted, permit, 1, 1.0)
    assert [bucket(unused, "q", own).available for own in (ours, theirs)] == [5, 2]
    left, _ = account.abandon(record, counted, permit, 3.0, 1.0)
    assert [bucket(left, "q", own).held != bucket(record, "q", own).held for own in (ours, theirs)] == [True, True]


ENDS: Final = (PLAIN_SUCCESS, FAILED, THROTTLED, CUT_OFF, UNSENT, LOST, LEFT)


@given(seed=st.integers(0, 2**32), private=st.booleans())
def test_permits_add_up_whatever_happens(seed: int, private: bool) -> None:  # noqa: FBT001 - drawn
    """After any row of decisions each permit is in one place, and as many are held as are in somebody's hand."""
    dice = random.Random(seed)
    own = quotas({"short": SHORT, "long": LONG, "other": QuotaRule(adaptive=True)}, private=private)
    counted = call(own)
    record = AccountRecord()
    out: list[Permit] = []
    now = 0.0
    for _ in range(60):
        now += dice.choice([0.0, 0.1, 3.0])
        if out and dice.random() < 0.6:
            permit = out.pop(dice.randrange(len(out)))
            what = dice.random()
            if what < 0.2:
                record = account.return_unused(record, counted, permit, 1, now)
            elif what < 0.4:
                record, abandoned = account.abandon(record, counted, permit, now + 1000.0, now)
                out.append(abandoned)
            else:
                record, _ = account.release(record, counted, permit, dice.choice(ENDS), now)
        else:
            record, (got, _) = account.acquire(record, counted, now, wanted=dice.choice([1, 5]))
            if isinstance(got, Permit):
                out.append(got)
        for name, quota in own.documented.items():
            result = bucket(record, name, own)
            assert buckets.is_consistent(quota, result)
            assert result.available >= 0
            if private:
                assert places(result)[1] == len(out)
        if private:
            assert account.spent(record, own, now)["other"][0] == len(out)
