# SPDX-License-Identifier: Apache-2.0
"""What the emulated provider does to the demo's client."""

from __future__ import annotations

from typing import Any, Final

SCALE: Final = 25.0
"""How much faster than real time the demo's clock runs: a quota's minute is 2.4 seconds."""

RECORDINGS: Final = 420
"""Items to export: some 2,600 calls, which is 22 windows of a quota of 120 a minute."""

KEY_GAP_S: Final = 4.0
"""Clock seconds between the death of the old key and the arrival of the new one."""

RETRY_AFTER_S: Final = 8.0


def faults(seed: int, lists: tuple[str, ...]) -> list[dict[str, Any]]:
    """The script of faults.

    Per call: 5xx 3 %, lost replies 2 %, resets 1 %, 429 1 % (half of them with a time), never more than two in a row.
    The list shifts while it is read, URLs expire early, and bodies break off.

    Args:
        seed: by which each fault draws.
        lists: the operations whose pages shift.
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
    """The script of faults while files are sent and fetched: more of each, for there are fewer calls.

    The answer of the first creation is lost, whatever the dice say.

    Args:
        seed: by which each fault draws.
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
    """Requests for pages at which the list moves: in the first walks, so that two later ones can agree."""
    first = 3 + seed % 5
    return [first, first + 4, first + 9, 40 + seed % 5]
