# SPDX-License-Identifier: Apache-2.0
"""The file of a video from the moment it is whole: what it is, what has been made of it, and how far that is told.

The work is done as soon as it can be, in a thread. What the API tells of it follows the emulator's clock: each step
(uploaded → ingesting → ingested → encoded) takes the ingest delay, and never less than the work itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.emulator.apivideo.pieces import UploadPiece

HEIGHTS: Final = (240, 360, 480, 720, 1080, 2160)


class MediaFacts(NamedTuple):
    """What a file turned out to be; `duration_s` may be cut by the environment."""

    width: int
    height: int
    bitrate: float
    duration_s: float
    framerate: int
    samplerate: int | None
    video_codec: str
    audio_codec: str | None


class MediaFile(NamedTuple):
    """One file that can be fetched: where it is, its MIME type, and its digest in hex."""

    path: Path
    type: str
    sha256: str


@dataclass(slots=True)
class SourceFile:
    """One file.

    Attributes:
        kind: how it came.
        uri: from where, as the API tells it.
        since: when it was whole, epoch seconds.
        delay_s: what each step takes at least, clock seconds.
        pieces: its bytes in order, until they are one file.
        path: the one file.
        size: how many bytes.
        sha256: their digest in hex, empty until it is known.
        facts: what it is, None until it is known, or if nobody can read it.
        probed: it has been looked at.
        made: what can be fetched, by the path below the video's own.
        finished: nothing more will be made.
        told_encoded: the qualities were reported as encoded.
        live_stream_id: the live stream that it was recorded from.
    """

    kind: Literal["uploaded", "copied", "downloaded", "recorded"]
    uri: str
    received_at: float
    delay_s: float
    pieces: list[UploadPiece] = field(default_factory=list)
    path: Path | None = None
    size: int = 0
    sha256: str = ""
    facts: MediaFacts | None = None
    probed: bool = False
    files: dict[str, MediaFile] = field(default_factory=dict)
    finished: bool = False
    encoded_announced: bool = False
    live_stream_id: str | None = None

    def file_paths(self) -> list[Path]:
        """All its files."""
        own = [] if self.path is None else [self.path]
        return [*own, *(piece.path for piece in self.pieces), *(made.path for made in self.files.values())]

    def ingest_status(self, wall_s: float) -> str:
        """How far the file itself is."""
        step = self._steps_done(wall_s)
        if step < 1:
            return "uploaded"
        return "ingested" if step >= 2 and self.probed else "ingesting"  # noqa: PLR2004 - the second step

    def is_encoded(self, wall_s: float) -> bool:
        """Whether all that will be made can be fetched."""
        return self.finished and self._steps_done(wall_s) >= 3  # noqa: PLR2004 - the third step

    def quality_status(self, wall_s: float) -> str:
        """How far every quality is."""
        if self.ingest_status(wall_s) != "ingested":
            return "waiting"
        if self.facts is None:
            return "failed"
        return "encoded" if self.is_encoded(wall_s) else "encoding"

    def is_playable(self, wall_s: float) -> bool:
        """Whether there is something to play."""
        return self.facts is not None and self.is_encoded(wall_s)

    def qualities(self, *, mp4: bool) -> list[tuple[str, str]]:
        """The qualities that are made, as type and name: all heights up to the file's own, and the mp4 in its own."""
        height = HEIGHTS[0] if self.facts is None else self.facts.height
        names = [f"{each}p" for each in HEIGHTS if each <= max(height, HEIGHTS[0])]
        return [("hls", name) for name in names] + ([("mp4", names[-1])] if mp4 else [])

    def _steps_done(self, wall_s: float) -> float:
        return (wall_s - self.received_at) / self.delay_s if self.delay_s else float("inf")
