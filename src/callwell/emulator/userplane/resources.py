# SPDX-License-Identifier: Apache-2.0
"""The five resources of a recording: a signed URL each, or why there is none."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.provider import Item
from callwell.emulator.storage import Asset
from callwell.emulator.userplane.assets import KINDS, asset_bytes, asset_facts
from callwell.emulator.userplane.records import Recording
from callwell.emulator.userplane.replies import success

if TYPE_CHECKING:
    from callwell.emulator.messages import Reply
    from callwell.emulator.provider import AssetFacts
    from callwell.emulator.userplane.call import Call
    from callwell.emulator.userplane.world import World

BUCKET: Final = "/userplane-recordings"
EARLY_LIFE_S: Final = 1
FILES: Final = {kind.file: name for name, kind in KINDS.items()}


def get_resource(kind: str, call: Call) -> Reply:
    """The resource of one kind."""
    workspace = call.workspace()
    recording = call.resource(Recording, "recordingId", workspace)
    url = signed_url(call, recording, kind)
    words = KINDS[kind].words
    size = 0 if url is None else asset_facts(kind, recording.id).size
    resource: dict[str, Any] = {
        "url": url,
        "message": f"{words.capitalize()} {'not available' if url is None else 'available'}",
        "type": KINDS[kind].type,
        "size": _announced(call, size),
        "captureEnabled": kind not in recording.lacking,
    }
    if kind == "video":
        sources = [] if url is None else [{"url": url, "type": KINDS[kind].type}]
        resource |= {"durationMs": recording.duration_ms, "sources": sources}
    return success(
        f"Recording {words} retrieved successfully",
        {"recordingId": recording.id, "resource": resource},
        fault_missed=url is None and (call.suffers("early_expiry") or call.suffers("wrong_size")),
    )


get_video = partial(get_resource, "video")
get_thumbnail = partial(get_resource, "thumbnail")
get_console_log = partial(get_resource, "console_log")
get_network_log = partial(get_resource, "network_log")
get_action = partial(get_resource, "action")


def _announced(call: Call, size: int) -> int:
    """The size, or what the fault makes of it."""
    if call.hit is None or not call.suffers("wrong_size"):
        return size
    return size // 2 if call.hit.value == "short" else size * 2


def signed_url(call: Call, recording: Recording, kind: str) -> str | None:
    """A fresh URL of one asset, None for what was not captured or has expired."""
    wall = call.clock.wall()
    if kind in recording.lacking or expired(recording, wall):
        return None
    path = f"{BUCKET}/{recording.workspace_id}/{recording.id}/{KINDS[kind].file}"
    life_s = EARLY_LIFE_S if call.suffers("early_expiry") else call.options.url_life_s
    return call.signer.sign(path, life_s=life_s, wall=wall + call.options.skew_s)


def expired(recording: Recording, wall: float) -> bool:
    """Whether a recording can no longer be played at `wall` (epoch seconds)."""
    return recording.expires is not None and recording.expires <= wall


def stored(world: World, path: str) -> Asset | None:
    """The object at a path of the storage; deleted recordings keep theirs."""
    parts = path.removeprefix(f"{BUCKET}/").split("/")
    if not path.startswith(f"{BUCKET}/") or len(parts) != 3 or parts[2] not in FILES:  # noqa: PLR2004 - see signed_url
        return None
    recording = world.find(Recording, parts[1], parts[0])
    kind = FILES[parts[2]]
    if recording is None or kind in recording.lacking:
        return None
    facts = asset_facts(kind, recording.id)
    modified = datetime.fromtimestamp(recording.created, UTC)
    return Asset(asset_bytes(kind, recording.id), facts.type, facts.sha256, modified)


def item(world: World, recording: Recording, wall: float) -> Item:
    """What a client could have fetched of a recording."""
    state = "deleted" if recording.deleted else "created" if recording.id in world.created else "throughout"

    def facts(kind: str) -> AssetFacts | None:
        gone = kind in recording.lacking or expired(recording, wall)
        return None if gone else asset_facts(kind, recording.id)

    return Item(recording.id, recording.workspace_id, state, {kind: facts(kind) for kind in KINDS})
