# SPDX-License-Identifier: Apache-2.0
"""Videos as the API shows them: attributes, source, assets, and the status of the file."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.account import DISCARDED_KEPT_S
from callwell.emulator.apivideo.records import format_time

if TYPE_CHECKING:
    from callwell.emulator.apivideo.call import ApiVideoCall
    from callwell.emulator.apivideo.records import VideoRecord
    from callwell.emulator.apivideo.source import MediaFacts

COPIED_ATTRIBUTES: Final = (
    *("title", "description", "language", "tags", "metadata", "public", "panoramic", "mp4Support", "playerId"),
)
METADATA_FIELDS: Final = (
    *("width", "height", "bitrate", "duration", "framerate", "samplerate", "videoCodec", "audioCodec", "aspectRatio"),
)


def to_video_json(call: ApiVideoCall, video: VideoRecord) -> dict[str, Any]:
    """A video; of a private one, with new tokens in its URLs."""
    discarded = video.discarded
    shown = {
        "videoId": video.id,
        "createdAt": format_time(video.created),
        "publishedAt": format_time(video.created),
        "updatedAt": format_time(video.updated),
        **{name: video.attributes[name] for name in COPIED_ATTRIBUTES},
        "languageOrigin": "api" if video.attributes["language"] else None,
        "discarded": discarded is not None,
        "discardedAt": format_time(discarded),
        "deletesAt": format_time(None if discarded is None else discarded + DISCARDED_KEPT_S),
        "source": _source_json(video),
        "assets": _assets_json(call, video) if discarded is None else None,
    }
    absent = {name for name in ("language", "playerId") if video.attributes[name] is None}
    return {name: value for name, value in shown.items() if name not in absent}


def _source_json(video: VideoRecord) -> dict[str, Any]:
    source = video.source
    uri = f"/videos/{video.id}/source" if source is None else source.uri
    if source is None or source.live_stream_id is None:
        return {"uri": uri}
    stream = source.live_stream_id
    links = [{"rel": "self", "uri": f"/live-streams/{stream}"}]
    return {
        "type": "liveStream",
        "uri": f"/live-streams/{stream}",
        "liveStream": {"liveStreamId": stream, "links": links},
    }


def _assets_json(call: ApiVideoCall, video: VideoRecord) -> dict[str, Any]:
    return assets_json(
        call,
        f"vod/{video.id}",
        video.id,
        public=video.public,
        files=["mp4/source.mp4"] if video.attributes["mp4Support"] else [],
    )


def assets_json(call: ApiVideoCall, place: str, owner: str, *, public: bool, files: list[str]) -> dict[str, Any]:
    """The URLs of a video's or a live stream's assets.

    Args:
        call: the request.
        place: the path of all of them.
        owner: whose they are.
        public: without tokens.
        files: what there is beside playlist, thumbnail and player.
    """
    base = f"{call.origin}/{place}"

    def url(name: str) -> str:
        return f"{base}/{name}" if public else f"{base}/token/{call.account.asset_tokens.issue(owner)}/{name}"

    player = base if public else f"{base}?token={call.account.asset_tokens.issue(owner)}"
    frame = f'<iframe src="{player}" width="100%" height="100%" frameborder="0" allowfullscreen="true"></iframe>'
    shown = {"hls": url("hls/manifest.m3u8"), "iframe": frame, "player": player, "thumbnail": url("thumbnail.jpg")}
    return shown | {name.partition("/")[0]: url(name) for name in files}


def to_status_json(video: VideoRecord, wall_s: float) -> dict[str, Any]:
    """How far a video's file is; without any of it there is no `ingest`."""
    source, received = video.source, video.received
    if source is None:
        encoding = {"playable": False, "qualities": [], "metadata": dict.fromkeys(METADATA_FIELDS)}
        ingest = _uploading_json(video) if received.pieces else {}
        return {**ingest, "encoding": encoding}
    status = source.quality_status(wall_s)
    known = status != "waiting"
    encoding = {
        "playable": source.is_playable(wall_s),
        "qualities": [
            {"type": kind, "quality": name, "status": status}
            for kind, name in (source.qualities(mp4=video.attributes["mp4Support"]) if known else [])
        ],
        "metadata": _metadata_json(source.facts if known else None),
    }
    ingest = {"status": source.ingest_status(wall_s), "filesize": source.size or None, **_pieces_json(video)}
    return {"ingest": ingest, "encoding": encoding}


def _uploading_json(video: VideoRecord) -> dict[str, Any]:
    total = video.received.total if video.received.form == "bytes" else None
    return {"ingest": {"status": "uploading", "filesize": total, **_pieces_json(video)}}


def _pieces_json(video: VideoRecord) -> dict[str, Any]:
    received = video.received
    if received.form == "part":
        return {"receivedBytes": [], "receivedParts": {"parts": sorted(received.pieces), "total": received.total}}
    ranges = [
        {"from": first, "to": first + piece.size - 1, "total": received.total}
        for first, piece in sorted(received.pieces.items())
    ]
    return {"receivedBytes": ranges, "receivedParts": {"parts": [], "total": None}}


def _metadata_json(facts: MediaFacts | None) -> dict[str, Any]:
    if facts is None:
        return dict.fromkeys(METADATA_FIELDS)
    common = gcd(facts.width, facts.height) or 1
    ratio = f"{facts.width // common}/{facts.height // common}"
    values = (
        *(facts.width, facts.height, facts.bitrate, round(facts.duration_s), facts.framerate, facts.samplerate),
        *(facts.video_codec, facts.audio_codec, ratio),
    )
    return dict(zip(METADATA_FIELDS, values, strict=True))
