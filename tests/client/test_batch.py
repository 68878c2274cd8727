# SPDX-License-Identifier: Apache-2.0
"""A batch of uploads at its edges: two at once, killed at any write, begun again when it has ended."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from callwell.batch import PlannedFile, UploadBatch
from callwell.batch.journal import REMEMBERED_S
from callwell.state import MemoryState
from tests.client._async.scripted_client import connect
from tests.client.studio import Killed, Mortal, Studio, studio
from tests.client.vault import PIECE
from tests.client.world import ScriptedProvider

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.batch import UploadReport
    from callwell.state.base import State

PIECES = (1, 3)
"""Of how many pieces the files of a batch are: of one that is all, and of a first, a middle and a last one."""

FILES = len(PIECES)


def planned(folder: Path) -> list[PlannedFile]:
    """The files of a batch."""
    result = list[PlannedFile]()
    for number, pieces in enumerate(PIECES, 1):
        path = folder / f"{number}.bin"
        if not path.exists():
            path.write_bytes(bytes([number]) * (pieces * PIECE - 1))
        result.append(PlannedFile(path, {"title": f"t{number}"}))
    return result


async def sent(
    folder: Path, world: ScriptedProvider, state: State, *, force: bool = False
) -> tuple[UploadReport, bool]:
    """Send the batch to its end; and whether it was known to have ended."""
    async with connect(world, provider=studio(), state=state) as api:
        batch = UploadBatch(
            api, "films.send", planned(folder), options={"piece_size": PIECE, "check": False}, force=force
        )
        report = await batch.run()
        batch.mark_complete()
        return report, batch.was_complete


def right(there: Studio, folder: Path) -> bool:
    """Each file is there once, whole."""
    contents = sorted(there.whole(film) for film in there.films)
    return contents == sorted(item.path.read_bytes() for item in planned(folder))


def test_a_batch_that_has_ended_is_known_for_an_hour(tmp_path: Path) -> None:
    """Then the same report is given and nothing is sent; later, or on purpose, everything is sent again."""
    there = Studio()
    world = ScriptedProvider(there)
    state = MemoryState()
    first, known = asyncio.run(sent(tmp_path, world, state))
    assert (first.verdict, known, right(there, tmp_path)) == ("complete", False, True)
    asked = len(there.asked)
    assert asyncio.run(sent(tmp_path, world, state)) == (first, True)
    assert len(there.asked) == asked
    again, known = asyncio.run(sent(tmp_path, world, state, force=True))
    assert (known, len(there.films)) == (False, 2 * FILES)
    assert {file.target for file in first.files}.isdisjoint(file.target for file in again.files)
    world.clock.advance(REMEMBERED_S + 1)
    assert asyncio.run(sent(tmp_path, world, state))[1] is False
    assert len(there.films) == 3 * FILES


def test_what_has_ended_long_ago_is_forgotten(tmp_path: Path) -> None:
    """The notes of other batches, and the names of their uploads in the ledger, go with the next batch."""
    state = MemoryState()
    world = ScriptedProvider(Studio())
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    asyncio.run(sent(tmp_path / "one", world, state))
    kept = {key for key in state.keys("") if key.startswith(("batch:", "once:"))}
    assert len(kept) == 2 * FILES
    world.clock.advance(REMEMBERED_S + 1)
    asyncio.run(sent(tmp_path / "two", world, state))
    left = {key for key in state.keys("") if key.startswith(("batch:", "once:"))}
    assert left.isdisjoint(kept)
    assert len(left) == 2 * FILES


def test_one_that_ends_takes_nothing_from_one_that_is_at_work(tmp_path: Path) -> None:
    """Two at once: the first ends while the second has sent one file only, and has others to begin."""

    async def both(there: Studio) -> tuple[UploadReport, UploadReport]:
        world = ScriptedProvider(there)
        state = MemoryState()
        first_ended = asyncio.Event()
        api = connect(world, provider=studio(), state=state)
        other = connect(world, provider=studio(), state=state)
        how: Any = {"piece_size": PIECE, "check": False}
        slow = UploadBatch(other, "films.send", planned(tmp_path), options=how)
        begun = slow._resume
        turns = iter(range(FILES))

        async def held(plan: PlannedFile) -> Any:
            if next(turns):
                await first_ended.wait()
            return await begun(plan)

        slow._resume = held  # type: ignore[method-assign, assignment] # the moment is what is tested
        second = asyncio.create_task(slow.run())
        fast = UploadBatch(api, "films.send", planned(tmp_path), options=how)
        first = await fast.run()
        fast.mark_complete()
        first_ended.set()
        report = await second
        slow.mark_complete()
        return first, report

    there = Studio()
    first, second = asyncio.run(both(there))
    assert right(there, tmp_path)
    assert [file.target for file in first.files] == [file.target for file in second.files]


@pytest.mark.parametrize("after", [False, True])
def test_a_kill_at_any_write_costs_no_second_object(tmp_path: Path, *, after: bool) -> None:
    """The same batch, begun again, ends with each file once and whole, whatever had been written before."""
    at = 0
    while True:
        at += 1
        there = Studio()
        world = ScriptedProvider(there)
        state = MemoryState()
        mortal = Mortal(state, at, after=after)
        try:
            asyncio.run(sent(tmp_path, world, mortal))
        except Killed:
            sends = there.asked.count("send")
            report, _ = asyncio.run(sent(tmp_path, world, state))
        else:
            break
        assert report.verdict == "complete", at
        assert right(there, tmp_path), at
        pieces = sum(PIECES)
        assert there.asked.count("send") <= max(sends, pieces) + pieces, at
    assert at > 10 * FILES


def test_a_kill_between_the_last_piece_and_the_report_sends_nothing_again(tmp_path: Path) -> None:
    """All is there, and the process dies before its result is returned: the next one returns it."""
    there = Studio()
    world = ScriptedProvider(there)
    state = MemoryState()

    async def unreported() -> None:
        async with connect(world, provider=studio(), state=state) as api:
            how: Any = {"piece_size": PIECE, "check": False}
            await UploadBatch(api, "films.send", planned(tmp_path), options=how).run()

    asyncio.run(unreported())
    sends = there.asked.count("send")
    world.clock.advance(100 * REMEMBERED_S)
    report, known = asyncio.run(sent(tmp_path, world, state))
    assert (report.verdict, known, there.asked.count("send")) == ("complete", True, sends)
    assert right(there, tmp_path)
    assert asyncio.run(sent(tmp_path, world, state, force=True))[1] is False
