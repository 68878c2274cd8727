# SPDX-License-Identifier: Apache-2.0
"""Operations about recording links."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from callwell.emulator.userplane.pages import Listing, Page, answer
from callwell.emulator.userplane.records import Domain, Link, Member, Project, iso
from callwell.emulator.userplane.replies import Refused, success

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callwell.emulator.messages import Reply
    from callwell.emulator.userplane.call import Call
    from callwell.emulator.userplane.records import Workspace
    from callwell.emulator.userplane.world import World

TITLE_LENGTH: Final = 255
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


def list_links(call: Call) -> Reply:
    """The links of a workspace, filtered and sorted."""
    page = Page.asked(call.query, default=10, most=20)
    filters = tuple(call.query.several(name) for name in ("created_by", "project_id", "domain_id"))
    sort = call.query.choice("sort_by", ("created_at", "link_title"))
    falling = call.query.choice("sort_direction", ("desc", "asc")) == "desc"
    workspace = call.workspace()
    world = call.world

    def build() -> list[Link]:
        rows = [
            link
            for link in world.active(Link, workspace.id)
            if _wanted((link.creator_id, link.project_id, link.domain_id), filters)
        ]
        by_title = sort == "link_title"
        rows.sort(key=lambda link: ((link.title or "").lower() if by_title else link.created, link.id), reverse=falling)
        return rows

    rows = world.listing(("links", workspace.id, filters, sort, falling), build)
    listing = Listing("links", rows, lambda link: shown(call, link), "Links", {"workspaceId": workspace.id})
    return answer(call, page, listing, shift=lambda before: _shift(call, before))


def create_link(call: Call) -> Reply:
    """One more link."""
    body = call.body(NewLink)
    workspace = call.workspace()
    world = call.world
    project = _project_for(world, workspace, body)
    domain = world.find(Domain, body.domain_id, workspace.id)
    if domain is None or domain.status != "verified":
        raise Refused("LINK_CREATE_FAILED")
    made = world.links_made.get(workspace.id, 0)
    if made >= call.options.links_limit:
        raise Refused("PLAN_LIMIT_EXCEEDED")
    link = Link(
        world.token("lnk_"),
        workspace.id,
        project.id,
        domain.id,
        world.own_member(workspace.id).id,
        f"https://record.userplane.io/r/{world.token('')}",
        call.clock.wall(),
        reusable=body.link_reusable,
        provider_reference=None if body.link_reference is UNSET else body.link_reference,
        meta=_meta(body, None),
    )
    world.put(link)
    world.links_made[workspace.id] = made + 1
    return _one(call, "Link created successfully", link, effect=True)


def get_link(call: Call) -> Reply:
    """One link."""
    return _one(call, "Link retrieved successfully", call.resource(Link, "linkId", call.workspace()))


def update_link(call: Call) -> Reply:
    """Change what the body names."""
    body = call.body(LinkChange)
    link = call.resource(Link, "linkId", call.workspace())
    title = link.title if body.link_title is UNSET else body.link_title
    link = replace(
        link,
        title=title and title[:TITLE_LENGTH],
        reusable=link.reusable if body.link_reusable is UNSET else body.link_reusable,
        provider_type=link.provider_type if body.link_provider_type is UNSET else body.link_provider_type,
        provider_id=link.provider_id if body.link_provider_id is UNSET else body.link_provider_id,
        provider_reference=link.provider_reference if body.link_provider_ref is UNSET else body.link_provider_ref,
        meta=_meta(body, link),
    )
    call.world.put(link)
    return _one(call, "Link updated successfully", link, effect=True)


def delete_link(call: Call) -> Reply:
    """Delete softly: 410 from now on. The link's recordings stay."""
    workspace = call.workspace()
    link = call.resource(Link, "linkId", workspace)
    if not call.may_delete(link.creator_id, workspace):
        raise Refused("LINK_DELETE_FORBIDDEN")
    call.world.put(replace(link, deleted=True))
    return success("Link deleted successfully", {"workspaceId": workspace.id, "linkId": link.id}, effect=True)


def shown(call: Call, link: Link) -> dict[str, Any]:
    """A link as the API shows it."""
    world = call.world
    domain = world.get(Domain, link.domain_id)
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
        "createdAt": iso(link.created),
        "project": {"projectId": link.project_id, "title": world.get(Project, link.project_id).title},
        "creator": {"workspaceMemberId": link.creator_id, "name": world.get(Member, link.creator_id).name},
        "domain": {"domainId": domain.id, "url": domain.url, "status": domain.status},
    }


def _one(call: Call, message: str, link: Link, *, effect: bool = False) -> Reply:
    return success(message, {"workspaceId": link.workspace_id, "link": shown(call, link)}, effect=effect)


def _wanted(values: Sequence[str], filters: Sequence[frozenset[str]]) -> bool:
    return all(not wanted or value in wanted for value, wanted in zip(values, filters, strict=True))


def _meta(body: NewLink | LinkChange, link: Link | None) -> Any:
    """The new name wins over the old one."""
    if body.link_meta is not UNSET:
        return body.link_meta
    if body.meta is not UNSET:
        return body.meta
    return link.meta if link else None


def _project_for(world: World, workspace: Workspace, body: NewLink) -> Project:
    if body.project_id is UNSET:
        for project in world.active(Project, workspace.id):
            if project.default:
                return project
        raise Refused("LINK_DEFAULT_PROJECT_NOT_FOUND")
    named = world.find(Project, body.project_id, workspace.id)
    if named is None:
        raise Refused("PROJECT_NOT_FOUND")
    if named.deleted:
        raise Refused("LINK_PROJECT_DELETED")
    return named


def _shift(call: Call, before: Sequence[Link]) -> bool:
    """Delete one of the links already listed, or add one at the front, in turns."""
    hit = call.hit
    if hit is None or not before:
        return False
    pattern = hit.dice.choice(before)
    if hit.turn % 2 == 0:
        call.world.put(replace(pattern, deleted=True))
    else:
        call.world.put(replace(pattern, id=call.world.token("lnk_"), created=call.clock.wall()))
    return True
