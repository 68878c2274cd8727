# SPDX-License-Identifier: Apache-2.0
"""What the control port can tell an account: views of its media, and broadcasts that begin and end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from callwell.emulator.apivideo.records import VideoRecord
from callwell.emulator.apivideo.source import SourceFile
from callwell.emulator.apivideo.videos import DEFAULTS
from callwell.emulator.apivideo.views import View
from callwell.emulator.errors import InvalidInput

if TYPE_CHECKING:
    from callwell.emulator.apivideo.account import ApiVideoAccount


SANDBOX_MAX_S: Final = 1_800.0


class BroadcastChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """That a live stream begins or ends to be broadcast."""

    live_stream_id: str
    broadcasting: bool


def apply_event(account: ApiVideoAccount, what: str, news: bytes, wall_s: float) -> dict[str, Any]:
    """Take `views` (a list) or a `broadcast`.

    Raises:
        InvalidInput: there is no such news, or it makes no sense.
    """
    try:
        if what == "views":
            views = msgspec.json.decode(news, type=list[View])
            account.views += [
                msgspec.structs.replace(view, at=wall_s if view.at is None else view.at) for view in views
            ]
            return {"views": len(account.views)}
        if what == "broadcast":
            return _apply_broadcast(account, msgspec.json.decode(news, type=BroadcastChange), wall_s)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidInput(f"{what}: {error}") from error
    raise InvalidInput(f"{what!r} is none of views, broadcast")


def end_long_broadcasts(account: ApiVideoAccount, wall_s: float) -> None:
    """In the sandbox a broadcast is over after half an hour."""
    for stream in account.live_streams.values() if account.sandbox else ():
        if stream.broadcasting is not None and wall_s >= stream.broadcasting + SANDBOX_MAX_S:
            news = BroadcastChange(live_stream_id=stream.id, broadcasting=False)
            _apply_broadcast(account, news, stream.broadcasting + SANDBOX_MAX_S)


def _apply_broadcast(account: ApiVideoAccount, news: BroadcastChange, wall_s: float) -> dict[str, Any]:
    stream = account.live_streams.get(news.live_stream_id)
    if stream is None:
        raise InvalidInput(f"there is no live stream {news.live_stream_id!r}")
    stream.broadcasting = wall_s if news.broadcasting else None
    kind = "started" if news.broadcasting else "ended"
    account.events.append({"type": f"live-stream.broadcast.{kind}", "liveStreamId": stream.id})
    if news.broadcasting:
        return {"broadcasting": True}
    told = {**DEFAULTS, "title": stream.attributes["name"], "public": stream.attributes["public"]}
    video = VideoRecord(account.new_id("vi"), wall_s, wall_s, told)
    uri = f"/live-streams/{stream.id}"
    video.source = SourceFile("recorded", uri, wall_s, 0.0, probed=True, finished=True, live_stream_id=stream.id)
    account.add_video(video)
    event = {"type": "video.source.recorded", "liveStreamId": stream.id, "videoId": video.id}
    account.events.append(event)
    return {"broadcasting": False, "videoId": video.id}
