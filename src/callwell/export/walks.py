# SPDX-License-Identifier: Apache-2.0
"""Decides how often a list is walked before its contents are trusted.

::

    walk ends `complete`    → trusted immediately
    walk drifts             → walk again, up to MAX_WALKS, until two walks in a row find the same keys
    no two walks agree      → every key that any walk has found, and the verdict stays `drifted`

An item that existed throughout is never missing from the last result: each walk may miss an item that moved during the
walk, but another walk finds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.core.verdict import End

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_WALKS: Final = 5
"""A list that still changes after five walks changes constantly: more walks would not help."""


class WalkResult(NamedTuple):
    """The result of one walk, or of all walks over a list.

    Attributes:
        end: the verdict.
        keys: the keys found.
        reason: why it is not complete.
    """

    end: End
    keys: frozenset[str]
    reason: str = ""


def needs_another_walk(walks: Sequence[WalkResult]) -> bool:
    """Whether the list must be walked (again)."""
    if not walks:
        return True
    return len(walks) < MAX_WALKS and not _is_believed(walks)


def combine_walks(walks: Sequence[WalkResult]) -> WalkResult:
    """Combine all walks over a list.

    Args:
        walks: at least one.
    """
    last = walks[-1]
    if _is_believed(walks):
        return WalkResult(End.COMPLETE, last.keys)
    keys = frozenset().union(*(walk.keys for walk in walks))
    end = End.DRIFTED if last.end is End.COMPLETE else last.end
    return WalkResult(end, keys, last.reason)


def _is_believed(walks: Sequence[WalkResult]) -> bool:
    last = walks[-1]
    if len(walks) == 1:
        return last.end is End.COMPLETE
    return last.end is not End.TRUNCATED and last.keys == walks[-2].keys
