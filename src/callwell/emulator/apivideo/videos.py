# SPDX-License-Identifier: Apache-2.0
"""Operations about videos: create, list, update, delete, and restore discarded ones."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.fault_replies import with_failed_encoding, with_wrong_size
from callwell.emulator.apivideo.fields import (
    AttributeRule,
    check_flag,
    check_language,
    check_map,
    check_pairs,
    check_text,
    check_texts,
    list_of,
)
from callwell.emulator.apivideo.pages import page_reply, sort_rows
from callwell.emulator.apivideo.records import VideoRecord
from callwell.emulator.apivideo.replies import api_error, success_reply
from callwell.emulator.apivideo.source import SourceFile
from callwell.emulator.apivideo.summaries import start_summary
from callwell.emulator.apivideo.video_json import to_status_json, to_video_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.emulator.apivideo.call import ApiVideoCall
    from callwell.emulator.messages import Reply

CHANGES: Final[Mapping[str, AttributeRule]] = {
    "playerId": AttributeRule(check_text),
    "title": AttributeRule(check_text),
    "description": AttributeRule(check_text),
    "public": AttributeRule(check_flag),
    "panoramic": AttributeRule(check_flag),
    "mp4Support": AttributeRule(check_flag),
    "tags": AttributeRule(check_texts),
    "metadata": AttributeRule(check_pairs),
    "language": AttributeRule(check_language, nullable=True),
    "transcript": AttributeRule(check_flag),
    "transcriptSummary": AttributeRule(check_flag),
    "transcriptSummaryAttributes": AttributeRule(list_of("abstract", "takeaways")),
}
CREATION: Final[Mapping[str, AttributeRule]] = {
    **CHANGES,
    "title": AttributeRule(check_text, required=True),
    "source": AttributeRule(check_text),
    "clip": AttributeRule(check_map),
    "watermark": AttributeRule(check_map),
}
DEFAULTS: Final[Mapping[str, Any]] = {
    "description": "",
    "public": True,
    "panoramic": False,
    "mp4Support": True,
    "playerId": None,
    "tags": [],
    "metadata": [],
    "language": None,
    "transcript": False,
    "clip": None,
    "watermark": None,
}
SORT_KEYS: Final[Mapping[str, Callable[[VideoRecord], Any]]] = {
    "title": lambda video: video.title,
    "createdAt": lambda video: video.created,
    "publishedAt": lambda video: video.created,
    "updatedAt": lambda video: video.updated,
}


def create_video(call: ApiVideoCall) -> Reply:
    """Create an empty container, or a video from another one or from an address."""
    given = call.parse_body(CREATION)
    summary = given.pop("transcriptSummary", False)
    given.pop("transcriptSummaryAttributes", None)
    origin = given.pop("source", None)
    _check_references(call, given)
    video = VideoRecord(
        id=call.account.new_id("vi"), created=call.wall_s, updated=call.wall_s, attributes={**DEFAULTS, **given}
    )
    if origin is not None:
        video.source = _import_source(call, origin)
    call.account.add_video(video)
    if summary:
        start_summary(call.account, video.id, call.wall_s, call.options.ingest_delay_s)
    return success_reply(to_video_json(call, video), 201 if origin is None else 202, effect=True)


def list_videos(call: ApiVideoCall) -> Reply:
    """Return the videos that are not discarded."""
    return _list_reply(call, call.account.active_videos())


def list_discarded(call: ApiVideoCall) -> Reply:
    """Return the discarded videos."""
    return _list_reply(call, [video for video in call.account.videos.values() if video.discarded is not None])


def get_video(call: ApiVideoCall) -> Reply:
    """Return one video."""
    return success_reply(to_video_json(call, call.video()))


def get_status(call: ApiVideoCall) -> Reply:
    """Return how far a video's file is."""
    status = to_status_json(call.video(), call.wall_s)
    if call.has_fault("failed_work"):
        status = with_failed_encoding(status)
    if call.has_fault("wrong_size"):
        status = with_wrong_size(status, long=call.fault is not None and call.fault.value == "long")
    return success_reply(status)


def update_video(call: ApiVideoCall) -> Reply:
    """Change the attributes that the body names; lists are replaced as a whole."""
    video = call.video()
    given = call.parse_body(CHANGES)
    _check_references(call, given)
    given.pop("transcriptSummaryAttributes", None)
    if given.pop("transcriptSummary", False):
        if any(summary.video_id == video.id for summary in call.account.summaries.values()):
            raise api_error("summary-already-exists", "transcriptSummary", detail="This video has a summary.")
        start_summary(call.account, video.id, call.wall_s, call.options.ingest_delay_s)
    video.attributes |= given
    video.updated = call.wall_s
    return success_reply(to_video_json(call, video), effect=True)


def delete_video(call: ApiVideoCall) -> Reply:
    """Delete a video permanently, or discard it if the account can restore videos."""
    video = call.video()
    if call.options.video_restore:
        video.discarded = call.wall_s
    else:
        call.account.remove_video(video)
    return success_reply(status=204, effect=True)


def get_discarded(call: ApiVideoCall) -> Reply:
    """Return one discarded video."""
    return success_reply(to_video_json(call, _find_discarded(call)))


def restore_video(call: ApiVideoCall) -> Reply:
    """Restore a discarded video."""
    video = _find_discarded(call)
    if call.parse_body({"discarded": AttributeRule(_check_false, required=True)}) != {"discarded": False}:
        raise api_error("invalid-attribute", "discarded", detail="Value must be false.")
    video.discarded = None
    video.updated = call.wall_s
    return success_reply(to_video_json(call, video), effect=True)


def _check_false(value: Any) -> str | None:
    return None if value is False else ":Value must be false."


def _find_discarded(call: ApiVideoCall) -> VideoRecord:
    video: VideoRecord = call.find_in(call.account.videos, "videoId")
    if video.discarded is None:
        raise api_error("resource-not-found", "videoId")
    return video


def _check_references(call: ApiVideoCall, given: Mapping[str, Any]) -> None:
    player = given.get("playerId")
    watermark = given.get("watermark")
    if player is not None and player not in call.account.players:
        raise api_error("invalid-attribute", "playerId", detail="There is no such player.")
    if watermark is not None and watermark.get("id") not in call.account.watermarks:
        raise api_error("invalid-attribute", "watermark[id]", detail="There is no such watermark.")


def _import_source(call: ApiVideoCall, origin: str) -> SourceFile:
    """Return the source of a video that is created from another video, given by its ID, or from an address."""
    other = call.account.videos.get(origin)
    if other is not None and other.source is not None and other.source.path is not None:
        original = other.source
        # A second name of the same file: deleting either video leaves the other's.
        path = other.source.path.with_name(uuid.uuid4().hex)
        path.hardlink_to(other.source.path)
        return SourceFile(
            kind="copied",
            uri=f"/videos/{origin}",
            received_at=call.wall_s,
            delay_s=original.delay_s,
            path=path,
            size=original.size,
            sha256=original.sha256,
        )
    if not origin.startswith(("http://", "https://")):
        raise api_error("invalid-attribute", "source", detail="This is neither an address nor a video with a file.")
    return SourceFile(kind="downloaded", uri=origin, received_at=call.wall_s, delay_s=call.options.ingest_delay_s)


def _list_reply(call: ApiVideoCall, videos: list[VideoRecord]) -> Reply:
    """Return the videos that pass the filters; of tags and metadata, all must match."""
    query = call.query
    title = (query.text("title") or "").casefold()
    description = (query.text("description") or "").casefold()
    tags = set(query.values("tags"))
    stream_id = query.text("liveStreamId")
    pairs = {(key, value) for key, values in query.mapping("metadata").items() for value in values}

    def passes(video: VideoRecord) -> bool:
        own_pairs = {(pair["key"], pair["value"]) for pair in video.attributes["metadata"]}
        own_stream_id = None if video.source is None else video.source.live_stream_id
        return (
            title in video.title.casefold()
            and description in video.attributes["description"].casefold()
            and tags <= set(video.attributes["tags"])
            and pairs <= own_pairs
            and stream_id in (None, own_stream_id)
        )

    rows = sort_rows(call, [video for video in videos if passes(video)], SORT_KEYS, default="createdAt")
    return page_reply(call, rows, lambda video: to_video_json(call, video))
