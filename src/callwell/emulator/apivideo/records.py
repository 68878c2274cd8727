# SPDX-License-Identifier: Apache-2.0
"""What an account holds. Times are epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from callwell.emulator.apivideo.pieces import ReceivedPieces

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.emulator.apivideo.source import SourceFile


def format_time(wall_s: float | None) -> str | None:
    """A time as the API writes it."""
    return None if wall_s is None else datetime.fromtimestamp(wall_s, UTC).isoformat(timespec="seconds")


@dataclass(slots=True)
class CaptionRecord:
    """Subtitles in one language."""

    language: str
    text: bytes
    default: bool = False


@dataclass(slots=True)
class VideoRecord:
    """One video, or the container of one.

    Attributes:
        id: its id.
        created: when.
        updated: when it was changed last.
        told: the attributes as they were given: title, tags, metadata …
        received: what has come of its file by uploads.
        source: its file, when it is whole or under way from elsewhere.
        thumbnail: a picture that was uploaded, or picked from a time.
        captions: by language.
        chapters: by language.
        discarded: when it was discarded, None if it was not.
    """

    id: str
    created: float
    updated: float
    attributes: dict[str, Any]
    received: ReceivedPieces = field(default_factory=ReceivedPieces)
    source: SourceFile | None = None
    thumbnail: bytes | str | None = None
    captions: dict[str, CaptionRecord] = field(default_factory=dict)
    chapters: dict[str, bytes] = field(default_factory=dict)
    discarded: float | None = None

    @property
    def public(self) -> bool:
        """Whether its assets can be fetched by everybody."""
        return bool(self.attributes["public"])

    @property
    def title(self) -> str:
        """What it is called."""
        return str(self.attributes["title"])

    def file_paths(self) -> list[Path]:
        """Its files."""
        pieces = [piece.path for piece in self.received.pieces.values()]
        return pieces + ([] if self.source is None else self.source.file_paths())


@dataclass(slots=True)
class UploadTokenRecord:
    """A delegated right to upload; `ttl` 0 is for ever."""

    id: str
    created: float
    ttl: int

    def is_alive(self, wall_s: float) -> bool:
        """Whether it still opens anything."""
        return self.ttl == 0 or wall_s < self.created + self.ttl


@dataclass(slots=True)
class PlayerRecord:
    """A player's theme: its attributes, and its logo with a link."""

    id: str
    created: float
    updated: float
    attributes: dict[str, Any]
    logo: bytes | None = None
    link: str | None = None


@dataclass(slots=True)
class WatermarkRecord:
    """A picture to be burnt into videos."""

    id: str
    created: float
    picture: bytes


@dataclass(slots=True)
class LiveStreamRecord:
    """A live stream; `broadcasting` since when, None while it is not."""

    id: str
    created: float
    updated: float
    stream_key: str
    attributes: dict[str, Any]
    thumbnail: bytes | None = None
    broadcasting: float | None = None


@dataclass(slots=True)
class WebhookRecord:
    """An address that is told of events."""

    id: str
    created: float
    events: list[str]
    url: str
    secret: str


@dataclass(slots=True)
class SummaryRecord:
    """A summary of a video; `ready` is when its text is there, None until somebody writes it.

    Attributes:
        told: webhooks know of it.
    """

    id: str
    created: float
    updated: float
    video_id: str
    origin: Literal["api", "auto"]
    abstract: str = ""
    takeaways: list[str] = field(default_factory=list)
    ready: float | None = None
    announced: bool = False
