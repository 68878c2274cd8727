# SPDX-License-Identifier: Apache-2.0
"""Several versions of a profile on one record, as in a rolling deployment: the stricter rule holds for all of them.

Each version has buckets of its own in the record, and every call acquires a permit of each bucket that counts it, of
whichever version: so the theorem of `permits` holds for each rule by itself, whatever the others say about limits,
windows, D or resets.

* A version that is new to the record **begins with what the record knows**: its permits are available as if requests
  had always been counted by its own rule. Of requests older than the old rule's window only the number is known; they
  are taken to be as recent as they can be.
* A quota that a version does not know counts its calls too if it is a general one, which counts all operations. For a
  quota of some methods or operations cannot know which of another version's calls it means.
* A version **lapses** when none of its processes has used the record until all permits that it ever lent are available.
  If one comes back, it begins as a new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from callwell.core.quota import adaptive
from callwell.core.quota.bins import NEVER, add, count
from callwell.core.quota.buckets import Bucket, Quota, cool_bin, refill, transit_bin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.core.quota.adaptive import AdaptiveQuota
    from callwell.core.quota.bins import Bins
    from callwell.core.rules.profile import QuotaRule

    Rules = dict[str, "VersionedQuota"]
    Buckets = dict[str, Bucket]
    Seen = dict[str, float]


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
    """The key of a bucket in the record: the same for all versions that agree about the quota.

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
    """What a version is called in the record: the keys of its buckets.

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
    changed_at: float,
    past_known: bool = True,
    adaptives: Mapping[str, AdaptiveQuota] = NO_ADAPTIVE,
) -> tuple[Rules, Buckets, Seen]:
    """Rules, buckets and versions of a record that a process uses, perhaps beside processes of other versions.

    Args:
        rules: of the record.
        buckets: of the record; a rule without one was never used.
        seen: when each version was last seen, while there are several.
        own: the rules of the process.
        now: monotonic seconds.
        hold_s: the longest that a request can take.
        changed_at: when the record was last changed: until then a version that was alone may have used it.
        past_known: a rule without a bucket was never used; else its past is unknown.
        adaptives: the undocumented quotas of the record.
    """
    joined = dict(buckets)
    for key, rule in own.items():
        if key not in rules:
            bucket = _begin_bucket(rules, buckets, rule, now, past_known=past_known, adaptives=adaptives)
            if bucket is not None:
                joined[key] = bucket
    every = rules | own
    # A version that is alone is not noted at each use: it may have been there until the last change.
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
    """A bucket as if its requests had been counted by another rule.

    Args:
        new: the other rule.
        old: the rule by which they were counted.
        bucket: the bucket.
        now: monotonic seconds.
    """
    bucket = refill(old, bucket, now)
    used_s = new.window_s - old.window_s
    doubt_s = used_s + new.transit_s - old.transit_s
    held = bucket.held
    cooling = bucket.cooling
    in_transit = bucket.in_transit
    foreign = bucket.foreign
    if used_s:
        cooling = _move_bins(cooling, old, new, used_s, now)
        foreign = _move_bins(foreign, old, new, used_s, now)
    if used_s or doubt_s:
        held = _move_transit_bins(held, old, new, doubt_s, now)
        in_transit = _move_transit_bins(in_transit, old, new, doubt_s, now)
    known = count(held) + count(cooling) + count(in_transit)
    # Permits that came back at a reset may have been used just before it.
    came_early = bucket.window_end is not None and bucket.window_end.believed and not new.fixed
    if came_early or used_s > 0.0:
        # Requests that the old rule has forgotten and the new one may still count.
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
    )


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
    """The bucket of a rule that is new to a record; None if nothing but `past_known` says how it begins."""
    same_name = [key for key, other in rules.items() if other.name == rule.name]
    counted = [key for key in same_name if key in buckets]
    if counted:
        # The one with the longest window has forgotten least.
        longest = max(counted, key=lambda key: rules[key].quota.window_s)
        return convert(rule.quota, rules[longest].quota, buckets[longest], now)
    if not past_known or same_name:
        return None
    # This quota was not counted until now: no more requests can belong to it than were ever counted.
    ever = [b.cooled_count + count(b.held) + count(b.cooling) + count(b.in_transit) for b in buckets.values()]
    span_s = rule.quota.window_s + rule.quota.transit_s
    recent = [adaptive.recent_count(state, now, span_s) for state in adaptives.values()]
    possible = min(rule.quota.limit, sum(ever) + sum(recent))
    if not possible:
        return None
    in_transit = ((transit_bin(rule.quota, now), possible),)
    return Bucket(available=rule.quota.limit - possible, in_transit=in_transit)


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
