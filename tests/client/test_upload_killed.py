# SPDX-License-Identifier: Apache-2.0
"""An upload by a process that dies at any of its writes: the same call goes on, in the same object."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from callwell.state import MemoryState
from tests.client._async.scripted_client import connect
from tests.client.studio import Killed, Mortal, Studio, studio
from tests.client.vault import PIECE, SMALL
from tests.client.world import ScriptedProvider

if TYPE_CHECKING:
    from callwell.state.base import State

PIECES = -(-len(SMALL) // PIECE)


async def sent(world: ScriptedProvider, state: State) -> Any:
    """Send a film by the same call."""
    async with connect(world, provider=studio(), state=state) as api:
        return await api.upload("films.send", SMALL, title="film", piece_size=PIECE, check=False, pieces=2)


@pytest.mark.parametrize("after", [False, True])
def test_a_kill_at_any_write_costs_no_second_object(*, after: bool) -> None:
    """And few pieces; the figures are right. Only after its very last write nothing is known of it any more."""
    at = 0
    ends = list[int]()
    while True:
        at += 1
        there = Studio()
        world = ScriptedProvider(there)
        state = MemoryState()
        mortal = Mortal(state, at, after=after)
        try:
            asyncio.run(sent(world, mortal))
        except Killed:
            ends.append(len(there.films))
        else:
            break
        done = asyncio.run(sent(world, state))
        ends[-1] = len(there.films)
        assert there.whole(done.target) == SMALL, at
        assert done.pieces == PIECES, at
        if len(there.films) == 1:
            assert there.asked.count("send") <= PIECES + 2, at
            assert done.resent <= 2 * PIECE, at
    assert ends[:-1] == [1] * (len(ends) - 1)
    assert ends[-1] == (2 if after else 1)
