# SPDX-License-Identifier: Apache-2.0
"""How a stored record of an account is brought to the present."""

from __future__ import annotations

from typing import Final

import pytest
from msgspec.structs import replace

from callwell.core.breaker import FAILURE_THRESHOLD, Breaker
from callwell.core.quota import account, versions
from callwell.core.quota.permits import Permit
from callwell.core.quota.record import PLAIN_SUCCESS, AccountRecord, to_call_quotas, to_present
from callwell.core.rules.profile import QuotaRule
from tests.core.account_world import acquired, bucket, call, places, quotas

SHARED: Final = quotas(private=False)


def used_up(boot: str = "first") -> AccountRecord:
    """A shared record of 100 s after a boot, in which the short quota has just been used up."""
    counted = call(SHARED)
    record = to_present(AccountRecord(), SHARED, 100.0, 1e9, boot)
    for _ in range(3):
        record, permit = acquired(record, counted, 100.0)
        record, _ = account.release(record, counted, permit, PLAIN_SUCCESS, 100.0)
    return record


def waits_s(record: AccountRecord, now: float) -> float:
    """For how long the short quota has nothing."""
    _, (got, _) = account.acquire(record, call(SHARED), now)
    return 0.0 if isinstance(got, Permit) else got - now


@pytest.mark.parametrize(
    ("now", "wall_s", "boot", "expected"),
    [
        (104.0, 1e9 + 4.0, "first", 6.0),
        (5.0, 1e9 + 4.0, "second", 6.0),
        (9_999.0, 1e9 + 4.0, "second", 6.0),
        (5.0, 1e9 + 60.0, "second", 0.0),
        (5.0, 1e9 - 60.0, "second", 10.0),
        (5.0, 1e9 + 4.0, "first", 6.0),
    ],
)
def test_a_record_is_as_old_as_the_clocks_say(now: float, wall_s: float, boot: str, expected: float) -> None:
    """Of another boot or a clock that went back it is moved by the wall clock, and never into the future."""
    present = to_present(used_up(), SHARED, now, wall_s, boot)
    assert (present.boot, present.changed_at, present.changed_at_wall) == (boot, now, wall_s)
    assert waits_s(present, now) == pytest.approx(expected, abs=0.05)


def test_everything_in_a_record_of_another_boot_is_moved() -> None:
    """Breaker, undocumented quotas and versions too: all times are as long ago or away as they were."""
    counted = to_call_quotas(quotas({"other": QuotaRule(adaptive=True)}, private=False), ("other",))
    record, _ = acquired(used_up(), counted, 100.0)
    record = replace(record, breaker=Breaker(failures=FAILURE_THRESHOLD, openings=1, open_until=130.0))
    present = to_present(record, SHARED, 5.0, 1e9 + 4.0, "second")
    assert present.breaker.open_until == pytest.approx(130.0 - 99.0)
    assert present.adaptives["other"].next_at == pytest.approx(record.adaptives["other"].next_at - 99.0)
    assert present.versions_seen == {SHARED.version: pytest.approx(100.0 - 99.0)}


def test_a_bucket_that_does_not_add_up_cools() -> None:
    """What was used is unknown: all its permits count as in transit."""
    record = used_up()
    key = SHARED.keys["short"]
    broken = record.buckets | {key: replace(record.buckets[key], available=7)}
    present = to_present(replace(record, buckets=broken), SHARED, 101.0, 1e9 + 1.0, "first")
    assert not present.past_known
    assert waits_s(present, 101.0) == pytest.approx(10.0 + 5.0, abs=0.1)


def test_a_version_that_is_new_to_the_record_joins_it() -> None:
    """Both versions are noted, and the new one begins with what the record knows."""
    other = quotas({"short": QuotaRule(limit=4, window_s=10.0)}, private=False)
    present = to_present(used_up(), other, 101.0, 1e9 + 1.0, "first")
    assert set(present.versions_seen) == {SHARED.version, other.version}
    assert places(bucket(present, "short", other)) == (1, 0, 3, 0)
    assert other.version == versions.version_id(other.rules)
