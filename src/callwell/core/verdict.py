# SPDX-License-Identifier: Apache-2.0
"""What a walk over pages was worth."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class End(StrEnum):
    """How a walk ended."""

    COMPLETE = "complete"
    DRIFTED = "drifted"
    TRUNCATED = "truncated"


class Verdict(NamedTuple):
    """What a walk was worth.

    Attributes:
        end: how it ended.
        pages: pages that were read.
        items: items that were delivered, each key once.
        repeated: keys that came more than once, the first hundred.
        totals: the different totals that the provider announced, in order, if it moved.
        reason: in words, for `drifted` and `truncated`.
    """

    end: End
    pages: int
    items: int
    repeated: tuple[str, ...] = ()
    totals: tuple[int, ...] = ()
    reason: str = ""
