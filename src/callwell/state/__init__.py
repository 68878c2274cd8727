# SPDX-License-Identifier: Apache-2.0
"""State that calls share and that may outlive a process, behind one interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.errors import InvalidOption, StateError
from callwell.state.base import Cell, State
from callwell.state.memory import MemoryState

if TYPE_CHECKING:
    from callwell.state.base import State as StateType

__all__ = ["Cell", "MemoryState", "State", "open_state"]


def open_state(url: str, *, existing: bool = False, open_now: bool = True) -> StateType:
    """The state that a URL names.

    Args:
        url: `memory:`, which ends with the process, or `sqlite:///path` (`sqlite:////absolute/path`), which the
            processes of one machine share, or `postgresql://USER@HOST/DATABASE`, which the processes of many machines
            share (extra `postgresql`).
        existing: open only an existing state: no file or table is created, and nothing is migrated.
        open_now: open it now instead of on first use.

    Raises:
        InvalidOption: the URL does not name a kind of state.
        StateError: the file or the database cannot be opened, or is not a Callwell state; with `existing`, also if it
            is empty or of an older version.
    """
    if url in ("memory:", "memory"):
        return MemoryState()
    if url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
        from callwell.state.sqlite import SqliteState

        return SqliteState(url.removeprefix("sqlite:///"), existing=existing, open_now=open_now)
    if url.startswith(("postgresql://", "postgres://")):
        return _open_postgres(url, existing=existing, open_now=open_now)
    from callwell.state.urls import mask_state_url

    raise InvalidOption(
        "state", mask_state_url(url), "`memory:`, `sqlite:///PATH` or `postgresql://USER@HOST/DATABASE`"
    )


def _open_postgres(url: str, *, existing: bool, open_now: bool) -> StateType:
    try:
        from callwell.state.postgres import PostgresState
    except ImportError as error:
        from callwell.extras import install_command

        raise StateError(
            f"a state in PostgreSQL needs psycopg, which cannot be imported ({error}): {install_command('postgresql')}"
        ) from error
    return PostgresState(url, existing=existing, open_now=open_now)
