# SPDX-License-Identifier: Apache-2.0
"""A video's thumbnail: uploaded, or picked from a time; both are possible before there is a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.emulator.apivideo.fields import AttributeRule, text_matching
from callwell.emulator.apivideo.replies import success_reply
from callwell.emulator.apivideo.video_json import to_video_json

if TYPE_CHECKING:
    from callwell.emulator.apivideo.call import ApiVideoCall
    from callwell.emulator.messages import Reply

# As the description says.
MAX_BYTES: Final = 8 << 20
KINDS: Final = ("jpeg", "png", "webp")
PICK_ATTRIBUTES: Final = {"timecode": AttributeRule(text_matching(r"\d{2}:\d{2}:\d{2}(\.\d{2})?"), required=True)}


def upload_thumbnail(call: ApiVideoCall) -> Reply:
    """Store a picture as the thumbnail."""
    video = call.video()
    video.thumbnail = call.form_image(max_bytes=MAX_BYTES, kinds=KINDS)
    video.updated = call.wall_s
    return success_reply(to_video_json(call, video), effect=True)


def pick_thumbnail(call: ApiVideoCall) -> Reply:
    """Pick the picture at a time of the video as the thumbnail."""
    video = call.video()
    video.thumbnail = call.parse_body(PICK_ATTRIBUTES)["timecode"]
    video.updated = call.wall_s
    return success_reply(to_video_json(call, video), effect=True)
