# SPDX-License-Identifier: Apache-2.0
"""What answers teach a client beside their result: how quotas stand, the provider's clock, what will go away.

Looking costs more than many a call, so it is done when it is due: at the first answer of each operation; then for every
answer while a quota is scarce, twenty times a second while there is plenty, and once a second where nothing is said.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from callwell.core import headers as fields
from callwell.core import skew
from callwell.observe.logs import LOGGER
from callwell.observe.notices import ClockDiffers, Deprecated, ForeignSpending, LimitLowered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.client.quota.account import Account
    from callwell.client.quota.permit_batch import PermitBatcher
    from callwell.clock import Clock
    from callwell.core.headers import QuotaHint
    from callwell.core.rules.profile import Profile
    from callwell.core.skew import ClockSkew
    from callwell.observe.notices import Notice
    from callwell.transport.base import Response

PLENTY_S: Final = 0.05
"""Between two looks while more than a quarter of a quota is left."""

NOTHING_S: Final = 1.0
"""Between two looks where the last answer said nothing."""

DIFFERS_S: Final = 30.0
"""From here on a difference between two clocks is told."""

UNREAD: Final = "the headers of an answer could not be read"

DEPRECATED: Final[set[tuple[str, str]]] = set()
"""Providers and operations of which this process was told."""


class Learner:
    """What one client has learnt.

    Args:
        profile: how the provider behaves.
        account: which remembers how the quotas stand.
        clock: whose seconds are meant.
        notify: told what a person should know.

    Attributes:
        due_at: when an answer of an operation is looked at next; at once for those that are not in it.
    """

    def __init__(
        self, profile: Profile, account: Account | PermitBatcher, clock: Clock, notify: Callable[[Notice], None]
    ) -> None:
        self.due_at: dict[str, float] = {}
        self._profile = profile
        self._account = account
        self._clock = clock
        self._notify = notify
        self._skew: ClockSkew | None = None
        self._reported_skew = False
        self._spending: dict[str, int] = {}
        self._limits: dict[str, int] = {}

    def observe(self, operation: str, response: Response, now: float, seconds: float) -> tuple[QuotaHint, ...]:
        """Read an answer's headers.

        Args:
            operation: of the call.
            response: the answer.
            now: when it arrived.
            seconds: how long it took.

        Returns:
            what it says about quotas.
        """
        headers = response.headers
        hints: tuple[QuotaHint, ...] = ()
        try:
            hints = fields.read_hints(headers, self.provider_wall_s(), self._profile.quota_headers)
            hints = tuple([self._bounded(hint, now) for hint in hints])
        except Exception:  # noqa: BLE001 - whatever a header makes of its reader: nothing is learnt from it
            LOGGER.debug("%s %s: %s", self._profile.name, operation, UNREAD, exc_info=True)
        try:
            self._observe_date(headers, now, seconds)
            self._observe_deprecation(operation, headers)
        except Exception:  # noqa: BLE001 - the same
            LOGGER.debug("%s %s: %s", self._profile.name, operation, UNREAD, exc_info=True)
        scarce = any(hint.remaining is None or hint.remaining * 4 < (hint.limit or inf) for hint in hints)
        wait_s = PLENTY_S
        if not hints:
            wait_s = NOTHING_S
        elif scarce:
            wait_s = 0.0
        self.due_at[operation] = now + wait_s
        return hints

    def throttled_for_s(self, hints: tuple[QuotaHint, ...]) -> float | None:
        """For how long a 429 holds, by the headers about quotas."""
        return fields.throttled_for_s(hints, named=self._profile.quota_headers is not None)

    def provider_wall_s(self) -> float:
        """The provider's time of day at the least, as far as it is known; else this machine's."""
        if self._skew is None:
            return self._clock.wall()
        now = self._clock.now()
        return now + skew.widen(self._skew, now).low

    def report(self) -> None:
        """Tell what the account has learnt, if it is news: others' spending each time that it has doubled."""
        for name, (parked, limit, full) in tuple(self._account.observed.items()):
            if parked and parked >= 2 * self._spending.get(name, 0):
                self._spending[name] = parked
                self._notify(ForeignSpending(self._profile.name, name, parked, full))
            if limit < full and self._limits.get(name) != limit:
                self._limits[name] = limit
                self._notify(LimitLowered(self._profile.name, name, limit, full))

    def _observe_date(self, headers: Mapping[str, str], now: float, seconds: float) -> None:
        date = fields.read_date(headers)
        if date is None or fields.read_age_s(headers):
            return
        self._skew = skew.observe(self._skew, date, now - seconds, now)
        wrong_s = skew.clock_error_s(self._skew, now, self._clock.wall())
        if abs(wrong_s) > DIFFERS_S and not self._reported_skew:
            self._reported_skew = True
            self._notify(ClockDiffers(self._profile.name, wrong_s))

    def _observe_deprecation(self, operation: str, headers: Mapping[str, str]) -> None:
        since, until = fields.read_deprecated_at(headers), fields.read_sunset_at(headers)
        name = self._profile.name, operation
        if (since is not None or until is not None) and name not in DEPRECATED:
            DEPRECATED.add(name)
            self._notify(Deprecated(*name, since or None, until))

    def _bounded(self, hint: QuotaHint, now: float) -> QuotaHint:
        """A time that the answer's own `Date` does not bound is bounded by what is known of the provider's clock."""
        if hint.slack_s < inf or hint.cached or self._skew is None:
            return hint
        low, high, _ = skew.widen(self._skew, now)
        return hint._replace(slack_s=fields.ROUNDED_S + high - low)
