# SPDX-License-Identifier: Apache-2.0
"""One request to each operation of the emulated Userplane, with ids that exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.emulator.userplane.routes import ROUTES

if TYPE_CHECKING:
    from tests.emulator.harness import Emulated, HttpResponse, Json


def perform(emulated: Emulated, operation: str) -> HttpResponse:
    """The response of an operation."""
    method = next(route.method for route in ROUTES if route.operation == operation)
    body: Json = {"linkTitle": "Renamed"} if operation == "links.update" else None
    if operation == "links.create":
        body = {"domainId": verified_domain(emulated, emulated.workspaces()[0])}
    return emulated.call(path_of(emulated, operation), method, body=body)


def path_of(emulated: Emulated, operation: str) -> str:
    """A path of an operation with ids that exist."""
    path = next(route.path for route in ROUTES if route.operation == operation)
    root = emulated.workspaces()[0]
    ids = {
        "workspaceId": root.rpartition("/")[2],
        "projectId": emulated.call(f"{root}/projects").data["projects"][0]["projectId"],
        "linkId": emulated.call(f"{root}/links").data["links"][0]["linkId"],
        "recordingId": emulated.call(f"{root}/recordings").data["recordings"][0]["recordingId"],
    }
    return path.format(**ids) + ("?q=b&type=projects" if operation == "search.search" else "")


def verified_domain(emulated: Emulated, root: str) -> str:
    """The id of a domain that links can be made for."""
    domains = emulated.call(f"{root}/domains").data["domains"]
    return str(next(each["domainId"] for each in domains if each["domainStatus"] == "verified"))


def first_page(emulated: Emulated) -> str:
    """The path of the first workspace's recordings, five on a page."""
    return f"{emulated.workspaces()[0]}/recordings?per_page=5"


def resource_of(emulated: Emulated, kind: str = "video") -> Json:
    """The resource of some recording."""
    listed = emulated.call(first_page(emulated)).data
    path = f"/public/workspace/{listed['workspaceId']}/recordings/{listed['recordings'][0]['recordingId']}/{kind}"
    return emulated.call(path).data["resource"]
