# SPDX-License-Identifier: Apache-2.0
"""What a handler is given, and the checks that handlers share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from callwell.emulator.userplane.records import Link, Member, Project, Recording, Workspace
from callwell.emulator.userplane.replies import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.clock import Clock
    from callwell.emulator.fault_script import Hit
    from callwell.emulator.messages import Incoming
    from callwell.emulator.signed_urls import Signer
    from callwell.emulator.userplane.options import WorldOptions
    from callwell.emulator.userplane.query import Query
    from callwell.emulator.userplane.walks import Walks
    from callwell.emulator.userplane.world import World

R = TypeVar("R", Project, Link, Recording)
B = TypeVar("B")
MISSING: Final[Mapping[type[Any], str]] = {Project: "PROJECT", Link: "LINK", Recording: "RECORDING"}


@dataclass(frozen=True, slots=True)
class Call:
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
    walks: Walks
    options: WorldOptions
    clock: Clock
    signer: Signer
    request: Incoming
    arguments: Mapping[str, str]
    query: Query
    hit: Hit | None

    def suffers(self, fault: str) -> bool:
        """Whether the request is to suffer `fault`."""
        return self.hit is not None and self.hit.fault == fault

    def body(self, shape: type[B]) -> B:
        """The JSON body; what does not fit is refused with 400."""
        try:
            return msgspec.json.decode(self.request.body, type=shape)
        except (msgspec.DecodeError, RecursionError) as error:
            raise Refused("BAD_REQUEST") from error

    def workspace(self) -> Workspace:
        """The workspace of the path: 404, 410 and 403 in this order."""
        workspace: Workspace | None = self.world.tables[Workspace].get(self.arguments["workspaceId"])
        if workspace is None:
            raise Refused("WORKSPACE_NOT_FOUND")
        if workspace.deleted:
            raise Refused("WORKSPACE_GONE")
        if workspace.role is None:
            raise Refused("NOT_A_MEMBER")
        return workspace

    def resource(self, kind: type[R], name: str, workspace: Workspace) -> R:
        """The object of the path: 404 if it never was in the workspace, 410 if it was deleted."""
        record = self.world.find(kind, self.arguments[name], workspace.id)
        if record is None:
            raise Refused(f"{MISSING[kind]}_NOT_FOUND")
        if record.deleted:
            raise Refused(f"{MISSING[kind]}_GONE")
        return record

    def may_delete(self, creator_id: str, workspace: Workspace) -> bool:
        """Creators may delete, and so may admins and owners."""
        return workspace.role in ("admin", "owner") or self.world.get(Member, creator_id).own
