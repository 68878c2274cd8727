# SPDX-License-Identifier: Apache-2.0
"""What a response says about a quota, as read by `core.headers`."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

ROUNDED_S: Final = 1.0
"""The error in seconds of a value in whole seconds; doubled if a time and a `Date` were both rounded."""


class QuotaHint(Struct, frozen=True):
    """What a response says about one quota.

    Attributes:
        name: the quota's name in the header; empty if it has none.
        limit: requests in a window.
        remaining: requests left.
        reset_s: seconds until there are more.
        window_s: seconds of the window.
        uncertainty_s: the possible error of `reset_s` in seconds; infinite if it depends on this machine's time of day.
        cached: the response comes from a cache: its reset may be waited for, but proves nothing.
    """

    name: str = ""
    limit: int | None = None
    remaining: int | None = None
    reset_s: float | None = None
    window_s: float | None = None
    uncertainty_s: float = ROUNDED_S
    cached: bool = False
