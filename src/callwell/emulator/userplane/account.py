# SPDX-License-Identifier: Apache-2.0
"""Operations about the user and the user's workspaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callwell.emulator.userplane.pages import Listing, Page, answer
from callwell.emulator.userplane.records import Link, Recording, iso
from callwell.emulator.userplane.replies import success
from callwell.emulator.userplane.seeding import FIRST_DAY, USER
from callwell.emulator.userplane.world import DAY_S

if TYPE_CHECKING:
    from callwell.emulator.messages import Reply
    from callwell.emulator.userplane.call import Call
    from callwell.emulator.userplane.records import Workspace


def me(call: Call) -> Reply:
    """The user, with counts over the user's workspaces."""
    workspaces = call.world.visible()
    user = {
        "id": "usr_emulated",
        "name": USER[0],
        "email": USER[1],
        "emailVerified": True,
        "image": None,
        "createdAt": iso(FIRST_DAY - 60 * DAY_S),
    }
    stats = {
        "workspaces": len(workspaces),
        "recordings": sum(len(call.world.active(Recording, workspace.id)) for workspace in workspaces),
        "links": sum(len(call.world.active(Link, workspace.id)) for workspace in workspaces),
    }
    return success("User retrieved successfully", {"user": user, "stats": stats})


def list_workspaces(call: Call) -> Reply:
    """The user's workspaces, with the membership if asked for."""
    page = Page.asked(call.query, default=10, most=20)
    with_membership = call.query.flag("include_workspace_membership")
    rows = call.world.visible()

    def show(workspace: Workspace) -> dict[str, Any]:
        return _shown(workspace) | (_membership(call, workspace) if with_membership else {})

    return answer(call, page, Listing("workspaces", rows, show, "Workspaces", {"total": len(rows)}))


def get_workspace(call: Call) -> Reply:
    """One workspace."""
    return success("Workspace retrieved successfully", {"workspace": _shown(call.workspace())})


def get_invite_url(call: Call) -> Reply:
    """Where others can join the workspace."""
    workspace = call.workspace()
    url = f"https://dash.userplane.io/invite/{workspace.id.removeprefix('ws_')[::-1]}"
    return success("Invite URL retrieved successfully", {"inviteUrl": url, "workspaceId": workspace.id})


def _shown(workspace: Workspace) -> dict[str, Any]:
    return {
        "workspaceId": workspace.id,
        "workspaceName": workspace.name,
        "createdAt": iso(workspace.created),
        "updatedAt": iso(workspace.created),
    }


def _membership(call: Call, workspace: Workspace) -> dict[str, Any]:
    member = call.world.own_member(workspace.id)
    membership = {
        "workspaceMemberId": member.id,
        "workspaceRole": member.role,
        "workspaceJoinedAt": iso(workspace.created),
    }
    return {"workspaceMembership": membership}
