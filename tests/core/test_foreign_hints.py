# SPDX-License-Identifier: Apache-2.0
"""Which quota a hint is about, and what is left of a hint that does not fit its quota."""

from __future__ import annotations

from math import inf

from callwell.core.quota import foreign, permits
from callwell.core.quota.hint import QuotaHint
from callwell.core.quota.permits import Permit
from callwell.core.rules.profile import QuotaRule

HOUR = permits.to_quota(QuotaRule(limit=60, window_s=3600.0), 60.0)
MINUTE = permits.to_quota(QuotaRule(limit=10, window_s=60.0), 60.0)


def test_a_reset_beyond_the_window_teaches_no_time() -> None:
    """Where name, window or limit say which quota is meant, what is left of it counts nevertheless."""
    for hint in (
        QuotaHint(name="minute", remaining=1, reset_s=360.0),
        QuotaHint(remaining=1, reset_s=360.0, window_s=60.0),
        QuotaHint(limit=10, remaining=1, reset_s=360.0),
    ):
        ((i, kept),) = foreign.match_hints([hint], ["hour", "minute"], [HOUR, MINUTE])
        assert (i, kept.remaining, kept.reset_s) == (1, 1, None)


def test_a_reset_beyond_the_window_and_nothing_else_is_about_another_quota() -> None:
    """Nothing says that this one is meant."""
    assert foreign.match_hints([QuotaHint(limit=7, remaining=1, reset_s=360.0)], ["minute"], [MINUTE]) == []
    assert foreign.match_hints([QuotaHint(limit=7, remaining=1, reset_s=30.0)], ["minute"], [MINUTE]) != []


def test_after_a_refusal_one_permit_is_tried_at_the_reset() -> None:
    """Others have used the quota up; the first of its permits is back when the refusal said, not a sixteenth later."""
    bucket = permits.full_bucket(HOUR)
    (bucket,), permit = permits.acquire((HOUR,), (bucket,), 0.0)
    assert isinstance(permit, Permit)
    bucket = permits.release_answered(HOUR, bucket, permit, 0.1, ok=False)
    bucket = foreign.learn(
        HOUR, bucket, permit, 0.1, QuotaHint(limit=60, remaining=0, reset_s=9.0), cooled_before=0, refused=True
    )
    _, at = permits.acquire((HOUR,), (bucket,), 0.1, inf)
    assert isinstance(at, float)
    assert 9.1 <= at <= 9.1 + 1.0 + 2 * HOUR.width_s
