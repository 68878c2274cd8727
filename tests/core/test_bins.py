# SPDX-License-Identifier: Apache-2.0
"""Bins hold what a list of times would hold."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from callwell.core.quota import bins

steps = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "drain"]), st.integers(0, 9), st.integers(1, 3)), max_size=40
)


@given(steps=steps)
def test_bins_are_a_sorted_count(steps: list[tuple[str, int, int]]) -> None:
    """Permits are added, removed and drained one by one or several at a time, and never mixed up."""
    held: bins.Bins = ()
    expected = Counter[int]()
    for step, at, n in steps:
        if step == "add":
            held = bins.add(held, at, n)
            expected[at] += n
        elif step == "remove":
            after = bins.remove(held, at, n)
            assert (after is None) == (expected[at] < n)
            if after is not None:
                held = after
                expected[at] -= n
        else:
            held, drained = bins.drain(held, at)
            assert drained == sum(expected.pop(there, 0) for there in range(at + 1))
        assert held == tuple(sorted((+expected).items()))
        assert bins.count(held) == expected.total()
        taken, left = bins.take(held, n, skip=at)
        in_order = sorted(expected.elements())
        assert sorted(Counter(dict(taken)).elements()) == in_order[at : at + n]
        assert sorted(Counter(dict(left)).elements()) == in_order[:at] + in_order[at + n :]
