# SPDX-License-Identifier: Apache-2.0
"""State that calls share and that may outlive a process, behind one contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.errors import InvalidOption
from callwell.state.base import Cell, State
from callwell.state.memory import MemoryState

if TYPE_CHECKING:
    from callwell.state.base import State as StateType

__all__ = ["Cell", "MemoryState", "State", "open_state"]


def open_state(url: str) -> StateType:
    """The state that a URL names.

    Args:
        url: `memory:`, which ends with the process, or `sqlite:///path` (`sqlite:////absolute/path`), which the
            processes of one machine share.

    Raises:
        InvalidOption: the URL names no kind of state.
        StateError: the file cannot be opened, or is not a state of Callwell.
    """
    if url in ("memory:", "memory"):
        return MemoryState()
    if url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
        from callwell.state.sqlite import SqliteState

        return SqliteState(url.removeprefix("sqlite:///"))
    raise InvalidOption("state", url, "`memory:` or `sqlite:///PATH`")
