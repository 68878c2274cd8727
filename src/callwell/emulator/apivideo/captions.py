# SPDX-License-Identifier: Apache-2.0
"""Captions: one WebVTT file a language, of which one can be the default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.fields import Field, is_flag
from callwell.emulator.apivideo.languages import language_name
from callwell.emulator.apivideo.pages import answer
from callwell.emulator.apivideo.records import Caption
from callwell.emulator.apivideo.replies import refuse, success

if TYPE_CHECKING:
    from callwell.emulator.apivideo.call import Call
    from callwell.emulator.apivideo.records import Video
    from callwell.emulator.messages import Reply

CHANGE: Final = {"default": Field(is_flag)}


def webvtt(call: Call) -> bytes:
    """The one file of the form, which must be WebVTT."""
    file = call.file()
    if file.size == 0:
        raise refuse("uploaded-file-empty", "file")
    if "." in file.name and not file.name.lower().endswith(".vtt"):
        title = "Only [vtt] extensions are supported."
        raise refuse("uploaded-file-extension-invalid", "file", title=title)
    text = file.read()
    if not text.removeprefix(b"\xef\xbb\xbf").startswith(b"WEBVTT"):
        raise refuse("uploaded-file-invalid-file", "file")
    return text


def list_captions(call: Call) -> Reply:
    """All of one video."""
    video = call.video()
    return answer(call, list(video.captions.values()), lambda caption: _shown(call, video, caption))


def upload_caption(call: Call) -> Reply:
    """Take the captions of one language, in the place of earlier ones."""
    video, language = call.video(), call.language()
    caption = video.captions[language] = Caption(language, webvtt(call))
    return success(_shown(call, video, caption), effect=True)


def get_caption(call: Call) -> Reply:
    """One language."""
    video, caption = _found(call)
    return success(_shown(call, video, caption))


def update_caption(call: Call) -> Reply:
    """Make it the default, or no longer."""
    video, caption = _found(call)
    default = call.body(CHANGE).get("default", caption.default)
    for other in video.captions.values():
        other.default = other.default and not default
    caption.default = default
    return success(_shown(call, video, caption), effect=True)


def delete_caption(call: Call) -> Reply:
    """Delete one language."""
    video, caption = _found(call)
    del video.captions[caption.language]
    return success(status=204, effect=True)


def _found(call: Call) -> tuple[Video, Caption]:
    video, language = call.video(), call.language()
    if language not in video.captions:
        raise refuse("resource-not-found", "language")
    return video, video.captions[language]


def _shown(call: Call, video: Video, caption: Caption) -> dict[str, Any]:
    return {
        "uri": f"/videos/{video.id}/captions/{caption.language}",
        "src": f"{call.origin}/vod/{video.id}/captions/{caption.language}.vtt",
        "srclang": caption.language,
        "languageName": language_name(caption.language),
        "default": caption.default,
    }
