# SPDX-License-Identifier: Apache-2.0
"""What is known of a provider's clock is true, and gets better with each response."""

from __future__ import annotations

import random
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from callwell.core import clock_offset
from callwell.core.clock_offset import ClockOffset


@given(ahead=st.floats(-1e6, 1e6), rate=st.sampled_from([0.9995, 1.0, 1.0005]), seed=st.integers(0, 2**32))
def test_the_truth_is_never_left_out(ahead: float, rate: float, seed: int) -> None:
    """Whatever the delays, and with clocks that drift, the server's time is between the bounds."""
    dice = random.Random(seed)
    known = None
    now = 1000.0
    for _ in range(50):
        now += dice.expovariate(0.1)
        sent = now
        there = now + dice.random() * 2.0
        now = there + dice.random() * 2.0
        known = clock_offset.observe(known, float(floor(there * rate + ahead)), sent, now)
        low, high, _ = clock_offset.widen(known, now)
        assert low - 1e-6 <= now * rate + ahead - now <= high + 1e-6


def test_many_answers_say_more_than_one() -> None:
    """A second that begins between two responses is seen."""
    known = None
    for i in range(20):
        at = 100.0 + i * 1.05
        known = clock_offset.observe(known, float(floor(at + 7.5)), at, at)
    assert known is not None
    assert 7.4 < known.low <= 7.5 <= known.high < 7.6


def test_a_clock_that_is_set_anew_is_believed() -> None:
    """What contradicts all that was known replaces it."""
    known = clock_offset.observe(ClockOffset(5.0, 5.5, 100.0), 1200.0, 200.0, 200.5)
    assert known == ClockOffset(999.5, 1001.0, 200.5)


def test_a_wrong_time_of_day_is_reported_by_how_much_it_is_wrong_at_least() -> None:
    """Between the bounds nothing is wrong for sure."""
    known = ClockOffset(1000.0, 1001.0, 50.0)
    assert clock_offset.clock_error_s(known, 50.0, 1010.0) == 40.0
    assert clock_offset.clock_error_s(known, 50.0, 1100.0) == -49.0
    assert clock_offset.clock_error_s(known, 50.0, 1050.5) == 0.0
