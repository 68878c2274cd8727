# SPDX-License-Identifier: Apache-2.0
"""How far a walk over pages can be trusted."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class End(StrEnum):
    """How a walk ended."""

    COMPLETE = "complete"
    DRIFTED = "drifted"
    TRUNCATED = "truncated"


class Verdict(NamedTuple):
    """How far a walk can be trusted.

    Attributes:
        end: how it ended.
        pages: pages read.
        items: items delivered, each key once.
        repeated: keys that arrived more than once, at most the first hundred.
        totals: the announced totals, in order, if they changed or were not met.
        reason: a description, for `drifted` and `truncated`.
    """

    end: End
    pages: int
    items: int
    repeated: tuple[str, ...] = ()
    totals: tuple[int, ...] = ()
    reason: str = ""
