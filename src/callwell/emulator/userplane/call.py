# SPDX-License-Identifier: Apache-2.0
"""What a handler is given, and the checks that handlers share."""

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
        world: the tables.
        walks: the walks over listings.
        options: the world's options in force.
        clock: the emulator's clock.
        signer: makes signed URLs.
        request: what arrived.
        arguments: what the path says, by name.
        query: the parameters.
        hit: the fault that the request is to suffer.
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

    def has_fault(self, fault: str) -> bool:
        """Whether the request is to suffer `fault`."""
        return self.fault is not None and self.fault.name == fault

    def parse_body(self, shape: type[B]) -> B:
        """The JSON body; what does not fit is refused with 400."""
        try:
            return msgspec.json.decode(self.request.body, type=shape)
        except (msgspec.DecodeError, RecursionError) as error:
            raise UserplaneError("BAD_REQUEST") from error

    def workspace(self) -> WorkspaceRecord:
        """The workspace of the path: 404, 410 and 403 in this order."""
        workspace: WorkspaceRecord | None = self.world.tables[WorkspaceRecord].get(self.arguments["workspaceId"])
        if workspace is None:
            raise UserplaneError("WORKSPACE_NOT_FOUND")
        if workspace.deleted:
            raise UserplaneError("WORKSPACE_GONE")
        if workspace.role is None:
            raise UserplaneError("NOT_A_MEMBER")
        return workspace

    def resource(self, kind: type[R], name: str, workspace: WorkspaceRecord) -> R:
        """The object of the path: 404 if it never was in the workspace, 410 if it was deleted."""
        record = self.world.find(kind, self.arguments[name], workspace.id)
        if record is None:
            raise UserplaneError(f"{MISSING[kind]}_NOT_FOUND")
        if record.deleted:
            raise UserplaneError(f"{MISSING[kind]}_GONE")
        return record

    def may_delete(self, creator_id: str, workspace: WorkspaceRecord) -> bool:
        """Creators may delete, and so may admins and owners."""
        return workspace.role in ("admin", "owner") or self.world.get(MemberRecord, creator_id).own
