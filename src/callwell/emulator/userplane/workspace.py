# SPDX-License-Identifier: Apache-2.0
"""Operations about what a workspace has: projects, domains and members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callwell.emulator.userplane.pages import Listing, Page, answer
from callwell.emulator.userplane.records import Domain, Member, Project, iso
from callwell.emulator.userplane.replies import success

if TYPE_CHECKING:
    from callwell.emulator.messages import Reply
    from callwell.emulator.userplane.call import Call


def list_projects(call: Call) -> Reply:
    """The projects of a workspace."""
    page = Page.asked(call.query, default=5, most=10)
    workspace = call.workspace()
    rows = call.world.active(Project, workspace.id)
    return answer(call, page, Listing("projects", rows, project_shown, "Projects", {"workspaceId": workspace.id}))


def get_project(call: Call) -> Reply:
    """One project."""
    workspace = call.workspace()
    project = call.resource(Project, "projectId", workspace)
    data = {"workspaceId": workspace.id, "project": project_shown(project)}
    return success("Project retrieved successfully", data)


def list_domains(call: Call) -> Reply:
    """The domains of a workspace, whatever their status."""
    page = Page.asked(call.query, default=5, most=10)
    workspace = call.workspace()
    rows = call.world.active(Domain, workspace.id)
    return answer(call, page, Listing("domains", rows, domain_shown, "Domains", {"workspaceId": workspace.id}))


def list_members(call: Call) -> Reply:
    """The members of a workspace."""
    page = Page.asked(call.query, default=5, most=10)
    workspace = call.workspace()
    rows = call.world.active(Member, workspace.id)
    return answer(call, page, Listing("workspaceMembers", rows, member_shown, "Members", {"workspaceId": workspace.id}))


def project_shown(project: Project) -> dict[str, Any]:
    """A project as the API shows it."""
    return {
        "projectId": project.id,
        "projectTitle": project.title,
        "isDefault": project.default,
        "recordingRetentionDays": project.retention_days,
        "createdAt": iso(project.created),
        "updatedAt": iso(project.created),
    }


def domain_shown(domain: Domain) -> dict[str, Any]:
    """A domain as the API shows it."""
    return {
        "domainId": domain.id,
        "domainUrl": domain.url,
        "domainStatus": domain.status,
        "createdAt": iso(domain.created),
        "updatedAt": iso(domain.created),
    }


def member_shown(member: Member) -> dict[str, Any]:
    """A member as the API shows it."""
    return {
        "workspaceMemberId": member.id,
        "memberName": member.name,
        "memberEmail": member.email,
        "workspaceRole": member.role,
    }
