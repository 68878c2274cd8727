# SPDX-License-Identifier: Apache-2.0
"""Events that the control port reports to an account: views of its media, broadcasts that begin and end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from callwell.emulator.apivideo.records import VideoRecord
from callwell.emulator.apivideo.source import SourceFile
from callwell.emulator.apivideo.videos import DEFAULTS
from callwell.emulator.apivideo.views import PlayerView
from callwell.emulator.errors import InvalidInput

if TYPE_CHECKING:
    from callwell.emulator.apivideo.account import ApiVideoAccount

# A sandbox broadcast stops after half an hour, as the live pages say; the reference page says 30 seconds, which is the
# length of its recording.
SANDBOX_MAX_S: Final = 1_800.0


class BroadcastChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A live stream begins or ends to be broadcast."""

    live_stream_id: str
    broadcasting: bool


def apply_event(account: ApiVideoAccount, kind: str, event: bytes, wall_s: float) -> dict[str, Any]:
    """Apply `views` (a list) or a `broadcast`.

    Args:
        account: the account.
        kind: the kind of event.
        event: the event as JSON.
        wall_s: the time of day, epoch seconds.

    Raises:
        InvalidInput: there is no such kind, or the event makes no sense.
    """
    try:
        if kind == "views":
            views = msgspec.json.decode(event, type=list[PlayerView])
            account.views += [
                msgspec.structs.replace(view, at=wall_s if view.at is None else view.at) for view in views
            ]
            return {"views": len(account.views)}
        if kind == "broadcast":
            return _apply_broadcast(account, msgspec.json.decode(event, type=BroadcastChange), wall_s)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidInput(f"{kind}: {error}") from error
    raise InvalidInput(f"{kind!r} is not one of views, broadcast")


def end_long_broadcasts(account: ApiVideoAccount, wall_s: float) -> None:
    """End the sandbox's broadcasts that have lasted for half an hour."""
    if not account.sandbox:
        return
    for stream in account.live_streams.values():
        if stream.broadcasting is not None and wall_s >= stream.broadcasting + SANDBOX_MAX_S:
            end = BroadcastChange(live_stream_id=stream.id, broadcasting=False)
            _apply_broadcast(account, end, stream.broadcasting + SANDBOX_MAX_S)


def _apply_broadcast(account: ApiVideoAccount, change: BroadcastChange, wall_s: float) -> dict[str, Any]:
    stream = account.live_streams.get(change.live_stream_id)
    if stream is None:
        raise InvalidInput(f"there is no live stream {change.live_stream_id!r}")
    stream.broadcasting = wall_s if change.broadcasting else None
    name = "started" if change.broadcasting else "ended"
    account.events.append({"type": f"live-stream.broadcast.{name}", "liveStreamId": stream.id})
    if change.broadcasting:
        return {"broadcasting": True}
    attributes = {**DEFAULTS, "title": stream.attributes["name"], "public": stream.attributes["public"]}
    video = VideoRecord(id=account.new_id("vi"), created=wall_s, updated=wall_s, attributes=attributes)
    video.source = SourceFile(
        kind="recorded",
        uri=f"/live-streams/{stream.id}",
        received_at=wall_s,
        delay_s=0.0,
        probed=True,
        finished=True,
        live_stream_id=stream.id,
    )
    account.add_video(video)
    account.events.append({"type": "video.source.recorded", "liveStreamId": stream.id, "videoId": video.id})
    return {"broadcasting": False, "videoId": video.id}
