# SPDX-License-Identifier: Apache-2.0
"""Learns quotas, clock skew and deprecations from response headers.

Reading headers can cost more than the rest of a call, so it is done only when due: for the first response of each
operation; then for every response while a quota is scarce, twenty times a second while there is plenty, and once a
second if headers say nothing.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from callwell.core import clock_offset
from callwell.core import headers as fields
from callwell.core.quota.hint import ROUNDED_S
from callwell.observe.logs import LOGGER
from callwell.observe.notices import ClockDiffers, Deprecated, ForeignSpending, LimitLowered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.client.quota.account import Account
    from callwell.client.quota.permit_batch import PermitBatcher
    from callwell.clock import Clock
    from callwell.core.quota.hint import QuotaHint
    from callwell.core.rules.profile import Profile
    from callwell.observe.notices import Notice
    from callwell.transport.base import Response

SCARCE_SHARE: Final = 0.25
"""A quota is scarce while less than this fraction of it is left."""

PLENTIFUL_INTERVAL_S: Final = 0.05
"""Seconds between two readings while there is plenty."""

SILENT_INTERVAL_S: Final = 1.0
"""Seconds between two readings if the last response said nothing."""

REPORTED_SKEW_S: Final = 30.0
"""The clock difference in seconds that is reported: signatures and tokens commonly allow half a minute."""

UNREADABLE: Final = "the headers of a response could not be read"

DEPRECATED: Final[set[tuple[str, str]]] = set()
"""The operations, with their providers, that this process has reported as deprecated."""


class Learner:
    """Everything that one client has learned from headers.

    Args:
        profile: how the provider behaves.
        account: has the state of the quotas.
        clock: the source of times.
        notify: called with notices for people.

    Attributes:
        due_at: when a response of an operation is read next; immediately for operations that are not in it.
    """

    def __init__(
        self, profile: Profile, account: Account | PermitBatcher, clock: Clock, notify: Callable[[Notice], None]
    ) -> None:
        self.due_at: dict[str, float] = {}
        self._profile = profile
        self._account = account
        self._clock = clock
        self._notify = notify
        self._reported_skew = False
        self._reported_foreign: dict[str, int] = {}
        self._reported_limits: dict[str, int] = {}

    def observe(self, operation: str, response: Response, now: float, seconds: float) -> tuple[QuotaHint, ...]:
        """Read a response's headers.

        Args:
            operation: the operation of the call.
            response: the response.
            now: when it arrived.
            seconds: how long the request took.

        Returns:
            What it says about quotas.
        """
        headers = response.headers
        hints: tuple[QuotaHint, ...] = ()
        try:
            hints = fields.read_hints(headers, self.provider_wall_s(), self._profile.quota_headers)
            hints = tuple([self._bound_uncertainty(hint, now) for hint in hints])
        except Exception:  # noqa: BLE001 - whatever a header makes of its reader: nothing is learned from it
            LOGGER.debug("%s %s: %s", self._profile.name, operation, UNREADABLE, exc_info=True)
        try:
            self._observe_date(headers, now, seconds)
            self._observe_deprecation(operation, headers)
        except Exception:  # noqa: BLE001 - as above
            LOGGER.debug("%s %s: %s", self._profile.name, operation, UNREADABLE, exc_info=True)
        self.due_at[operation] = now + _next_reading_s(hints)
        return hints

    def throttled_for_s(self, hints: tuple[QuotaHint, ...]) -> float | None:
        """How many seconds a 429 lasts, according to the quota headers."""
        return fields.throttled_for_s(hints, named_by_profile=self._profile.quota_headers is not None)

    def provider_wall_s(self) -> float:
        """The provider's time of day, in seconds since the epoch; this machine's while the provider's is unknown.

        It is the earliest possible time.
        """
        offset = self._account.clock_offset
        if offset is None:
            return self._clock.wall()
        now = self._clock.now()
        return now + clock_offset.widen(offset, now).low

    def report(self) -> None:
        """Report what the account has learned, if it is new: foreign spending each time it has doubled."""
        for name, quota in tuple(self._account.observed.items()):
            if quota.foreign and quota.foreign >= 2 * self._reported_foreign.get(name, 0):
                self._reported_foreign[name] = quota.foreign
                self._notify(ForeignSpending(self._profile.name, name, quota.foreign, quota.documented_limit))
            if quota.limit < quota.documented_limit and self._reported_limits.get(name) != quota.limit:
                self._reported_limits[name] = quota.limit
                self._notify(LimitLowered(self._profile.name, name, quota.limit, quota.documented_limit))

    def _observe_date(self, headers: Mapping[str, str], now: float, seconds: float) -> None:
        date_s = fields.read_date(headers)
        if date_s is None or fields.read_age_s(headers):
            return
        offset = clock_offset.observe(self._account.clock_offset, date_s, now - seconds, now)
        self._account.clock_offset = offset
        error_s = clock_offset.clock_error_s(offset, now, self._clock.wall())
        if abs(error_s) > REPORTED_SKEW_S and not self._reported_skew:
            self._reported_skew = True
            self._notify(ClockDiffers(self._profile.name, error_s))

    def _observe_deprecation(self, operation: str, headers: Mapping[str, str]) -> None:
        deprecated_at = fields.read_deprecated_at(headers)
        sunset_at = fields.read_sunset_at(headers)
        if deprecated_at is None and sunset_at is None:
            return
        name = (self._profile.name, operation)
        if name not in DEPRECATED:
            DEPRECATED.add(name)
            self._notify(Deprecated(*name, deprecated_at or None, sunset_at))

    def _bound_uncertainty(self, hint: QuotaHint, now: float) -> QuotaHint:
        """A hint, with its uncertainty bounded by the known clock offset if the response has no usable `Date`."""
        offset = self._account.clock_offset
        if hint.uncertainty_s < inf or hint.cached or offset is None:
            return hint
        low, high, _ = clock_offset.widen(offset, now)
        return replace(hint, uncertainty_s=ROUNDED_S + high - low)


def _next_reading_s(hints: tuple[QuotaHint, ...]) -> float:
    """Seconds until headers are read again, after a response with these hints."""
    if not hints:
        return SILENT_INTERVAL_S
    if any(hint.remaining is None or hint.remaining < SCARCE_SHARE * (hint.limit or inf) for hint in hints):
        return 0.0
    return PLENTIFUL_INTERVAL_S
