# SPDX-License-Identifier: Apache-2.0
"""Chapters: one WebVTT file a language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callwell.emulator.apivideo.captions import webvtt
from callwell.emulator.apivideo.pages import answer
from callwell.emulator.apivideo.replies import refuse, success

if TYPE_CHECKING:
    from callwell.emulator.apivideo.call import Call
    from callwell.emulator.apivideo.records import Video
    from callwell.emulator.messages import Reply


def list_chapters(call: Call) -> Reply:
    """All of one video."""
    video = call.video()
    return answer(call, list(video.chapters), lambda language: _shown(call, video, language))


def upload_chapter(call: Call) -> Reply:
    """Take the chapters of one language, in the place of earlier ones."""
    video, language = call.video(), call.language()
    video.chapters[language] = webvtt(call)
    return success(_shown(call, video, language), effect=True)


def get_chapter(call: Call) -> Reply:
    """One language."""
    video, language = _found(call)
    return success(_shown(call, video, language))


def delete_chapter(call: Call) -> Reply:
    """Delete one language."""
    video, language = _found(call)
    del video.chapters[language]
    return success(status=204, effect=True)


def _found(call: Call) -> tuple[Video, str]:
    video, language = call.video(), call.language()
    if language not in video.chapters:
        raise refuse("resource-not-found", "language")
    return video, language


def _shown(call: Call, video: Video, language: str) -> dict[str, Any]:
    return {
        "uri": f"/videos/{video.id}/chapters/{language}",
        "src": f"{call.origin}/vod/{video.id}/chapters/{language}.vtt",
        "language": language,
    }
