# SPDX-License-Identifier: Apache-2.0
"""What would be billed: assessments, and the end users of each calendar month (UTC).

Plans are billed by the call or by monthly active user, the `x-user-id` of a request. The documentation names no key by
which a repeated call could be recognized, so every assessment counts, repeated or not.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any


class Billing:
    """The account's bill.

    Attributes:
        repeated: assessments billed although the same request had already been answered in full.
        unreadable: billed assessments with a response that a fault suppressed or damaged.
        audio_s: seconds of audio assessed.
    """

    def __init__(self) -> None:
        self._requests: Counter[str] = Counter()
        self._users: Counter[str] = Counter()
        self._months: dict[str, set[str]] = {}
        self._without_user = 0
        self._answered: set[str] = set()
        self.repeated = 0
        self.unreadable = 0
        self.audio_s = 0.0

    def charge(self, request: str, user: str, wall_s: float, *, delivered: bool) -> None:
        """Bill one assessment.

        Args:
            request: what makes two requests the same.
            user: the end user, empty if none was named.
            wall_s: the time of day, epoch seconds.
            delivered: the client receives the whole response.
        """
        if request in self._answered:
            self.repeated += 1
        if delivered:
            self._answered.add(request)
        else:
            self.unreadable += 1
        self._requests[request] += 1
        if not user:
            self._without_user += 1
            return
        self._users[user] += 1
        month = datetime.fromtimestamp(wall_s, UTC).strftime("%Y-%m")
        self._months.setdefault(month, set()).add(user)

    def counts(self) -> dict[str, Any]:
        """Return the bill for the score."""
        return {
            "billed": self._requests.total(),
            "billed_twice": sum(times - 1 for times in self._requests.values()),
            "billed_again": self.repeated,
            "billed_unseen": self.unreadable,
            "audio_s": round(self.audio_s, 3),
            "active_users": {month: len(users) for month, users in sorted(self._months.items())},
            "calls_by_user": dict(sorted(self._users.items())),
            "calls_without_user": self._without_user,
        }
