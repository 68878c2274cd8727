# SPDX-License-Identifier: Apache-2.0
"""How many walks over a list it takes to believe it.

A walk that ended `complete` is believed. One that drifted is walked again until two walks in a row have found the same
items, at most five times. What is exported is then what the last two agree on; without agreement it is everything that
any walk has found, so that nothing that existed all the time is missing, and the verdict stays `drifted`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.core.verdict import End

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_WALKS: Final = 5


class WalkResult(NamedTuple):
    """One whole walk.

    Attributes:
        end: its verdict.
        keys: what it found.
        reason: in words, unless it was complete.
    """

    end: End
    keys: frozenset[str]
    reason: str = ""


def again(walks: Sequence[WalkResult]) -> bool:
    """Whether another walk is needed."""
    if not walks:
        return True
    return len(walks) < MAX_WALKS and not _believed(walks)


def conclude(walks: Sequence[WalkResult]) -> WalkResult:
    """What all walks together are worth.

    Args:
        walks: at least one.
    """
    if _believed(walks):
        return WalkResult(End.COMPLETE, walks[-1].keys)
    keys = frozenset().union(*(walk.keys for walk in walks))
    return WalkResult(walks[-1].end if walks[-1].end is not End.COMPLETE else End.DRIFTED, keys, walks[-1].reason)


def _believed(walks: Sequence[WalkResult]) -> bool:
    last = walks[-1]
    if len(walks) == 1:
        return last.end is End.COMPLETE
    return last.end is not End.TRUNCATED and last.keys == walks[-2].keys
