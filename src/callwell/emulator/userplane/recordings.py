# SPDX-License-Identifier: Apache-2.0
"""Operations about recordings: list, get, delete."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from callwell.emulator.userplane.pages import Listing, PageRequest, page_reply
from callwell.emulator.userplane.records import DomainRecord, LinkRecord, MemberRecord, RecordingRecord, format_time
from callwell.emulator.userplane.replies import UserplaneError, success_reply
from callwell.emulator.userplane.resources import signed_url

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from callwell.emulator.messages import Reply
    from callwell.emulator.userplane.call import UserplaneCall
    from callwell.emulator.userplane.world import World


def list_recordings(call: UserplaneCall) -> Reply:
    """Return the recordings of a workspace, filtered and sorted."""
    page = PageRequest.parse(call.query, default=10, max_size=20)
    filters = tuple(call.query.values(name) for name in ("created_by", "project_id", "link_id"))
    sort = call.query.choice("sort_by", ("created_at", "recording_duration"))
    descending = call.query.choice("sort_direction", ("desc", "asc")) == "desc"
    workspace = call.workspace()
    build = _list_builder(
        call.world, workspace.id, filters, by_duration=sort == "recording_duration", descending=descending
    )
    rows = call.world.cached_list(("recordings", workspace.id, filters, sort, descending), build)
    listing = Listing(
        name="recordings",
        rows=rows,
        show=lambda row: _summary_json(call, row),
        label="Recordings",
        extra={"workspaceId": workspace.id},
    )
    return page_reply(call, page, listing, shift=lambda before: _shift_list(call, before))


def get_recording(call: UserplaneCall) -> Reply:
    """Return one recording with its link, project, domain and creator."""
    workspace = call.workspace()
    recording = call.get_record(RecordingRecord, "recordingId", workspace)
    return success_reply(
        "Recording retrieved successfully", {"workspaceId": workspace.id, "recording": _detail_json(call, recording)}
    )


def delete_recording(call: UserplaneCall) -> Reply:
    """Delete a recording softly: 410 from now on, for it and its resources."""
    workspace = call.workspace()
    in_any_workspace: RecordingRecord | None = call.world.tables[RecordingRecord].get(call.arguments["recordingId"])
    if in_any_workspace is not None and in_any_workspace.workspace_id != workspace.id:
        raise UserplaneError("RECORDING_WORKSPACE_MISMATCH")
    recording = call.get_record(RecordingRecord, "recordingId", workspace)
    if not call.may_delete(call.world.get(LinkRecord, recording.link_id).creator_id, workspace):
        raise UserplaneError("RECORDING_DELETE_FORBIDDEN")
    call.world.put(replace(recording, deleted=True))
    data = {"workspaceId": workspace.id, "recordingId": recording.id}
    return success_reply("Recording deleted successfully", data, effect=True)


def _list_builder(
    world: World, workspace_id: str, filters: Sequence[frozenset[str]], *, by_duration: bool, descending: bool
) -> Callable[[], list[RecordingRecord]]:
    creators, projects, links = filters

    def build() -> list[RecordingRecord]:
        rows = [
            recording
            for recording in world.list_active(RecordingRecord, workspace_id)
            if (not creators or recording.creator_id in creators)
            and (not projects or world.project_of(recording).id in projects)
            and (not links or recording.link_id in links)
        ]
        if by_duration:
            rows.sort(key=lambda row: (row.duration_ms, row.id), reverse=descending)
        else:
            rows.sort(key=lambda row: (row.created, row.id), reverse=descending)
        return rows

    return build


def _summary_json(call: UserplaneCall, recording: RecordingRecord) -> dict[str, Any]:
    creator = call.world.get(MemberRecord, recording.creator_id)
    return {
        "recordingId": recording.id,
        "recordingThumbnail": signed_url(call, recording, "thumbnail"),
        "recordingDurationMs": None if "video" in recording.missing_assets else recording.duration_ms,
        "expiresAt": format_time(recording.expires),
        "createdAt": format_time(recording.created),
        "creator": {"workspaceMemberId": creator.id, "name": creator.name},
        "linkTitle": call.world.get(LinkRecord, recording.link_id).title,
    }


def _detail_json(call: UserplaneCall, recording: RecordingRecord) -> dict[str, Any]:
    return {
        "recordingId": recording.id,
        "recordingDurationMs": None if "video" in recording.missing_assets else recording.duration_ms,
        "recordingStartedAt": format_time(recording.created - recording.duration_ms / 1000),
        "meta": _meta_json(call.world, recording),
    }


def _meta_json(world: World, recording: RecordingRecord) -> dict[str, Any]:
    link = world.get(LinkRecord, recording.link_id)
    project = world.project_of(recording)
    domain = world.get(DomainRecord, link.domain_id)
    return {
        "link": {
            "linkId": link.id,
            "title": link.title,
            "providerType": link.provider_type,
            "providerId": link.provider_id,
            "providerRef": link.provider_reference,
            "createdAt": format_time(link.created),
            "providerData": None,
        },
        "creator": {
            "workspaceMemberId": recording.creator_id,
            "name": world.get(MemberRecord, recording.creator_id).name,
        },
        "project": {"projectId": project.id, "title": project.title},
        "domain": {"domainId": domain.id, "url": domain.url},
        "workspaceId": recording.workspace_id,
        "status": "failed" if "video" in recording.missing_assets else "completed",
        "systemMeta": {"browser": "Emulated 1", "screen": "1280x720"},
        "customMeta": recording.custom_meta or {},
        "notes": recording.notes,
        "expiresAt": format_time(recording.expires),
        "createdAt": format_time(recording.created),
        "updatedAt": format_time(recording.created + 5.0),
    }


def _shift_list(call: UserplaneCall, before: Sequence[RecordingRecord]) -> bool:
    """Delete one of the recordings already listed, or add a copy of one, in turns; return whether it was possible."""
    fault = call.fault
    if fault is None or not before:
        return False
    listed = fault.rng.choice(before)
    if fault.sequence % 2 == 0:
        call.world.put(replace(listed, deleted=True))
    else:
        call.world.copy_recording(listed, call.clock.wall())
    return True
