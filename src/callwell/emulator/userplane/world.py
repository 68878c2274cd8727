# SPDX-License-Identifier: Apache-2.0
"""The emulated account: tables of records, and cached lists of them.

It holds what the user can see, and what the user must be refused: other workspaces, deleted records.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from callwell.emulator.userplane.assets import duration_of
from callwell.emulator.userplane.records import (
    DomainRecord,
    LinkRecord,
    MemberRecord,
    ProjectRecord,
    RecordingRecord,
    WorkspaceRecord,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

R = TypeVar("R", MemberRecord, ProjectRecord, DomainRecord, LinkRecord, RecordingRecord)
# Without letters and digits that look alike, as in the IDs of the documentation's examples.
ALPHABET: Final = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
DAY_S: Final = 86_400.0


class World:
    """The tables.

    Args:
        seed: decides all IDs.
    """

    __slots__ = ("_listings", "_rng", "created", "link_counts", "tables")

    def __init__(self, seed: int) -> None:
        # Seeded on purpose: the same seed gives the same world.
        self._rng = random.Random(seed)  # noqa: S311
        self.tables: dict[type[Any], dict[str, Any]] = {
            kind: {}
            for kind in (WorkspaceRecord, MemberRecord, ProjectRecord, DomainRecord, LinkRecord, RecordingRecord)
        }
        self.created: set[str] = set()
        self.link_counts: dict[str, int] = {}
        self._listings: dict[object, list[Any]] = {}

    def token(self, prefix: str, length: int = 12) -> str:
        """Return a new ID."""
        return prefix + "".join(self._rng.choice(ALPHABET) for _ in range(length))

    def recording_id(self) -> str:
        """Return a new ID of a recording."""
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    def put(self, record: Any) -> None:
        """Add a record, or replace the one with its ID."""
        self.tables[type(record)][record.id] = record
        self._listings.clear()

    def find(self, kind: type[R], record_id: str, workspace_id: str) -> R | None:
        """Return a record of one workspace, deleted or not, or None."""
        record: R | None = self.tables[kind].get(record_id)
        return record if record is not None and record.workspace_id == workspace_id else None

    def get(self, kind: type[R], record_id: str) -> R:
        """Return a record that is known to exist."""
        record: R = self.tables[kind][record_id]
        return record

    def list_active(self, kind: type[R], workspace_id: str) -> list[R]:
        """Return the records of a workspace that are not deleted, oldest first."""
        return self.cached_list(
            ("active", kind, workspace_id),
            lambda: [
                record
                for record in self.tables[kind].values()
                if record.workspace_id == workspace_id and not getattr(record, "deleted", False)
            ],
        )

    def cached_list(self, key: object, build: Callable[[], list[R]]) -> list[R]:
        """Return a list that is built once and cached until a record changes."""
        cached = self._listings.get(key)
        if cached is None:
            cached = build()
            self._listings[key] = cached
        return cached

    def own_workspaces(self) -> list[WorkspaceRecord]:
        """Return the workspaces of the user."""
        workspaces: Iterable[WorkspaceRecord] = self.tables[WorkspaceRecord].values()
        return [workspace for workspace in workspaces if workspace.role is not None and not workspace.deleted]

    def own_member(self, workspace_id: str) -> MemberRecord:
        """Return the user as a member of a workspace."""
        return next(member for member in self.list_active(MemberRecord, workspace_id) if member.own)

    def copy_recording(self, original: RecordingRecord, wall_s: float) -> RecordingRecord:
        """Add a recording of the same link by the same creator, made at `wall_s`."""
        recording_id = self.recording_id()
        retention_s = self.project_of(original).retention_days * DAY_S
        recording = replace(
            original,
            id=recording_id,
            created=wall_s,
            duration_ms=duration_of(recording_id),
            expires=wall_s + retention_s,
            missing_assets=frozenset(),
        )
        self.put(recording)
        self.created.add(recording_id)
        return recording

    def project_of(self, recording: RecordingRecord) -> ProjectRecord:
        """Return the project of a recording's link."""
        return self.get(ProjectRecord, self.get(LinkRecord, recording.link_id).project_id)
