# SPDX-License-Identifier: Apache-2.0
"""Operations about the projects, domains and members of a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callwell.emulator.userplane.pages import Listing, PageRequest, page_reply
from callwell.emulator.userplane.records import DomainRecord, MemberRecord, ProjectRecord, format_time
from callwell.emulator.userplane.replies import success_reply

if TYPE_CHECKING:
    from callwell.emulator.messages import Reply
    from callwell.emulator.userplane.call import UserplaneCall


def list_projects(call: UserplaneCall) -> Reply:
    """Return the projects of a workspace."""
    page = PageRequest.parse(call.query, default=5, max_size=10)
    workspace = call.workspace()
    rows = call.world.list_active(ProjectRecord, workspace.id)
    return page_reply(
        call,
        page,
        Listing(name="projects", rows=rows, show=project_json, label="Projects", extra={"workspaceId": workspace.id}),
    )


def get_project(call: UserplaneCall) -> Reply:
    """Return one project."""
    workspace = call.workspace()
    project = call.get_record(ProjectRecord, "projectId", workspace)
    data = {"workspaceId": workspace.id, "project": project_json(project)}
    return success_reply("Project retrieved successfully", data)


def list_domains(call: UserplaneCall) -> Reply:
    """Return the domains of a workspace, whatever their status."""
    page = PageRequest.parse(call.query, default=5, max_size=10)
    workspace = call.workspace()
    rows = call.world.list_active(DomainRecord, workspace.id)
    return page_reply(
        call,
        page,
        Listing(name="domains", rows=rows, show=domain_json, label="Domains", extra={"workspaceId": workspace.id}),
    )


def list_members(call: UserplaneCall) -> Reply:
    """Return the members of a workspace."""
    page = PageRequest.parse(call.query, default=5, max_size=10)
    workspace = call.workspace()
    rows = call.world.list_active(MemberRecord, workspace.id)
    return page_reply(
        call,
        page,
        Listing(
            name="workspaceMembers", rows=rows, show=member_json, label="Members", extra={"workspaceId": workspace.id}
        ),
    )


def project_json(project: ProjectRecord) -> dict[str, Any]:
    """Return a project as the API represents it."""
    return {
        "projectId": project.id,
        "projectTitle": project.title,
        "isDefault": project.default,
        "recordingRetentionDays": project.retention_days,
        "createdAt": format_time(project.created),
        "updatedAt": format_time(project.created),
    }


def domain_json(domain: DomainRecord) -> dict[str, Any]:
    """Return a domain as the API represents it."""
    return {
        "domainId": domain.id,
        "domainUrl": domain.url,
        "domainStatus": domain.status,
        "createdAt": format_time(domain.created),
        "updatedAt": format_time(domain.created),
    }


def member_json(member: MemberRecord) -> dict[str, Any]:
    """Return a member as the API represents it."""
    return {
        "workspaceMemberId": member.id,
        "memberName": member.name,
        "memberEmail": member.email,
        "workspaceRole": member.role,
    }
