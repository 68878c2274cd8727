# SPDX-License-Identifier: Apache-2.0
"""Live streams: their state, without any streaming."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.fields import Field, is_flag, is_text
from callwell.emulator.apivideo.pages import answer, ordered
from callwell.emulator.apivideo.records import LiveStream, iso
from callwell.emulator.apivideo.replies import refuse, success
from callwell.emulator.apivideo.thumbnails import KINDS, MOST_BYTES
from callwell.emulator.apivideo.video_json import assets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.emulator.apivideo.call import Call
    from callwell.emulator.messages import Reply

RESTREAMS_MOST: Final = 5
RESTREAM: Final = ("name", "serverUrl", "streamKey")


def _restreams(value: Any) -> str | None:
    if not isinstance(value, list):
        return "This attribute must be an array."
    if len(value) > RESTREAMS_MOST:
        return f":At most {RESTREAMS_MOST} restreams."
    whole = all(isinstance(each, dict) and all(isinstance(each.get(name), str) for name in RESTREAM) for each in value)
    return None if whole else f":Every restream has {', '.join(RESTREAM)}."


CHANGES: Final = {
    "name": Field(is_text),
    "public": Field(is_flag),
    "playerId": Field(is_text),
    "restreams": Field(_restreams),
}
CREATION: Final = CHANGES | {"name": Field(is_text, required=True)}
DEFAULTS: Final[Mapping[str, Any]] = {"public": True, "playerId": None, "restreams": []}
ORDERS: Final[Mapping[str, Callable[[LiveStream], Any]]] = {
    "name": lambda stream: stream.told["name"],
    "createdAt": lambda stream: stream.created,
    "updatedAt": lambda stream: stream.updated,
}


def create_stream(call: Call) -> Reply:
    """One more stream."""
    told = {**DEFAULTS, **call.body(CREATION)}
    key = call.account.new_uuid()
    stream = LiveStream(call.account.new_id("li"), call.wall, call.wall, key, told)
    call.account.live_streams[stream.id] = stream
    return success(_shown(call, stream), effect=True)


def list_streams(call: Call) -> Reply:
    """All streams."""
    key, name = call.query.text("streamKey"), (call.query.text("name") or "").casefold()
    fitting = [
        stream
        for stream in call.account.live_streams.values()
        if key in (None, stream.stream_key) and name in stream.told["name"].casefold()
    ]
    return answer(call, ordered(call, fitting, ORDERS, default="createdAt"), lambda stream: _shown(call, stream))


def get_stream(call: Call) -> Reply:
    """One stream."""
    return success(_shown(call, _found(call)))


def update_stream(call: Call) -> Reply:
    """Change some attributes."""
    stream, given = _found(call), call.body(CHANGES)
    if given.get("playerId") is not None and given["playerId"] not in call.account.players:
        raise refuse("invalid-attribute", "playerId", detail="There is no such player.")
    stream.told |= given
    stream.updated = call.wall
    return success(_shown(call, stream), effect=True)


def delete_stream(call: Call) -> Reply:
    """Delete a stream; what was recorded stays."""
    del call.account.live_streams[_found(call).id]
    return success(status=204, effect=True)


def upload_stream_thumbnail(call: Call) -> Reply:
    """Take a picture."""
    stream = _found(call)
    stream.thumbnail, stream.updated = call.image(most=MOST_BYTES, kinds=KINDS), call.wall
    return success(_shown(call, stream), 201, effect=True)


def delete_stream_thumbnail(call: Call) -> Reply:
    """Go back to the usual picture."""
    stream = _found(call)
    stream.thumbnail, stream.updated = None, call.wall
    return success(_shown(call, stream), effect=True)


def complete_stream(call: Call) -> Reply:
    """End a broadcast; its recording becomes a video when the control port says that it has ended."""
    stream = _found(call)
    stream.broadcasting, stream.updated = None, call.wall
    return success(status=202, effect=True)


def _found(call: Call) -> LiveStream:
    stream: LiveStream = call.named(call.account.live_streams, "liveStreamId")
    return stream


def _shown(call: Call, stream: LiveStream) -> dict[str, Any]:
    shown = {
        "liveStreamId": stream.id,
        "name": stream.told["name"],
        "streamKey": stream.stream_key,
        "public": stream.told["public"],
        "broadcasting": stream.broadcasting is not None,
        "restreams": [{name: each[name] for name in RESTREAM} for each in stream.told["restreams"]],
        "createdAt": iso(stream.created),
        "updatedAt": iso(stream.updated),
        "assets": assets_of(call, f"live/{stream.id}", stream.id, public=stream.told["public"], files=[]),
    }
    player = stream.told["playerId"]
    return shown if player is None else shown | {"playerId": player}
