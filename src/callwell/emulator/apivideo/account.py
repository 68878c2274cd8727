# SPDX-License-Identifier: Apache-2.0
"""All that one environment's account holds: tables by kind, ids, and what the score asks about."""

from __future__ import annotations

import random
import string
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.asset_tokens import Passes

if TYPE_CHECKING:
    from callwell.emulator.apivideo.records import (
        LiveStream,
        Player,
        Summary,
        UploadToken,
        Video,
        Watermark,
        Webhook,
    )
    from callwell.emulator.apivideo.views import View

ALPHABET: Final = string.ascii_letters + string.digits
DAY_S: Final = 86_400.0
SANDBOX_KEPT_S: Final = DAY_S
UNFINISHED_KEPT_S: Final = 7 * DAY_S
DISCARDED_KEPT_S: Final = 90 * DAY_S
MARKER: Final = "callwell-call"


@dataclass(slots=True)
class Account:
    """The tables, each in the order of making.

    Attributes:
        seed: of the ids.
        sandbox: whether videos are deleted a day after their upload.
        passes: the one-time tokens of private assets.
        events: what webhooks are to be told next.
        resent_bytes: bytes of pieces that came although they were there.
        born: every video that ever was, with what tells that two were meant to be one.
    """

    seed: int
    sandbox: bool
    videos: dict[str, Video] = field(default_factory=dict)
    tokens: dict[str, UploadToken] = field(default_factory=dict)
    players: dict[str, Player] = field(default_factory=dict)
    watermarks: dict[str, Watermark] = field(default_factory=dict)
    live_streams: dict[str, LiveStream] = field(default_factory=dict)
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    summaries: dict[str, Summary] = field(default_factory=dict)
    views: list[View] = field(default_factory=list)
    passes: Passes = field(default_factory=Passes)
    events: list[dict[str, Any]] = field(default_factory=list)
    resent_bytes: int = 0
    born: list[Video] = field(default_factory=list)
    _dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        # Seeded on purpose: the same seed, the same ids.
        self._dice = random.Random(f"{self.seed} {self.sandbox}")  # noqa: S311

    def new_id(self, prefix: str, length: int = 22) -> str:
        """A fresh id."""
        return prefix + "".join(self._dice.choice(ALPHABET) for _ in range(length))

    def new_uuid(self) -> str:
        """A fresh UUID."""
        return str(uuid.UUID(int=self._dice.getrandbits(128), version=4))

    def add(self, video: Video) -> Video:
        """Keep a new video."""
        self.videos[video.id] = video
        self.born.append(video)
        return video

    def active(self) -> list[Video]:
        """The videos that are not discarded."""
        return [video for video in self.videos.values() if video.discarded is None]

    def remove(self, video: Video) -> None:
        """Delete a video for good, and its files."""
        self.videos.pop(video.id, None)
        self.summaries = {key: each for key, each in self.summaries.items() if each.video_id != video.id}
        for path in video.paths():
            path.unlink(missing_ok=True)

    def sweep(self, wall: float) -> None:
        """Delete what has had its time."""
        for video in [video for video in self.videos.values() if wall >= self.ends(video)]:
            self.remove(video)

    def ends(self, video: Video) -> float:
        """When a video is deleted by itself, epoch seconds."""
        ends = [float("inf")]
        if video.discarded is not None:
            ends.append(video.discarded + DISCARDED_KEPT_S)
        if video.source is None:
            ends.append(video.created + UNFINISHED_KEPT_S)
        elif self.sandbox:
            ends.append(video.source.since + SANDBOX_KEPT_S)
        return min(ends)

    def duplicates(self) -> int:
        """Videos beyond the first of those with the same marker, or without one the same title and file."""
        meant: Counter[Any] = Counter()
        for video in self.born:
            marks = [pair["value"] for pair in video.told["metadata"] if pair["key"] == MARKER]
            if marks:
                meant[marks[0]] += 1
            elif video.source is not None and video.source.kind == "uploaded":
                meant[video.title, video.source.sha256] += 1
        return sum(meant.values()) - len(meant)
