# SPDX-License-Identifier: Apache-2.0
"""The wait formula, and what the retry budget promises about a dead provider."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.core import retry
from callwell.core.retry import RetryBudget
from callwell.core.rules.profile import RetryRule

RULE = RetryRule()
rolls = st.floats(0.0, 1.0, exclude_max=True)


@given(n=st.integers(0, 10_000), roll=rolls, previous=st.floats(0.0, 20.0))
def test_waits_are_within_their_bounds(n: int, roll: float, previous: float) -> None:
    """Between half of the step and the step, the cap being 20 s, and never shorter than the one before."""
    step = min(20.0, 0.5 * 2.0 ** min(n, 99))
    assert step / 2 <= retry.backoff(RULE, n, roll) <= step
    assert retry.backoff(RULE, n, roll, previous) == max(previous, retry.backoff(RULE, n, roll))


@pytest.mark.parametrize(
    ("n", "roll", "wait_s"), [(0, 0.0, 0.25), (0, 0.5, 0.375), (3, 0.0, 2.0), (5, 1.0, 16.0), (9, 0.5, 15.0)]
)
def test_the_wait_is_the_formula(n: int, roll: float, wait_s: float) -> None:
    """`min(20, 0.5 * 2**n) * (0.5 + 0.5 * roll)`."""
    assert retry.backoff(RULE, n, roll) == wait_s


class Provider:
    """Calls that are repeated as far as the budget lets them, and a count of both."""

    def __init__(self, budget: RetryBudget = RetryBudget()) -> None:  # noqa: B008 - frozen
        self.budget = budget
        self.calls = 0
        self.retries = 0

    def call(self, dice: random.Random, chance: float, attempts: int = 6) -> None:
        """One call; each of its attempts fails with this chance."""
        self.calls += 1
        self.budget = retry.begin_calls(self.budget)
        for _ in range(attempts - 1):
            failed = dice.random() < chance
            self.budget = retry.record_attempt(self.budget, failed=failed)
            if not failed or not retry.allows_retry(self.budget):
                return
            self.budget = retry.spend_retry(self.budget)
            self.retries += 1
        self.budget = retry.record_attempt(self.budget, failed=dice.random() < chance)


def past(tokens: float, failures: int, order: random.Random) -> RetryBudget:
    """A budget with a full memory of so many failures, in any order."""
    outcomes = [1] * failures + [0] * (retry.SAMPLE - failures)
    order.shuffle(outcomes)
    return RetryBudget(tokens, int("".join(map(str, outcomes)), 2), retry.SAMPLE)


tokens = st.floats(retry.MIN_TOKENS, retry.MAX_TOKENS)
pasts = st.builds(past, tokens, st.integers(0, retry.SAMPLE), st.randoms(use_true_random=False))
dead = st.builds(past, tokens, st.integers(26, retry.SAMPLE), st.randoms(use_true_random=False))


@given(budget=pasts | st.just(RetryBudget()), calls=st.integers(1, 400), attempts=st.integers(1, 9))
def test_a_dead_provider_sees_a_tenth_more(budget: RetryBudget, calls: int, attempts: int) -> None:
    """From any past: what it takes to notice (25 retries, 49 of a new client), or 10 and a tenth per call if more."""
    provider = Provider(budget)
    for _ in range(calls):
        provider.call(random.Random(0), 1.0, attempts)
    unnoticed = 25 if budget.attempts == retry.SAMPLE else retry.SAMPLE - 1
    assert provider.retries <= max(unnoticed, retry.MAX_TOKENS + 0.1 * calls + 1e-6)


@given(budget=dead, calls=st.integers(1, 400))
def test_while_it_looks_dead_only_tokens_count(budget: RetryBudget, calls: int) -> None:
    """Over any span in which it looks dead: retries <= what was saved up and a tenth per call; a debt is paid first."""
    provider = Provider(budget)
    for _ in range(calls):
        provider.call(random.Random(0), 1.0)
    assert provider.retries <= max(0.0, budget.tokens + 0.1 * calls + 1e-6)


@given(seed=st.integers(), chance=st.floats(0.0, 1.0))
def test_over_any_span_retries_follow_from_tokens(seed: int, chance: float) -> None:
    """Unless the floor forgives a debt, retries are tokens: never more than 10, a tenth per call, and the debt left."""
    dice = random.Random(seed)
    provider = Provider()
    forgiven = False
    for _ in range(300):
        provider.call(dice, chance)
        forgiven = forgiven or provider.budget.tokens < retry.MIN_TOKENS + 6
        if not forgiven:
            assert provider.retries <= retry.MAX_TOKENS + 0.1 * provider.calls - provider.budget.tokens + 1e-6
        assert retry.MIN_TOKENS <= provider.budget.tokens <= retry.MAX_TOKENS


def test_a_living_provider_is_not_bound() -> None:
    """While half of the last fifty attempts succeed, a retry is always allowed."""
    failures = (1 << 25) - 1
    assert retry.allows_retry(RetryBudget(-50.0, failures, retry.SAMPLE))
    assert not retry.allows_retry(RetryBudget(-50.0, failures << 1 | 1, retry.SAMPLE))
    assert not retry.allows_retry(RetryBudget(0.9, (1 << 50) - 1, retry.SAMPLE))
    assert retry.allows_retry(RetryBudget(1.0, (1 << 50) - 1, retry.SAMPLE))


def test_a_few_failures_tell_nothing() -> None:
    """Fewer than fifty attempts do not make a provider look dead."""
    budget = RetryBudget(0.0)
    for _ in range(retry.SAMPLE - 1):
        budget = retry.record_attempt(budget, failed=True)
        assert retry.allows_retry(budget)
    assert not retry.allows_retry(retry.record_attempt(budget, failed=True))


def test_a_provider_that_comes_back_is_noticed() -> None:
    """Twenty-five successes after fifty failures, and it looks alive again."""
    budget = RetryBudget(-100.0, (1 << 50) - 1, retry.SAMPLE)
    for _ in range(25):
        assert retry.looks_dead(budget)
        budget = retry.record_attempt(budget, failed=False)
    assert not retry.looks_dead(budget)
