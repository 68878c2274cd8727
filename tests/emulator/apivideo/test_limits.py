# SPDX-License-Identifier: Apache-2.0
"""The emulated api.video against the recovered facts, row by row: limits, quotas, objects, the sandbox, choices."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from callwell.emulator.apivideo import (
    external_events,
    ingest,
    languages,
    live,
    options,
    pieces,
    players,
    probe,
    thumbnails,
    webhooks,
)
from callwell.emulator.apivideo.account import DISCARDED_RETENTION_S, SANDBOX_RETENTION_S, UNFINISHED_RETENTION_S
from callwell.emulator.apivideo.upload_tokens import MAX_TTL_S
from callwell.emulator.apivideo.webhook_queue import MAX_TRIES, RETRY_AFTER_S
from clips import clip
from tests.emulator.apivideo.harness import JPEG, VTT, Site, error_slug

if TYPE_CHECKING:
    from collections.abc import Callable


def limits() -> dict[str, list[float]]:
    """By the row of section 4: what the emulator has, in bytes, seconds and pieces."""
    pixels = [200, 100]
    return {
        "single request, no chunking": [pieces.MAX_PIECE_BYTES] * 2,
        "chunk, every one but the last": [pieces.MIN_PIECE_BYTES, pieces.MIN_PIECE_BYTES, pieces.MAX_PIECE_BYTES],
        "last chunk": [0, pieces.MAX_PIECE_BYTES],
        "parts per video": [pieces.MAX_PARTS],
        "`bytes` form total": [pieces.MAX_TOTAL_BYTES, pieces.MAX_TOTAL_BYTES - 1],
        "video size": [options.ApiVideoOptions().max_video_bytes],
        "video length": [probe.MAX_DURATION_S] * 2,
        "time to finish an upload/download/copy": [UNFINISHED_RETENTION_S] * 2,
        "empty video container": [UNFINISHED_RETENTION_S],
        "thumbnail": [thumbnails.MAX_BYTES],
        "player logo": [players.MAX_LOGO_BYTES, *pixels],
        "restreams per live stream": [live.MAX_RESTREAMS],
    }


def test_limits(facts: dict[str, Any]) -> None:
    """Every limit of section 4 is the emulator's, and no row is new."""
    rows = facts["limits"]
    known = limits()
    assert rows.keys() == known.keys() | {"chunk size inside clients"}
    for name, kept in known.items():
        assert rows[name] == kept, name


def test_small_files_have_their_limits(site: Site) -> None:
    """A byte more than a thumbnail or a logo may have is refused, a byte less is taken."""
    video = site.video()
    player = site.call("POST", "/players", {}).json["playerId"]
    for path, most in ((f"/videos/{video}/thumbnail", 8 << 20), (f"/players/{player}/logo", 100 << 10)):
        fits, longer = (JPEG + bytes(most - len(JPEG) + more) for more in (0, 1))
        assert site.upload_form(path, fits).status in (200, 201)
        assert error_slug(site.upload_form(path, longer)) == "uploaded-file-too-large"


def test_what_a_player_theme_or_a_stream_cannot_be(site: Site) -> None:
    """Five restreams at most, times to live within their bounds."""
    restream = {"name": "r", "serverUrl": "rtmp://x", "streamKey": "k"}
    assert site.call("POST", "/live-streams", {"name": "s", "restreams": [restream] * 5}).status == 200
    assert site.call("POST", "/live-streams", {"name": "s", "restreams": [restream] * 6}).status == 400
    for ttl, status in ((0, 200), (MAX_TTL_S, 200), (MAX_TTL_S + 1, 400), (-1, 400)):
        assert site.call("POST", "/upload-tokens", {"ttl": ttl}).status == status


def test_quotas(facts: dict[str, Any]) -> None:
    """Section 5: each class of each environment; `test_environments.py` counts them."""
    rows = facts["quotas"]
    for environment in ("sandbox", "production"):
        most = tuple(rows[name][environment] for name in ("Uploads", "Writes", "Reads"))
        assert most == options.LIMITS[environment]
    assert len(rows) == 3


def test_events(facts: dict[str, Any], site: Site) -> None:
    """Section 8: six events, the signature and the tries of a delivery."""
    documented = facts["webhooks"]
    assert documented["events"] == list(webhooks.EVENTS)
    assert len(webhooks.EVENTS) == 6
    assert (MAX_TRIES - 1, RETRY_AFTER_S) == (documented["retries"], documented["apart_s"]) == (3, 3)
    result = site.call("POST", "/webhooks", {"events": list(webhooks.EVENTS), "url": "http://127.0.0.1:1/"}).json
    assert re.fullmatch(r"sig_sec_\w{22}", result["signatureSecret"])
    assert site.call("GET", f"/webhooks/{result['webhookId']}").json == result


def test_ids_and_dates(facts: dict[str, Any], site: Site) -> None:
    """Prefixes with 22 characters after them, dates with an offset, the shapes of assets."""
    video = site.call("GET", f"/videos/{site.video()}").json
    webhook = site.call("POST", "/webhooks", {"events": [webhooks.EVENTS[0]], "url": "http://127.0.0.1:1/"}).json
    result = [
        ("vi", video["videoId"]),
        ("li", site.call("POST", "/live-streams", {"name": "x"}).json["liveStreamId"]),
        ("pl", site.call("POST", "/players", {}).json["playerId"]),
        ("to", site.call("POST", "/upload-tokens", {}).json["token"]),
        ("watermark_", site.upload_form("/watermarks", JPEG).json["watermarkId"]),
        ("webhook_", webhook["webhookId"]),
        ("summary_", site.call("POST", "/summaries", {"videoId": video["videoId"]}).json["summaryId"]),
        ("sig_sec_", webhook["signatureSecret"]),
    ]
    assert [prefix for prefix, _ in result] == facts["id_prefixes"]
    assert all(re.fullmatch(rf"{prefix}[A-Za-z0-9]{{22}}", name) for prefix, name in result)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", video["createdAt"])
    shapes = ["", "/hls/manifest.m3u8", "/thumbnail.jpg", "/mp4/source.mp4"]
    assert [video["assets"][name] for name in ("player", "hls", "thumbnail", "mp4")] == [
        f"{site.base}/vod/{video['videoId']}{shape}" for shape in shapes
    ]
    assert (video["public"], video["panoramic"], video["mp4Support"]) == (True, False, True)
    assert len(languages.LANGUAGES) == 33


def test_what_is_set_at_creation_alone(site: Site) -> None:
    """A clip cannot be set later: naming it changes nothing."""
    video = site.video()
    site.call("PATCH", f"/videos/{video}", {"clip": {"startTimecode": "00:00:01"}})
    site.upload_form(f"/videos/{video}/source", clip(seconds=2))
    site.wait_until_idle()
    assert site.status(video)["encoding"]["metadata"]["duration"] == 2


def test_the_sandbox(facts: dict[str, Any], apivideo: Callable[..., Site]) -> None:
    """Section 8 and 12: what is kept for how long; a broadcast is over after half an hour."""
    assert facts["sandbox"] == {"cut_s": 30, "watermark": True, "kept_s": 86_400, "broadcast_s": 1_800}
    assert (ingest.SANDBOX_MAX_S, SANDBOX_RETENTION_S, external_events.SANDBOX_MAX_S) == (30, 86_400, 1_800)
    for environment, broadcasting in (("sandbox", False), ("production", True)):
        site = apivideo(environment)
        stream = site.call("POST", "/live-streams", {"name": "x"}).json["liveStreamId"]
        site.post_event("broadcast", {"liveStreamId": stream, "broadcasting": True})
        site.emulated.control("/clock", {"advance_s": 1_790})
        assert site.call("GET", f"/live-streams/{stream}").json["broadcasting"] is True
        site.emulated.control("/clock", {"advance_s": 11})
        assert site.call("GET", f"/live-streams/{stream}").json["broadcasting"] is broadcasting
        found = site.call("GET", f"/videos?liveStreamId={stream}").json["data"]
        assert len(found) == (not broadcasting)


def test_what_live_tests_assert(facts: dict[str, Any], site: Site) -> None:
    """Section 10: what the provider's own tests have seen; rows that the conformance suites or other files hold."""
    video = site.video()
    status = site.status(video)
    assert (status.get("ingest"), status["encoding"]["playable"]) == (None, False)
    picked = site.call("PATCH", f"/videos/{video}/thumbnail", {"timecode": "00:15:22.05"})
    assert picked.json["assets"]["thumbnail"].endswith("/thumbnail.jpg")
    path = f"/videos/{video}/captions/en"
    assert site.call("GET", path).status == 404
    assert site.upload_form(path, VTT).json["default"] is False
    assert site.call("PATCH", path, {"default": True}).json["default"] is True
    site.call("DELETE", path)
    assert site.call("GET", path).status == 404
    stream = site.call("POST", "/live-streams", {"name": "x"}).json
    place = f"/live-streams/{stream['liveStreamId']}/thumbnail"
    site.upload_form(place, JPEG)
    assert site.call("DELETE", place).json["assets"]["thumbnail"].endswith("/thumbnail.jpg")
    watermark = site.upload_form("/watermarks", JPEG).json["watermarkId"]
    marked = site.video(watermark={"id": watermark})
    assert site.call("DELETE", f"/videos/{marked}").status == 204
    assert site.call("DELETE", f"/watermarks/{watermark}").status == 204
    looked_at = {"empty container", "thumbnail without source", "thumbnail name", "captions", "watermark in use"}
    elsewhere = {
        "listed at once": "test_lists", "metadata filter": "test_lists", "removed tag": "test_operations",
        "received parts": "test_uploads", "ingest after upload": "test_ingest", "sniffed image": "test_ingest",
        "player theme": "test_operations", "equal webhooks": "test_webhooks", "upload by token": "test_uploads",
        "token ttl": "test_uploads",
    }  # fmt: skip
    assert set(facts["observed"]) == looked_at | elsewhere.keys()


def test_choices_where_papers_contradict(facts: dict[str, Any], site: Site) -> None:
    """Section 12: every proposed choice is taken."""
    given = site.call("GET", "/videos?pageSize=1").json["pagination"]["links"][0]["uri"]
    token = site.call("POST", "/auth/api-key", {"apiKey": site.key}).json
    refused = site.call("POST", "/auth/refresh", {"refreshToken": "none"})
    taken = {
        "max video": pieces.MAX_TOTAL_BYTES == 52_428_800_000 and options.ApiVideoOptions().max_video_bytes == 30 << 30,
        "pageSize": site.call("GET", "/videos?pageSize=1").status == 200,
        "link uri": given.startswith("/videos?") and "pageSize=1" in given,
        "404 title": site.call("GET", "/videos/x").json["title"] == "The requested resource could not be found.",
        "bad API key at /auth/api-key": site.call("POST", "/auth/api-key", {"apiKey": "x"}).status == 400,
        "bad refresh token": refused.status == 400 and options.ApiVideoOptions().refresh_status == 400,
        "query-error slug": error_slug(site.call("GET", "/videos?sortBy=x")) == "request-invalid-query-parameter",
        "ingest states": site.status(site.upload(b"x"))["ingest"]["status"] == "ingested",
        "sandbox live stream": external_events.SANDBOX_MAX_S == 30 * 60,
        "deletesAt": DISCARDED_RETENTION_S == 90 * 86_400,
        "token_type": token["token_type"] == "Bearer",
    }
    assert facts["contradictions"] == list(taken)
    assert [topic for topic, kept in taken.items() if not kept] == []
