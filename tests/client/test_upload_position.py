# SPDX-License-Identifier: Apache-2.0
"""The record of an upload belongs to all calls that are at work on it: none of them ends it for the others."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from callwell.client.exactly_once.store import LedgerStore
from callwell.client.uploads.options import position_cell
from callwell.client.uploads.position import UploadPosition
from callwell.core.upload import Upload
from callwell.state import MemoryState
from callwell.testing import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CELL = position_cell("account", "films.send", ["film"])
BLANK = Upload(100, size=1000, total=10)


class Watched(MemoryState):
    """A state in which something happens when a ledger entry is forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], Any] | None = None

    def update(self, cell: Any, change: Any) -> Any:
        """Replace a record."""
        answer = super().update(cell, change)
        meanwhile = self.meanwhile
        if cell.key.startswith("once:") and meanwhile is not None:
            self.meanwhile = None
            meanwhile()
        return answer


@pytest.fixture
def state() -> Watched:
    """What the calls share."""
    return Watched()


@pytest.fixture
def begin(state: Watched) -> Iterator[Callable[[], UploadPosition]]:
    """Begins a call, which is under way until the test ends."""
    ledger = LedgerStore("account", state, ManualClock())
    with ExitStack() as calls:

        def begin_call() -> UploadPosition:
            position = UploadPosition(state, CELL, ledger=ledger, name="films.send")
            calls.enter_context(position.hold())
            return position

        yield begin_call


def create(position: UploadPosition, target: str, *, force_new: bool = False) -> Upload:
    """Enter the upload and store its object."""
    entered = position.enter(CELL, BLANK, force_new=force_new)
    return position.store_target(CELL, entered.upload, target)


def test_a_call_that_resumes_keeps_the_record(state: Watched, begin: Callable[[], UploadPosition]) -> None:
    """The call that it joined ends first; a third one still finds the object, and the last one forgets it."""
    first = begin()
    create(first, "f1")
    second = begin()
    assert second.join().target == "f1"
    first.delete()
    third = begin()
    assert third.join().target == "f1"
    second.delete()
    assert state.read(CELL).target == "f1"
    third.delete()
    assert state.keys("upload:") == []
    assert not begin().join().creation


def test_an_upload_that_was_started_anew_is_its_own(state: Watched, begin: Callable[[], UploadPosition]) -> None:
    """The call that was at work before neither stores its object in the record nor forgets it."""
    first = begin()
    old = create(first, "f1")
    second = begin()
    new = create(second, "f2", force_new=True)
    first.store(old)
    assert state.read(CELL).target == "f2"
    first.delete()
    assert (state.read(CELL).target, state.read(CELL).creation) == ("f2", new.creation)
    second.delete()
    assert state.keys("upload:") == []


def test_an_object_that_comes_late_is_not_stored_in_another_upload(
    state: Watched, begin: Callable[[], UploadPosition]
) -> None:
    """The first call's object arrives when the record has another creation already."""
    first = begin()
    entered = first.enter(CELL, BLANK)
    second = begin()
    anew = second.enter(CELL, BLANK, force_new=True)
    assert first.store_target(CELL, entered.upload, "f1").target == "f1"
    assert (state.read(CELL).target, state.read(CELL).creation) == (None, anew.upload.creation)


def test_a_call_that_comes_while_the_last_one_ends(state: Watched, begin: Callable[[], UploadPosition]) -> None:
    """It starts again between the two steps of the end, and its record stays."""
    first = begin()
    create(first, "f1")
    second = begin()
    state.meanwhile = lambda: create(second, "f2", force_new=True)
    first.delete()
    assert state.read(CELL).target == "f2"


def test_a_call_that_joins_while_the_last_one_ends(state: Watched, begin: Callable[[], UploadPosition]) -> None:
    """It joins between the two steps of the end, and its record stays until it has ended, too."""
    first = begin()
    create(first, "f1")
    second = begin()
    state.meanwhile = second.join
    first.delete()
    assert state.read(CELL).target == "f1"
    second.delete()
    assert state.keys("upload:") == []
