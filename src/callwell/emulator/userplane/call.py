# SPDX-License-Identifier: Apache-2.0
"""A request as handlers get it, with the checks that they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from callwell.emulator.userplane.records import (
    LinkRecord,
    MemberRecord,
    ProjectRecord,
    RecordingRecord,
    WorkspaceRecord,
)
from callwell.emulator.userplane.replies import UserplaneError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.clock import Clock
    from callwell.emulator.fault_script import InjectedFault
    from callwell.emulator.messages import IncomingRequest
    from callwell.emulator.signed_urls import UrlSigner
    from callwell.emulator.userplane.options import UserplaneOptions
    from callwell.emulator.userplane.query import UserplaneQuery
    from callwell.emulator.userplane.walks import ListingWalks
    from callwell.emulator.userplane.world import World

R = TypeVar("R", ProjectRecord, LinkRecord, RecordingRecord)
B = TypeVar("B")
MISSING: Final[Mapping[type[Any], str]] = {ProjectRecord: "PROJECT", LinkRecord: "LINK", RecordingRecord: "RECORDING"}


@dataclass(frozen=True, slots=True)
class UserplaneCall:
    """One admitted request.

    Attributes:
        world: the tables of records.
        walks: the state of the page faults.
        options: the options in force.
        clock: the emulator's clock.
        signer: makes signed URLs.
        request: what arrived.
        arguments: the path parameters by name.
        query: the query parameters.
        fault: the fault that the request suffers, if any.
    """

    world: World
    walks: ListingWalks
    options: UserplaneOptions
    clock: Clock
    signer: UrlSigner
    request: IncomingRequest
    arguments: Mapping[str, str]
    query: UserplaneQuery
    fault: InjectedFault | None

    def has_fault(self, name: str) -> bool:
        """Return whether the request suffers this fault."""
        return self.fault is not None and self.fault.name == name

    def parse_body(self, shape: type[B]) -> B:
        """Return the JSON body; a body that does not fit is refused with 400."""
        try:
            return msgspec.json.decode(self.request.body, type=shape)
        except (msgspec.DecodeError, RecursionError) as error:
            raise UserplaneError("BAD_REQUEST") from error

    def workspace(self) -> WorkspaceRecord:
        """Return the workspace of the path, or refuse with 404, 410 or 403, in this order."""
        workspace: WorkspaceRecord | None = self.world.tables[WorkspaceRecord].get(self.arguments["workspaceId"])
        if workspace is None:
            raise UserplaneError("WORKSPACE_NOT_FOUND")
        if workspace.deleted:
            raise UserplaneError("WORKSPACE_GONE")
        if workspace.role is None:
            raise UserplaneError("NOT_A_MEMBER")
        return workspace

    def get_record(self, kind: type[R], name: str, workspace: WorkspaceRecord) -> R:
        """Return the object of the path, or refuse: 404 if the workspace never had it, 410 if it was deleted."""
        record = self.world.find(kind, self.arguments[name], workspace.id)
        if record is None:
            raise UserplaneError(f"{MISSING[kind]}_NOT_FOUND")
        if record.deleted:
            raise UserplaneError(f"{MISSING[kind]}_GONE")
        return record

    def may_delete(self, creator_id: str, workspace: WorkspaceRecord) -> bool:
        """Return whether the user may delete: as the creator, or as an admin or owner of the workspace."""
        return workspace.role in ("admin", "owner") or self.world.get(MemberRecord, creator_id).own
