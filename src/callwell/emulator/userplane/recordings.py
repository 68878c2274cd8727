# SPDX-License-Identifier: Apache-2.0
"""Operations about recordings: list, get, delete."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from callwell.emulator.userplane.pages import Listing, Page, answer
from callwell.emulator.userplane.records import Domain, Link, Member, Recording, iso
from callwell.emulator.userplane.replies import Refused, success
from callwell.emulator.userplane.resources import signed_url

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from callwell.emulator.messages import Reply
    from callwell.emulator.userplane.call import Call
    from callwell.emulator.userplane.world import World


def list_recordings(call: Call) -> Reply:
    """The recordings of a workspace, filtered and sorted."""
    page = Page.asked(call.query, default=10, most=20)
    filters = tuple(call.query.several(name) for name in ("created_by", "project_id", "link_id"))
    sort = call.query.choice("sort_by", ("created_at", "recording_duration"))
    falling = call.query.choice("sort_direction", ("desc", "asc")) == "desc"
    workspace = call.workspace()
    build = _build(call.world, workspace.id, filters, by_duration=sort == "recording_duration", falling=falling)
    rows = call.world.listing(("recordings", workspace.id, filters, sort, falling), build)
    listing = Listing("recordings", rows, lambda row: _entry(call, row), "Recordings", {"workspaceId": workspace.id})
    return answer(call, page, listing, shift=lambda before: _shift(call, before))


def get_recording(call: Call) -> Reply:
    """One recording with all that surrounds it."""
    workspace = call.workspace()
    recording = call.resource(Recording, "recordingId", workspace)
    return success(
        "Recording retrieved successfully", {"workspaceId": workspace.id, "recording": _detail(call, recording)}
    )


def delete_recording(call: Call) -> Reply:
    """Delete softly: 410 from now on, for the recording and its resources."""
    workspace = call.workspace()
    elsewhere: Recording | None = call.world.tables[Recording].get(call.arguments["recordingId"])
    if elsewhere is not None and elsewhere.workspace_id != workspace.id:
        raise Refused("RECORDING_WORKSPACE_MISMATCH")
    recording = call.resource(Recording, "recordingId", workspace)
    if not call.may_delete(call.world.get(Link, recording.link_id).creator_id, workspace):
        raise Refused("RECORDING_DELETE_FORBIDDEN")
    call.world.put(replace(recording, deleted=True))
    data = {"workspaceId": workspace.id, "recordingId": recording.id}
    return success("Recording deleted successfully", data, effect=True)


def _build(
    world: World, workspace_id: str, filters: Sequence[frozenset[str]], *, by_duration: bool, falling: bool
) -> Callable[[], list[Recording]]:
    creators, projects, links = filters

    def build() -> list[Recording]:
        rows = [
            recording
            for recording in world.active(Recording, workspace_id)
            if (not creators or recording.creator_id in creators)
            and (not projects or world.project_of(recording).id in projects)
            and (not links or recording.link_id in links)
        ]
        rows.sort(key=lambda row: (row.duration_ms if by_duration else row.created, row.id), reverse=falling)
        return rows

    return build


def _entry(call: Call, recording: Recording) -> dict[str, Any]:
    creator = call.world.get(Member, recording.creator_id)
    return {
        "recordingId": recording.id,
        "recordingThumbnail": signed_url(call, recording, "thumbnail"),
        "recordingDurationMs": None if "video" in recording.lacking else recording.duration_ms,
        "expiresAt": iso(recording.expires),
        "createdAt": iso(recording.created),
        "creator": {"workspaceMemberId": creator.id, "name": creator.name},
        "linkTitle": call.world.get(Link, recording.link_id).title,
    }


def _detail(call: Call, recording: Recording) -> dict[str, Any]:
    return {
        "recordingId": recording.id,
        "recordingDurationMs": None if "video" in recording.lacking else recording.duration_ms,
        "recordingStartedAt": iso(recording.created - recording.duration_ms / 1000),
        "meta": _meta(call.world, recording),
    }


def _meta(world: World, recording: Recording) -> dict[str, Any]:
    link = world.get(Link, recording.link_id)
    project = world.project_of(recording)
    domain = world.get(Domain, link.domain_id)
    return {
        "link": {
            "linkId": link.id,
            "title": link.title,
            "providerType": link.provider_type,
            "providerId": link.provider_id,
            "providerRef": link.provider_reference,
            "createdAt": iso(link.created),
            "providerData": None,
        },
        "creator": {"workspaceMemberId": recording.creator_id, "name": world.get(Member, recording.creator_id).name},
        "project": {"projectId": project.id, "title": project.title},
        "domain": {"domainId": domain.id, "url": domain.url},
        "workspaceId": recording.workspace_id,
        "status": "failed" if "video" in recording.lacking else "completed",
        "systemMeta": {"browser": "Emulated 1", "screen": "1280x720"},
        "customMeta": recording.custom_meta or {},
        "notes": recording.notes,
        "expiresAt": iso(recording.expires),
        "createdAt": iso(recording.created),
        "updatedAt": iso(recording.created + 5.0),
    }


def _shift(call: Call, before: Sequence[Recording]) -> bool:
    """Delete one of the recordings already listed, or add one that is listed too, in turns."""
    hit = call.hit
    if hit is None or not before:
        return False
    pattern = hit.dice.choice(before)
    if hit.turn % 2 == 0:
        call.world.put(replace(pattern, deleted=True))
    else:
        call.world.record_again(pattern, call.clock.wall())
    return True
