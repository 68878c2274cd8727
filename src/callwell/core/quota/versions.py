# SPDX-License-Identifier: Apache-2.0
"""Several versions of a profile on one record, as in a rolling deployment: the stricter rule holds for all of them.

Each version has its own buckets in the record, and every call acquires a permit of each bucket that counts it, in any
version: so the theorem of `permits` holds for each rule by itself, no matter what the others say about limits, windows,
D or resets.

* A version that is new to the record **begins with what the record knows**: its permits are available as if requests
  had always been counted by its own rule. For requests older than the old rule's window only the number is known; they
  are assumed to be as recent as possible.
* A quota that a version does not know also counts its calls if it is a general one, which counts all operations. A
  quota of some methods or operations cannot know which of another version's calls it applies to.
* A version **lapses** when none of its processes has used the record until all permits that it ever issued are
  available. If one comes back, it starts as a new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from callwell.core.quota import adaptive
from callwell.core.quota.bins import NEVER, add, count, merge
from callwell.core.quota.buckets import Bucket, Quota, cool_bin, refill, transit_bin

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from callwell.core.quota.adaptive import AdaptiveQuota
    from callwell.core.quota.bins import Bins
    from callwell.core.rules.profile import QuotaRule

    Rules = dict[str, "VersionedQuota"]
    Buckets = dict[str, Bucket]
    SeenAt = dict[str, float]


NO_ADAPTIVE: Final[Mapping[str, AdaptiveQuota]] = {}


class VersionedQuota(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A quota as one version of a profile has it. Stored by position.

    Attributes:
        name: the quota's name.
        quota: the quota as its bucket needs it.
        general: it counts all operations.
    """

    name: str
    quota: Quota
    general: bool


def bucket_key(name: str, quota: Quota) -> str:
    """The key of a bucket in the record, which is the same for all versions that agree about the quota.

    Args:
        name: the quota's name.
        quota: the quota.
    """
    paced = "paced " if quota.paced else ""
    fixed = "fixed " if quota.fixed else ""
    return f"{name}: {paced}{fixed}{quota.limit}/{quota.window_s!r}+{quota.transit_s!r}"


def to_versioned(name: str, rule: QuotaRule, quota: Quota) -> VersionedQuota:
    """A quota as this version of the profile has it.

    Args:
        name: the quota's name.
        rule: the profile's rule.
        quota: the same as its bucket needs it.
    """
    return VersionedQuota(name, quota, general=rule.methods is None)


def version_id(rules: Rules) -> str:
    """The ID of a version in the record: the keys of its buckets.

    Args:
        rules: its own, by their keys.
    """
    return "\n".join(rules)


def join(
    rules: Rules,
    buckets: Buckets,
    seen: SeenAt,
    own: Rules,
    now: float,
    *,
    hold_s: float,
    changed_at: float,
    past_known: bool = True,
    adaptives: Mapping[str, AdaptiveQuota] = NO_ADAPTIVE,
) -> tuple[Rules, Buckets, SeenAt]:
    """Rules, buckets and versions of a record, for a process that may share it with processes of other versions.

    Args:
        rules: of the record.
        buckets: of the record; a rule without one was never used.
        seen: when each version was last seen, while there are several.
        own: the rules of the process.
        now: monotonic seconds.
        hold_s: the longest that a request can take.
        changed_at: when the record was last changed; a version that was alone may have used it until then.
        past_known: a rule without a bucket was never used; otherwise its past is unknown.
        adaptives: the undocumented quotas of the record.
    """
    joined = dict(buckets)
    for key, rule in own.items():
        if key not in rules:
            bucket = _begin_bucket(rules, buckets, rule, now, past_known=past_known, adaptives=adaptives)
            if bucket is not None:
                joined[key] = bucket
    every = rules | own
    # The use of a version that is alone is not recorded: it may have used the record until the last change.
    was_alone = len(seen) == 1
    living = {version_id(own): now}
    for version, seen_at in seen.items():
        last_at = max(seen_at, changed_at) if was_alone else seen_at
        cools_s = [every[key].quota.window_s + every[key].quota.transit_s for key in _keys(version)]
        if version not in living and last_at + hold_s + max(cools_s, default=0.0) > now:
            living[version] = last_at
    kept = {key for version in living for key in _keys(version)}
    kept_rules = {key: rule for key, rule in every.items() if key in kept}
    kept_buckets = {key: bucket for key, bucket in joined.items() if key in kept}
    return kept_rules, kept_buckets, living


def other_keys(rules: Rules, own: Rules, names: tuple[str, ...]) -> tuple[str, ...]:
    """The keys of other versions' buckets that count a call.

    Args:
        rules: of the record.
        own: the caller's.
        names: the quotas of the call, by the caller's version.
    """
    own_names = {rule.name for rule in own.values()}
    found = []
    for key, rule in rules.items():
        counts = rule.name in names or (rule.general and rule.name not in own_names)
        if key not in own and counts:
            found.append(key)
    return tuple(found)


def convert(new: Quota, old: Quota, bucket: Bucket, now: float) -> Bucket:
    """A bucket, converted as if its requests had been counted by another rule.

    Args:
        new: the other rule.
        old: the rule by which they were counted.
        bucket: the bucket.
        now: monotonic seconds.
    """
    bucket = refill(old, bucket, now)
    used_s = new.window_s - old.window_s
    held, cooling, in_transit = move_uses(new, old, bucket, now)
    foreign = _move_bins(bucket.foreign, old, new, used_s, now) if used_s else bucket.foreign
    known = count(held) + count(cooling) + count(in_transit)
    # Permits that came back at a reset may have been used just before it.
    came_early = bucket.window_end is not None and bucket.window_end.believed and not new.fixed
    if came_early or used_s > 0.0:
        # Requests that the old rule has forgotten but the new one may still count.
        forgotten = min(max(0, new.limit - known), bucket.cooled_count)
        if forgotten:
            cools_s = new.window_s if came_early else used_s
            cooling = add(cooling, cool_bin(new, now + cools_s), forgotten)
            known += forgotten
    withheld = 0
    if bucket.withheld:
        allowed = old.limit - bucket.withheld
        withheld = max(0, new.limit - allowed)
    return replace(
        bucket,
        available=new.limit - withheld - known - count(foreign),
        held=held,
        cooling=cooling,
        in_transit=in_transit,
        foreign=foreign,
        withheld=withheld,
        window_end=bucket.window_end if new.fixed and not used_s else None,
        elsewhere=0,
    )


def move_uses(new: Quota, old: Quota, bucket: Bucket, now: float) -> tuple[Bins, Bins, Bins]:
    """The held, cooling and in-transit permits of a bucket, converted to another rule.

    Args:
        new: the other rule.
        old: the rule of the bucket.
        bucket: the bucket, at `now`.
        now: monotonic seconds.
    """
    used_s = new.window_s - old.window_s
    doubt_s = used_s + new.transit_s - old.transit_s
    cooling = _move_bins(bucket.cooling, old, new, used_s, now) if used_s else bucket.cooling
    if not (used_s or doubt_s):
        return bucket.held, cooling, bucket.in_transit
    held = _move_transit_bins(bucket.held, old, new, doubt_s, now)
    in_transit = _move_transit_bins(bucket.in_transit, old, new, doubt_s, now)
    return held, cooling, in_transit


def sources(rules: Rules, rule: VersionedQuota, adaptives: Iterable[str]) -> tuple[str, ...]:
    """Which quotas of a record have counted the calls of a rule that is new to it.

    Args:
        rules: of the record.
        rule: the new one.
        adaptives: the names of the record's undocumented quotas.

    Returns:
        The key of one bucket if it has counted all of these calls; otherwise the keys of all buckets, and the names of
        the undocumented quotas.
    """
    every = [key for key, other in rules.items() if other.name == rule.name] or _counting_all(rules)
    if every:
        # The one with the longest window has forgotten the least.
        return (max(every, key=lambda key: rules[key].quota.window_s),)
    return (*rules, *adaptives)


def counts_others(rule: VersionedQuota, rules: Rules) -> bool:
    """Whether a rule that is new to a record counts calls of the versions that the record knows.

    Args:
        rule: the rule.
        rules: of the record.
    """
    return rule.general or any(other.name == rule.name for other in rules.values())


def _counting_all(rules: Rules) -> list[str]:
    """The keys of quotas that count each call of each version."""
    partial = {rule.name for rule in rules.values() if not rule.general}
    return [key for key, rule in rules.items() if rule.name not in partial]


def _keys(version: str) -> list[str]:
    return version.split("\n") if version else []


def _begin_bucket(
    rules: Rules,
    buckets: Buckets,
    rule: VersionedQuota,
    now: float,
    *,
    past_known: bool,
    adaptives: Mapping[str, AdaptiveQuota],
) -> Bucket | None:
    """The bucket of a rule that is new to a record; None if only `past_known` determines how it starts."""
    counted = [key for key in sources(rules, rule, ()) if key in buckets]
    has_same_name = any(other.name == rule.name for other in rules.values())
    if not (counted if has_same_name else past_known):
        return None
    parts = [convert(rule.quota, rules[key].quota, buckets[key], now) for key in counted]
    if has_same_name:
        return parts[0]
    if len(counted) == 1 and rules[counted[0]].general:
        recent = 0
    else:
        span_s = rule.quota.window_s + rule.quota.transit_s
        recent = sum([adaptive.recent_count(state, now, span_s) for state in adaptives.values()])
    return _merge(rule.quota, parts, recent, now)


def _merge(quota: Quota, parts: list[Bucket], recent: int, now: float) -> Bucket:
    """The bucket of a quota that counts the requests of other buckets, and `recent` requests in none of them."""
    held: Bins = ()
    cooling: Bins = ()
    in_transit: Bins = ()
    for part in parts:
        held = merge(held, part.held)
        cooling = merge(cooling, part.cooling)
        in_transit = merge(in_transit, part.in_transit)
    if recent:
        in_transit = add(in_transit, transit_bin(quota, now), min(quota.limit, recent))
    known = count(held) + count(cooling) + count(in_transit)
    return Bucket(
        available=quota.limit - known,
        held=held,
        cooling=cooling,
        in_transit=in_transit,
        cooled_count=sum([part.cooled_count for part in parts]),
    )


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
        if at >= NEVER:
            moved = add(moved, at, n)
            continue
        back_at = at * old.width_s + by_s
        if back_at > now:
            closed_at = back_at - new.window_s - new.transit_s
            moved = add(moved, transit_bin(new, closed_at), n)
    return moved
