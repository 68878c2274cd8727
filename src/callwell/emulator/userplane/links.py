# SPDX-License-Identifier: Apache-2.0
"""Operations about recording links."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from callwell.emulator.userplane.pages import Listing, PageRequest, page_reply
from callwell.emulator.userplane.records import DomainRecord, LinkRecord, MemberRecord, ProjectRecord, format_time
from callwell.emulator.userplane.replies import UserplaneError, success_reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callwell.emulator.messages import Reply
    from callwell.emulator.userplane.call import UserplaneCall
    from callwell.emulator.userplane.records import WorkspaceRecord
    from callwell.emulator.userplane.world import World

# Titles are documented to be cut off, not at which length (docs.userplane.io/api/links/update-link).
MAX_TITLE_LENGTH: Final = 255
ProviderType = Literal[
    "intercom", "zendesk", "hubspot", "freshdesk", "freshchat", "jira_service_management", "helpscout", "happyfox",
    "ada", "forethought", "servicenow", "front", "zoho_desk", "crisp", "pylon", "plain", "asana", "azure_devops",
    "clickup", "github", "gitlab", "jira", "linear", "notion", "sentry", "slack", "web", "others",
]  # fmt: skip
LinkMeta = dict[str, str] | UnsetType | None


class NewLink(msgspec.Struct, frozen=True, rename="camel"):
    """The body of a creation."""

    domain_id: Annotated[str, Meta(min_length=1)]
    project_id: str | UnsetType = UNSET
    link_reference: str | UnsetType = UNSET
    link_reusable: bool = False
    link_meta: LinkMeta = UNSET
    meta: LinkMeta = UNSET


class LinkChange(msgspec.Struct, frozen=True, rename="camel"):
    """The body of an update: only what changes."""

    link_title: str | UnsetType | None = UNSET
    link_reusable: bool | UnsetType = UNSET
    link_provider_type: ProviderType | UnsetType = UNSET
    link_provider_id: str | UnsetType | None = UNSET
    link_provider_ref: str | UnsetType | None = UNSET
    link_meta: LinkMeta = UNSET
    meta: LinkMeta = UNSET


def list_links(call: UserplaneCall) -> Reply:
    """Return the links of a workspace, filtered and sorted."""
    page = PageRequest.parse(call.query, default=10, max_size=20)
    filters = tuple(call.query.values(name) for name in ("created_by", "project_id", "domain_id"))
    sort = call.query.choice("sort_by", ("created_at", "link_title"))
    descending = call.query.choice("sort_direction", ("desc", "asc")) == "desc"
    workspace = call.workspace()
    world = call.world

    def build() -> list[LinkRecord]:
        rows = [
            link
            for link in world.list_active(LinkRecord, workspace.id)
            if _matches_filters((link.creator_id, link.project_id, link.domain_id), filters)
        ]
        if sort == "link_title":
            rows.sort(key=lambda link: ((link.title or "").lower(), link.id), reverse=descending)
        else:
            rows.sort(key=lambda link: (link.created, link.id), reverse=descending)
        return rows

    rows = world.cached_list(("links", workspace.id, filters, sort, descending), build)
    listing = Listing(
        name="links",
        rows=rows,
        show=lambda link: link_json(call, link),
        label="Links",
        extra={"workspaceId": workspace.id},
    )
    return page_reply(call, page, listing, shift=lambda before: _shift_list(call, before))


def create_link(call: UserplaneCall) -> Reply:
    """Create a link."""
    body = call.parse_body(NewLink)
    workspace = call.workspace()
    world = call.world
    project = _find_project(world, workspace, body)
    domain = world.find(DomainRecord, body.domain_id, workspace.id)
    if domain is None or domain.status != "verified":
        raise UserplaneError("LINK_CREATE_FAILED")
    created = world.link_counts.get(workspace.id, 0)
    if created >= call.options.links_limit:
        raise UserplaneError("PLAN_LIMIT_EXCEEDED")
    link = LinkRecord(
        id=world.token("lnk_"),
        workspace_id=workspace.id,
        project_id=project.id,
        domain_id=domain.id,
        creator_id=world.own_member(workspace.id).id,
        url=f"https://record.userplane.io/r/{world.token('')}",
        created=call.clock.wall(),
        reusable=body.link_reusable,
        provider_reference=None if body.link_reference is UNSET else body.link_reference,
        meta=_resolve_meta(body, None),
    )
    world.put(link)
    world.link_counts[workspace.id] = created + 1
    return _link_reply(call, "Link created successfully", link, effect=True)


def get_link(call: UserplaneCall) -> Reply:
    """Return one link."""
    return _link_reply(call, "Link retrieved successfully", call.get_record(LinkRecord, "linkId", call.workspace()))


def update_link(call: UserplaneCall) -> Reply:
    """Change the attributes that the body names."""
    body = call.parse_body(LinkChange)
    link = call.get_record(LinkRecord, "linkId", call.workspace())
    title = link.title if body.link_title is UNSET else body.link_title
    link = replace(
        link,
        title=title and title[:MAX_TITLE_LENGTH],
        reusable=link.reusable if body.link_reusable is UNSET else body.link_reusable,
        provider_type=link.provider_type if body.link_provider_type is UNSET else body.link_provider_type,
        provider_id=link.provider_id if body.link_provider_id is UNSET else body.link_provider_id,
        provider_reference=link.provider_reference if body.link_provider_ref is UNSET else body.link_provider_ref,
        meta=_resolve_meta(body, link),
    )
    call.world.put(link)
    return _link_reply(call, "Link updated successfully", link, effect=True)


def delete_link(call: UserplaneCall) -> Reply:
    """Delete a link softly: 410 from now on. Its recordings stay."""
    workspace = call.workspace()
    link = call.get_record(LinkRecord, "linkId", workspace)
    if not call.may_delete(link.creator_id, workspace):
        raise UserplaneError("LINK_DELETE_FORBIDDEN")
    call.world.put(replace(link, deleted=True))
    return success_reply("Link deleted successfully", {"workspaceId": workspace.id, "linkId": link.id}, effect=True)


def link_json(call: UserplaneCall, link: LinkRecord) -> dict[str, Any]:
    """Return a link as the API represents it."""
    world = call.world
    domain = world.get(DomainRecord, link.domain_id)
    return {
        "linkId": link.id,
        "linkTitle": link.title,
        "linkType": "recording",
        "linkReusable": link.reusable,
        "linkProviderType": link.provider_type,
        "linkProviderId": link.provider_id,
        "linkProviderReference": link.provider_reference,
        "linkURL": link.url,
        "meta" if call.options.old_meta_name else "linkMeta": link.meta,
        "createdAt": format_time(link.created),
        "project": {"projectId": link.project_id, "title": world.get(ProjectRecord, link.project_id).title},
        "creator": {"workspaceMemberId": link.creator_id, "name": world.get(MemberRecord, link.creator_id).name},
        "domain": {"domainId": domain.id, "url": domain.url, "status": domain.status},
    }


def _link_reply(call: UserplaneCall, message: str, link: LinkRecord, *, effect: bool = False) -> Reply:
    return success_reply(message, {"workspaceId": link.workspace_id, "link": link_json(call, link)}, effect=effect)


def _matches_filters(values: Sequence[str], filters: Sequence[frozenset[str]]) -> bool:
    return all(not allowed or value in allowed for value, allowed in zip(values, filters, strict=True))


def _resolve_meta(body: NewLink | LinkChange, link: LinkRecord | None) -> Any:
    """Return the link's meta after the request; the new name wins over the old one."""
    if body.link_meta is not UNSET:
        return body.link_meta
    if body.meta is not UNSET:
        return body.meta
    return link.meta if link else None


def _find_project(world: World, workspace: WorkspaceRecord, body: NewLink) -> ProjectRecord:
    if body.project_id is UNSET:
        for project in world.list_active(ProjectRecord, workspace.id):
            if project.default:
                return project
        raise UserplaneError("LINK_DEFAULT_PROJECT_NOT_FOUND")
    named = world.find(ProjectRecord, body.project_id, workspace.id)
    if named is None:
        raise UserplaneError("PROJECT_NOT_FOUND")
    if named.deleted:
        raise UserplaneError("LINK_PROJECT_DELETED")
    return named


def _shift_list(call: UserplaneCall, before: Sequence[LinkRecord]) -> bool:
    """Delete one of the links already listed, or add one at the front, in turns; return whether it was possible."""
    fault = call.fault
    if fault is None or not before:
        return False
    listed = fault.rng.choice(before)
    if fault.sequence % 2 == 0:
        call.world.put(replace(listed, deleted=True))
    else:
        call.world.put(replace(listed, id=call.world.token("lnk_"), created=call.clock.wall()))
    return True
