# SPDX-License-Identifier: Apache-2.0
"""How long to wait before the next attempt, and whether the provider's retry budget allows one.

The wait is `min(20, 0.5 * 2**n) * (0.5 + 0.5 * roll)` seconds: exponential with the cap before the jitter, as in AWS
standard mode, but never below half of the step, so that jitter cannot cause a retry storm, and never shorter than the
wait before.

The budget is a token bucket that all calls to one provider share. Every call pays in a tenth of a token when it begins
and every retry takes a whole one, so a provider that keeps failing sees at most 1.1 attempts per call in the long run.
It applies only while the provider looks dead (fewer than half of the last `SAMPLE` attempts got a response other than a
5xx): retries made before that was noticed leave a debt, which is paid first. Whatever happened before, n calls to a
dead provider cost at most max(25, 10 + n / 10) retries; 49 instead of 25 for a new client. AWS charges 14 of 500 tokens
instead; its bucket guards the calls of one process, ours promises a ratio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from callwell.core.rules.profile import RetryRule

SAMPLE: Final = 50
"""Attempts that a provider is judged by: enough to tell an outage from bad luck, few enough to notice it soon."""

ALL_BITS: Final = (1 << SAMPLE) - 1
"""A bit for each of these attempts."""

TOKENS_PER_CALL: Final = 0.1
"""Tokens that a call pays in: retries per call while the provider looks dead."""

MAX_TOKENS: Final = 10.0
"""The most tokens that accumulate: the retries that a dead provider may cost immediately."""

MIN_TOKENS: Final = -100.0
"""The deepest debt: a thousand calls pay it back."""

MAX_DOUBLINGS: Final = 60
"""More would overflow; any cap is reached long before."""


def backoff(rule: RetryRule, n: int, roll: float, previous: float = 0.0) -> float:
    """Seconds to wait before the next attempt.

    Args:
        rule: the provider's rule.
        n: failures so far, less one: 0 before the second attempt.
        roll: a random number in [0, 1).
        previous: seconds of the last such wait of the same call; this one is not shorter.
    """
    step_s = min(rule.cap_s, rule.base_s * 2.0 ** min(n, MAX_DOUBLINGS))
    return max(previous, step_s * (0.5 + 0.5 * roll))


def allow_unsafe_5xx(rule: RetryRule) -> RetryRule:
    """The rule of a caller that wants unsafe operations retried after a 5xx, at the risk of doing them twice."""
    return replace(rule, unsafe_5xx=True)


class RetryBudget(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The retry budget of one provider. Stored by position.

    Attributes:
        tokens: retries that may be made while the provider looks dead; below zero it is a debt.
        failures: a bit for each of the last attempts, the newest lowest: one if it failed.
        attempts: how many of them there are, up to `SAMPLE`.
    """

    tokens: float = MAX_TOKENS
    failures: int = 0
    attempts: int = 0


def looks_dead(budget: RetryBudget) -> bool:
    """Whether fewer than half of the last `SAMPLE` attempts succeeded; fewer attempts than that show nothing."""
    return budget.attempts == SAMPLE and budget.failures.bit_count() * 2 > SAMPLE


def begin_calls(budget: RetryBudget, calls: int = 1) -> RetryBudget:
    """The budget after `calls` calls have begun."""
    return replace(budget, tokens=min(MAX_TOKENS, budget.tokens + TOKENS_PER_CALL * calls))


def record_successes(budget: RetryBudget, attempts: int) -> RetryBudget:
    """The budget after `attempts` attempts that got a response other than a 5xx."""
    failures = (budget.failures << min(attempts, SAMPLE)) & ALL_BITS
    return replace(budget, failures=failures, attempts=min(SAMPLE, budget.attempts + attempts))


def record_attempt(budget: RetryBudget, *, failed: bool) -> RetryBudget:
    """The budget after an attempt.

    Args:
        budget: the budget before.
        failed: the attempt got no response, or a 5xx. A 429 is not a failure: the provider is alive to send it.
    """
    if not failed:
        return record_successes(budget, 1)
    failures = ((budget.failures << 1) | 1) & ALL_BITS
    return replace(budget, failures=failures, attempts=min(SAMPLE, budget.attempts + 1))


def append_attempts(budget: RetryBudget, later: RetryBudget) -> RetryBudget:
    """The budget after the attempts that another budget has recorded since."""
    failures = ((budget.failures << later.attempts) | later.failures) & ALL_BITS
    return replace(budget, failures=failures, attempts=min(SAMPLE, budget.attempts + later.attempts))


def allows_retry(budget: RetryBudget) -> bool:
    """Whether a retry may be made now."""
    return budget.tokens >= 1.0 or not looks_dead(budget)


def spend_retry(budget: RetryBudget) -> RetryBudget:
    """The budget after a retry was granted."""
    return replace(budget, tokens=max(MIN_TOKENS, budget.tokens - 1.0))
