# SPDX-License-Identifier: Apache-2.0
"""The route table: every operation of the API once, and how a request finds it.

A path is matched part by part. For its method and number of parts there are only a few patterns, and each is compared
at its fixed positions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.emulator.userplane import account, links, recordings, resources, workspace
from callwell.emulator.userplane.search import search

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.emulator.messages import Reply
    from callwell.emulator.userplane.call import UserplaneCall

BASE_PATH: Final = "/api/v1"
WORKSPACE: Final = "/public/workspace/{workspaceId}"
RECORDING: Final = f"{WORKSPACE}/recordings/{{recordingId}}"


class UserplaneRoute(NamedTuple):
    """One operation."""

    operation: str
    method: str
    path: str
    handler: Callable[[UserplaneCall], Reply]


ROUTES: Final = (
    UserplaneRoute("me.get", "GET", "/public/me", account.get_me),
    UserplaneRoute("workspaces.list", "GET", "/public/workspaces", account.list_workspaces),
    UserplaneRoute("workspaces.get", "GET", WORKSPACE, account.get_workspace),
    UserplaneRoute("workspaces.invite_url", "GET", f"{WORKSPACE}/invite-url", account.get_invite_url),
    UserplaneRoute("projects.list", "GET", f"{WORKSPACE}/projects", workspace.list_projects),
    UserplaneRoute("projects.get", "GET", f"{WORKSPACE}/projects/{{projectId}}", workspace.get_project),
    UserplaneRoute("links.list", "GET", f"{WORKSPACE}/links", links.list_links),
    UserplaneRoute("links.create", "POST", f"{WORKSPACE}/links", links.create_link),
    UserplaneRoute("links.get", "GET", f"{WORKSPACE}/links/{{linkId}}", links.get_link),
    UserplaneRoute("links.update", "PUT", f"{WORKSPACE}/links/{{linkId}}", links.update_link),
    UserplaneRoute("links.delete", "DELETE", f"{WORKSPACE}/links/{{linkId}}", links.delete_link),
    UserplaneRoute("recordings.list", "GET", f"{WORKSPACE}/recordings", recordings.list_recordings),
    UserplaneRoute("recordings.get", "GET", RECORDING, recordings.get_recording),
    UserplaneRoute("recordings.delete", "DELETE", RECORDING, recordings.delete_recording),
    UserplaneRoute("recordings.video", "GET", f"{RECORDING}/video", resources.get_video),
    UserplaneRoute("recordings.thumbnail", "GET", f"{RECORDING}/thumbnail", resources.get_thumbnail),
    UserplaneRoute("recordings.console_log", "GET", f"{RECORDING}/console-log", resources.get_console_log),
    UserplaneRoute("recordings.network_log", "GET", f"{RECORDING}/network-log", resources.get_network_log),
    UserplaneRoute("recordings.action", "GET", f"{RECORDING}/action", resources.get_action),
    UserplaneRoute("search.search", "GET", f"{WORKSPACE}/search", search),
    UserplaneRoute("domains.list", "GET", f"{WORKSPACE}/domains", workspace.list_domains),
    UserplaneRoute("members.list", "GET", f"{WORKSPACE}/members", workspace.list_members),
)
OPERATIONS: Final = frozenset(route.operation for route in ROUTES)
SIZE_REPORTING: Final = frozenset(route.operation for route in ROUTES if route.path.startswith(f"{RECORDING}/"))
URL_SIGNING: Final = SIZE_REPORTING | {"recordings.list"}
SHIFTABLE_LISTS: Final = frozenset({"recordings.list", "links.list"})
LISTS: Final = frozenset(route.operation for route in ROUTES if route.operation.endswith(".list"))


class PathPattern(NamedTuple):
    """The parts of a route's path by position: the fixed ones, and the names of the parameters."""

    route: UserplaneRoute
    fixed: tuple[tuple[int, str], ...]
    names: tuple[tuple[int, str], ...]


def _to_pattern(route: UserplaneRoute) -> PathPattern:
    parts = list(enumerate((BASE_PATH + route.path).split("/")))
    fixed = tuple((position, part) for position, part in parts if not part.startswith("{"))
    names = tuple((position, part[1:-1]) for position, part in parts if part.startswith("{"))
    return PathPattern(route, fixed=fixed, names=names)


PATTERNS: Final[dict[tuple[str, int], list[PathPattern]]] = {}
for _route in ROUTES:
    PATTERNS.setdefault((_route.method, (BASE_PATH + _route.path).count("/") + 1), []).append(_to_pattern(_route))


def match_route(method: str, path: str) -> tuple[UserplaneRoute, dict[str, str]] | None:
    """Return the route of a request and its path parameters by name, None for an unknown route."""
    parts = path.split("/")
    for shape in PATTERNS.get((method, len(parts)), ()):
        if all(parts[position] == part for position, part in shape.fixed):
            arguments = {name: parts[position] for position, name in shape.names}
            return (shape.route, arguments) if all(arguments.values()) else None
    return None
