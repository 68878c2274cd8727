# SPDX-License-Identifier: Apache-2.0
"""The route table: every operation of the API once, and how a request finds it."""

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

    from callwell.emulator.apivideo.call import ApiVideoCall
    from callwell.emulator.messages import Reply

VIDEO: Final = "/videos/{videoId}"
DISCARDED: Final = "/discarded/videos"
CAPTION: Final = f"{VIDEO}/captions/{{language}}"
CHAPTER: Final = f"{VIDEO}/chapters/{{language}}"
LIVE: Final = "/live-streams/{liveStreamId}"
PLAYER: Final = "/players/{playerId}"
SUMMARY: Final = "/summaries/{summaryId}"
TOKENS: Final = "/upload-tokens/{uploadToken}"
WEBHOOK: Final = "/webhooks/{webhookId}"


class ApiVideoRoute(NamedTuple):
    """One operation."""

    operation: str
    method: str
    path: str
    handler: Callable[[ApiVideoCall], Reply]

    @property
    def needs_no_key(self) -> bool:
        """Whether it takes no key and is counted by no quota."""
        return self.path.startswith("/auth/")

    @property
    def takes_upload_token(self) -> bool:
        """Whether it takes an upload token instead of a key."""
        return self.path == "/upload"

    @property
    def quota_class(self) -> Literal["uploads", "writes", "reads", ""]:
        """The class of requests that it counts as.

        Our choice: the documentation names the classes (reference/README), not which operation is in which.
        """
        if self.needs_no_key:
            return ""
        if self.takes_upload_token or (self.method, self.path) == ("POST", f"{VIDEO}/source"):
            return "uploads"
        return "reads" if self.method == "GET" else "writes"


ROUTES: Final = (
    ApiVideoRoute("auth.authenticate", "POST", "/auth/api-key", auth.authenticate),
    ApiVideoRoute("auth.refresh", "POST", "/auth/refresh", auth.refresh),
    ApiVideoRoute("videos.list", "GET", "/videos", videos.list_videos),
    ApiVideoRoute("videos.create", "POST", "/videos", videos.create_video),
    ApiVideoRoute("videos.get", "GET", VIDEO, videos.get_video),
    ApiVideoRoute("videos.update", "PATCH", VIDEO, videos.update_video),
    ApiVideoRoute("videos.delete", "DELETE", VIDEO, videos.delete_video),
    ApiVideoRoute("videos.status", "GET", f"{VIDEO}/status", videos.get_status),
    ApiVideoRoute("videos.upload", "POST", f"{VIDEO}/source", uploads.upload_source),
    ApiVideoRoute("videos.upload_with_token", "POST", "/upload", uploads.upload_with_token),
    ApiVideoRoute("videos.upload_thumbnail", "POST", f"{VIDEO}/thumbnail", thumbnails.upload_thumbnail),
    ApiVideoRoute("videos.pick_thumbnail", "PATCH", f"{VIDEO}/thumbnail", thumbnails.pick_thumbnail),
    ApiVideoRoute("discarded_videos.list", "GET", DISCARDED, videos.list_discarded),
    ApiVideoRoute("discarded_videos.get", "GET", f"{DISCARDED}/{{videoId}}", videos.get_discarded),
    ApiVideoRoute("discarded_videos.update", "PATCH", f"{DISCARDED}/{{videoId}}", videos.restore_video),
    ApiVideoRoute("upload_tokens.list", "GET", "/upload-tokens", upload_tokens.list_tokens),
    ApiVideoRoute("upload_tokens.create", "POST", "/upload-tokens", upload_tokens.create_token),
    ApiVideoRoute("upload_tokens.get", "GET", TOKENS, upload_tokens.get_token),
    ApiVideoRoute("upload_tokens.delete", "DELETE", TOKENS, upload_tokens.delete_token),
    ApiVideoRoute("captions.list", "GET", f"{VIDEO}/captions", captions.list_captions),
    ApiVideoRoute("captions.get", "GET", CAPTION, captions.get_caption),
    ApiVideoRoute("captions.upload", "POST", CAPTION, captions.upload_caption),
    ApiVideoRoute("captions.update", "PATCH", CAPTION, captions.update_caption),
    ApiVideoRoute("captions.delete", "DELETE", CAPTION, captions.delete_caption),
    ApiVideoRoute("chapters.list", "GET", f"{VIDEO}/chapters", chapters.list_chapters),
    ApiVideoRoute("chapters.get", "GET", CHAPTER, chapters.get_chapter),
    ApiVideoRoute("chapters.upload", "POST", CHAPTER, chapters.upload_chapter),
    ApiVideoRoute("chapters.delete", "DELETE", CHAPTER, chapters.delete_chapter),
    ApiVideoRoute("live_streams.list", "GET", "/live-streams", live.list_streams),
    ApiVideoRoute("live_streams.create", "POST", "/live-streams", live.create_stream),
    ApiVideoRoute("live_streams.get", "GET", LIVE, live.get_stream),
    ApiVideoRoute("live_streams.update", "PATCH", LIVE, live.update_stream),
    ApiVideoRoute("live_streams.delete", "DELETE", LIVE, live.delete_stream),
    ApiVideoRoute("live_streams.upload_thumbnail", "POST", f"{LIVE}/thumbnail", live.upload_stream_thumbnail),
    ApiVideoRoute("live_streams.delete_thumbnail", "DELETE", f"{LIVE}/thumbnail", live.delete_stream_thumbnail),
    ApiVideoRoute("live_streams.complete", "PUT", f"{LIVE}/complete", live.complete_stream),
    ApiVideoRoute("players.list", "GET", "/players", players.list_players),
    ApiVideoRoute("players.create", "POST", "/players", players.create_player),
    ApiVideoRoute("players.get", "GET", PLAYER, players.get_player),
    ApiVideoRoute("players.update", "PATCH", PLAYER, players.update_player),
    ApiVideoRoute("players.delete", "DELETE", PLAYER, players.delete_player),
    ApiVideoRoute("players.upload_logo", "POST", f"{PLAYER}/logo", players.upload_logo),
    ApiVideoRoute("players.delete_logo", "DELETE", f"{PLAYER}/logo", players.delete_logo),
    ApiVideoRoute("watermarks.list", "GET", "/watermarks", watermarks.list_watermarks),
    ApiVideoRoute("watermarks.upload", "POST", "/watermarks", watermarks.upload_watermark),
    ApiVideoRoute("watermarks.delete", "DELETE", "/watermarks/{watermarkId}", watermarks.delete_watermark),
    ApiVideoRoute("webhooks.list", "GET", "/webhooks", webhooks.list_webhooks),
    ApiVideoRoute("webhooks.create", "POST", "/webhooks", webhooks.create_webhook),
    ApiVideoRoute("webhooks.get", "GET", WEBHOOK, webhooks.get_webhook),
    ApiVideoRoute("webhooks.delete", "DELETE", WEBHOOK, webhooks.delete_webhook),
    ApiVideoRoute("tags.list", "GET", "/tags", tags.list_tags),
    ApiVideoRoute("summaries.list", "GET", "/summaries", summaries.list_summaries),
    ApiVideoRoute("summaries.create", "POST", "/summaries", summaries.create_summary),
    ApiVideoRoute("summaries.delete", "DELETE", SUMMARY, summaries.delete_summary),
    ApiVideoRoute("summaries.get_source", "GET", f"{SUMMARY}/source", summaries.get_summary_source),
    ApiVideoRoute("summaries.update_source", "PATCH", f"{SUMMARY}/source", summaries.update_summary_source),
    ApiVideoRoute("analytics.metric", "GET", "/data/metrics/{metric}/{aggregation}", analytics.aggregate),
    ApiVideoRoute("analytics.breakdown", "GET", "/data/buckets/{metric}/{breakdown}", analytics.breakdown),
    ApiVideoRoute("analytics.timeseries", "GET", "/data/timeseries/{metric}", analytics.timeseries),
)
BY_NAME: Final = {route.operation: route for route in ROUTES}


def match_path(path: str) -> dict[str, tuple[ApiVideoRoute, dict[str, str]]]:
    """Return the routes of a path by method, each with the path parameters by name."""
    parts = path.split("/")
    found = {}
    for route in ROUTES:
        names = route.path.split("/")
        if len(names) != len(parts):
            continue
        pairs = list(zip(names, parts, strict=True))
        if all(name == part or (name.startswith("{") and part) for name, part in pairs):
            parameters = {name[1:-1]: part for name, part in pairs if name.startswith("{")}
            found[route.method] = (route, parameters)
    return found
