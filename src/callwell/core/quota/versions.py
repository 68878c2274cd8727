# SPDX-License-Identifier: Apache-2.0
"""Several versions of a profile on one record, as in a rolling deployment: the stricter rule holds for all of them.

Each version has buckets of its own in the record, and every call takes a permit of each bucket that counts it, by
whichever version: so each rule keeps its own theorem, whatever the other says about limits, windows, D or resets.

* A version that is new to the record **begins with what the record knows**: requests are cool by its own rule as if
  they had always been counted by it. Of what the record has forgotten (requests older than its window), the number is
  known, and they are taken to be as young as they can be.
* A quota that a version does not know counts its calls all the same, if it is a general one: one that counts all
  operations. Of a quota for some methods or operations nobody can say which of the other version's calls it means.
* A version **lapses** when none of its processes has used the record until all that it ever lent is cool. If one comes
  back, it begins as a new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.core.quota import adaptive
from callwell.core.quota.buckets import NEVER, Bucket, Quota, add, cool_bin, count, refill, transit_bin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.core.quota.adaptive import AdaptiveQuota
    from callwell.core.quota.buckets import Bins
    from callwell.core.rules.profile import QuotaRule

    Rules = dict[str, "VersionedQuota"]
    Buckets = dict[str, Bucket]
    Seen = dict[str, float]


NO_PACES: Final[Mapping[str, AdaptiveQuota]] = {}


class VersionedQuota(NamedTuple):
    """A quota as one version of a profile has it.

    Attributes:
        name: the quota's name.
        quota: what its bucket needs to know.
        general: it counts all operations.
    """

    name: str
    quota: Quota
    general: bool


def bucket_key(name: str, quota: Quota) -> str:
    """What a bucket is called in the record: the same for versions that agree on a quota.

    Args:
        name: of the quota.
        quota: its rule.
    """
    kind = f"{'paced ' if quota.paced else ''}{'fixed ' if quota.fixed else ''}"
    return f"{name}: {kind}{quota.limit}/{quota.window_s!r}+{quota.transit_s!r}"


def to_versioned(name: str, said: QuotaRule, quota: Quota) -> VersionedQuota:
    """A quota as this version has it.

    Args:
        name: its name.
        said: what the profile says.
        quota: the same as its bucket needs it.
    """
    return VersionedQuota(name, quota, said.methods is None)


def version_id(rules: Rules) -> str:
    """What a version is called in the record.

    Args:
        rules: its own, by their keys.
    """
    return "\n".join(rules)


def join(
    rules: Rules,
    buckets: Buckets,
    seen: Seen,
    own: Rules,
    now: float,
    *,
    hold_s: float,
    at: float,
    known: bool = True,
    paces: Mapping[str, AdaptiveQuota] = NO_PACES,
) -> tuple[Rules, Buckets, Seen]:
    """Rules, buckets and versions of a record when a process uses it that may not be of the only version.

    Args:
        rules: of the record.
        buckets: of the record; a rule without one was never used.
        seen: by version: when it was last seen, while there are several.
        own: the process's rules.
        now: monotonic seconds.
        hold_s: the longest that a request can take.
        at: when the record was last changed: until then the others may have been there.
        known: a rule without a bucket was never used; else its past is not known.
        paces: what is known of quotas that the others do not document.
    """
    filled = dict(buckets)
    for one in own:
        bucket = None if one in rules else _begin_bucket(rules, buckets, own[one], now, known=known, paces=paces)
        if bucket is not None:
            filled[one] = bucket
    all_ = rules | own
    alone = len(seen) == 1
    living = {version_id(own): now}
    for version, seen_at in seen.items():
        last_at = max(seen_at, at) if alone else seen_at
        cools_s = [all_[one].quota.window_s + all_[one].quota.transit_s for one in _keys(version)]
        if version not in living and last_at + hold_s + max(cools_s, default=0.0) > now:
            living[version] = last_at
    kept = {one for version in living for one in _keys(version)}
    all_ = {one: there for one, there in all_.items() if one in kept}
    return all_, {one: bucket for one, bucket in filled.items() if one in kept}, living


def other_keys(rules: Rules, own: Rules, names: tuple[str, ...]) -> tuple[str, ...]:
    """The buckets of other versions that count a call.

    Args:
        rules: of the record.
        own: the caller's.
        names: the quotas of the call, by the caller's version.
    """
    mine = {one.name for one in own.values()}
    return tuple(
        [
            one
            for one, there in rules.items()
            if one not in own and (there.name in names or (there.general and there.name not in mine))
        ]
    )


def convert(new: Quota, old: Quota, bucket: Bucket, now: float) -> Bucket:
    """A bucket as it would be if its requests had been counted by another rule.

    Args:
        new: the other rule.
        old: the rule by which they were counted.
        bucket: the bucket.
        now: monotonic seconds.
    """
    bucket = refill(old, bucket, now)
    used_s = new.window_s - old.window_s
    doubt_s = used_s + new.transit_s - old.transit_s
    cooling = bucket.cooling
    foreign = bucket.foreign
    held = bucket.held
    doubtful = bucket.in_transit
    if used_s:
        cooling = _move_bins(bucket.cooling, old, new, used_s, now)
        foreign = _move_bins(bucket.foreign, old, new, used_s, now)
    if used_s or doubt_s:
        held = _move_transit_bins(bucket.held, old, new, doubt_s, now)
        doubtful = _move_transit_bins(bucket.in_transit, old, new, doubt_s, now)
    known = count(held) + count(cooling) + count(doubtful)
    freed = bucket.window_end is not None and bucket.window_end.believed and not new.fixed
    if freed or used_s > 0.0:
        forgotten = min(max(0, new.limit - known), bucket.cooled_count)
        if forgotten:
            cooling = add(cooling, cool_bin(new, now + (new.window_s if freed else used_s)), forgotten)
            known += forgotten
    allowed = old.limit - bucket.withheld
    withheld = max(0, new.limit - allowed) if bucket.withheld else 0
    return bucket._replace(
        available=new.limit - withheld - known - count(foreign),
        held=held,
        cooling=cooling,
        in_transit=doubtful,
        foreign=foreign,
        withheld=withheld,
        window_end=bucket.window_end if new.fixed and not used_s else None,
    )


def _keys(version: str) -> list[str]:
    return version.split("\n") if version else []


def _begin_bucket(
    rules: Rules, buckets: Buckets, mine: VersionedQuota, now: float, *, known: bool, paces: Mapping[str, AdaptiveQuota]
) -> Bucket | None:
    """The bucket of a rule that is new to a record; None if nothing but `known` says how it begins."""
    same = [one for one, there in rules.items() if there.name == mine.name and one in buckets]
    if same:
        # The one with the longest window has forgotten least.
        best = max(same, key=lambda one: rules[one].quota.window_s)
        return convert(mine.quota, rules[best].quota, buckets[best], now)
    if not known or any(there.name == mine.name for there in rules.values()):
        return None
    # Nobody has counted this quota: no more requests can belong to it than were ever counted.
    ever = [b.cooled_count + count(b.held) + count(b.cooling) + count(b.in_transit) for b in buckets.values()]
    span_s = mine.quota.window_s + mine.quota.transit_s
    paced = [adaptive.recent_count(one, now, span_s) for one in paces.values()]
    possible = min(mine.quota.limit, sum(ever) + sum(paced))
    if not possible:
        return None
    return Bucket(mine.quota.limit - possible, in_transit=((transit_bin(mine.quota, now), possible),))


def _move_bins(bins: Bins, old: Quota, new: Quota, by_s: float, now: float) -> Bins:
    moved: Bins = ()
    for at, n in bins:
        cool_at = at * old.width_s + by_s
        if cool_at > now:
            moved = add(moved, cool_bin(new, cool_at), n)
    return moved


def _move_transit_bins(bins: Bins, old: Quota, new: Quota, by_s: float, now: float) -> Bins:
    moved: Bins = ()
    for at, n in bins:
        expires_at = at * old.width_s + by_s
        if at >= NEVER:
            moved = add(moved, at, n)
        elif expires_at > now:
            closed_at = expires_at - new.window_s - new.transit_s
            moved = add(moved, transit_bin(new, closed_at), n)
    return moved
