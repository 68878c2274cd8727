# SPDX-License-Identifier: Apache-2.0
"""Every place of every text is found, with the extra `check` and without it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.readiness.substrings import Substrings

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECES = st.lists(st.sampled_from([b"a", b"b", b"ab", b"\0", b"\n"]), max_size=8).map(b"".join)


@pytest.fixture(scope="module", params=["with the extra", "without it"], autouse=True)
def extra(request: pytest.FixtureRequest) -> Iterator[None]:
    """An installation that has the extra, or lacks it."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "without it":
            patch.setitem(sys.modules, "ahocorasick_rs", None)
        yield


@given(texts=st.lists(PIECES.filter(bool), max_size=6), data=PIECES)
def test_every_place(texts: list[bytes], data: bytes) -> None:
    """Also where texts overlap, contain each other, or are the same."""
    wanted = {
        (number, start)
        for number, text in enumerate(texts)
        for start in range(len(data))
        if data.startswith(text, start)
    }
    found = list(Substrings(texts).find(data))
    assert set(found) == wanted
    assert len(found) == len(wanted)
