# SPDX-License-Identifier: Apache-2.0
"""What an export has done so far, in the state: the pages of the present walk, and every finished item.

A killed export finds here where it stood. A scope's journal is forgotten when the manifest is written: from then on the
tree itself says what is known.
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
    """What is known of one item.

    Attributes:
        record: its record with its files, if it was ever fetched, as JSON: so it takes a third of the memory.
        gone: the note that it was deleted or never found, if that is so.
    """

    record: bytes | None = None
    gone: dict[str, Any] | None = None


class ScopeWalks(NamedTuple):
    """Where the walks over one scope stand.

    Attributes:
        ends: verdicts and reasons of the finished ones.
        position: of the pager in the present one; empty at its beginning.
        pages: pages of the present one that are in the journal.
    """

    ends: tuple[tuple[End, str], ...] = ()
    position: str = ""
    pages: int = 0


class ExportJournal:
    """The journal of one export.

    Args:
        state: where it is kept.
        name: unique for the folder and the account.
    """

    def __init__(self, state: State, name: str) -> None:
        self._state = state
        self._prefix = f"export:{name}:"

    def exists(self) -> bool:
        """Whether an export has begun here that is not over."""
        return bool(self._state.keys(self._prefix))

    def stage(self, scope: str) -> ScopeWalks:
        """Where the walks over a scope stand."""
        return self._state.read(self._stage(scope))

    def listed(self, scope: str, walk: int | None = None, pages: int | None = None) -> Iterator[dict[str, Any]]:
        """The items that a walk over a scope has found, or that all walks have found, earlier ones first.

        Args:
            scope: the scope.
            walk: the number of one walk, from 0.
            pages: only the first so many pages.
        """
        found = self._state.keys(f"{self._prefix}page:{scope}:{'' if walk is None else f'{walk}:'}")
        for key in found[:pages]:
            yield from msgspec.json.decode(self._state.read(Cell(key, bytes, b"[]")))

    def turned(self, scope: str, stage: ScopeWalks, items: list[Any]) -> ScopeWalks:
        """Record a page and the position after it.

        Args:
            scope: its scope.
            stage: where the walks stood, with the position after the page.
            items: the page's items.
        """
        number = f"{len(stage.ends)}:{stage.pages:06d}"
        page = Cell(f"{self._prefix}page:{scope}:{number}", bytes, b"[]")
        self._state.update(page, lambda _old: (msgspec.json.encode(items), None))
        return self.staged(scope, stage._replace(pages=stage.pages + 1))

    def staged(self, scope: str, stage: ScopeWalks) -> ScopeWalks:
        """Record where the walks over a scope stand."""
        return self._state.update(self._stage(scope), lambda _old: (stage, stage))

    def finished(self, scope: str) -> Iterator[JournalEntry]:
        """The finished items of a scope."""
        for key in self._state.keys(f"{self._prefix}item:{scope}:"):
            yield self._state.read(Cell(key, JournalEntry, JournalEntry()))

    def finish(self, scope: str, key: str, entry: JournalEntry) -> None:
        """Record a finished item."""
        self._state.update(
            Cell(f"{self._prefix}item:{scope}:{key}", JournalEntry, JournalEntry()), lambda _old: (entry, None)
        )

    def forget(self, scope: str) -> None:
        """The manifest is written: a scope's journal is not needed any more."""
        for kind in ("walk", "page", "item"):
            self._state.remove(f"{self._prefix}{kind}:{scope}:")

    def _stage(self, scope: str) -> Cell[ScopeWalks]:
        return Cell(f"{self._prefix}walk:{scope}:", ScopeWalks, ScopeWalks())
