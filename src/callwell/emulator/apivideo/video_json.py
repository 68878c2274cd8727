# SPDX-License-Identifier: Apache-2.0
"""Videos as the API represents them: attributes, source, assets, and the status of the file."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.account import DISCARDED_RETENTION_S
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
    """Return a video; the URLs of a private one get new tokens."""
    discarded = video.discarded
    deletes_at = None if discarded is None else discarded + DISCARDED_RETENTION_S
    body = {
        "videoId": video.id,
        "createdAt": format_time(video.created),
        "publishedAt": format_time(video.created),
        "updatedAt": format_time(video.updated),
        **{name: video.attributes[name] for name in COPIED_ATTRIBUTES},
        "languageOrigin": "api" if video.attributes["language"] else None,
        "discarded": discarded is not None,
        "discardedAt": format_time(discarded),
        "deletesAt": format_time(deletes_at),
        "source": _source_json(video),
        "assets": _assets_json(call, video) if discarded is None else None,
    }
    # Absent rather than null where there is none, as in the examples.
    absent = {name for name in ("language", "playerId") if video.attributes[name] is None}
    return {name: value for name, value in body.items() if name not in absent}


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


def assets_json(call: ApiVideoCall, path: str, owner: str, *, public: bool, files: list[str]) -> dict[str, Any]:
    """Return the URLs of the assets of a video or live stream.

    Args:
        call: the request.
        path: the path of all of them.
        owner: the ID of the video or live stream.
        public: the URLs need no tokens.
        files: the files next to playlist, thumbnail and player.
    """
    base = f"{call.origin}/{path}"

    def url(name: str) -> str:
        return f"{base}/{name}" if public else f"{base}/token/{call.account.asset_tokens.issue(owner)}/{name}"

    player = base if public else f"{base}?token={call.account.asset_tokens.issue(owner)}"
    frame = f'<iframe src="{player}" width="100%" height="100%" frameborder="0" allowfullscreen="true"></iframe>'
    assets = {"hls": url("hls/manifest.m3u8"), "iframe": frame, "player": player, "thumbnail": url("thumbnail.jpg")}
    return assets | {name.partition("/")[0]: url(name) for name in files}


def to_status_json(video: VideoRecord, wall_s: float) -> dict[str, Any]:
    """Return how far a video's file is; `ingest` is absent until a piece has been received."""
    source = video.source
    received = video.received
    if source is None:
        encoding = {"playable": False, "qualities": [], "metadata": _metadata_json(None)}
        if not received.pieces:
            return {"encoding": encoding}
        total = received.total if received.form == "bytes" else None
        ingest = {"status": "uploading", "filesize": total, **_pieces_json(video)}
        return {"ingest": ingest, "encoding": encoding}
    status = source.quality_status(wall_s)
    # Before the file is ingested, nothing is known of it.
    is_known = status != "waiting"
    qualities = source.qualities(mp4=video.attributes["mp4Support"]) if is_known else []
    encoding = {
        "playable": source.is_playable(wall_s),
        "qualities": [{"type": kind, "quality": name, "status": status} for kind, name in qualities],
        "metadata": _metadata_json(source.facts if is_known else None),
    }
    ingest = {"status": source.ingest_status(wall_s), "filesize": source.size or None, **_pieces_json(video)}
    return {"ingest": ingest, "encoding": encoding}


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
    return {
        "width": facts.width,
        "height": facts.height,
        "bitrate": facts.bitrate,
        "duration": round(facts.duration_s),
        "framerate": facts.framerate,
        "samplerate": facts.samplerate,
        "videoCodec": facts.video_codec,
        "audioCodec": facts.audio_codec,
        "aspectRatio": ratio,
    }
