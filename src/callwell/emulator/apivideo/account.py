# SPDX-License-Identifier: Apache-2.0
"""All that one environment's account holds: its records by kind, IDs, and what the score counts."""

from __future__ import annotations

import random
import string
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.asset_tokens import AssetTokens

if TYPE_CHECKING:
    from callwell.emulator.apivideo.records import (
        LiveStreamRecord,
        PlayerRecord,
        SummaryRecord,
        UploadTokenRecord,
        VideoRecord,
        WatermarkRecord,
        WebhookRecord,
    )
    from callwell.emulator.apivideo.views import PlayerView

ALPHABET: Final = string.ascii_letters + string.digits
DAY_S: Final = 86_400.0
# How long videos are kept: in the sandbox for a day after the upload, without a whole file for a week
# (vod/video-best-practices), and discarded, where the account can restore, for 90 days (vod/delete-a-video).
SANDBOX_RETENTION_S: Final = DAY_S
UNFINISHED_RETENTION_S: Final = 7 * DAY_S
DISCARDED_RETENTION_S: Final = 90 * DAY_S
# The metadata key by which Callwell recognizes its own creations. Any client may use it.
MARKER: Final = "callwell-call"


@dataclass(slots=True)
class ApiVideoAccount:
    """The records, each kind in the order of creation.

    Attributes:
        seed: decides the IDs.
        sandbox: it is the sandbox's account.
        asset_tokens: the one-time tokens of private assets.
        events: the events to be delivered to webhooks next.
        resent_bytes: bytes of pieces that had already been received.
        ever_created: every video that ever was, to count those that were created twice.
    """

    seed: int
    sandbox: bool
    videos: dict[str, VideoRecord] = field(default_factory=dict)
    tokens: dict[str, UploadTokenRecord] = field(default_factory=dict)
    players: dict[str, PlayerRecord] = field(default_factory=dict)
    watermarks: dict[str, WatermarkRecord] = field(default_factory=dict)
    live_streams: dict[str, LiveStreamRecord] = field(default_factory=dict)
    webhooks: dict[str, WebhookRecord] = field(default_factory=dict)
    summaries: dict[str, SummaryRecord] = field(default_factory=dict)
    views: list[PlayerView] = field(default_factory=list)
    asset_tokens: AssetTokens = field(default_factory=AssetTokens)
    events: list[dict[str, Any]] = field(default_factory=list)
    resent_bytes: int = 0
    ever_created: list[VideoRecord] = field(default_factory=list)
    _rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        # Seeded on purpose: the same seed gives the same IDs.
        self._rng = random.Random(f"{self.seed} {self.sandbox}")  # noqa: S311

    def new_id(self, prefix: str, length: int = 22) -> str:
        """Return a new ID."""
        return prefix + "".join(self._rng.choice(ALPHABET) for _ in range(length))

    def new_uuid(self) -> str:
        """Return a new UUID."""
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    def add_video(self, video: VideoRecord) -> VideoRecord:
        """Add a video."""
        self.videos[video.id] = video
        self.ever_created.append(video)
        return video

    def active_videos(self) -> list[VideoRecord]:
        """Return the videos that are not discarded."""
        return [video for video in self.videos.values() if video.discarded is None]

    def remove_video(self, video: VideoRecord) -> None:
        """Delete a video and its files permanently."""
        self.videos.pop(video.id, None)
        self.summaries = {key: each for key, each in self.summaries.items() if each.video_id != video.id}
        for path in video.file_paths():
            path.unlink(missing_ok=True)

    def delete_expired(self, wall_s: float) -> None:
        """Delete the videos that are kept no longer."""
        expired = [video for video in self.videos.values() if wall_s >= self.deletes_at(video)]
        for video in expired:
            self.remove_video(video)

    def deletes_at(self, video: VideoRecord) -> float:
        """Return when a video is deleted by itself, epoch seconds."""
        ends = [float("inf")]
        if video.discarded is not None:
            ends.append(video.discarded + DISCARDED_RETENTION_S)
        if video.source is None:
            ends.append(video.created + UNFINISHED_RETENTION_S)
        elif self.sandbox:
            ends.append(video.source.received_at + SANDBOX_RETENTION_S)
        return min(ends)

    def count_duplicates(self) -> int:
        """Count videos beyond the first with the same marker or, without one, the same title and file."""
        creations: Counter[Any] = Counter()
        for video in self.ever_created:
            marks = [pair["value"] for pair in video.attributes["metadata"] if pair["key"] == MARKER]
            if marks:
                creations[marks[0]] += 1
            elif video.source is not None and video.source.kind == "uploaded":
                creations[video.title, video.source.sha256] += 1
        return sum(creations.values()) - len(creations)
