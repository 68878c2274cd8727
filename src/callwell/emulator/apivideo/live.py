# SPDX-License-Identifier: Apache-2.0
"""Live streams: their state, without any streaming; broadcasts begin and end by the control port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.fields import AttributeRule, check_flag, check_text
from callwell.emulator.apivideo.pages import page_reply, sort_rows
from callwell.emulator.apivideo.records import LiveStreamRecord, format_time
from callwell.emulator.apivideo.replies import api_error, success_reply
from callwell.emulator.apivideo.thumbnails import KINDS, MAX_BYTES
from callwell.emulator.apivideo.video_json import assets_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.emulator.apivideo.call import ApiVideoCall
    from callwell.emulator.messages import Reply

# As the description says of `restreams`.
MAX_RESTREAMS: Final = 5
RESTREAM_FIELDS: Final = ("name", "serverUrl", "streamKey")


def _check_restreams(value: Any) -> str | None:
    if not isinstance(value, list):
        return "This attribute must be an array."
    if len(value) > MAX_RESTREAMS:
        return f":At most {MAX_RESTREAMS} restreams."
    whole = all(
        isinstance(restream, dict) and all(isinstance(restream.get(name), str) for name in RESTREAM_FIELDS)
        for restream in value
    )
    return None if whole else f":Every restream has {', '.join(RESTREAM_FIELDS)}."


CHANGES: Final = {
    "name": AttributeRule(check_text),
    "public": AttributeRule(check_flag),
    "playerId": AttributeRule(check_text),
    "restreams": AttributeRule(_check_restreams),
}
CREATION: Final = CHANGES | {"name": AttributeRule(check_text, required=True)}
DEFAULTS: Final[Mapping[str, Any]] = {"public": True, "playerId": None, "restreams": []}
SORT_KEYS: Final[Mapping[str, Callable[[LiveStreamRecord], Any]]] = {
    "name": lambda stream: stream.attributes["name"],
    "createdAt": lambda stream: stream.created,
    "updatedAt": lambda stream: stream.updated,
}


def create_stream(call: ApiVideoCall) -> Reply:
    """Create a stream."""
    attributes = {**DEFAULTS, **call.parse_body(CREATION)}
    key = call.account.new_uuid()
    stream = LiveStreamRecord(
        id=call.account.new_id("li"), created=call.wall_s, updated=call.wall_s, stream_key=key, attributes=attributes
    )
    call.account.live_streams[stream.id] = stream
    return success_reply(_stream_json(call, stream), effect=True)


def list_streams(call: ApiVideoCall) -> Reply:
    """Return the streams, filtered and sorted."""
    key = call.query.text("streamKey")
    name = (call.query.text("name") or "").casefold()
    matching = [
        stream
        for stream in call.account.live_streams.values()
        if key in (None, stream.stream_key) and name in stream.attributes["name"].casefold()
    ]
    return page_reply(
        call, sort_rows(call, matching, SORT_KEYS, default="createdAt"), lambda stream: _stream_json(call, stream)
    )


def get_stream(call: ApiVideoCall) -> Reply:
    """Return one stream."""
    return success_reply(_stream_json(call, _find_stream(call)))


def update_stream(call: ApiVideoCall) -> Reply:
    """Change the attributes that the body names."""
    stream = _find_stream(call)
    given = call.parse_body(CHANGES)
    if given.get("playerId") is not None and given["playerId"] not in call.account.players:
        raise api_error("invalid-attribute", "playerId", detail="There is no such player.")
    stream.attributes |= given
    stream.updated = call.wall_s
    return success_reply(_stream_json(call, stream), effect=True)


def delete_stream(call: ApiVideoCall) -> Reply:
    """Delete a stream; its recordings stay."""
    del call.account.live_streams[_find_stream(call).id]
    return success_reply(status=204, effect=True)


def upload_stream_thumbnail(call: ApiVideoCall) -> Reply:
    """Store a picture as the thumbnail."""
    stream = _find_stream(call)
    stream.thumbnail = call.form_image(max_bytes=MAX_BYTES, kinds=KINDS)
    stream.updated = call.wall_s
    return success_reply(_stream_json(call, stream), 201, effect=True)


def delete_stream_thumbnail(call: ApiVideoCall) -> Reply:
    """Delete the thumbnail; the usual picture takes its place."""
    stream = _find_stream(call)
    stream.thumbnail = None
    stream.updated = call.wall_s
    return success_reply(_stream_json(call, stream), effect=True)


def complete_stream(call: ApiVideoCall) -> Reply:
    """End a broadcast; its recording becomes a video when the control port reports the end."""
    stream = _find_stream(call)
    stream.broadcasting = None
    stream.updated = call.wall_s
    return success_reply(status=202, effect=True)


def _find_stream(call: ApiVideoCall) -> LiveStreamRecord:
    stream: LiveStreamRecord = call.find_in(call.account.live_streams, "liveStreamId")
    return stream


def _stream_json(call: ApiVideoCall, stream: LiveStreamRecord) -> dict[str, Any]:
    fields = {
        "liveStreamId": stream.id,
        "name": stream.attributes["name"],
        "streamKey": stream.stream_key,
        "public": stream.attributes["public"],
        "broadcasting": stream.broadcasting is not None,
        "restreams": [
            {name: restream[name] for name in RESTREAM_FIELDS} for restream in stream.attributes["restreams"]
        ],
        "createdAt": format_time(stream.created),
        "updatedAt": format_time(stream.updated),
        "assets": assets_json(call, f"live/{stream.id}", stream.id, public=stream.attributes["public"], files=[]),
    }
    player = stream.attributes["playerId"]
    return fields if player is None else fields | {"playerId": player}
