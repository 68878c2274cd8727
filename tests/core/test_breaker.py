# SPDX-License-Identifier: Apache-2.0
"""The breaker opens after ten failures in a row, tries one attempt at a time, and closes with the first success."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from callwell.core import breaker
from callwell.core.breaker import CLOSED, FAILURE_THRESHOLD, MAX_OPEN_S, Breaker


def failed(times: int, state: Breaker = CLOSED, now: float = 0.0) -> Breaker:
    """The breaker after some failures at one moment."""
    for _ in range(times):
        state = breaker.record_attempt(state, now, failed=True)
    return state


def test_nine_failures_leave_it_closed() -> None:
    """Fewer than ten failures in a row stop no call."""
    assert breaker.available_at(failed(FAILURE_THRESHOLD - 1), 0.0) <= 0.0


def test_a_success_between_begins_the_row_anew() -> None:
    """Ten failures that are no row do not open it."""
    state = breaker.record_attempt(failed(FAILURE_THRESHOLD - 1), 0.0, failed=False)
    assert breaker.available_at(failed(FAILURE_THRESHOLD - 1, state), 0.0) <= 0.0


def test_the_tenth_opens_it_for_five_seconds_and_late_failures_do_not_lengthen_it() -> None:
    """Requests that were under way when it opened do not count again."""
    assert breaker.available_at(failed(FAILURE_THRESHOLD), 0.0) == 5.0
    assert breaker.available_at(failed(FAILURE_THRESHOLD + 50), 0.0) == 5.0


def test_half_open_lets_one_attempt_through_at_a_time() -> None:
    """While one attempt is under way, the others wait for its end, or for the time by which it must have ended."""
    state = breaker.admit(failed(FAILURE_THRESHOLD), 5.0, 90.0)
    assert breaker.available_at(state, 5.0) == 95.0
    assert breaker.available_at(breaker.record_attempt(state, 6.0, failed=False), 6.0) <= 6.0
    assert breaker.available_at(breaker.record_attempt(state, 6.0, failed=True), 6.0) == 6.0 + 10.0


def test_each_opening_is_twice_as_long_up_to_a_minute() -> None:
    """5, 10, 20, 40, 60, 60 seconds."""
    state = failed(FAILURE_THRESHOLD)
    now = 0.0
    pauses = []
    for _ in range(6):
        pauses.append(breaker.available_at(state, now) - now)
        now = breaker.available_at(state, now)
        state = breaker.record_attempt(breaker.admit(state, now, 1.0), now, failed=True)
    assert pauses == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


@given(st.lists(st.tuples(st.floats(0.0, 100.0), st.booleans()), max_size=60))
def test_it_never_keeps_anybody_longer_than_its_longest_pause(steps: list[tuple[float, bool]]) -> None:
    """Whatever happens, the next attempt is at most a minute and an attempt away."""
    state = CLOSED
    now = 0.0
    for pause, bad in steps:
        now += pause
        if breaker.available_at(state, now) <= now:
            state = breaker.record_attempt(breaker.admit(state, now, 1.0), now, failed=bad)
        assert breaker.available_at(state, now) <= now + MAX_OPEN_S


def test_it_moves_with_the_clock() -> None:
    """A record of an earlier boot keeps its spans."""
    assert breaker.available_at(breaker.shift(failed(FAILURE_THRESHOLD), 1000.0), 1000.0) == 1005.0
