# SPDX-License-Identifier: Apache-2.0
"""What a file is: its picture, sound and length, as FFmpeg reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import av

from callwell.emulator.apivideo.source import MediaFacts

if TYPE_CHECKING:
    from pathlib import Path

DAY_S: Final = 86_400.0


def probe(path: Path) -> MediaFacts | None:
    """The facts of a file, None if it holds no video that can be read, or more than a day of it."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                return None
            video = container.streams.video[0]
            if next(container.decode(video), None) is None:
                return None
            sound = container.streams.audio[0] if container.streams.audio else None
            length_s = (container.duration or 0) / av.time_base
            rate = round(float(video.average_rate or 25))
            if length_s > DAY_S:
                return None
            return MediaFacts(
                video.codec_context.width,
                video.codec_context.height,
                float(container.bit_rate or 0) / 1000,
                length_s,
                max(1, rate),
                sound.codec_context.sample_rate if sound else None,
                video.codec_context.name,
                sound.codec_context.name if sound else None,
            )
    except (av.FFmpegError, OSError, ValueError):
        return None
