# SPDX-License-Identifier: Apache-2.0
"""What a video file is: its picture, audio and length, as FFmpeg reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import av

from callwell.emulator.apivideo.source import MediaFacts

if TYPE_CHECKING:
    from pathlib import Path

# Longer videos are not accepted (vod/video-best-practices).
MAX_DURATION_S: Final = 86_400.0
# Where a file names none.
USUAL_FRAMERATE: Final = 25


def probe(path: Path) -> MediaFacts | None:
    """Return the facts of a file, None if it holds no video that can be decoded, or more than a day of it."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                return None
            video = container.streams.video[0]
            if next(container.decode(video), None) is None:
                return None
            audio = container.streams.audio[0] if container.streams.audio else None
            duration_s = (container.duration or 0) / av.time_base
            if duration_s > MAX_DURATION_S:
                return None
            return MediaFacts(
                width=video.codec_context.width,
                height=video.codec_context.height,
                bitrate=float(container.bit_rate or 0) / 1000,
                duration_s=duration_s,
                framerate=max(1, round(float(video.average_rate or USUAL_FRAMERATE))),
                samplerate=audio.codec_context.sample_rate if audio else None,
                video_codec=video.codec_context.name,
                audio_codec=audio.codec_context.name if audio else None,
            )
    except (av.FFmpegError, OSError, ValueError):
        return None
