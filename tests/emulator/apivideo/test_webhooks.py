# SPDX-License-Identifier: Apache-2.0
"""Events reach the addresses that want them, signed; failed deliveries are repeated, and no other machine is called."""

from __future__ import annotations

import asyncio
import hmac
import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from callwell.emulator.apivideo.account import ApiVideoAccount
from callwell.emulator.apivideo.records import WebhookRecord
from callwell.emulator.apivideo.webhook_queue import MAX_TRIES, WebhookQueue
from clips import clip
from tests.emulator.apivideo.webhook_listener import listener
from tests.emulator.harness import HandClock
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from tests.emulator.apivideo.harness import Site

ENCODED = "video.encoding.quality.completed"


def hooked(site: Site, url: str, *events: str) -> Any:
    """A webhook."""
    return site.call("POST", "/webhooks", {"events": list(events), "url": url}).json


def test_every_quality_is_delivered_and_signed(site: Site) -> None:
    """One event for each quality, with the webhook's id and the HMAC of the body under its secret."""
    with listener([]) as (url, heard):
        webhook = hooked(site, url, ENCODED)
        video_id = site.upload(clip(seconds=1))
        reported = [heard.get(timeout=PATIENCE_S) for _ in range(2)]
    for headers, body in reported:
        signature = hmac.new(webhook["signatureSecret"].encode(), body, sha256).hexdigest()
        assert headers["x-api-video-signature"] == signature
        assert headers["x-api-video-webhookid"] == webhook["webhookId"]
    events = [json.loads(body) for _, body in reported]
    assert [(event["type"], event["videoId"], event["encoding"], event["quality"]) for event in events] == [
        (ENCODED, video_id, "hls", "240p"),
        (ENCODED, video_id, "mp4", "240p"),
    ]
    assert all(event["emittedAt"] for event in events)


def test_captions_and_summaries_that_come_by_themselves(site: Site) -> None:
    """A video that wants a transcript and a summary gets them, and webhooks are delivered."""
    with listener([]) as (url, heard):
        hooked(site, url, "video.caption.generated", "video.summary.generated")
        video_id = site.upload(clip(seconds=1), transcript=True, transcriptSummary=True, language="fr")
        events = [json.loads(heard.get(timeout=PATIENCE_S)[1]) for _ in range(2)]
    assert {event["type"] for event in events} == {"video.caption.generated", "video.summary.generated"}
    assert site.call("GET", f"/videos/{video_id}/captions/fr").json["languageName"] == "French"
    summary = next(event["summaryId"] for event in events if "summaryId" in event)
    assert len(site.call("GET", f"/summaries/{summary}/source").json["takeaways"]) == 3


def test_three_more_tries() -> None:
    """A failed delivery is retried after three seconds of the emulator's clock, three times at most."""
    clock = HandClock()
    account = ApiVideoAccount(1, sandbox=False)
    deliveries = WebhookQueue(clock)
    account.events.append({"type": "video.source.recorded"})
    with listener([500, 302, 404, 500]) as (url, heard):
        account.webhooks["w"] = WebhookRecord("w", 0.0, ["video.source.recorded"], url, "secret")
        deliveries.enqueue_due(account)
        for tries in range(1, MAX_TRIES + 1):
            assert asyncio.run(deliveries.deliver_due(account)) == (tries < MAX_TRIES)
            assert heard.qsize() == tries
            clock.seconds += 2.9
            asyncio.run(deliveries.deliver_due(account))
            assert heard.qsize() == tries
            clock.seconds += 0.2
        assert not asyncio.run(deliveries.deliver_due(account))
        assert len({heard.get()[1] for _ in range(MAX_TRIES)}) == 1
        assert heard.empty()


def test_a_broadcast(site: Site) -> None:
    """A broadcast begins and ends as the control port says; its recording is a video of the stream."""
    with listener([]) as (url, heard):
        hooked(site, url, "live-stream.broadcast.started", "live-stream.broadcast.ended", "video.source.recorded")
        stream = site.call("POST", "/live-streams", {"name": "Show"}).json["liveStreamId"]
        site.post_event("broadcast", {"liveStreamId": stream, "broadcasting": True})
        assert site.call("GET", f"/live-streams/{stream}").json["broadcasting"] is True
        video_id = site.post_event("broadcast", {"liveStreamId": stream, "broadcasting": False})["videoId"]
        types = {json.loads(heard.get(timeout=PATIENCE_S)[1])["type"] for _ in range(3)}
    assert types == {"live-stream.broadcast.started", "live-stream.broadcast.ended", "video.source.recorded"}
    assert site.call("GET", f"/live-streams/{stream}").json["broadcasting"] is False
    found = site.call("GET", f"/videos?liveStreamId={stream}").json["data"]
    assert [(video["videoId"], video["title"]) for video in found] == [(video_id, "Show")]
    assert found[0]["source"]["liveStream"]["liveStreamId"] == stream


@pytest.mark.parametrize("url", ["http://example.test/", "http://localhost:1/", "https://10.0.0.1/", "nonsense"])
def test_nothing_is_delivered_elsewhere(site: Site, url: str) -> None:
    """Events are delivered to 127.0.0.1 only; other addresses can be registered and receive nothing."""
    with listener([]) as (near, heard):
        hooked(site, url, "live-stream.broadcast.started")
        hooked(site, near, "live-stream.broadcast.started")
        stream = site.call("POST", "/live-streams", {"name": "x"}).json["liveStreamId"]
        site.post_event("broadcast", {"liveStreamId": stream, "broadcasting": True})
        heard.get(timeout=PATIENCE_S)
        assert heard.empty()


def test_listed_by_event(site: Site) -> None:
    """Webhooks may be equal, and are found by their events."""
    ids = [hooked(site, "http://127.0.0.1:1/", ENCODED)["webhookId"] for _ in range(2)]
    hooked(site, "http://127.0.0.1:1/", "video.summary.generated")
    found = site.call("GET", f"/webhooks?events={ENCODED}").json["data"]
    assert [each["webhookId"] for each in found] == ids
