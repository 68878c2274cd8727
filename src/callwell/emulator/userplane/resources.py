# SPDX-License-Identifier: Apache-2.0
"""The five resources of a recording: each is a signed URL, or the reason why there is none."""

from __future__ import annotations

import re
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
    from callwell.emulator.provider import AssetDigest
    from callwell.emulator.userplane.call import UserplaneCall
    from callwell.emulator.userplane.world import World

BUCKET: Final = "/userplane-recordings"
EARLY_EXPIRY_LIFE_S: Final = 1
"""How many seconds a URL with the fault `early_expiry` is valid: a client that waits at all uses it too late."""

OBJECT_PATH: Final = re.compile(rf"{BUCKET}/(?P<workspace>[^/]*)/(?P<recording>[^/]*)/(?P<file>[^/]*)")
FILES: Final = {kind.file: name for name, kind in KINDS.items()}


def get_asset(kind: str, call: UserplaneCall) -> Reply:
    """Return the URL of one kind of asset."""
    workspace = call.workspace()
    recording = call.get_record(RecordingRecord, "recordingId", workspace)
    url = signed_url(call, recording, kind)
    label = KINDS[kind].label
    size = 0 if url is None else asset_info(kind, recording.id).size
    resource: dict[str, Any] = {
        "url": url,
        "message": f"{label.capitalize()} {'not available' if url is None else 'available'}",
        "type": KINDS[kind].type,
        "size": _reported_size(call, size),
        "captureEnabled": kind not in recording.missing_assets,
    }
    if kind == "video":
        sources = [] if url is None else [{"url": url, "type": KINDS[kind].type}]
        resource |= {"durationMs": recording.duration_ms, "sources": sources}
    return success_reply(
        f"Recording {label} retrieved successfully",
        {"recordingId": recording.id, "resource": resource},
        fault_not_applicable=url is None and (call.has_fault("early_expiry") or call.has_fault("wrong_size")),
    )


get_video = partial(get_asset, "video")
get_thumbnail = partial(get_asset, "thumbnail")
get_console_log = partial(get_asset, "console_log")
get_network_log = partial(get_asset, "network_log")
get_action = partial(get_asset, "action")


def _reported_size(call: UserplaneCall, size: int) -> int:
    """Return the size, or what the fault makes of it."""
    if call.fault is None or not call.has_fault("wrong_size"):
        return size
    return size // 2 if call.fault.value == "short" else size * 2


def signed_url(call: UserplaneCall, recording: RecordingRecord, kind: str) -> str | None:
    """Return a new URL of one asset, None for what was not captured or has expired."""
    wall_s = call.clock.wall()
    if kind in recording.missing_assets or is_expired(recording, wall_s):
        return None
    path = f"{BUCKET}/{recording.workspace_id}/{recording.id}/{KINDS[kind].file}"
    life_s = EARLY_EXPIRY_LIFE_S if call.has_fault("early_expiry") else call.options.url_life_s
    return call.signer.sign(path, life_s=life_s, wall_s=wall_s + call.options.skew_s)


def is_expired(recording: RecordingRecord, wall_s: float) -> bool:
    """Return whether a recording can no longer be played at `wall_s` (epoch seconds)."""
    return recording.expires is not None and recording.expires <= wall_s


def find_stored_object(world: World, path: str) -> StoredObject | None:
    """Return the object at a path of the storage; deleted recordings keep theirs."""
    # As `signed_url` makes it: bucket, workspace, recording, file.
    match = OBJECT_PATH.fullmatch(path)
    if match is None or match["file"] not in FILES:
        return None
    recording = world.find(RecordingRecord, match["recording"], match["workspace"])
    kind = FILES[match["file"]]
    if recording is None or kind in recording.missing_assets:
        return None
    info = asset_info(kind, recording.id)
    modified = datetime.fromtimestamp(recording.created, UTC)
    return StoredObject(body=asset_bytes(kind, recording.id), type=info.type, sha256=info.sha256, modified=modified)


def to_ledger_item(world: World, recording: RecordingRecord, wall_s: float) -> LedgerItem:
    """Return what a client could have fetched of a recording."""
    state = "unchanged"
    if recording.deleted:
        state = "deleted"
    elif recording.id in world.created:
        state = "created"

    assets: dict[str, AssetDigest | None] = {}
    for kind in KINDS:
        is_gone = kind in recording.missing_assets or is_expired(recording, wall_s)
        assets[kind] = None if is_gone else asset_info(kind, recording.id)
    return LedgerItem(id=recording.id, workspace=recording.workspace_id, state=state, assets=assets)
