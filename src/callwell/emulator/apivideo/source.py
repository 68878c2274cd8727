# SPDX-License-Identifier: Apache-2.0
"""The file of a video once it is complete: what it is, what has been made of it, and what the API reports.

The work is done at once, in a thread. What the API reports follows the emulator's clock: every step takes the ingest
delay, and never less than the work itself.

    ingest     uploaded ──delay──> ingesting ──delay, probed──> ingested
    encoding                                                    encoding ──delay, finished──> encoded, playable
    steps            0                  1                  2                            3
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.emulator.apivideo.pieces import UploadPiece

# The qualities of the description's enum.
HEIGHTS: Final = (240, 360, 480, 720, 1080, 2160)
INGESTED_STEP: Final = 2
ENCODED_STEP: Final = 3


class MediaFacts(NamedTuple):
    """What a file turned out to be; `duration_s` is that of the clip, or of what the sandbox keeps."""

    width: int
    height: int
    bitrate: float
    duration_s: float
    framerate: int
    samplerate: int | None
    video_codec: str
    audio_codec: str | None


class MediaFile(NamedTuple):
    """One file that can be fetched: where it is, its media type, and its digest in hex."""

    path: Path
    type: str
    sha256: str


@dataclass(slots=True)
class SourceFile:
    """One file.

    Attributes:
        kind: how it came.
        uri: where it came from, as the API represents it.
        received_at: when it was complete, epoch seconds.
        delay_s: what each step takes at least, clock seconds.
        pieces: its pieces in order, until they are joined.
        path: the joined file.
        size: how many bytes it has.
        sha256: their digest in hex, empty until it is known.
        facts: what it is, None until it is known, or if FFmpeg cannot read it.
        probed: FFmpeg has read it, or failed to.
        files: what can be fetched, by the path below the video's own.
        finished: nothing more will be made.
        encoded_announced: the events about its qualities have been created.
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
        """Return the paths of all its files."""
        own = [] if self.path is None else [self.path]
        return [*own, *(piece.path for piece in self.pieces), *(file.path for file in self.files.values())]

    def ingest_status(self, wall_s: float) -> str:
        """Return how far the ingest of the file is."""
        steps = self._steps_done(wall_s)
        if steps < 1:
            return "uploaded"
        return "ingested" if steps >= INGESTED_STEP and self.probed else "ingesting"

    def is_encoded(self, wall_s: float) -> bool:
        """Return whether all that will be made can be fetched."""
        return self.finished and self._steps_done(wall_s) >= ENCODED_STEP

    def quality_status(self, wall_s: float) -> str:
        """Return the status of every quality."""
        if self.ingest_status(wall_s) != "ingested":
            return "waiting"
        if self.facts is None:
            return "failed"
        return "encoded" if self.is_encoded(wall_s) else "encoding"

    def is_playable(self, wall_s: float) -> bool:
        """Return whether there is something to play."""
        return self.facts is not None and self.is_encoded(wall_s)

    def qualities(self, *, mp4: bool) -> list[tuple[str, str]]:
        """Return the qualities as type and name: HLS in all heights up to the file's own, and the mp4 in the file's."""
        height = HEIGHTS[0] if self.facts is None else self.facts.height
        names = [f"{known}p" for known in HEIGHTS if known <= max(height, HEIGHTS[0])]
        qualities = [("hls", name) for name in names]
        if mp4:
            qualities.append(("mp4", names[-1]))
        return qualities

    def _steps_done(self, wall_s: float) -> float:
        return (wall_s - self.received_at) / self.delay_s if self.delay_s else float("inf")
