# SPDX-License-Identifier: Apache-2.0
"""Formats days for findings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

DAY_S: Final = 86_400.0


def to_day(wall: float) -> str:
    """A time as a day in UTC, such as `2026-11-29`.

    Args:
        wall: seconds since the epoch.
    """
    return datetime.fromtimestamp(wall, UTC).date().isoformat()
