# SPDX-License-Identifier: Apache-2.0
"""Operations about the user and the user's workspaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callwell.emulator.userplane.pages import Listing, PageRequest, page_reply
from callwell.emulator.userplane.records import LinkRecord, RecordingRecord, format_time
from callwell.emulator.userplane.replies import success_reply
from callwell.emulator.userplane.seeding import FIRST_DAY, USER
from callwell.emulator.userplane.world import DAY_S

if TYPE_CHECKING:
    from callwell.emulator.messages import Reply
    from callwell.emulator.userplane.call import UserplaneCall
    from callwell.emulator.userplane.records import WorkspaceRecord


def get_me(call: UserplaneCall) -> Reply:
    """Return the user, with counts over the user's workspaces."""
    workspaces = call.world.own_workspaces()
    user = {
        "id": "usr_emulated",
        "name": USER[0],
        "email": USER[1],
        "emailVerified": True,
        "image": None,
        "createdAt": format_time(FIRST_DAY - 60 * DAY_S),
    }
    stats = {
        "workspaces": len(workspaces),
        "recordings": sum(len(call.world.list_active(RecordingRecord, workspace.id)) for workspace in workspaces),
        "links": sum(len(call.world.list_active(LinkRecord, workspace.id)) for workspace in workspaces),
    }
    return success_reply("User retrieved successfully", {"user": user, "stats": stats})


def list_workspaces(call: UserplaneCall) -> Reply:
    """Return the user's workspaces, with the membership on request."""
    page = PageRequest.parse(call.query, default=10, max_size=20)
    with_membership = call.query.flag("include_workspace_membership")
    rows = call.world.own_workspaces()

    def to_json(workspace: WorkspaceRecord) -> dict[str, Any]:
        return _workspace_json(workspace) | (_membership_json(call, workspace) if with_membership else {})

    return page_reply(
        call, page, Listing(name="workspaces", rows=rows, show=to_json, label="Workspaces", extra={"total": len(rows)})
    )


def get_workspace(call: UserplaneCall) -> Reply:
    """Return one workspace."""
    return success_reply("Workspace retrieved successfully", {"workspace": _workspace_json(call.workspace())})


def get_invite_url(call: UserplaneCall) -> Reply:
    """Return the address at which others can join the workspace."""
    workspace = call.workspace()
    url = f"https://dash.userplane.io/invite/{workspace.id.removeprefix('ws_')[::-1]}"
    return success_reply("Invite URL retrieved successfully", {"inviteUrl": url, "workspaceId": workspace.id})


def _workspace_json(workspace: WorkspaceRecord) -> dict[str, Any]:
    return {
        "workspaceId": workspace.id,
        "workspaceName": workspace.name,
        "createdAt": format_time(workspace.created),
        "updatedAt": format_time(workspace.created),
    }


def _membership_json(call: UserplaneCall, workspace: WorkspaceRecord) -> dict[str, Any]:
    member = call.world.own_member(workspace.id)
    membership = {
        "workspaceMemberId": member.id,
        "workspaceRole": member.role,
        "workspaceJoinedAt": format_time(workspace.created),
    }
    return {"workspaceMembership": membership}
