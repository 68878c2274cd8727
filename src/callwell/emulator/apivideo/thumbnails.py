# SPDX-License-Identifier: Apache-2.0
"""A video's thumbnail: uploaded, or picked from a time; both also before there is a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.emulator.apivideo.fields import Field, matching
from callwell.emulator.apivideo.replies import success
from callwell.emulator.apivideo.video_json import video_shown

if TYPE_CHECKING:
    from callwell.emulator.apivideo.call import Call
    from callwell.emulator.messages import Reply

MOST_BYTES: Final = 8 << 20
KINDS: Final = ("jpeg", "png", "webp")
PICK: Final = {"timecode": Field(matching(r"\d{2}:\d{2}:\d{2}(\.\d{2})?"), required=True)}


def upload_thumbnail(call: Call) -> Reply:
    """Take a picture."""
    video = call.video()
    video.thumbnail, video.updated = call.image(most=MOST_BYTES, kinds=KINDS), call.wall
    return success(video_shown(call, video), effect=True)


def pick_thumbnail(call: Call) -> Reply:
    """Take the picture at a time of the video."""
    video = call.video()
    video.thumbnail, video.updated = call.body(PICK)["timecode"], call.wall
    return success(video_shown(call, video), effect=True)
