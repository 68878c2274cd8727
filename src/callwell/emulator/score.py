# SPDX-License-Identifier: Apache-2.0
"""How well a client behaved, counted from the ledger's rows alone.

The model has three terms:

- An *attempt* is one request that arrived at the API.
- A *call* is a chain of attempts with the same method, path, query and body, up to a final response:

      POST /links   503 ─┐
      POST /links   429  ├─ one call, three attempts: amplification 3.0
      POST /links   200 ─┘
      POST /links   200 ── the next call: the first one had its final response

- A *final response* is a complete 2xx that was not garbled, or a 4xx that is neither 429 nor the refusal of a dead key.
  A redirect is not one: following it continues the call.

A call that never gets a final response counts as failed, unless it had its effect: a client that must not repeat the
call can look for the effect and find it. An attempt that broke off before its body had arrived counts as an attempt
only, because its call is unknown.

A client is not blamed for what it could not know. A request that was in flight when a 429 was written is not early
(`GRACE_REAL_S`), and a quota is not idle while the server itself asked to wait, or while the clock was moved
(`score_quota`).
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

# Real seconds that a request may be in flight before its first byte is read.
GRACE_REAL_S: Final = 0.25
# On a busy machine it is in flight for longer: four times it may have to wait for a processor, as the emulator's loop
# has just had to, before its client has read the 429, before it is sent, in the kernel, and before it is read.
LAGS: Final = 4
THROTTLED: Final = 429
# A client that asks for something that is gone has got its response: the call did not fail.
GONE_STATUSES: Final = (404, 410)
UNSAFE: Final = ("POST", "PUT", "PATCH", "DELETE")


class CallCounts(NamedTuple):
    """How many attempts there were, how many calls they made up, and how many of the calls failed."""

    attempts: int
    calls: int
    failed: int

    @property
    def amplification(self) -> float:
        """Attempts per call; 0 if nothing was called."""
        return self.attempts / self.calls if self.calls else 0.0


def is_final(row: LedgerRow) -> bool:
    """Return whether an attempt got the final response of its call."""
    if row.status is None or not row.whole or row.fault == "garbage_body":
        return False
    if 200 <= row.status < 300:  # noqa: PLR2004 - 2xx is success
        return True
    return 400 <= row.status < 500 and row.status != THROTTLED and not row.key_dead  # noqa: PLR2004 - 4xx


def count_calls(rows: Iterable[LedgerRow]) -> CallCounts:
    """Put attempts together to calls.

    Args:
        rows: in order of arrival; those of other servers than the API are left out.
    """
    attempts = 0
    calls = 0
    failed = 0
    # Calls without a final response so far, and whether one of their attempts had an effect.
    open_calls: dict[tuple[str, ...], bool] = {}
    for row in rows:
        if row.place != "api":
            continue
        attempts += 1
        if row.broken:
            continue
        identity = _request_identity(row)
        if identity not in open_calls:
            calls += 1
        open_calls[identity] = open_calls.get(identity, False) or row.effect
        if is_final(row):
            del open_calls[identity]
            failed += row.status is not None and row.status >= 400 and row.status not in GONE_STATUSES  # noqa: PLR2004
    unanswered = sum(not had_effect for had_effect in open_calls.values())
    return CallCounts(attempts, calls, failed + unanswered)


def count_early(rows: Iterable[LedgerRow]) -> int:
    """Count API requests that arrived before the time which a 429 had named.

    A request counts if its first byte came before the named time, and so long after the 429 was written that its sender
    could know: `GRACE_REAL_S`, on a busy machine `LAGS` times the lag of the event loop more. A 429 speaks for its own
    class of requests only.
    """
    classes: dict[str, list[LedgerRow]] = {}
    for row in rows:
        if row.place == "api":
            classes.setdefault(row.quota, []).append(row)
    return sum(map(_count_early_in_class, classes.values()))


def _count_early_in_class(attempts: Sequence[LedgerRow]) -> int:
    throttles = sorted(
        (row.ended_real_s, row.retry_until_s)
        for row in attempts
        if row.status == THROTTLED and row.retry_until_s is not None and row.ended_real_s is not None
    )
    written_real_s = [written for written, _ in throttles]
    # For each throttle the latest time named so far: a later 429 with a shorter wait does not lift an earlier one.
    latest_until_s: list[float] = []
    for _, until in throttles:
        latest_until_s.append(max(until, latest_until_s[-1]) if latest_until_s else until)
    early = 0
    for row in attempts:
        grace_s = GRACE_REAL_S + LAGS * row.lag_real_s
        known = bisect_left(written_real_s, row.arrived_real_s - grace_s)
        early += known > 0 and row.arrived_s < latest_until_s[known - 1]
    return early


def count_effects(rows: Iterable[LedgerRow]) -> list[dict[str, Any]]:
    """Return every unsafe request that had an effect, with how many times the very same request had it (`commits`)."""
    commits = Counter((row.operation, *_request_identity(row)) for row in rows if row.effect and row.method in UNSAFE)
    names = ("operation", "method", "path", "query", "body_sha256")
    return [dict(zip(names, request, strict=True)) | {"commits": times} for request, times in commits.items()]


def count_duplicates(effects: Iterable[dict[str, Any]]) -> int:
    """Count creations beyond the first of each identical POST."""
    return sum(effect["commits"] - 1 for effect in effects if effect["method"] == "POST")


def score(
    rows: Sequence[LedgerRow], limits: Sequence[Limit], jumps: Iterable[tuple[float, float]] = ()
) -> dict[str, Any]:
    """Return all counts of one ledger.

    Args:
        rows: in order of arrival.
        limits: the quota that was in force, shortest window first.
        jumps: start and end of each move of the clock: time that no client could use.
    """
    calls = count_calls(rows)
    effects = count_effects(rows)
    api_rows = [row for row in rows if row.place == "api"]
    waits = [*jumps]
    waits += [
        (row.ended_s, row.retry_until_s)
        for row in rows
        if row.status == THROTTLED and row.retry_until_s is not None and row.ended_s is not None
    ]
    counted = {limit: [row for row in api_rows if _counts_for(row, limit)] for limit in limits}
    used = {
        limit.name: _cap_share(share_of_quota_used(_arrival_times(counted[limit]), limit, waits)) for limit in limits
    }
    over = {limit.name: _count_over(counted[limit], limit) for limit in limits}
    return {
        "attempts": calls.attempts,
        "calls": calls.calls,
        "failed_calls": calls.failed,
        "amplification": calls.amplification,
        "early_calls": count_early(rows),
        "over_quota": sum(over.values()),
        "over_quota_by": over,
        "over_quota_all_arrivals": sum(
            _count_over(counted[limit] if limit.per_class else api_rows, limit) for limit in limits
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
        "by_status": _tally(str(row.status) for row in api_rows),
        "by_fault": _tally(row.fault for row in rows if row.fault is not None),
    }


def _counts_for(row: LedgerRow, limit: Limit) -> bool:
    return row.key_accepted and (not limit.per_class or row.quota == limit.name)


def _count_over(rows: Sequence[LedgerRow], limit: Limit) -> int:
    """Count requests beyond the limit; where the server's own windows count, those that it refused itself."""
    if limit.per_class:
        return sum(row.status == THROTTLED and row.fault is None for row in rows)
    return count_over_quota(_arrival_times(rows), limit)


def _arrival_times(rows: Iterable[LedgerRow]) -> list[float]:
    return [row.arrived_s for row in rows]


def _request_identity(row: LedgerRow) -> tuple[str, ...]:
    return row.method, row.path, row.query, row.body_sha256


def _cap_share(used: float | None) -> float | None:
    """Cap a share at 1: what was too early or too much has counts of its own."""
    return None if used is None else min(1.0, used)


def _tally(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))
