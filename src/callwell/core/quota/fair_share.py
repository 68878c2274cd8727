# SPDX-License-Identifier: Apache-2.0
"""Divides a scarce supply by max-min fairness, as water fills vessels of different sizes (water-filling).

Each holder states its need. If all needs can be met, they are; otherwise holders with small needs get all they need,
and the rest is split evenly among the others::

    needs   1  2  9  9        supply 11        shares  1  2  4  4

            ▁  ▂  █  █   <- the water level: 4
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def water_level(needs: Iterable[float], supply: float) -> float:
    """The level up to which each need is met; infinite if all needs are met.

    Args:
        needs: what each holder needs.
        supply: the supply to divide.
    """
    left = supply
    rising = sorted(needs)
    for i, need in enumerate(rising):
        level = left / (len(rising) - i)
        if need > level:
            return max(0.0, level)
        left -= need
    return float("inf")
