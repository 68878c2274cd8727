# SPDX-License-Identifier: Apache-2.0
"""Events, and how they are told to webhooks: signed, to addresses of this machine only, four times at most.

An answer above 299, or none, is a failure; the next try comes three seconds of the emulator's clock later.
"""

from __future__ import annotations

import asyncio
import hmac
import http.client
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from callwell.emulator.apivideo.records import Caption, iso

if TYPE_CHECKING:
    from callwell.clock import Clock
    from callwell.emulator.apivideo.account import Account
    from callwell.emulator.apivideo.records import Video, Webhook

TRIES: Final = 4
BETWEEN_S: Final = 3.0
PATIENCE_REAL_S: Final = 5.0
GOOD: Final = range(200, 300)
HERE: Final = "127.0.0.1"
TRANSCRIPT: Final = b"WEBVTT\n\n00:00.000 --> 00:01.000\nSomebody speaks.\n"


@dataclass(slots=True)
class Delivery:
    """One event for one webhook."""

    webhook: Webhook
    body: bytes
    due: float
    tries: int = 0


@dataclass(slots=True)
class Deliveries:
    """What is to be told.

    Attributes:
        clock: the emulator's clock.
    """

    clock: Clock
    _waiting: list[Delivery] = field(default_factory=list)

    def clear(self) -> None:
        """Tell nothing more."""
        self._waiting = []

    def collect(self, account: Account) -> None:
        """Make the events that are due."""
        wall = self.clock.wall()
        for video in account.active():
            if video.source is not None and not video.source.told_encoded and video.source.playable(wall):
                video.source.told_encoded = True
                account.events += _encoded(video)
                if video.told["transcript"]:
                    account.events.append(_transcribed(account, video))
        for summary in account.summaries.values():
            if summary.origin == "auto" and not summary.told and summary.ready is not None and wall >= summary.ready:
                summary.told = True
                event = {"type": "video.summary.generated", "videoId": summary.video_id, "summaryId": summary.id}
                account.events.append(event)
        for event in account.events:
            body = msgspec.json.encode({"type": event["type"], "emittedAt": iso(wall)} | event)
            hooks = [hook for hook in account.webhooks.values() if event["type"] in hook.events]
            self._waiting += [Delivery(hook, body, wall) for hook in hooks if urlsplit(hook.url).hostname == HERE]
        account.events.clear()

    def expects(self, account: Account) -> bool:
        """Whether the clock will bring an event."""
        sources = [video.source for video in account.active() if video.source is not None and video.source.facts]
        auto = [summary for summary in account.summaries.values() if summary.origin == "auto"]
        return any(not source.told_encoded for source in sources) or any(not summary.told for summary in auto)

    async def send(self, account: Account) -> bool:
        """Tell what is due; whether something is left."""
        wall = self.clock.wall()
        due = [each for each in self._waiting if each.due <= wall]
        for delivery in due:
            self._waiting.remove(delivery)
            if delivery.webhook.id not in account.webhooks:
                continue
            delivery.tries += 1
            if not await asyncio.to_thread(_post, delivery) and delivery.tries < TRIES:
                delivery.due = wall + BETWEEN_S
                self._waiting.append(delivery)
        return bool(self._waiting)


def signature(secret: str, body: bytes) -> str:
    """The hex HMAC-SHA256 of a body."""
    return hmac.new(secret.encode(), body, sha256).hexdigest()


def _encoded(video: Video) -> list[dict[str, Any]]:
    qualities = [] if video.source is None else video.source.qualities(mp4=video.told["mp4Support"])
    name = "video.encoding.quality.completed"
    return [{"type": name, "videoId": video.id, "encoding": kind, "quality": quality} for kind, quality in qualities]


def _transcribed(account: Account, video: Video) -> dict[str, Any]:
    """Give a video the captions that it was to get by itself."""
    language = video.told["language"] or "en"
    video.captions.setdefault(language, Caption(language, TRANSCRIPT))
    return {
        "type": "video.caption.generated",
        "videoId": video.id,
        "captionId": account.new_id("caption_"),
        "generationMode": "transcript",
        "language": language,
    }


def _post(delivery: Delivery) -> bool:
    parts = urlsplit(delivery.webhook.url)
    headers = {
        "Content-Type": "application/json",
        "X-Api-Video-WebhookID": delivery.webhook.id,
        "X-Api-Video-Signature": signature(delivery.webhook.secret, delivery.body),
    }
    connection = http.client.HTTPConnection(HERE, parts.port or 80, timeout=PATIENCE_REAL_S)
    try:
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection.request("POST", path, delivery.body, headers)
        return connection.getresponse().status in GOOD
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
