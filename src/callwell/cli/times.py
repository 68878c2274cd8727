# SPDX-License-Identifier: Apache-2.0
"""How commands write moments."""

from __future__ import annotations

from datetime import UTC, datetime


def format_time(seconds: float) -> str:
    """A moment in UTC, to the second.

    Args:
        seconds: since the epoch.
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
