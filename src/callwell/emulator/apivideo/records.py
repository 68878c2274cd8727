# SPDX-License-Identifier: Apache-2.0
"""The records of an account. Times are epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from callwell.emulator.apivideo.pieces import ReceivedPieces

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.emulator.apivideo.source import SourceFile


def format_time(wall_s: float | None) -> str | None:
    """Return a time as the API writes it."""
    return None if wall_s is None else datetime.fromtimestamp(wall_s, UTC).isoformat(timespec="seconds")


@dataclass(slots=True)
class CaptionRecord:
    """Captions in one language."""

    language: str
    text: bytes
    default: bool = False


@dataclass(slots=True)
class VideoRecord:
    """One video, or an empty container of one.

    Attributes:
        id: its ID.
        created: when it was created.
        updated: when it was last changed.
        attributes: the attributes as they were given: title, tags, metadata …
        received: what has been received of its file.
        source: its file, once it is complete or fetched from elsewhere.
        thumbnail: a picture that was uploaded, or the time from which it was picked.
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
        """Whether its assets are open to everyone."""
        return bool(self.attributes["public"])

    @property
    def title(self) -> str:
        """Its title."""
        return str(self.attributes["title"])

    def file_paths(self) -> list[Path]:
        """Return the paths of all its files."""
        paths = [piece.path for piece in self.received.pieces.values()]
        if self.source is not None:
            paths += self.source.file_paths()
        return paths


@dataclass(slots=True)
class UploadTokenRecord:
    """A delegated right to upload; a `ttl` of 0 seconds means that it does not expire."""

    id: str
    created: float
    ttl: int

    def is_alive(self, wall_s: float) -> bool:
        """Return whether it still opens anything."""
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
    """A live stream; `broadcasting` is when the broadcast began, None while there is none."""

    id: str
    created: float
    updated: float
    stream_key: str
    attributes: dict[str, Any]
    thumbnail: bytes | None = None
    broadcasting: float | None = None


@dataclass(slots=True)
class WebhookRecord:
    """An address to which events are delivered."""

    id: str
    created: float
    events: list[str]
    url: str
    secret: str


@dataclass(slots=True)
class SummaryRecord:
    """A summary of a video.

    Attributes:
        id: its ID.
        created: when it was created.
        updated: when it was last changed.
        video_id: its video.
        origin: who writes it, the user (`api`) or the service (`auto`).
        abstract: its text.
        takeaways: its main points.
        ready: when the text is there, None until the user writes it.
        announced: the event about it has been created.
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
