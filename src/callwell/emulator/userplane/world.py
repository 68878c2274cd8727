# SPDX-License-Identifier: Apache-2.0
"""All that one user can see, and some that the user cannot: tables of records, and lists of them kept sorted."""

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
ALPHABET: Final = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
DAY_S: Final = 86_400.0


class World:
    """The tables.

    Args:
        seed: of all ids that are made here.
    """

    __slots__ = ("_listings", "_rng", "created", "link_counts", "tables")

    def __init__(self, seed: int) -> None:
        # Seeded on purpose: the same seed is the same world.
        self._rng = random.Random(seed)  # noqa: S311
        self.tables: dict[type[Any], dict[str, Any]] = {
            kind: {}
            for kind in (WorkspaceRecord, MemberRecord, ProjectRecord, DomainRecord, LinkRecord, RecordingRecord)
        }
        self.created: set[str] = set()
        self.link_counts: dict[str, int] = {}
        self._listings: dict[object, list[Any]] = {}

    def token(self, prefix: str, length: int = 12) -> str:
        """A fresh id."""
        return prefix + "".join(self._rng.choice(ALPHABET) for _ in range(length))

    def recording_id(self) -> str:
        """A fresh id of a recording."""
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    def put(self, record: Any) -> None:
        """Add a record, or replace the one with its id."""
        self.tables[type(record)][record.id] = record
        self._listings.clear()

    def find(self, kind: type[R], record_id: str, workspace_id: str) -> R | None:
        """A record of one workspace, deleted or not."""
        record: R | None = self.tables[kind].get(record_id)
        return record if record is not None and record.workspace_id == workspace_id else None

    def get(self, kind: type[R], record_id: str) -> R:
        """A record that is known to exist."""
        record: R = self.tables[kind][record_id]
        return record

    def list_active(self, kind: type[R], workspace_id: str) -> list[R]:
        """The records of a workspace that are not deleted, in the order of their making."""
        return self.cached_list(
            ("active", kind, workspace_id),
            lambda: [
                record
                for record in self.tables[kind].values()
                if record.workspace_id == workspace_id and not getattr(record, "deleted", False)
            ],
        )

    def cached_list(self, key: object, build: Callable[[], list[R]]) -> list[R]:
        """A list that is built once and kept until the next change."""
        kept = self._listings.get(key)
        if kept is None:
            kept = self._listings[key] = build()
        return kept

    def own_workspaces(self) -> list[WorkspaceRecord]:
        """The workspaces of the user."""
        workspaces: Iterable[WorkspaceRecord] = self.tables[WorkspaceRecord].values()
        return [workspace for workspace in workspaces if workspace.role is not None and not workspace.deleted]

    def own_member(self, workspace_id: str) -> MemberRecord:
        """The user as a member of a workspace."""
        return next(member for member in self.list_active(MemberRecord, workspace_id) if member.own)

    def copy_recording(self, pattern: RecordingRecord, wall_s: float) -> RecordingRecord:
        """One more recording of the same link by the same creator, made now."""
        recording_id = self.recording_id()
        retention_s = self.project_of(pattern).retention_days * DAY_S
        recording = replace(
            pattern,
            id=recording_id,
            created=wall_s,
            duration_ms=duration_of(recording_id),
            expires=wall_s + retention_s,
            lacking=frozenset(),
        )
        self.put(recording)
        self.created.add(recording_id)
        return recording

    def project_of(self, recording: RecordingRecord) -> ProjectRecord:
        """The project of a recording's link."""
        return self.get(ProjectRecord, self.get(LinkRecord, recording.link_id).project_id)
