# SPDX-License-Identifier: Apache-2.0
"""A server that counts the requests of a fleet, each as if it had arrived at the worst moment."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from callwell.core.quota.versions import VersionedQuota


class Server:
    """What one quota has counted, at worst.

    Attributes:
        rule: the quota, as its version has it.
    """

    def __init__(self, rule: VersionedQuota, limit: int, window_s: float) -> None:
        self.rule = rule
        self._limit = limit
        self._window_s = window_s
        self._latest: list[tuple[float, bool, bool]] = []
        self._informed = 0

    def arrive(self, now: float, latest: float, *, informed: bool, documented: bool) -> None:
        """A request may arrive at once; each one before it may have arrived as late as it can.

        Holders that have not heard of the quota may exceed it, but then nobody else sends anything.

        Args:
            now: true time.
            latest: when it arrives at the latest.
            informed: the holder knows the quota.
            documented: the holder's own quotas are documented, so that the record counts all its requests.
        """
        while self._latest and self._latest[0][0] <= now - self._window_s:
            self._informed -= heappop(self._latest)[1]
        is_full = len(self._latest) >= self._limit
        assert not (is_full and (informed or self._informed)), (self.rule.name, now)
        heappush(self._latest, (latest, informed, documented))
        self._informed += informed

    def lapse(self) -> None:
        """Nobody has the quota any more, so that it binds nobody.

        When it joins again, nobody knows of requests that count against undocumented quotas only, as with a new one.
        """
        self._latest = [(latest, False, documented) for latest, _, documented in self._latest if documented]
        heapify(self._latest)
        self._informed = 0
