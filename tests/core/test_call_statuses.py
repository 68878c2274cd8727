# SPDX-License-Identifier: Apache-2.0
"""Statuses are what they are: redirects, impatience, proxies, gateways and numbers that do not exist."""

from __future__ import annotations

from itertools import product

import pytest

from callwell.core import outcome
from callwell.core.call import Call
from callwell.core.rules.profile import RetryRule
from callwell.core.types import Answered, Fail, FailReason, Finish, Lost, Outcome, Probe, Traits
from tests.core.call_world import DELETE, IDEMPOTENT, PROBED, SAFE, UNSAFE, Turn, attempts, play

RULE = RetryRule()
OK = Answered(200)
PAGE = Answered(200, whole=False, from_gateway=True)

REPEATED = "repeated"
REFUSED = "refused"
UNKNOWN = "unknown"
DONE = "done"

LOW = (100, 101, 102, 199)
ELSEWHERE = (300, 301, 302, 304, 305, 306, 399)
GATEWAY = (500, 502, 504, 505, 507, 520, 522, 529, 530, 598, 599)
NO_STATUS = (600, 666, 999)


def fate(traits: Traits, answer: Answered) -> str:
    """What a call does after this first response, and what is known if it fails at once."""
    story = attempts(Call(traits, RULE), answer, OK)
    if len(story.sends) > 1:
        return REPEATED
    return str(story.last.outcome) if isinstance(story.last, Fail) else DONE


@pytest.mark.parametrize(
    ("statuses", "safe", "idempotent", "unsafe"),
    [
        (LOW, REPEATED, REPEATED, UNKNOWN),
        (ELSEWHERE, REFUSED, UNKNOWN, UNKNOWN),
        ((303,), REFUSED, DONE, DONE),
        ((307, 308), REFUSED, REFUSED, REFUSED),
        ((400, 401, 402, 403, 404, 405, 407, 409, 410, 413, 421, 422, 431, 451), REFUSED, REFUSED, REFUSED),
        ((408, 460, 499), REPEATED, REPEATED, UNKNOWN),
        ((425, 511), REPEATED, REPEATED, REPEATED),
        ((429,), REPEATED, REPEATED, REPEATED),
        (GATEWAY, REPEATED, REPEATED, UNKNOWN),
        (NO_STATUS, REPEATED, REPEATED, UNKNOWN),
    ],
    ids=str,
)
def test_each_status_is_what_it_is(statuses: tuple[int, ...], safe: str, idempotent: str, unsafe: str) -> None:
    """A row of the table in `outcome`, for safe, idempotent and unsafe operations."""
    for status in statuses:
        answer = Answered(status)
        assert (fate(SAFE, answer), fate(IDEMPOTENT, answer), fate(UNSAFE, answer)) == (safe, idempotent, unsafe)


def test_a_page_in_the_place_of_a_result_proves_nothing() -> None:
    """A 2xx that is not the provider's is repeated where that does no harm, and unknown where it could."""
    assert [fate(traits, PAGE) for traits in (SAFE, IDEMPOTENT, UNSAFE)] == [REPEATED, REPEATED, UNKNOWN]
    assert attempts(Call(UNSAFE, RULE), PAGE).last == Fail(FailReason.UNKNOWN, Outcome.UNKNOWN, 1)
    assert attempts(Call(SAFE, RULE), PAGE).last == Fail(FailReason.ANSWER, Outcome.REFUSED, RULE.attempts)


@pytest.mark.parametrize("answer", [PAGE, Answered(303), Answered(302), Answered(408), Answered(600), Answered(101)])
def test_what_a_marker_can_tell_is_looked_up(answer: Answered) -> None:
    """A response that does not bring the object has a marked call look for it."""
    story = play(Call(PROBED, RULE), [Turn(answer, found=True)])
    assert isinstance(story.moments[-1].action, Probe)
    assert (story.last, len(story.sends)) == (Finish(1), 1)


def test_a_missing_page_of_a_gateway_is_no_deletion() -> None:
    """A 404 in HTML after a DELETE of unknown outcome does not say that the thing is gone."""
    lost = Lost(Outcome.UNKNOWN)
    assert isinstance(attempts(Call(DELETE, RULE), lost, Answered(404)).last, Finish)
    page = attempts(Call(DELETE, RULE), lost, Answered(404, from_gateway=True)).last
    assert page == Fail(FailReason.ANSWER, Outcome.UNKNOWN, 2)


@pytest.mark.parametrize(("answer", "billed"), [(Answered(200, whole=False), 2), (PAGE, 0), (Answered(408), 0)])
def test_a_page_or_a_refusal_to_wait_is_billed_by_nobody(answer: Answered, billed: int) -> None:
    """Where arrivals may be billed, those count that the provider may have answered, and no others."""
    rule = RetryRule(lost_attempts=2)
    last = attempts(Call(SAFE, rule), answer).last
    assert isinstance(last, Fail)
    assert last.possibly_billed == billed


@pytest.mark.parametrize("status", [408, 425, 429, 503, 520, 522, 529, 530, 598])
def test_a_named_time_is_waited_for(status: int) -> None:
    """Whoever says when to come back is not asked before."""
    story = attempts(Call(SAFE, RULE), Answered(status, retry_after_s=17.0), OK)
    assert story.waits == [17.0]


def test_no_answer_claims_more_than_it_says() -> None:
    """For every status, with and without doubt: what is repeated or refused is never one that may have been done."""
    for status, page, whole in product(range(1000), (False, True), (False, True)):
        answer = Answered(status, from_gateway=page, whole=whole and not page)
        verdict = outcome.judge(UNSAFE, answer, may_be_done=False)
        known = outcome.known_outcome(UNSAFE, answer, may_be_done=False)
        if outcome.is_ambiguous(answer):
            assert (verdict, known) == (outcome.Judgement.UNKNOWN, Outcome.UNKNOWN)
        elif outcome.is_known_done(UNSAFE, answer):
            assert verdict in (outcome.Judgement.DONE, outcome.Judgement.RESULT_LOST)
            assert known is Outcome.DONE
        else:
            assert known is Outcome.REFUSED
