# SPDX-License-Identifier: Apache-2.0
"""The emulated api.video against the recovered facts, row by row: limits, quotas, objects, the sandbox, choices."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from callwell.emulator.apivideo import (
    ingest,
    languages,
    live,
    news,
    options,
    players,
    probe,
    ranges,
    thumbnails,
    webhooks,
)
from callwell.emulator.apivideo.account import DISCARDED_KEPT_S, SANDBOX_KEPT_S, UNFINISHED_KEPT_S
from callwell.emulator.apivideo.deliveries import BETWEEN_S, TRIES
from callwell.emulator.apivideo.upload_tokens import LONGEST_S
from clips import clip
from tests.emulator.apivideo.papers import part, table
from tests.emulator.apivideo.playing import JPEG, VTT, Site, slug

if TYPE_CHECKING:
    from collections.abc import Callable


def limits() -> dict[str, Any]:
    """By the row of section 4: what it must say, and what the emulator has."""
    mib = 1 << 20
    return {
        "single request, no chunking": ("200 MiB (209,715,200 B)", 200 * mib == ranges.PIECE_MOST),
        "chunk, every one but the last": (">= 5 MiB (5,242,880 B), <= 200 MiB", 5 * mib == ranges.PIECE_LEAST),
        "last chunk": ("0..200 MiB", True),
        "parts per video": ("10,000", ranges.PARTS_MOST == 10_000),
        "`bytes` form total": ("<= 52,428,800,000 B; highest", ranges.BYTES_MOST == 52_428_800_000),
        "video size": ("30 GiB", options.AccountOptions().largest_video == 30 << 30),
        "video length": ("1440 minutes (24 h)", probe.DAY_S == 1440 * 60),
        "time to finish an upload/download/copy": ("7 days (168 h)", UNFINISHED_KEPT_S == 168 * 3600),
        "empty video container": ("deleted after 7 days", UNFINISHED_KEPT_S == 7 * 86_400),
        "thumbnail": ("8 MiB", 8 * mib == thumbnails.MOST_BYTES),
        "player logo": ("100 KiB, 200x100 px", players.LOGO_BYTES_MOST == 100 << 10),
        "restreams per live stream": ("5", live.RESTREAMS_MOST == 5),
    }


def test_limits(facts: str) -> None:
    """Every limit of section 4 is the emulator's, and no row is new."""
    rows = {row[0]: row[1] for row in table(part(facts, "Limits"))}
    known = limits()
    assert rows.keys() == known.keys() | {"chunk size inside clients"}
    for name, (words, kept) in known.items():
        assert words in rows[name], name
        assert kept, name


def test_small_files_have_their_limits(site: Site) -> None:
    """A byte more than a thumbnail or a logo may have is refused, a byte less is taken."""
    video, player = site.video(), site.call("POST", "/players", {}).json["playerId"]
    for path, most in ((f"/videos/{video}/thumbnail", 8 << 20), (f"/players/{player}/logo", 100 << 10)):
        fits, longer = (JPEG + bytes(most - len(JPEG) + more) for more in (0, 1))
        assert site.put(path, fits).status in (200, 201)
        assert slug(site.put(path, longer)) == "uploaded-file-too-large"


def test_what_a_player_theme_or_a_stream_cannot_be(site: Site) -> None:
    """Five restreams at most, times to live within their bounds."""
    restream = {"name": "r", "serverUrl": "rtmp://x", "streamKey": "k"}
    assert site.call("POST", "/live-streams", {"name": "s", "restreams": [restream] * 5}).status == 200
    assert site.call("POST", "/live-streams", {"name": "s", "restreams": [restream] * 6}).status == 400
    for ttl, status in ((0, 200), (LONGEST_S, 200), (LONGEST_S + 1, 400), (-1, 400)):
        assert site.call("POST", "/upload-tokens", {"ttl": ttl}).status == status


def test_quotas(facts: str) -> None:
    """Section 5: each class of each environment; `test_environments.py` counts them."""
    rows = {row[0]: row[1:] for row in table(part(facts, "5. Rate limits"))}
    for place, environment in enumerate(("sandbox", "production")):
        most = tuple(int(rows[name][place]) for name in ("Uploads", "Writes", "Reads"))
        assert most == options.LIMITS[environment]
    assert len(rows) == 3


def test_events(facts: str, site: Site) -> None:
    """Section 8: six events, the signature and the tries of a delivery."""
    text = part(facts, "8. Objects worth care")
    (words,) = re.findall(r"Six events: (.*?), video.encoding", text)
    assert [*words.replace(", .ended", ", live-stream.broadcast.ended").split(", ")] == list(webhooks.EVENTS[:3])
    assert all(event in text for event in webhooks.EVENTS[3:])
    assert len(webhooks.EVENTS) == 6
    assert "3 retries, 3 seconds apart" in text
    assert (TRIES - 1, BETWEEN_S) == (3, 3.0)
    made = site.call("POST", "/webhooks", {"events": list(webhooks.EVENTS), "url": "http://127.0.0.1:1/"}).json
    assert re.fullmatch(r"sig_sec_\w{22}", made["signatureSecret"])
    assert site.call("GET", f"/webhooks/{made['webhookId']}").json == made


def test_ids_and_dates(facts: str, site: Site) -> None:
    """Prefixes with 22 characters after them, dates with an offset, the shapes of assets."""
    assert "`vi`, `li`, `pl`, `to`" in facts
    video = site.call("GET", f"/videos/{site.video()}").json
    made = [
        ("vi", video["videoId"]),
        ("li", site.call("POST", "/live-streams", {"name": "x"}).json["liveStreamId"]),
        ("pl", site.call("POST", "/players", {}).json["playerId"]),
        ("to", site.call("POST", "/upload-tokens", {}).json["token"]),
        ("watermark_", site.put("/watermarks", JPEG).json["watermarkId"]),
        ("summary_", site.call("POST", "/summaries", {"videoId": video["videoId"]}).json["summaryId"]),
    ]
    assert all(re.fullmatch(rf"{prefix}[A-Za-z0-9]{{22}}", name) for prefix, name in made)
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
    site.put(f"/videos/{video}/source", clip(seconds=2))
    site.settle()
    assert site.status(video)["encoding"]["metadata"]["duration"] == 2


def test_the_sandbox(facts: str, apivideo: Callable[..., Site]) -> None:
    """Section 8 and 12: what is kept for how long; a broadcast is over after half an hour."""
    text = part(facts, "Sandbox [D]")
    for words in ("30-second cap", "unremovable watermark", "deletion 24 h", "stops after 30 minutes"):
        assert words in text
    assert (ingest.SANDBOX_S, SANDBOX_KEPT_S, news.SANDBOX_LONGEST_S) == (30, 86_400, 1_800)
    for environment, broadcasting in (("sandbox", False), ("production", True)):
        site = apivideo(environment)
        stream = site.call("POST", "/live-streams", {"name": "x"}).json["liveStreamId"]
        site.told("broadcast", {"liveStreamId": stream, "broadcasting": True})
        site.emulated.control("/clock", {"advance_s": 1_790})
        assert site.call("GET", f"/live-streams/{stream}").json["broadcasting"] is True
        site.emulated.control("/clock", {"advance_s": 11})
        assert site.call("GET", f"/live-streams/{stream}").json["broadcasting"] is broadcasting
        found = site.call("GET", f"/videos?liveStreamId={stream}").json["data"]
        assert len(found) == (not broadcasting)


def test_what_live_tests_assert(facts: str, site: Site) -> None:
    """Section 10: what the provider's own tests have seen; rows that the conformance suites or other files hold."""
    video = site.video()
    status = site.status(video)
    assert (status.get("ingest"), status["encoding"]["playable"]) == (None, False)
    picked = site.call("PATCH", f"/videos/{video}/thumbnail", {"timecode": "00:15:22.05"})
    assert picked.json["assets"]["thumbnail"].endswith("/thumbnail.jpg")
    path = f"/videos/{video}/captions/en"
    assert site.call("GET", path).status == 404
    assert site.put(path, VTT).json["default"] is False
    assert site.call("PATCH", path, {"default": True}).json["default"] is True
    site.call("DELETE", path)
    assert site.call("GET", path).status == 404
    stream = site.call("POST", "/live-streams", {"name": "x"}).json
    place = f"/live-streams/{stream['liveStreamId']}/thumbnail"
    site.put(place, JPEG)
    assert site.call("DELETE", place).json["assets"]["thumbnail"].endswith("/thumbnail.jpg")
    watermark = site.put("/watermarks", JPEG).json["watermarkId"]
    marked = site.video(watermark={"id": watermark})
    assert site.call("DELETE", f"/videos/{marked}").status == 204
    assert site.call("DELETE", f"/watermarks/{watermark}").status == 204
    looked_at = {
        "empty container", "thumbnail can be uploaded or picked", "thumbnail asset keeps", "caption: `default`",
        "deleting a video that has a watermark",
    }  # fmt: skip
    elsewhere = {
        "new videos are listed at once": "test_lists", "list by metadata returns": "test_lists",
        "tag removed by PATCH": "test_operations", "after `1/*`": "test_uploads", "after a plain upload": "test_ingest",
        "an image sent as": "test_ingest", "player theme": "test_operations", "webhooks: several": "test_webhooks",
        "upload with token needs": "test_uploads", "token ttl echoed": "test_uploads",
    }  # fmt: skip
    rows = [row[0] for row in table(part(facts, "10. What the live tests"))]
    unseen = [row for row in rows if not any(row.startswith(one) for one in looked_at | elsewhere.keys())]
    assert unseen == []


def test_choices_where_papers_contradict(facts: str, site: Site) -> None:
    """Section 12: every proposed choice is taken."""
    rows = {row[0]: row[3] for row in table(part(facts, "12. Contradictions"))}
    given = site.call("GET", "/videos?pageSize=1").json["pagination"]["links"][0]["uri"]
    token = site.call("POST", "/auth/api-key", {"apiKey": site.key}).json
    refused = site.call("POST", "/auth/refresh", {"refreshToken": "none"})
    taken = {
        "max video": ranges.BYTES_MOST == 52_428_800_000 and options.AccountOptions().largest_video == 30 << 30,
        "pageSize": site.call("GET", "/videos?pageSize=1").status == 200,
        "link uri": given.startswith("/videos?") and "pageSize=1" in given,
        "404 title": site.call("GET", "/videos/x").json["title"] == "The requested resource could not be found.",
        "bad API key at /auth/api-key": site.call("POST", "/auth/api-key", {"apiKey": "x"}).status == 400,
        "bad refresh token": refused.status == 400 and options.AccountOptions().refresh_status == 400,
        "query-error slug": slug(site.call("GET", "/videos?sortBy=x")) == "request-invalid-query-parameter",
        "ingest states": site.status(site.upload(b"x"))["ingest"]["status"] == "ingested",
        "sandbox live stream": news.SANDBOX_LONGEST_S == 30 * 60,
        "deletesAt": DISCARDED_KEPT_S == 90 * 86_400,
        "token_type": token["token_type"] == "Bearer",
    }
    assert rows.keys() == taken.keys()
    assert [topic for topic, kept in taken.items() if not kept] == []
