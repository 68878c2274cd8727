# SPDX-License-Identifier: Apache-2.0
"""The records of the emulated account. Times are epoch seconds; a deleted record stays, marked, for its 410."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def format_time(wall_s: float | None) -> str | None:
    """Return a time as the API writes it: ISO 8601, UTC, milliseconds."""
    if wall_s is None:
        return None
    return datetime.fromtimestamp(wall_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class WorkspaceRecord:
    """A workspace; `role` is the user's own, None where the user is not a member."""

    id: str
    name: str
    created: float
    role: str | None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """A member of a workspace; `own` marks the user to whom all keys belong."""

    id: str
    workspace_id: str
    name: str
    email: str
    role: str
    own: bool = False


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """A project."""

    id: str
    workspace_id: str
    title: str
    default: bool
    retention_days: int
    created: float
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class DomainRecord:
    """A domain: `pending`, `verified` or `revoked`."""

    id: str
    workspace_id: str
    url: str
    status: str
    created: float


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """A recording link."""

    id: str
    workspace_id: str
    project_id: str
    domain_id: str
    creator_id: str
    url: str
    created: float
    title: str | None = None
    reusable: bool = False
    provider_type: str = "others"
    provider_id: str | None = None
    provider_reference: str | None = None
    meta: Mapping[str, str] | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class RecordingRecord:
    """A recording; `missing_assets` names the kinds of asset that were never captured."""

    id: str
    workspace_id: str
    link_id: str
    creator_id: str
    created: float
    duration_ms: int
    expires: float | None
    missing_assets: frozenset[str] = frozenset()
    custom_meta: Mapping[str, str] | None = None
    notes: str | None = None
    deleted: bool = False
