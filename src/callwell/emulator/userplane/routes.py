# SPDX-License-Identifier: Apache-2.0
"""The route table: every operation of the API once, and the way from a request to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.emulator.userplane import account, links, recordings, resources, workspace
from callwell.emulator.userplane.search import search

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.emulator.messages import Reply
    from callwell.emulator.userplane.call import Call

BASE_PATH: Final = "/api/v1"
W: Final = "/public/workspace/{workspaceId}"
RECORDING: Final = f"{W}/recordings/{{recordingId}}"


class Route(NamedTuple):
    """One operation."""

    operation: str
    method: str
    path: str
    handler: Callable[[Call], Reply]


ROUTES: Final = (
    Route("me.get", "GET", "/public/me", account.me),
    Route("workspaces.list", "GET", "/public/workspaces", account.list_workspaces),
    Route("workspaces.get", "GET", W, account.get_workspace),
    Route("workspaces.invite_url", "GET", f"{W}/invite-url", account.get_invite_url),
    Route("projects.list", "GET", f"{W}/projects", workspace.list_projects),
    Route("projects.get", "GET", f"{W}/projects/{{projectId}}", workspace.get_project),
    Route("links.list", "GET", f"{W}/links", links.list_links),
    Route("links.create", "POST", f"{W}/links", links.create_link),
    Route("links.get", "GET", f"{W}/links/{{linkId}}", links.get_link),
    Route("links.update", "PUT", f"{W}/links/{{linkId}}", links.update_link),
    Route("links.delete", "DELETE", f"{W}/links/{{linkId}}", links.delete_link),
    Route("recordings.list", "GET", f"{W}/recordings", recordings.list_recordings),
    Route("recordings.get", "GET", RECORDING, recordings.get_recording),
    Route("recordings.delete", "DELETE", RECORDING, recordings.delete_recording),
    Route("recordings.video", "GET", f"{RECORDING}/video", resources.get_video),
    Route("recordings.thumbnail", "GET", f"{RECORDING}/thumbnail", resources.get_thumbnail),
    Route("recordings.console_log", "GET", f"{RECORDING}/console-log", resources.get_console_log),
    Route("recordings.network_log", "GET", f"{RECORDING}/network-log", resources.get_network_log),
    Route("recordings.action", "GET", f"{RECORDING}/action", resources.get_action),
    Route("search.search", "GET", f"{W}/search", search),
    Route("domains.list", "GET", f"{W}/domains", workspace.list_domains),
    Route("members.list", "GET", f"{W}/members", workspace.list_members),
)
OPERATIONS: Final = frozenset(route.operation for route in ROUTES)
SIZING: Final = frozenset(route.operation for route in ROUTES if route.path.startswith(f"{RECORDING}/"))
SIGNING: Final = SIZING | {"recordings.list"}
SHIFTING: Final = frozenset({"recordings.list", "links.list"})
LISTS: Final = frozenset(route.operation for route in ROUTES if route.operation.endswith(".list"))


class Shape(NamedTuple):
    """A route taken apart: fixed parts by position, and names of the others."""

    route: Route
    fixed: tuple[tuple[int, str], ...]
    names: tuple[tuple[int, str], ...]


def _shape(route: Route) -> Shape:
    parts = list(enumerate((BASE_PATH + route.path).split("/")))
    fixed = tuple((position, part) for position, part in parts if not part.startswith("{"))
    return Shape(route, fixed, tuple((position, part[1:-1]) for position, part in parts if part.startswith("{")))


SHAPES: Final[dict[tuple[str, int], list[Shape]]] = {}
for _route in ROUTES:
    SHAPES.setdefault((_route.method, (BASE_PATH + _route.path).count("/") + 1), []).append(_shape(_route))


def match(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The operation of a request and what its path says by name, None for an unknown route."""
    parts = path.split("/")
    for shape in SHAPES.get((method, len(parts)), ()):
        if all(parts[position] == part for position, part in shape.fixed):
            arguments = {name: parts[position] for position, name in shape.names}
            return (shape.route, arguments) if all(arguments.values()) else None
    return None
