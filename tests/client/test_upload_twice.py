# SPDX-License-Identifier: Apache-2.0
"""Two equal uploads at once send one object, however their steps fall between each other."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import pytest

from callwell.state import MemoryState
from tests.client._sync.scripted_client import connect
from tests.client.studio import Studio, studio
from tests.client.vault import PIECE, SMALL
from tests.client.world import ScriptedProvider
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from callwell.state.base import Cell, State

    T = TypeVar("T")
    R = TypeVar("R")


class Steps:
    """A state that calls a function at each step of the position of an upload.

    Args:
        state: the state.
        at: is given `read 1`, `before write 1`, `after write 1` and so on.
    """

    shared = True
    call_locks = None

    def __init__(self, state: State, at: Callable[[str], None]) -> None:
        self._state = state
        self._at = at
        self._reads = 0
        self._writes = 0

    @property
    def address(self) -> str:
        """Its own: another process uses the same records."""
        return f"{self._state.address} of {id(self):x}"

    def clone(self) -> State:
        """What outlives the process: permits come from there."""
        return self._state.clone()

    def update(self, cell: Cell[T], change: Callable[[T], tuple[T, R]]) -> R:
        """One step."""
        if not cell.key.startswith("upload:"):
            return self._state.update(cell, change)
        self._writes += 1
        write = self._writes
        self._at(f"before write {write}")
        answer = self._state.update(cell, change)
        self._at(f"after write {write}")
        return answer

    def read(self, cell: Cell[T]) -> T:
        """One step."""
        record = self._state.read(cell)
        if cell.key.startswith("upload:"):
            self._reads += 1
            self._at(f"read {self._reads}")
        return record

    def keys(self, prefix: str) -> list[str]:
        """As they are."""
        return self._state.keys(prefix)

    def notify(self, topic: str) -> None:
        """As it does."""
        self._state.notify(topic)

    def listen(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """As it does."""
        return self._state.listen(callback)

    def remove(self, prefix: str) -> None:
        """As it is."""
        self._state.remove(prefix)

    def close(self) -> None:
        """It stays."""


class Events:
    """Steps of two uploads, and which of them wait for which.

    Args:
        waits: by step of an upload (`first before write 2`), the step that must come before it.
    """

    def __init__(self, waits: dict[str, str]) -> None:
        self._waits = waits
        self._came = {step: threading.Event() for step in waits.values()}

    def at(self, step: str) -> None:
        """A step has come: say so, and wait for another one if it has to."""
        if step in self._came:
            self._came[step].set()
        needed = self._waits.get(step)
        if needed is not None and not self._came[needed].wait(PATIENCE_S):
            raise AssertionError(f"{step}: {needed!r} never came")


WAYS: Final = {
    "the second looks before the first has stored its object, and enters afterwards": {
        "first before write 2": "second read 1",
        "second read 1": "first after write 2",
        "first before write 3": "second after write 1",
    },
    "the second enters while the first creates, and creates when the first has ended": {
        "first before write 2": "second after write 1",
        "second after write 1": "first ended",
    },
    "both create at once, and the second stores first": {
        "first before write 2": "second after write 2",
        "second before write 1": "first after write 1",
    },
}


@pytest.mark.parametrize("waits", WAYS.values(), ids=WAYS)
def test_one_object_is_made_for_both(waits: dict[str, str]) -> None:
    """Both give it as their result; then nothing is left, and the next upload makes another one."""
    there = Studio()
    world = ScriptedProvider(there)
    state = MemoryState()
    events = Events(waits)

    def upload(who: str) -> Any:
        steps = Steps(state, lambda step: events.at(f"{who} {step}"))
        with connect(world, provider=studio(), state=steps) as api:
            done = api.upload("films.send", SMALL, title="film", piece_size=PIECE, check=False, pieces=1)
        events.at(f"{who} ended")
        return done

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(upload, ["first", "second"])
    assert first.target == second.target
    assert (len(there.films), there.whole(first.target)) == (1, SMALL)
    assert state.keys("upload:") == state.keys("once:") == []
    assert upload("third").target != first.target
