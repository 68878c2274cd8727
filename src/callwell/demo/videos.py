# SPDX-License-Identifier: Apache-2.0
"""Films to be uploaded: small ones that play, filled up so that some have several pieces."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Final

import av

MIB: Final = 1 << 20
FRAMES: Final = 10
BOX_HEAD: Final = 8


def make_videos(folder: Path, count: int, seed: int) -> list[Path]:
    """Make films, no two alike: every fourth is large.

    Args:
        folder: where they go; it is made.
        count: how many.
        seed: of what fills them up.
    """
    folder.mkdir()
    dice = random.Random(seed)  # noqa: S311 - the same seed, the same films
    played, made = _film(), list[Path]()
    for number in range(1, count + 1):
        size = dice.randrange(10 * MIB, 14 * MIB) if number % 4 == 0 else dice.randrange(MIB // 2, 2 * MIB)
        made.append(folder / f"film {number:02}.mp4")
        made[-1].write_bytes(played + (size + BOX_HEAD).to_bytes(4, "big") + b"free" + dice.randbytes(size))
    return made


def _film() -> bytes:
    """A second of a moving grey."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FRAMES, options={"x264-params": "threads=1"})
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        for number in range(FRAMES):
            frame = av.VideoFrame(160, 90, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes((40 + 10 * number,)) * plane.buffer_size)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()
