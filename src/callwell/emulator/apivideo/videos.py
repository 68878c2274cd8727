# SPDX-License-Identifier: Apache-2.0
"""Operations about videos: make, list, change, delete, and those that were discarded."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.fault_replies import failed_work, missized
from callwell.emulator.apivideo.fields import (
    Field,
    is_flag,
    is_language,
    is_map,
    is_pairs,
    is_text,
    is_texts,
    some_of,
)
from callwell.emulator.apivideo.pages import answer, ordered
from callwell.emulator.apivideo.records import Video
from callwell.emulator.apivideo.replies import refuse, success
from callwell.emulator.apivideo.source import Source
from callwell.emulator.apivideo.summaries import summarise
from callwell.emulator.apivideo.video_json import status_shown, video_shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.emulator.apivideo.call import Call
    from callwell.emulator.messages import Reply

CHANGES: Final[Mapping[str, Field]] = {
    "playerId": Field(is_text),
    "title": Field(is_text),
    "description": Field(is_text),
    "public": Field(is_flag),
    "panoramic": Field(is_flag),
    "mp4Support": Field(is_flag),
    "tags": Field(is_texts),
    "metadata": Field(is_pairs),
    "language": Field(is_language, nullable=True),
    "transcript": Field(is_flag),
    "transcriptSummary": Field(is_flag),
    "transcriptSummaryAttributes": Field(some_of("abstract", "takeaways")),
}
CREATION: Final[Mapping[str, Field]] = {
    **CHANGES,
    "title": Field(is_text, required=True),
    "source": Field(is_text),
    "clip": Field(is_map),
    "watermark": Field(is_map),
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
ORDERS: Final[Mapping[str, Callable[[Video], Any]]] = {
    "title": lambda video: video.title,
    "createdAt": lambda video: video.created,
    "publishedAt": lambda video: video.created,
    "updatedAt": lambda video: video.updated,
}


def create_video(call: Call) -> Reply:
    """Make a container, or a video from another one or from an address."""
    given = call.body(CREATION)
    summary = given.pop("transcriptSummary", False)
    given.pop("transcriptSummaryAttributes", None)
    origin = given.pop("source", None)
    _check_references(call, given)
    video = Video(call.account.new_id("vi"), call.wall, call.wall, {**DEFAULTS, **given})
    if origin is not None:
        video.source = _brought(call, origin)
    call.account.add(video)
    if summary:
        summarise(call.account, video.id, call.wall, call.options.ingest_delay_s)
    return success(video_shown(call, video), 201 if origin is None else 202, effect=True)


def list_videos(call: Call) -> Reply:
    """The videos that are not discarded."""
    return _listed(call, call.account.active())


def list_discarded(call: Call) -> Reply:
    """Those that are."""
    return _listed(call, [video for video in call.account.videos.values() if video.discarded is not None])


def get_video(call: Call) -> Reply:
    """One video."""
    return success(video_shown(call, call.video()))


def get_status(call: Call) -> Reply:
    """How far its file is."""
    shown = status_shown(call.video(), call.wall)
    if call.suffers("failed_work"):
        shown = failed_work(shown)
    if call.suffers("wrong_size"):
        shown = missized(shown, long=call.hit is not None and call.hit.value == "long")
    return success(shown)


def update_video(call: Call) -> Reply:
    """Change some attributes; lists are replaced as a whole."""
    video, given = call.video(), call.body(CHANGES)
    _check_references(call, given)
    given.pop("transcriptSummaryAttributes", None)
    if given.pop("transcriptSummary", False):
        if any(summary.video_id == video.id for summary in call.account.summaries.values()):
            raise refuse("summary-already-exists", "transcriptSummary", detail="This video has a summary.")
        summarise(call.account, video.id, call.wall, call.options.ingest_delay_s)
    video.told |= given
    video.updated = call.wall
    return success(video_shown(call, video), effect=True)


def delete_video(call: Call) -> Reply:
    """Delete for good, or discard where the account can restore."""
    video = call.video()
    if call.options.video_restore:
        video.discarded = call.wall
    else:
        call.account.remove(video)
    return success(status=204, effect=True)


def get_discarded(call: Call) -> Reply:
    """One discarded video."""
    return success(video_shown(call, _discarded(call)))


def restore_video(call: Call) -> Reply:
    """Take a discarded video back."""
    video = _discarded(call)
    if call.body({"discarded": Field(_is_false, required=True)}) != {"discarded": False}:
        raise refuse("invalid-attribute", "discarded", detail="Value must be false.")
    video.discarded, video.updated = None, call.wall
    return success(video_shown(call, video), effect=True)


def _is_false(value: Any) -> str | None:
    return None if value is False else ":Value must be false."


def _discarded(call: Call) -> Video:
    video: Video = call.named(call.account.videos, "videoId")
    if video.discarded is None:
        raise refuse("resource-not-found", "videoId")
    return video


def _check_references(call: Call, given: Mapping[str, Any]) -> None:
    player, watermark = given.get("playerId"), given.get("watermark")
    if player is not None and player not in call.account.players:
        raise refuse("invalid-attribute", "playerId", detail="There is no such player.")
    if watermark is not None and watermark.get("id") not in call.account.watermarks:
        raise refuse("invalid-attribute", "watermark[id]", detail="There is no such watermark.")


def _brought(call: Call, origin: str) -> Source:
    """The source of a video that is made from elsewhere."""
    other = call.account.videos.get(origin)
    if other is not None and other.source is not None and other.source.path is not None:
        path = other.source.path.with_name(uuid.uuid4().hex)
        path.hardlink_to(other.source.path)
        old = other.source
        return Source(
            "copied", f"/videos/{origin}", call.wall, old.delay_s, path=path, size=old.size, sha256=old.sha256
        )
    if not origin.startswith(("http://", "https://")):
        raise refuse("invalid-attribute", "source", detail="This is neither an address nor a video with a file.")
    return Source("downloaded", origin, call.wall, call.options.ingest_delay_s)


def _listed(call: Call, videos: list[Video]) -> Reply:
    query = call.query
    title, description = query.text("title"), query.text("description")
    tags, stream = set(query.several("tags")), query.text("liveStreamId")
    pairs = [(key, value) for key, values in query.mapped("metadata").items() for value in values]

    def fits(video: Video) -> bool:
        has = {(pair["key"], pair["value"]) for pair in video.told["metadata"]}
        source = video.source
        return (
            (title is None or title.casefold() in video.title.casefold())
            and (description is None or description.casefold() in video.told["description"].casefold())
            and tags <= set(video.told["tags"])
            and all(pair in has for pair in pairs)
            and (stream is None or (source is not None and source.live_stream_id == stream))
        )

    rows = ordered(call, [video for video in videos if fits(video)], ORDERS, default="createdAt")
    return answer(call, rows, lambda video: video_shown(call, video))
