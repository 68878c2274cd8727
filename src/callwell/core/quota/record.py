# SPDX-License-Identifier: Apache-2.0
"""The record of an account, which all its calls share, and the update of a stored record to the present.

Times in it are monotonic seconds of this machine's present boot. A record of an earlier boot or another clock is
shifted: its last change is as long ago as the wall clocks say, and never in the future. Buckets that do not add up are
dropped, and all permits of a bucket with an unknown past cool as if they had just been used.

Records are stored by position: new fields go to the end, and have a default.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from callwell.core import breaker
from callwell.core.breaker import Breaker
from callwell.core.quota import adaptive, buckets, versions
from callwell.core.quota.adaptive import AdaptiveQuota
from callwell.core.quota.buckets import Bucket, Quota
from callwell.core.quota.hint import QuotaHint
from callwell.core.quota.permits import MAX_PAUSE_S
from callwell.core.quota.versions import VersionedQuota
from callwell.core.retry import RetryBudget
from callwell.core.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.core.rules.profile import QuotaRule, RetryRule

TOO_MANY_REQUESTS: Final = 429
"""The status of a response that throttles (RFC 6585)."""

SERVER_ERROR: Final = 500
"""From this status on the provider has failed (RFC 9110, 15.6)."""


class AccountRecord(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The record.

    Attributes:
        buckets: by the key that `versions.bucket_key` derives from the quota's name and rule.
        budget: the retry budget.
        boot: the boot and clock that its times belong to; empty if it is private.
        changed_at: when it was last changed.
        changed_at_wall: the same by the wall clock.
        past_known: a quota without a bucket was never used; otherwise its past is unknown.
        breaker: the circuit breaker.
        rules: the quotas of all versions of the profile, which define its bins; empty if it is private.
        adaptives: undocumented quotas, by their names.
        versions_seen: when each version was last seen, while there are several.
    """

    buckets: dict[str, Bucket] = {}
    budget: RetryBudget = RetryBudget()
    boot: str = ""
    changed_at: float = 0.0
    changed_at_wall: float = 0.0
    past_known: bool = True
    breaker: Breaker = breaker.CLOSED
    rules: dict[str, VersionedQuota] = {}
    adaptives: dict[str, AdaptiveQuota] = {}
    versions_seen: dict[str, float] = {}


class AccountQuotas(Struct, frozen=True):
    """The quotas of an account, as one version of its profile has them.

    Attributes:
        documented: by their names.
        keys: the keys of their buckets, by the same names.
        rules: the same quotas, by those keys.
        version: this version's ID in the record.
        adaptives: the names of the undocumented ones.
        max_hold_s: the longest from acquiring a permit to the end of its request.
        expires_in_s: after how many seconds a held permit comes back by itself; infinite if only one client uses the
            record.
    """

    documented: dict[str, Quota]
    keys: dict[str, str]
    rules: dict[str, VersionedQuota]
    version: str
    adaptives: tuple[str, ...]
    max_hold_s: float
    expires_in_s: float


class CallQuotas(Struct, frozen=True):
    """The quotas that count a call, by the caller's version of the profile.

    Attributes:
        own: the quotas of the account.
        names: all quotas that count the call.
        documented: the names of those with a bucket.
        keys: their buckets' keys, in the same order.
        quotas: the same quotas, as needed by their buckets.
        adaptives: the names of the undocumented ones.
    """

    own: AccountQuotas
    names: tuple[str, ...]
    documented: tuple[str, ...]
    keys: tuple[str, ...]
    quotas: tuple[Quota, ...]
    adaptives: tuple[str, ...]


class SendEnd(Struct, frozen=True):
    """How a Send ended, as needed by permits and retry budget.

    Attributes:
        outcome: `REFUSED` if nothing was sent, `UNKNOWN` if no response came, `DONE` for any response.
        status: the HTTP status of the response, 0 without one.
        wait_s: how many seconds a 429 asks the client to wait.
        closes_in_s: without a response: the latest time in seconds after which the connection closes.
        hints: what the response says about quotas.
        inconclusive: it shows nothing about the provider or the account: the caller did not wait for a response, or the
            key was on trial, and a refusal, even a 429, may be only about that key.
        request_arrived: the response was incomplete, but its head arrived, so the request certainly arrived.
    """

    outcome: Outcome
    status: int = 0
    wait_s: float | None = None
    closes_in_s: float = 0.0
    hints: tuple[QuotaHint, ...] = ()
    inconclusive: bool = False
    request_arrived: bool = False

    @property
    def has_failed(self) -> bool:
        """Whether there was no response, or a 5xx."""
        return self.status >= SERVER_ERROR or not self.status

    @property
    def throttles(self) -> bool:
        """Whether it is a 429 that is about the account."""
        return self.status == TOO_MANY_REQUESTS and not self.inconclusive


PLAIN_SUCCESS: Final = SendEnd(Outcome.DONE, 200)
"""The end of a successful Send without news about quotas: the exact 2xx status makes no difference."""


def to_account_quotas(quotas: Mapping[str, QuotaRule], retry: RetryRule) -> AccountQuotas:
    """The quotas of an account with a shared record.

    Args:
        quotas: the rules of a profile, by their names.
        retry: the profile's retry rule, with the times that a request can take.
    """
    rules = {name: rule for name, rule in quotas.items() if not rule.adaptive}
    documented = {name: buckets.to_quota(rule, retry.max_transit_s) for name, rule in rules.items()}
    keys = {name: versions.bucket_key(name, quota) for name, quota in documented.items()}
    versioned = {keys[name]: versions.to_versioned(name, rules[name], quota) for name, quota in documented.items()}
    max_hold_s = retry.attempt_s + MAX_PAUSE_S
    return AccountQuotas(
        documented=documented,
        keys=keys,
        rules=versioned,
        version=versions.version_id(versioned),
        adaptives=tuple([name for name, rule in quotas.items() if rule.adaptive]),
        max_hold_s=max_hold_s,
        expires_in_s=max_hold_s,
    )


def to_private(own: AccountQuotas) -> AccountQuotas:
    """The quotas of an account with a record that only one client uses: its permits are held until released."""
    return replace(own, expires_in_s=inf)


def to_call_quotas(own: AccountQuotas, names: tuple[str, ...]) -> CallQuotas:
    """The quotas that count a call.

    Args:
        own: the account's.
        names: the quotas of the call.
    """
    documented = tuple([name for name in names if name in own.documented])
    return CallQuotas(
        own=own,
        names=names,
        documented=documented,
        keys=tuple([own.keys[name] for name in documented]),
        quotas=tuple([own.documented[name] for name in documented]),
        adaptives=tuple([name for name in names if name not in own.documented]),
    )


class CallQuotasByNames(dict[tuple[str, ...], CallQuotas]):
    """The quotas of an account's calls, created when a call with these quota names first needs them.

    Args:
        own: the account's.
    """

    def __init__(self, own: AccountQuotas) -> None:
        super().__init__()
        self._own = own

    def __missing__(self, names: tuple[str, ...]) -> CallQuotas:
        """Create those of a call."""
        call = to_call_quotas(self._own, names)
        self[names] = call
        return call


def counting_keys(record: AccountRecord, own: AccountQuotas, names: tuple[str, ...]) -> tuple[str, ...]:
    """The keys of all buckets that count a call, those of other versions of the profile included.

    Args:
        record: the record.
        own: the quotas by the caller's version.
        names: the quotas of the call.
    """
    keys = tuple([own.keys[name] for name in names if name in own.keys])
    if len(record.versions_seen) > 1:
        keys += versions.other_keys(record.rules, own.rules, names)
    return keys


def to_present(record: AccountRecord, own: AccountQuotas, now: float, wall_s: float, boot: str) -> AccountRecord:
    """A shared record, updated for use by this process now.

    Args:
        record: the record.
        own: the quotas by the process's version of the profile.
        now: monotonic seconds.
        wall_s: seconds since the epoch.
        boot: the boot and clock of `now`.
    """
    rules = record.rules
    kept = {
        key: bucket
        for key, bucket in record.buckets.items()
        if key in rules and buckets.is_consistent(rules[key].quota, bucket)
    }
    # A dropped bucket may have been used at any time, so it must not start as a new one.
    past_known = record.past_known and len(kept) == len(record.buckets)
    record = replace(record, buckets=kept, past_known=past_known)
    # Without boot names, a monotonic clock that went back means another boot.
    if record.boot and (record.boot != boot or now < record.changed_at):
        record = _shift(record, now - record.changed_at - max(0.0, wall_s - record.changed_at_wall))
    if len(record.versions_seen) != 1 or own.version not in record.versions_seen:
        joined_rules, joined_buckets, versions_seen = versions.join(
            record.rules,
            record.buckets,
            record.versions_seen,
            own.rules,
            now,
            hold_s=own.expires_in_s,
            changed_at=record.changed_at,
            past_known=record.past_known,
            adaptives=record.adaptives,
        )
        record = replace(record, rules=joined_rules, buckets=joined_buckets, versions_seen=versions_seen)
    return replace(record, boot=boot, changed_at=now, changed_at_wall=wall_s)


def _shift(record: AccountRecord, by: float) -> AccountRecord:
    """The record with `by` seconds added to all its times."""
    return replace(
        record,
        buckets={key: buckets.shift(record.rules[key].quota, bucket, by) for key, bucket in record.buckets.items()},
        changed_at=record.changed_at + by,
        breaker=breaker.shift(record.breaker, by),
        adaptives={name: adaptive.shift(state, by) for name, state in record.adaptives.items()},
        versions_seen={version: seen_at + by for version, seen_at in record.versions_seen.items()},
    )
