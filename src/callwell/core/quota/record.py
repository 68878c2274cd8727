# SPDX-License-Identifier: Apache-2.0
"""The record of an account, and what the end of a Send does to its quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.core import breaker
from callwell.core.breaker import Breaker  # noqa: TC001 - the same
from callwell.core.quota import adaptive, foreign, permits
from callwell.core.quota.adaptive import AdaptiveQuota  # noqa: TC001 - a stored `Shared` is read by its annotations
from callwell.core.quota.permits import Bucket  # noqa: TC001 - the same
from callwell.core.quota.versions import VersionedQuota  # noqa: TC001 - the same
from callwell.core.retry import RetryBudget
from callwell.core.types import Outcome

if TYPE_CHECKING:
    from callwell.core.headers import QuotaHint
    from callwell.core.quota.permits import Permit, Quota

TOO_MANY_REQUESTS: Final = 429


class AccountRecord(NamedTuple):
    """The record.

    Attributes:
        buckets: by the quota's name and rule, as `versions.bucket_key` gives them.
        budget: the retry budget.
        boot: of which boot and clock the times are.
        changed_at: when it was last changed.
        changed_at_wall: the same by the wall clock.
        past_known: a quota without a bucket was never used; else its past is not known.
        breaker: the breaker.
        rules: by which the bins are made, of all versions of the profile that use the record; none where it is private.
        adaptive: what is known about quotas that are not documented, by their names.
        versions_seen: these versions, and when each was last seen, while there are several.
    """

    buckets: dict[str, Bucket] = {}  # noqa: RUF012 - never changed in place
    budget: RetryBudget = RetryBudget()
    boot: str = ""
    changed_at: float = 0.0
    changed_at_wall: float = 0.0
    past_known: bool = True
    breaker: Breaker = breaker.CLOSED
    rules: dict[str, VersionedQuota] = {}  # noqa: RUF012 - never changed in place
    adaptive: dict[str, AdaptiveQuota] = {}  # noqa: RUF012 - never changed in place
    versions_seen: dict[str, float] = {}  # noqa: RUF012 - never changed in place


class SendEnd(NamedTuple):
    """How a Send ended, as far as permits and budget need to know.

    Attributes:
        outcome: `REFUSED` if nothing was sent, `UNKNOWN` if no answer came, `DONE` for any answer.
        status: the HTTP status of the answer.
        wait_s: for how long a 429 asks to be left alone.
        closes_in_s: without an answer: for how long the request may still be sent, since it was only let go of.
        hints: what the answer says about quotas.
        blameless: without an answer: the caller did not wait for it, so that it says nothing of the provider.
        arrived: without a whole answer: its head came, so the request has surely arrived.
    """

    outcome: Outcome
    status: int = 0
    wait_s: float | None = None
    closes_in_s: float = 0.0
    hints: tuple[QuotaHint, ...] = ()
    blameless: bool = False
    arrived: bool = False


PLAIN_SUCCESS: Final = SendEnd(Outcome.DONE, 200)
"""How a Send ends that went well and says nothing of quotas: which of the 2xx it was changes nothing."""


def release(quota: Quota, bucket: Bucket, permit: Permit, end: SendEnd, now: float) -> Bucket:
    """A bucket after a Send."""
    if end.status:
        return permits.release_answered(quota, bucket, permit, now, ok=end.status != TOO_MANY_REQUESTS)
    if end.outcome is Outcome.REFUSED:
        return permits.return_unused(quota, bucket, permit)
    if end.arrived:
        return permits.release_answered(quota, bucket, permit, now, ok=False)
    return permits.release_lost(quota, bucket, permit, now + end.closes_in_s)


def learn_hints(  # noqa: PLR0917 - as `settled`, for all quotas of a call
    names: tuple[str, ...],
    quotas: tuple[Quota, ...],
    buckets: tuple[Bucket, ...],
    permit: Permit,
    hints: tuple[QuotaHint, ...],
    now: float,
    *,
    refused: bool = False,
) -> tuple[Bucket, ...]:
    """The buckets after an answer has said how their quotas stand; a 429 also says when to try again."""
    taught = list(buckets)
    for i, hint in foreign.match_hints(hints, names, quotas):
        if not hint.cached and hint.reset_s is not None and hint.slack_s < quotas[i].window_s:
            taught[i] = permits.learn_reset(quotas[i], taught[i], permit, now, hint.reset_s, slack_s=hint.slack_s)
        taught[i] = foreign.learn(
            quotas[i], taught[i], permit, now, hint, mark=permit.cooled_before[i], refused=refused
        )
    return tuple(taught)


def release_adaptive(one: AdaptiveQuota, permit: Permit, end: SendEnd, now: float) -> AdaptiveQuota:
    """What is known about a quota that is not documented, after a Send."""
    if end.status == TOO_MANY_REQUESTS:
        return adaptive.release_throttled(one, permit.acquired_at, permit.expires_at, now, end.wait_s)
    if end.status:
        return adaptive.release_answered(one, permit.acquired_at, permit.expires_at, now)
    return adaptive.return_unused(one, permit.acquired_at, permit.expires_at)
