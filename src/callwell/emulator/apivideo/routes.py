# SPDX-License-Identifier: Apache-2.0
"""The route table: every operation of the API once, and the way from a request to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from callwell.emulator.apivideo import (
    analytics,
    auth,
    captions,
    chapters,
    live,
    players,
    summaries,
    tags,
    thumbnails,
    upload_tokens,
    uploads,
    videos,
    watermarks,
    webhooks,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.emulator.apivideo.call import Call
    from callwell.emulator.messages import Reply

V: Final = "/videos/{videoId}"
D: Final = "/discarded/videos"
CAPTION: Final = f"{V}/captions/{{language}}"
CHAPTER: Final = f"{V}/chapters/{{language}}"
LIVE: Final = "/live-streams/{liveStreamId}"
PLAYER: Final = "/players/{playerId}"
SUMMARY: Final = "/summaries/{summaryId}"
TOKENS: Final = "/upload-tokens/{uploadToken}"
WEBHOOK: Final = "/webhooks/{webhookId}"


class Route(NamedTuple):
    """One operation."""

    operation: str
    method: str
    path: str
    handler: Callable[[Call], Reply]

    @property
    def open(self) -> bool:
        """It takes no key and is counted by no quota."""
        return self.path.startswith("/auth/")

    @property
    def delegated(self) -> bool:
        """It takes an upload token instead of a key."""
        return self.path == "/upload"

    @property
    def quota(self) -> Literal["uploads", "writes", "reads", ""]:
        """By which quota it is counted."""
        if self.open:
            return ""
        if self.delegated or (self.method, self.path) == ("POST", f"{V}/source"):
            return "uploads"
        return "reads" if self.method == "GET" else "writes"


ROUTES: Final = (
    Route("auth.authenticate", "POST", "/auth/api-key", auth.authenticate),
    Route("auth.refresh", "POST", "/auth/refresh", auth.refresh),
    Route("videos.list", "GET", "/videos", videos.list_videos),
    Route("videos.create", "POST", "/videos", videos.create_video),
    Route("videos.get", "GET", V, videos.get_video),
    Route("videos.update", "PATCH", V, videos.update_video),
    Route("videos.delete", "DELETE", V, videos.delete_video),
    Route("videos.status", "GET", f"{V}/status", videos.get_status),
    Route("videos.upload", "POST", f"{V}/source", uploads.upload_source),
    Route("videos.upload_with_token", "POST", "/upload", uploads.upload_with_token),
    Route("videos.upload_thumbnail", "POST", f"{V}/thumbnail", thumbnails.upload_thumbnail),
    Route("videos.pick_thumbnail", "PATCH", f"{V}/thumbnail", thumbnails.pick_thumbnail),
    Route("discarded_videos.list", "GET", D, videos.list_discarded),
    Route("discarded_videos.get", "GET", f"{D}/{{videoId}}", videos.get_discarded),
    Route("discarded_videos.update", "PATCH", f"{D}/{{videoId}}", videos.restore_video),
    Route("upload_tokens.list", "GET", "/upload-tokens", upload_tokens.list_tokens),
    Route("upload_tokens.create", "POST", "/upload-tokens", upload_tokens.create_token),
    Route("upload_tokens.get", "GET", TOKENS, upload_tokens.get_token),
    Route("upload_tokens.delete", "DELETE", TOKENS, upload_tokens.delete_token),
    Route("captions.list", "GET", f"{V}/captions", captions.list_captions),
    Route("captions.get", "GET", CAPTION, captions.get_caption),
    Route("captions.upload", "POST", CAPTION, captions.upload_caption),
    Route("captions.update", "PATCH", CAPTION, captions.update_caption),
    Route("captions.delete", "DELETE", CAPTION, captions.delete_caption),
    Route("chapters.list", "GET", f"{V}/chapters", chapters.list_chapters),
    Route("chapters.get", "GET", CHAPTER, chapters.get_chapter),
    Route("chapters.upload", "POST", CHAPTER, chapters.upload_chapter),
    Route("chapters.delete", "DELETE", CHAPTER, chapters.delete_chapter),
    Route("live_streams.list", "GET", "/live-streams", live.list_streams),
    Route("live_streams.create", "POST", "/live-streams", live.create_stream),
    Route("live_streams.get", "GET", LIVE, live.get_stream),
    Route("live_streams.update", "PATCH", LIVE, live.update_stream),
    Route("live_streams.delete", "DELETE", LIVE, live.delete_stream),
    Route("live_streams.upload_thumbnail", "POST", f"{LIVE}/thumbnail", live.upload_stream_thumbnail),
    Route("live_streams.delete_thumbnail", "DELETE", f"{LIVE}/thumbnail", live.delete_stream_thumbnail),
    Route("live_streams.complete", "PUT", f"{LIVE}/complete", live.complete_stream),
    Route("players.list", "GET", "/players", players.list_players),
    Route("players.create", "POST", "/players", players.create_player),
    Route("players.get", "GET", PLAYER, players.get_player),
    Route("players.update", "PATCH", PLAYER, players.update_player),
    Route("players.delete", "DELETE", PLAYER, players.delete_player),
    Route("players.upload_logo", "POST", f"{PLAYER}/logo", players.upload_logo),
    Route("players.delete_logo", "DELETE", f"{PLAYER}/logo", players.delete_logo),
    Route("watermarks.list", "GET", "/watermarks", watermarks.list_watermarks),
    Route("watermarks.upload", "POST", "/watermarks", watermarks.upload_watermark),
    Route("watermarks.delete", "DELETE", "/watermarks/{watermarkId}", watermarks.delete_watermark),
    Route("webhooks.list", "GET", "/webhooks", webhooks.list_webhooks),
    Route("webhooks.create", "POST", "/webhooks", webhooks.create_webhook),
    Route("webhooks.get", "GET", WEBHOOK, webhooks.get_webhook),
    Route("webhooks.delete", "DELETE", WEBHOOK, webhooks.delete_webhook),
    Route("tags.list", "GET", "/tags", tags.list_tags),
    Route("summaries.list", "GET", "/summaries", summaries.list_summaries),
    Route("summaries.create", "POST", "/summaries", summaries.create_summary),
    Route("summaries.delete", "DELETE", SUMMARY, summaries.delete_summary),
    Route("summaries.get_source", "GET", f"{SUMMARY}/source", summaries.get_summary_source),
    Route("summaries.update_source", "PATCH", f"{SUMMARY}/source", summaries.update_summary_source),
    Route("analytics.metric", "GET", "/data/metrics/{metric}/{aggregation}", analytics.aggregate),
    Route("analytics.breakdown", "GET", "/data/buckets/{metric}/{breakdown}", analytics.breakdown),
    Route("analytics.timeseries", "GET", "/data/timeseries/{metric}", analytics.over_time),
)
BY_NAME: Final = {route.operation: route for route in ROUTES}


def match(path: str) -> dict[str, tuple[Route, dict[str, str]]]:
    """The operations at a path, by method, each with what the path says by name."""
    parts = path.split("/")
    found = {}
    for route in ROUTES:
        names = route.path.split("/")
        pairs = list(zip(names, parts, strict=False))
        if len(names) == len(parts) and all(name == part or (name[:1] == "{" and part) for name, part in pairs):
            found[route.method] = route, {name[1:-1]: part for name, part in pairs if name[:1] == "{"}
    return found
