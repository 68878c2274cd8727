# SPDX-License-Identifier: Apache-2.0
"""How well a client behaved, counted from the ledger's rows alone.

Words: an *attempt* is one arrival at the API. A *call* is a chain of attempts with the same method, path, query and
body, up to a final answer: a whole 2xx that is no garbage, or a 4xx that is neither 429 nor the refusal of a dead key.
A redirect is none. A chain that never gets one is a call too, and a failed one, unless it had its effect: a client that
must not repeat it can find that out by looking. What broke off before its body had come is an attempt, and nobody knows
of which call.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.emulator.score_quota import count_over_quota, share_of_quota_used

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from callwell.emulator.ledger import LedgerRow
    from callwell.emulator.quota import Limit

GRACE_REAL_S: Final = 0.25
THROTTLED: Final = 429
GONE_STATUSES: Final = (404, 410)
UNSAFE: Final = ("POST", "PUT", "PATCH", "DELETE")


class CallCounts(NamedTuple):
    """Attempts put together to calls."""

    attempts: int
    calls: int
    failed: int

    @property
    def amplification(self) -> float:
        """Attempts per call; 0 if nothing was called."""
        return self.attempts / self.calls if self.calls else 0.0


def is_final(row: LedgerRow) -> bool:
    """Whether an attempt's answer ended its call."""
    if row.status is None or not row.whole or row.fault == "garbage_body":
        return False
    if 200 <= row.status < 300:  # noqa: PLR2004
        return True
    return 400 <= row.status < 500 and row.status != THROTTLED and not row.key_dead  # noqa: PLR2004


def count_calls(rows: Iterable[LedgerRow]) -> CallCounts:
    """Put the attempts among `rows`, which are in order of arrival, together to calls."""
    attempts = calls = failed = 0
    waiting: dict[tuple[str, ...], bool] = {}
    for row in rows:
        if row.place != "api":
            continue
        attempts += 1
        if row.broken:
            continue
        chain = _request_identity(row)
        if chain not in waiting:
            calls += 1
        waiting[chain] = waiting.get(chain, False) or row.effect
        if is_final(row):
            del waiting[chain]
            failed += row.status is not None and row.status >= 400 and row.status not in GONE_STATUSES  # noqa: PLR2004
    return CallCounts(attempts, calls, failed + sum(not done for done in waiting.values()))


def count_early(rows: Iterable[LedgerRow]) -> int:
    """API arrivals that the server had asked to come later.

    Counted are those whose first byte came more than 250 ms of real time after a 429 with a time was written, and
    before that time: what was already under way is forgiven. A 429 is about its own class of requests.
    """
    classes: dict[str, list[LedgerRow]] = {}
    for row in rows:
        if row.place == "api":
            classes.setdefault(row.quota, []).append(row)
    return sum(map(_count_early_in_class, classes.values()))


def _count_early_in_class(attempts: Sequence[LedgerRow]) -> int:
    orders = sorted(
        (row.ended_real_s, row.retry_until_s)
        for row in attempts
        if row.status == THROTTLED and row.retry_until_s is not None and row.ended_real_s is not None
    )
    written = [order[0] for order in orders]
    until: list[float] = []
    for order in orders:
        until.append(max(order[1], until[-1] if until else order[1]))
    early = 0
    for row in attempts:
        known = bisect_left(written, row.arrived_real_s - GRACE_REAL_S)
        early += known > 0 and row.arrived_s < until[known - 1]
    return early


def count_effects(rows: Iterable[LedgerRow]) -> list[dict[str, Any]]:
    """Every unsafe request that had an effect: how often the very same one had it."""
    commits = Counter((row.operation, *_request_identity(row)) for row in rows if row.effect and row.method in UNSAFE)
    names = ("operation", "method", "path", "query", "body_sha256")
    return [dict(zip(names, request, strict=True)) | {"commits": times} for request, times in commits.items()]


def count_duplicates(effects: Iterable[dict[str, Any]]) -> int:
    """Creations beyond the first of each identical POST."""
    return sum(effect["commits"] - 1 for effect in effects if effect["method"] == "POST")


def score(
    rows: Sequence[LedgerRow], limits: Sequence[Limit], jumps: Iterable[tuple[float, float]] = ()
) -> dict[str, Any]:
    """All counts of one ledger.

    Args:
        rows: in order of arrival.
        limits: the quota that was in force, shortest window first.
        jumps: from when to when the clock was moved ahead: time that nobody could use.
    """
    calls = count_calls(rows)
    effects = count_effects(rows)
    everything = [row for row in rows if row.place == "api"]
    waits = [*jumps]
    waits += [
        (row.ended_s, row.retry_until_s)
        for row in rows
        if row.status == THROTTLED and row.retry_until_s is not None and row.ended_s is not None
    ]
    ours = {limit: [row for row in rows if row.place == "api" and _counts_for(row, limit)] for limit in limits}
    used = {limit.name: _cap_share(share_of_quota_used(_arrival_times(ours[limit]), limit, waits)) for limit in limits}
    over = {limit.name: _count_over(ours[limit], limit) for limit in limits}
    return {
        "attempts": calls.attempts,
        "calls": calls.calls,
        "failed_calls": calls.failed,
        "amplification": calls.amplification,
        "early_calls": count_early(rows),
        "over_quota": sum(over.values()),
        "over_quota_by": over,
        "over_quota_all_arrivals": sum(
            _count_over(ours[limit] if limit.per_class else everything, limit) for limit in limits
        ),
        "quota_used": used[limits[0].name] if limits else None,
        "quota_used_by": used,
        "keys_seen_elsewhere": sum(row.key_misplaced for row in rows),
        "dead_key_refusals": sum(row.key_dead for row in rows),
        "commits": sum(effect["commits"] for effect in effects),
        "duplicated_creations": count_duplicates(effects),
        "effects": effects,
        "wrong_bytes_sent": sum(row.wrong_bytes for row in rows),
        "storage_requests": sum(row.place == "storage" for row in rows),
        "by_status": _tally(str(row.status) for row in rows if row.place == "api"),
        "by_fault": _tally(row.fault for row in rows if row.fault is not None),
    }


def _counts_for(row: LedgerRow, limit: Limit) -> bool:
    return row.key_accepted and (not limit.per_class or row.quota == limit.name)


def _count_over(rows: Sequence[LedgerRow], limit: Limit) -> int:
    """Where the server's windows count, it has said itself what was too much."""
    if limit.per_class:
        return sum(row.status == THROTTLED and row.fault is None for row in rows)
    return count_over_quota(_arrival_times(rows), limit)


def _arrival_times(rows: Iterable[LedgerRow]) -> list[float]:
    return [row.arrived_s for row in rows]


def _request_identity(row: LedgerRow) -> tuple[str, ...]:
    return row.method, row.path, row.query, row.body_sha256


def _cap_share(used: float | None) -> float | None:
    """A share is 1 at most: what was too early or too much has counts of its own."""
    return None if used is None else min(1.0, used)


def _tally(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))
