# SPDX-License-Identifier: Apache-2.0
"""Videos as the API shows them: attributes, source, assets, and the status of the file."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.account import DISCARDED_KEPT_S
from callwell.emulator.apivideo.records import iso

if TYPE_CHECKING:
    from callwell.emulator.apivideo.call import Call
    from callwell.emulator.apivideo.records import Video
    from callwell.emulator.apivideo.source import Facts

PLAIN: Final = (
    *("title", "description", "language", "tags", "metadata", "public", "panoramic", "mp4Support", "playerId"),
)
NOTHING_KNOWN: Final = (
    *("width", "height", "bitrate", "duration", "framerate", "samplerate", "videoCodec", "audioCodec", "aspectRatio"),
)


def video_shown(call: Call, video: Video) -> dict[str, Any]:
    """A video; of a private one, with new tokens in its URLs."""
    discarded = video.discarded
    shown = {
        "videoId": video.id,
        "createdAt": iso(video.created),
        "publishedAt": iso(video.created),
        "updatedAt": iso(video.updated),
        **{name: video.told[name] for name in PLAIN},
        "languageOrigin": "api" if video.told["language"] else None,
        "discarded": discarded is not None,
        "discardedAt": iso(discarded),
        "deletesAt": iso(None if discarded is None else discarded + DISCARDED_KEPT_S),
        "source": _source(video),
        "assets": _assets(call, video) if discarded is None else None,
    }
    absent = {name for name in ("language", "playerId") if video.told[name] is None}
    return {name: value for name, value in shown.items() if name not in absent}


def _source(video: Video) -> dict[str, Any]:
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


def _assets(call: Call, video: Video) -> dict[str, Any]:
    return assets_of(
        call,
        f"vod/{video.id}",
        video.id,
        public=video.public,
        files=["mp4/source.mp4"] if video.told["mp4Support"] else [],
    )


def assets_of(call: Call, place: str, owner: str, *, public: bool, files: list[str]) -> dict[str, Any]:
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
        return f"{base}/{name}" if public else f"{base}/token/{call.account.passes.mint(owner)}/{name}"

    player = base if public else f"{base}?token={call.account.passes.mint(owner)}"
    frame = f'<iframe src="{player}" width="100%" height="100%" frameborder="0" allowfullscreen="true"></iframe>'
    shown = {"hls": url("hls/manifest.m3u8"), "iframe": frame, "player": player, "thumbnail": url("thumbnail.jpg")}
    return shown | {name.partition("/")[0]: url(name) for name in files}


def status_shown(video: Video, wall: float) -> dict[str, Any]:
    """How far a video's file is; without any of it there is no `ingest`."""
    source, received = video.source, video.received
    if source is None:
        encoding = {"playable": False, "qualities": [], "metadata": dict.fromkeys(NOTHING_KNOWN)}
        ingest = _uploading(video) if received.pieces else {}
        return {**ingest, "encoding": encoding}
    status = source.quality_status(wall)
    known = status != "waiting"
    encoding = {
        "playable": source.playable(wall),
        "qualities": [
            {"type": kind, "quality": name, "status": status}
            for kind, name in (source.qualities(mp4=video.told["mp4Support"]) if known else [])
        ],
        "metadata": _metadata(source.facts if known else None),
    }
    ingest = {"status": source.ingest(wall), "filesize": source.size or None, **_pieces(video)}
    return {"ingest": ingest, "encoding": encoding}


def _uploading(video: Video) -> dict[str, Any]:
    total = video.received.total if video.received.form == "bytes" else None
    return {"ingest": {"status": "uploading", "filesize": total, **_pieces(video)}}


def _pieces(video: Video) -> dict[str, Any]:
    received = video.received
    if received.form == "part":
        return {"receivedBytes": [], "receivedParts": {"parts": sorted(received.pieces), "total": received.total}}
    ranges = [
        {"from": first, "to": first + piece.size - 1, "total": received.total}
        for first, piece in sorted(received.pieces.items())
    ]
    return {"receivedBytes": ranges, "receivedParts": {"parts": [], "total": None}}


def _metadata(facts: Facts | None) -> dict[str, Any]:
    if facts is None:
        return dict.fromkeys(NOTHING_KNOWN)
    common = gcd(facts.width, facts.height) or 1
    ratio = f"{facts.width // common}/{facts.height // common}"
    values = (
        *(facts.width, facts.height, facts.bitrate, round(facts.duration_s), facts.framerate, facts.samplerate),
        *(facts.video_codec, facts.audio_codec, ratio),
    )
    return dict(zip(NOTHING_KNOWN, values, strict=True))
