# SPDX-License-Identifier: Apache-2.0
"""Captions: one WebVTT file per language; one of them can be the default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.fields import AttributeRule, check_flag
from callwell.emulator.apivideo.languages import language_name
from callwell.emulator.apivideo.pages import page_reply
from callwell.emulator.apivideo.records import CaptionRecord
from callwell.emulator.apivideo.replies import api_error, success_reply

if TYPE_CHECKING:
    from callwell.emulator.apivideo.call import ApiVideoCall
    from callwell.emulator.apivideo.records import VideoRecord
    from callwell.emulator.messages import Reply

CHANGE: Final = {"default": AttributeRule(check_flag)}


def read_webvtt(call: ApiVideoCall) -> bytes:
    """Return the one file of the form, which must be WebVTT."""
    file = call.form_file()
    if file.size == 0:
        raise api_error("uploaded-file-empty", "file")
    if "." in file.name and not file.name.lower().endswith(".vtt"):
        title = "Only [vtt] extensions are supported."
        raise api_error("uploaded-file-extension-invalid", "file", title=title)
    text = file.read()
    if not text.removeprefix(b"\xef\xbb\xbf").startswith(b"WEBVTT"):
        raise api_error("uploaded-file-invalid-file", "file")
    return text


def list_captions(call: ApiVideoCall) -> Reply:
    """Return all captions of one video."""
    video = call.video()
    return page_reply(call, list(video.captions.values()), lambda caption: _caption_json(call, video, caption))


def upload_caption(call: ApiVideoCall) -> Reply:
    """Store the captions of one language, replacing earlier ones."""
    video = call.video()
    language = call.language()
    caption = CaptionRecord(language, read_webvtt(call))
    video.captions[language] = caption
    return success_reply(_caption_json(call, video, caption), effect=True)


def get_caption(call: ApiVideoCall) -> Reply:
    """Return the captions of one language."""
    video, caption = _find_caption(call)
    return success_reply(_caption_json(call, video, caption))


def update_caption(call: ApiVideoCall) -> Reply:
    """Make the captions the default, or no longer."""
    video, caption = _find_caption(call)
    default = call.parse_body(CHANGE).get("default", caption.default)
    for other in video.captions.values():
        other.default = other.default and not default
    caption.default = default
    return success_reply(_caption_json(call, video, caption), effect=True)


def delete_caption(call: ApiVideoCall) -> Reply:
    """Delete the captions of one language."""
    video, caption = _find_caption(call)
    del video.captions[caption.language]
    return success_reply(status=204, effect=True)


def _find_caption(call: ApiVideoCall) -> tuple[VideoRecord, CaptionRecord]:
    video = call.video()
    language = call.language()
    if language not in video.captions:
        raise api_error("resource-not-found", "language")
    return video, video.captions[language]


def _caption_json(call: ApiVideoCall, video: VideoRecord, caption: CaptionRecord) -> dict[str, Any]:
    return {
        "uri": f"/videos/{video.id}/captions/{caption.language}",
        "src": f"{call.origin}/vod/{video.id}/captions/{caption.language}.vtt",
        "srclang": caption.language,
        "languageName": language_name(caption.language),
        "default": caption.default,
    }
