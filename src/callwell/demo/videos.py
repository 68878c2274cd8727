# SPDX-License-Identifier: Apache-2.0
"""Makes videos to upload: short ones that play, padded so that some have several pieces."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Final

import av

MIB: Final = 1 << 20
FRAMES: Final = 10
BOX_HEADER: Final = 8
"""Bytes of the header of an MP4 box: size and type (ISO/IEC 14496-12)."""


def make_videos(folder: Path, count: int, seed: int) -> list[Path]:
    """Make videos, no two alike; every fourth is large.

    Args:
        folder: the folder for them, which is created.
        count: the number of videos.
        seed: the seed of the padding.
    """
    folder.mkdir()
    dice = random.Random(seed)  # noqa: S311 - the same seed gives the same videos
    playable = _encode_second()
    paths = list[Path]()
    for number in range(1, count + 1):
        size = dice.randrange(10 * MIB, 14 * MIB) if number % 4 == 0 else dice.randrange(MIB // 2, 2 * MIB)
        # A `free` box: players skip it.
        padding = (size + BOX_HEADER).to_bytes(4, "big") + b"free" + dice.randbytes(size)
        path = folder / f"film {number:02}.mp4"
        path.write_bytes(playable + padding)
        paths.append(path)
    return paths


def _encode_second() -> bytes:
    """A second of a grey that becomes lighter."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FRAMES, options={"x264-params": "threads=1"})
        stream.width = 160
        stream.height = 90
        stream.pix_fmt = "yuv420p"
        for number in range(FRAMES):
            frame = av.VideoFrame(160, 90, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes((40 + 10 * number,)) * plane.buffer_size)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()
