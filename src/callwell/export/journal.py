# SPDX-License-Identifier: Apache-2.0
"""Records in the state what an export has done: the pages of the current walk, and every finished item.

A killed export continues from the journal. Once the manifest is written, the journal of a scope is deleted: then the
files themselves show what was exported.

The methods block on the state: see `use_state` for event loops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from callwell.core.verdict import End  # noqa: TC001 - msgspec reads the annotations of ScopeWalks
from callwell.state.base import Cell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.state.base import State


class JournalEntry(NamedTuple):
    """A finished item.

    Attributes:
        record: its record with its files, if it was ever fetched; as JSON, to use a third of the memory.
        gone: the note that it was deleted or never found, if it was.
    """

    record: bytes | None = None
    gone: dict[str, Any] | None = None


class ScopeWalks(NamedTuple):
    """The walks over the list of one scope.

    Attributes:
        ends: the verdicts and reasons of the finished walks.
        position: the pager's bookmark in the current walk; empty at its beginning.
        pages: the number of the current walk's pages in the journal.
    """

    ends: tuple[tuple[End, str], ...] = ()
    position: str = ""
    pages: int = 0


class ExportJournal:
    """The journal of one export.

    Args:
        state: the state that stores it.
        name: its name, unique for folder and account.
    """

    def __init__(self, state: State, name: str) -> None:
        self._state = state
        self._prefix = f"export:{name}:"

    def exists(self) -> bool:
        """Whether an unfinished export has left a journal."""
        return bool(self._state.keys(self._prefix))

    def read_walks(self, scope: str) -> ScopeWalks:
        """The walks over a scope's list so far."""
        return self._state.read(self._walks(scope))

    def record_walks(self, scope: str, walks: ScopeWalks) -> ScopeWalks:
        """Record the walks over a scope's list."""
        return self._state.update(self._walks(scope), lambda _old: (walks, walks))

    def listed_items(self, scope: str, walk: int | None = None, pages: int | None = None) -> Iterator[dict[str, Any]]:
        """The entries that the walks over a scope's list have found, in order.

        Args:
            scope: the scope.
            walk: the number of a walk, from 0; all walks if omitted.
            pages: read only this many pages.
        """
        keys = self._state.keys(f"{self._prefix}page:{scope}:{'' if walk is None else f'{walk}:'}")
        for key in keys[:pages]:
            yield from msgspec.json.decode(self._state.read(Cell(key, bytes, b"[]")))

    def record_page(self, scope: str, walks: ScopeWalks, items: list[Any]) -> ScopeWalks:
        """Record a page, then the position after it: a kill in between repeats the page.

        Args:
            scope: the scope.
            walks: the walks before, with the position after the page.
            items: the entries of the page.
        """
        # Six digits keep the pages in order: the state sorts keys as strings.
        number = f"{len(walks.ends)}:{walks.pages:06d}"
        page = Cell(f"{self._prefix}page:{scope}:{number}", bytes, b"[]")
        self._state.update(page, lambda _old: (msgspec.json.encode(items), None))
        return self.record_walks(scope, walks._replace(pages=walks.pages + 1))

    def finished_items(self, scope: str) -> Iterator[JournalEntry]:
        """The finished items of a scope."""
        for key in self._state.keys(f"{self._prefix}item:{scope}:"):
            yield self._state.read(Cell(key, JournalEntry, JournalEntry()))

    def record_item(self, scope: str, key: str, entry: JournalEntry) -> None:
        """Record a finished item."""
        cell = Cell(f"{self._prefix}item:{scope}:{key}", JournalEntry, JournalEntry())
        self._state.update(cell, lambda _old: (entry, None))

    def delete(self, scope: str) -> None:
        """Delete the journal of a scope, because the manifest is written."""
        for kind in ("walk", "page", "item"):
            self._state.remove(f"{self._prefix}{kind}:{scope}:")

    def _walks(self, scope: str) -> Cell[ScopeWalks]:
        return Cell(f"{self._prefix}walk:{scope}:", ScopeWalks, ScopeWalks())
