# SPDX-License-Identifier: Apache-2.0
"""Search in a workspace (docs.userplane.io/api/search/search-workspace).

Links are found by the beginnings of words and ranked; members, projects and domains by what their names contain.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.userplane.records import DomainRecord, LinkRecord, MemberRecord, ProjectRecord, format_time
from callwell.emulator.userplane.replies import UserplaneError, success_reply
from callwell.emulator.userplane.workspace import domain_json, member_json, project_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.emulator.messages import Reply
    from callwell.emulator.userplane.call import UserplaneCall
    from callwell.emulator.userplane.world import World

MAX_TERM_LENGTH: Final = 100
WORD: Final = re.compile(r"\w+")


def search(call: UserplaneCall) -> Reply:
    """Return the best matches of one type."""
    term = (call.query.text("q") or "").strip().lower()
    kind = call.query.text("type")
    if not term:
        raise UserplaneError("WORKSPACE_SEARCH_TERM_REQUIRED")
    if kind is None or kind not in SEARCHES:
        raise UserplaneError("WORKSPACE_SEARCH_TYPE_INVALID")
    limit = call.query.number("limit", 10, maximum=20)
    if len(term) > MAX_TERM_LENGTH:
        raise UserplaneError("BAD_REQUEST")
    results = SEARCHES[kind](call.world, call.workspace().id, term)
    return success_reply("Search results", {"type": kind, "results": results[:limit]})


def _members(world: World, workspace_id: str, term: str) -> list[dict[str, Any]]:
    return [
        member_json(member) for member in world.list_active(MemberRecord, workspace_id) if term in member.name.lower()
    ]


def _projects(world: World, workspace_id: str, term: str) -> list[dict[str, Any]]:
    return [
        project_json(project)
        for project in world.list_active(ProjectRecord, workspace_id)
        if term in project.title.lower()
    ]


def _domains(world: World, workspace_id: str, term: str) -> list[dict[str, Any]]:
    return [
        domain_json(domain) for domain in world.list_active(DomainRecord, workspace_id) if term in domain.url.lower()
    ]


def _links(world: World, workspace_id: str, term: str) -> list[dict[str, Any]]:
    words = WORD.findall(term)
    ranked = [(_rank(link, words), link) for link in world.list_active(LinkRecord, workspace_id)]
    best = sorted(((rank, link) for rank, link in ranked if rank > 0), key=lambda pair: (-pair[0], pair[1].id))
    return [_link_result(world, link) for _, link in best]


def _rank(link: LinkRecord, searched: list[str]) -> int:
    """Return 0 unless every word searched for begins a word of the link; whole words count double."""
    link_words = WORD.findall(" ".join((link.title or "", link.provider_reference or "")).lower())
    scores = [
        max((2 if word == prefix else 1 for word in link_words if word.startswith(prefix)), default=0)
        for prefix in searched
    ]
    return sum(scores) if all(scores) else 0


def _link_result(world: World, link: LinkRecord) -> dict[str, Any]:
    return {
        "linkId": link.id,
        "linkTitle": link.title,
        "linkType": "recording",
        "createdAt": format_time(link.created),
        "projectId": link.project_id,
        "projectTitle": world.get(ProjectRecord, link.project_id).title,
        "domainId": link.domain_id,
        "domainUrl": world.get(DomainRecord, link.domain_id).url,
    }


SEARCHES: Final[Mapping[str, Callable[[World, str, str], list[dict[str, Any]]]]] = {
    "members": _members,
    "projects": _projects,
    "domains": _domains,
    "links": _links,
}
