# SPDX-License-Identifier: Apache-2.0
"""The faults that the emulator injects into the demo."""

from __future__ import annotations

from typing import Any, Final

SCALE: Final = 25.0
"""The speed of the demo's clock: a minute of a quota takes 2.4 seconds."""

RECORDINGS: Final = 420
"""Items to export: about 2,600 calls, which are 22 windows of a quota of 120 a minute."""

KEY_GAP_S: Final = 4.0
"""Clock seconds between the end of the old key and the arrival of the new one."""

RETRY_AFTER_S: Final = 8.0
"""Clock seconds: longer than a usual backoff, so that a client that ignores it is found out."""


def export_faults(seed: int, lists: tuple[str, ...]) -> list[dict[str, Any]]:
    """The faults during an export.

    Of all calls, 3 % get a 5xx, 2 % lose their reply, 1 % are reset and 1 % get a 429, half of those with Retry-After;
    never more than two in a row. The list shifts while it is read, URLs expire early, and bodies break off.

    Args:
        seed: the seed of all faults.
        lists: the operations with shifting pages.
    """
    script: list[dict[str, Any]] = []
    for operation in lists:
        script.append({"operation": operation, "fault": "shifted_page", "nth": _shifts(seed), "seed": seed, "limit": 4})
        script.append({"operation": operation, "fault": "empty_page", "nth": [4], "seed": seed, "limit": 1})
    script += [
        {"operation": "*", "fault": "error_before", "rate": 0.03, "seed": seed + 1},
        {"operation": "*", "fault": "lost_reply", "rate": 0.02, "seed": seed + 2},
        {"operation": "*", "fault": "reset", "rate": 0.01, "seed": seed + 3},
        {"operation": "*", "fault": "throttle", "rate": 0.005, "seed": seed + 4},
        {"operation": "*", "fault": "throttle_after", "rate": 0.005, "seed": seed + 5, "retry_after_s": RETRY_AFTER_S},
        {"operation": "*", "fault": "early_expiry", "rate": 0.02, "seed": seed + 6},
        {"operation": "storage", "fault": "truncated", "rate": 0.02, "seed": seed + 7},
        {"operation": "storage", "fault": "early_expiry", "rate": 0.02, "seed": seed + 8},
    ]
    return script


def upload_faults(seed: int) -> list[dict[str, Any]]:
    """The faults while files are uploaded and downloaded: more of each, because there are fewer calls.

    The first reply, to the creation of an object, is always lost.

    Args:
        seed: the seed of all faults.
    """
    return [
        {"operation": "*", "fault": "lost_reply", "nth": 1},
        {"operation": "*", "fault": "error_before", "status": 500, "rate": 0.02, "seed": seed + 1},
        {"operation": "*", "fault": "error_after", "status": 500, "rate": 0.02, "seed": seed + 2},
        {"operation": "*", "fault": "lost_reply", "rate": 0.02, "seed": seed + 3},
        {"operation": "*", "fault": "reset", "rate": 0.02, "seed": seed + 4},
        {"operation": "*", "fault": "throttle_after", "rate": 0.02, "seed": seed + 5, "retry_after_s": RETRY_AFTER_S},
    ]


def _shifts(seed: int) -> list[int]:
    """The page requests at which the list shifts: early ones, so that two later walks can agree."""
    first = 3 + seed % 5
    return [first, first + 4, first + 9, 40 + seed % 5]
