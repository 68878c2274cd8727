# SPDX-License-Identifier: Apache-2.0
"""What is billed: assessments, and the end users of each calendar month (UTC)."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any


class Billing:
    """The account.

    Attributes:
        again: assessments billed although an answer to the same had been given whole.
        unseen: billed assessments whose answer a fault has kept back or spoiled.
        audio_s: seconds of all that was heard.
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

    def charge(self, request: str, user: str, wall_s: float, *, seen: bool) -> None:
        """One assessment.

        Args:
            request: what makes two requests the same.
            user: the end user, empty if none was named.
            wall_s: the time of day, epoch seconds.
            seen: its answer is given whole.
        """
        self.repeated += request in self._answered
        self.unreadable += not seen
        if seen:
            self._answered.add(request)
        self._requests[request] += 1
        if not user:
            self._without_user += 1
            return
        self._users[user] += 1
        self._months.setdefault(datetime.fromtimestamp(wall_s, UTC).strftime("%Y-%m"), set()).add(user)

    def counts(self) -> dict[str, Any]:
        """What the score tells of it."""
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
