# SPDX-License-Identifier: Apache-2.0
"""What a walk has delivered is remembered exactly, in memory and beyond it."""

from __future__ import annotations

import gc
import sqlite3
import tempfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.client.pages.seen import DeliveredDigests
from callwell.errors import DiskFull

if TYPE_CHECKING:
    from pathlib import Path

EDGE = 1 << 63

marks = st.integers(-EDGE, EDGE - 1) | st.sampled_from([-EDGE, EDGE - 1, -1, 0, 1, 2])


@given(pages=st.lists(st.lists(marks, max_size=9), max_size=9), in_memory=st.integers(0, 20))
def test_it_is_a_set(pages: list[list[int]], in_memory: int) -> None:
    """However much of it fits into memory, it knows what came before, and nothing else."""
    seen = DeliveredDigests(in_memory)
    known = set[int]()
    for page in pages:
        assert seen.add(page) == known & set(page)
        known |= set(page)
    assert sorted(seen) == sorted(known)


def test_a_page_knows_itself_not() -> None:
    """What comes twice on one page did not come before it, however long the page is."""
    assert DeliveredDigests(in_memory=10).add([*range(3000), *range(3000)]) == set()


def test_many_at_once() -> None:
    """More than one batch is restored; half of the next are known."""
    seen = DeliveredDigests(in_memory=10)
    seen.restore(iter(range(3000)))
    assert seen.add(range(1500, 4500)) == set(range(1500, 3000))
    assert len(list(seen)) == 4500


def test_all_stays_in_memory_without_a_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no temporary file can be made, everything stays in memory."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    seen = DeliveredDigests(in_memory=1)
    seen.add([1, 2, 3])
    assert (seen._table, seen.add([3, 4])) == (None, {3})


def test_a_full_disk_ends_the_walk() -> None:
    """A digest that cannot be stored ends the walk: the next page could repeat an item."""
    seen = DeliveredDigests(in_memory=0)
    seen.add([1])
    assert seen._table is not None
    seen._table.execute("PRAGMA max_page_count = 3")
    with pytest.raises(DiskFull, match="database or disk is full; make room, or set TMPDIR"):
        seen.add(range(10_000))


def test_the_file_goes_with_its_owner() -> None:
    """Nothing stays open when a walk is forgotten."""
    seen = DeliveredDigests(in_memory=0)
    seen.add([1])
    table = seen._table
    assert table is not None
    del seen
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        table.execute("SELECT 1")
