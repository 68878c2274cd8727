# SPDX-License-Identifier: Apache-2.0
"""Events and their delivery to webhooks (reference/create-and-manage-webhooks): signed, four times at most.

A response above 299, or none, is a failure; the next try comes three seconds of the emulator's clock later. Webhooks
are called at addresses of this machine only: the emulator reaches no other machine.
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

from callwell.emulator.apivideo.records import CaptionRecord, format_time

if TYPE_CHECKING:
    from callwell.clock import Clock
    from callwell.emulator.apivideo.account import ApiVideoAccount
    from callwell.emulator.apivideo.records import VideoRecord, WebhookRecord

# The first delivery and three retries, three seconds apart.
MAX_TRIES: Final = 4
RETRY_AFTER_S: Final = 3.0
# How long a webhook may take; the documentation does not say.
TIMEOUT_REAL_S: Final = 5.0
SUCCESS: Final = range(200, 300)
LOCAL_HOST: Final = "127.0.0.1"
TRANSCRIPT: Final = b"WEBVTT\n\n00:00.000 --> 00:01.000\nSomebody speaks.\n"


@dataclass(slots=True)
class WebhookDelivery:
    """One event for one webhook."""

    webhook: WebhookRecord
    body: bytes
    due: float
    tries: int = 0


@dataclass(slots=True)
class WebhookQueue:
    """The events that wait for delivery.

    Attributes:
        clock: the emulator's clock.
    """

    clock: Clock
    _waiting: list[WebhookDelivery] = field(default_factory=list)

    def clear(self) -> None:
        """Drop all deliveries."""
        self._waiting = []

    def enqueue_due(self, account: ApiVideoAccount) -> None:
        """Create the events that are due, and queue them and the account's others."""
        wall_s = self.clock.wall()
        for video in account.active_videos():
            source = video.source
            if source is not None and not source.encoded_announced and source.is_playable(wall_s):
                source.encoded_announced = True
                account.events += _encoding_events(video)
                if video.attributes["transcript"]:
                    account.events.append(_transcript_event(account, video))
        for summary in account.summaries.values():
            if (
                summary.origin == "auto"
                and not summary.announced
                and summary.ready is not None
                and wall_s >= summary.ready
            ):
                summary.announced = True
                event = {"type": "video.summary.generated", "videoId": summary.video_id, "summaryId": summary.id}
                account.events.append(event)
        for event in account.events:
            body = msgspec.json.encode({"type": event["type"], "emittedAt": format_time(wall_s)} | event)
            hooks = [hook for hook in account.webhooks.values() if event["type"] in hook.events]
            self._waiting += [
                WebhookDelivery(hook, body, wall_s) for hook in hooks if urlsplit(hook.url).hostname == LOCAL_HOST
            ]
        account.events.clear()

    def expects_events(self, account: ApiVideoAccount) -> bool:
        """Return whether the clock will bring an event."""
        sources = [video.source for video in account.active_videos() if video.source is not None and video.source.facts]
        auto = [summary for summary in account.summaries.values() if summary.origin == "auto"]
        return any(not source.encoded_announced for source in sources) or any(not summary.announced for summary in auto)

    async def deliver_due(self, account: ApiVideoAccount) -> bool:
        """Deliver what is due; return whether something is left."""
        wall_s = self.clock.wall()
        due = [delivery for delivery in self._waiting if delivery.due <= wall_s]
        for delivery in due:
            self._waiting.remove(delivery)
            if delivery.webhook.id not in account.webhooks:
                continue
            delivery.tries += 1
            if not await asyncio.to_thread(_post, delivery) and delivery.tries < MAX_TRIES:
                delivery.due = wall_s + RETRY_AFTER_S
                self._waiting.append(delivery)
        return bool(self._waiting)


def sign_body(secret: str, body: bytes) -> str:
    """Return the HMAC-SHA256 of a body in hex."""
    return hmac.new(secret.encode(), body, sha256).hexdigest()


def _encoding_events(video: VideoRecord) -> list[dict[str, Any]]:
    qualities = [] if video.source is None else video.source.qualities(mp4=video.attributes["mp4Support"])
    name = "video.encoding.quality.completed"
    return [{"type": name, "videoId": video.id, "encoding": kind, "quality": quality} for kind, quality in qualities]


def _transcript_event(account: ApiVideoAccount, video: VideoRecord) -> dict[str, Any]:
    """Add the captions of a video with `transcript`, and return the event."""
    language = video.attributes["language"] or "en"
    video.captions.setdefault(language, CaptionRecord(language, TRANSCRIPT))
    return {
        "type": "video.caption.generated",
        "videoId": video.id,
        "captionId": account.new_id("caption_"),
        "generationMode": "transcript",
        "language": language,
    }


def _post(delivery: WebhookDelivery) -> bool:
    parts = urlsplit(delivery.webhook.url)
    headers = {
        "Content-Type": "application/json",
        "X-Api-Video-WebhookID": delivery.webhook.id,
        "X-Api-Video-Signature": sign_body(delivery.webhook.secret, delivery.body),
    }
    connection = http.client.HTTPConnection(LOCAL_HOST, parts.port or 80, timeout=TIMEOUT_REAL_S)
    try:
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection.request("POST", path, delivery.body, headers)
        return connection.getresponse().status in SUCCESS
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
