# SPDX-License-Identifier: Apache-2.0
"""Chapters: one WebVTT file per language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callwell.emulator.apivideo.captions import read_webvtt
from callwell.emulator.apivideo.pages import page_reply
from callwell.emulator.apivideo.replies import api_error, success_reply

if TYPE_CHECKING:
    from callwell.emulator.apivideo.call import ApiVideoCall
    from callwell.emulator.apivideo.records import VideoRecord
    from callwell.emulator.messages import Reply


def list_chapters(call: ApiVideoCall) -> Reply:
    """Return all chapters of one video."""
    video = call.video()
    return page_reply(call, list(video.chapters), lambda language: _chapter_json(call, video, language))


def upload_chapter(call: ApiVideoCall) -> Reply:
    """Store the chapters of one language, replacing earlier ones."""
    video = call.video()
    language = call.language()
    video.chapters[language] = read_webvtt(call)
    return success_reply(_chapter_json(call, video, language), effect=True)


def get_chapter(call: ApiVideoCall) -> Reply:
    """Return the chapters of one language."""
    video, language = _find_chapter(call)
    return success_reply(_chapter_json(call, video, language))


def delete_chapter(call: ApiVideoCall) -> Reply:
    """Delete the chapters of one language."""
    video, language = _find_chapter(call)
    del video.chapters[language]
    return success_reply(status=204, effect=True)


def _find_chapter(call: ApiVideoCall) -> tuple[VideoRecord, str]:
    video = call.video()
    language = call.language()
    if language not in video.chapters:
        raise api_error("resource-not-found", "language")
    return video, language


def _chapter_json(call: ApiVideoCall, video: VideoRecord, language: str) -> dict[str, Any]:
    return {
        "uri": f"/videos/{video.id}/chapters/{language}",
        "src": f"{call.origin}/vod/{video.id}/chapters/{language}.vtt",
        "language": language,
    }
