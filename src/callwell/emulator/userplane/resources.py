# SPDX-License-Identifier: Apache-2.0
"""The five resources of a recording: a signed URL each, or why there is none."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.provider import LedgerItem
from callwell.emulator.storage import StoredObject
from callwell.emulator.userplane.assets import KINDS, asset_bytes, asset_info
from callwell.emulator.userplane.records import RecordingRecord
from callwell.emulator.userplane.replies import success_reply

if TYPE_CHECKING:
    from callwell.emulator.messages import Reply
    from callwell.emulator.provider import AssetInfo
    from callwell.emulator.userplane.call import UserplaneCall
    from callwell.emulator.userplane.world import World

BUCKET: Final = "/userplane-recordings"
EARLY_LIFE_S: Final = 1
FILES: Final = {kind.file: name for name, kind in KINDS.items()}


def get_resource(kind: str, call: UserplaneCall) -> Reply:
    """The resource of one kind."""
    workspace = call.workspace()
    recording = call.resource(RecordingRecord, "recordingId", workspace)
    url = signed_url(call, recording, kind)
    words = KINDS[kind].label
    size = 0 if url is None else asset_info(kind, recording.id).size
    resource: dict[str, Any] = {
        "url": url,
        "message": f"{words.capitalize()} {'not available' if url is None else 'available'}",
        "type": KINDS[kind].type,
        "size": _reported_size(call, size),
        "captureEnabled": kind not in recording.lacking,
    }
    if kind == "video":
        sources = [] if url is None else [{"url": url, "type": KINDS[kind].type}]
        resource |= {"durationMs": recording.duration_ms, "sources": sources}
    return success_reply(
        f"Recording {words} retrieved successfully",
        {"recordingId": recording.id, "resource": resource},
        fault_missed=url is None and (call.has_fault("early_expiry") or call.has_fault("wrong_size")),
    )


get_video = partial(get_resource, "video")
get_thumbnail = partial(get_resource, "thumbnail")
get_console_log = partial(get_resource, "console_log")
get_network_log = partial(get_resource, "network_log")
get_action = partial(get_resource, "action")


def _reported_size(call: UserplaneCall, size: int) -> int:
    """The size, or what the fault makes of it."""
    if call.fault is None or not call.has_fault("wrong_size"):
        return size
    return size // 2 if call.fault.value == "short" else size * 2


def signed_url(call: UserplaneCall, recording: RecordingRecord, kind: str) -> str | None:
    """A fresh URL of one asset, None for what was not captured or has expired."""
    wall_s = call.clock.wall()
    if kind in recording.lacking or is_expired(recording, wall_s):
        return None
    path = f"{BUCKET}/{recording.workspace_id}/{recording.id}/{KINDS[kind].file}"
    life_s = EARLY_LIFE_S if call.has_fault("early_expiry") else call.options.url_life_s
    return call.signer.sign(path, life_s=life_s, wall_s=wall_s + call.options.skew_s)


def is_expired(recording: RecordingRecord, wall_s: float) -> bool:
    """Whether a recording can no longer be played at `wall` (epoch seconds)."""
    return recording.expires is not None and recording.expires <= wall_s


def find_stored_object(world: World, path: str) -> StoredObject | None:
    """The object at a path of the storage; deleted recordings keep theirs."""
    parts = path.removeprefix(f"{BUCKET}/").split("/")
    if not path.startswith(f"{BUCKET}/") or len(parts) != 3 or parts[2] not in FILES:  # noqa: PLR2004 - see signed_url
        return None
    recording = world.find(RecordingRecord, parts[1], parts[0])
    kind = FILES[parts[2]]
    if recording is None or kind in recording.lacking:
        return None
    facts = asset_info(kind, recording.id)
    modified = datetime.fromtimestamp(recording.created, UTC)
    return StoredObject(asset_bytes(kind, recording.id), facts.type, facts.sha256, modified)


def to_ledger_item(world: World, recording: RecordingRecord, wall_s: float) -> LedgerItem:
    """What a client could have fetched of a recording."""
    state = "deleted" if recording.deleted else "created" if recording.id in world.created else "throughout"

    def facts(kind: str) -> AssetInfo | None:
        gone = kind in recording.lacking or is_expired(recording, wall_s)
        return None if gone else asset_info(kind, recording.id)

    return LedgerItem(recording.id, recording.workspace_id, state, {kind: facts(kind) for kind in KINDS})
