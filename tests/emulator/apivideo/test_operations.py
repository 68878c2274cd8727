# SPDX-License-Identifier: Apache-2.0
"""All 59 operations answer with their documented status, and 57 of them send quota headers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from callwell.emulator.apivideo.routes import BY_NAME, ROUTES
from tests.emulator.apivideo.harness import JPEG, VTT, Site, form
from tests.emulator.harness import fetch
from tests.emulator.schemas import complaints, operations

if TYPE_CHECKING:
    from tests.emulator.harness import HttpResponse

CREATED = {
    *("videos.create", "videos.upload", "videos.upload_with_token", "live_streams.upload_thumbnail", "players.create"),
    *("players.upload_logo", "webhooks.create", "summaries.create", "summaries.update_source"),
}
EMPTY = {name for name in BY_NAME if name.endswith(".delete")} | {"players.delete_logo"}
STATUSES = dict.fromkeys(CREATED, 201) | dict.fromkeys(EMPTY, 204) | {"live_streams.complete": 202}
WEBHOOK = {"events": ["video.source.recorded"], "url": "http://127.0.0.1:1/"}

# Those with an object in their path; the paths of analytics name metrics.
WITH_ID = [name for name in BY_NAME if "{" in BY_NAME[name].path and not name.startswith("analytics.")]

BODIES: dict[str, Any] = {
    "videos.create": {"title": "x"},
    "videos.update": {"title": "y"},
    "videos.pick_thumbnail": {"timecode": "00:15:22.05"},
    "discarded_videos.update": {"discarded": False},
    "upload_tokens.create": {"ttl": 10},
    "captions.update": {"default": True},
    "live_streams.create": {"name": "x"},
    "live_streams.update": {"name": "y"},
    "players.create": {},
    "players.update": {"name": "y"},
    "webhooks.create": WEBHOOK,
    "summaries.update_source": {"abstract": "x", "takeaways": ["a", "b", "c"]},
}
FILES: dict[str, bytes] = {
    "videos.upload": b"x",
    "videos.upload_with_token": b"x",
    "videos.upload_thumbnail": JPEG,
    "captions.upload": VTT,
    "chapters.upload": VTT,
    "live_streams.upload_thumbnail": JPEG,
    "players.upload_logo": JPEG,
    "watermarks.upload": JPEG,
}
OWNERS = {"live_streams": "/live-streams", "players": "/players", "webhooks": "/webhooks", "summaries": "/summaries"}


def made(site: Site, operation: str) -> dict[str, str]:
    """Ids of things that an operation can be about: a video, and what else its path is about."""
    path = BY_NAME[operation].path
    video_id = site.video()
    ids = {"videoId": video_id, "language": "en", "metric": "play", "aggregation": "count", "breakdown": "country"}
    if "discarded" in operation:
        site.call("DELETE", f"/videos/{video_id}")
    for root, name, body in (
        ("/live-streams", "liveStreamId", {"name": "x"}),
        ("/players", "playerId", {}),
        ("/webhooks", "webhookId", WEBHOOK),
    ):
        if path.startswith(root):
            ids[name] = site.call("POST", root, body).json[name]
    if path.startswith("/upload"):
        ids["uploadToken"] = site.call("POST", "/upload-tokens", {}).json["token"]
    if path.startswith("/watermarks"):
        ids["watermarkId"] = site.upload_form("/watermarks", JPEG).json["watermarkId"]
    if path.startswith("/videos"):
        for kind in ("captions", "chapters"):
            site.upload_form(f"/videos/{video_id}/{kind}/en", VTT)
    if path.startswith("/summaries"):
        summarised = site.video()
        ids["summaryId"] = site.call("POST", "/summaries", {"videoId": summarised, "origin": "auto"}).json["summaryId"]
    return ids


def perform(site: Site, operation: str) -> HttpResponse:
    """One request to an operation, which must succeed."""
    route = BY_NAME[operation]
    ids = made(site, operation)
    path = route.path.format(**ids)
    body = BODIES.get(operation)
    headers = dict[str, str]()
    if operation == "auth.authenticate":
        body = {"apiKey": site.key}
    if operation == "auth.refresh":
        body = {"refreshToken": site.call("POST", "/auth/api-key", {"apiKey": site.key}).json["refresh_token"]}
    if operation == "summaries.create":
        body = {"videoId": ids["videoId"]}
    if operation == "videos.upload_with_token":
        path += f"?token={ids['uploadToken']}"
    if operation in FILES:
        body, headers = form(("file", "file", FILES[operation]))
    return site.call(route.method, path, body, headers=headers)


@pytest.fixture
def restoring(site: Site) -> Site:
    """A production that can restore videos."""
    site.reset(video_restore=True)
    return site


def test_there_are_59() -> None:
    """The table has every operation once, at the path and under the name of the description."""
    assert len(ROUTES) == len(BY_NAME) == 59
    names = {place: about["operationId"] for place, about in operations("apivideo").items()}
    assert {(route.method, route.path): route.operation for route in ROUTES} == names


@pytest.mark.parametrize("operation", BY_NAME)
def test_success(restoring: Site, operation: str) -> None:
    """Every operation succeeds as it is documented; creation is not always 201."""
    answer = perform(restoring, operation)
    expected = STATUSES.get(operation, 200)
    assert answer.status == expected, answer.body
    route = BY_NAME[operation]
    described = operations("apivideo")[route.method, route.path]["responses"][str(answer.status)]
    if answer.body:
        schema = described["content"]["application/json"]["schema"]
        assert list(complaints("apivideo", answer.json, schema)) == []
    assert bool(answer.body) == (expected not in (202, 204))
    reported = {name: value for name, value in answer.headers.items() if name.startswith("x-ratelimit-")}
    if operation.startswith("auth."):
        assert reported == {}
        return
    assert set(reported) == {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-retry-after"}
    assert all(re.fullmatch(r"\d+", value) for value in reported.values())
    assert 1 <= int(reported["x-ratelimit-retry-after"]) <= 60


@pytest.mark.parametrize("operation", WITH_ID)
def test_what_is_not_there(site: Site, operation: str) -> None:
    """An object that does not exist is 404, with the headers of the quota."""
    route = BY_NAME[operation]
    body = BODIES.get(operation)
    headers = dict[str, str]()
    if operation in FILES:
        body, headers = form(("file", "file", FILES[operation]))
    path = re.sub(r"\{(?!language)\w+\}", "viNone", route.path).replace("{language}", "en")
    answer = site.call(route.method, path, body, headers=headers)
    assert (answer.status, answer.json["type"].rpartition("/")[2]) == (404, "resource-not-found")
    assert "x-ratelimit-limit" in answer.headers


@pytest.mark.parametrize("operation", [name for name in BY_NAME if not BY_NAME[name].needs_no_key])
def test_nobody_gets_in_without_a_key(site: Site, operation: str) -> None:
    """Every operation but those of the tokens wants a key, or an upload token; a refusal has the headers too."""
    route = BY_NAME[operation]
    answer = site.call(route.method, re.sub(r"\{\w+\}", "x", route.path), without_key=True)
    assert answer.status == 401
    assert "x-ratelimit-limit" in answer.headers


def test_a_repeated_delete(site: Site) -> None:
    """What is deleted is gone: the second time is 404."""
    video_id = site.video()
    assert [site.call("DELETE", f"/videos/{video_id}").status for _ in range(2)] == [204, 404]


def test_patch_replaces_lists(site: Site) -> None:
    """Tags and metadata are replaced as a whole, and an empty list clears them."""
    video_id = site.video(tags=["a", "b"], metadata=[{"key": "k", "value": "v"}])
    path = f"/videos/{video_id}"
    assert site.call("PATCH", path, {"tags": ["c"]}).json["tags"] == ["c"]
    cleared = site.call("PATCH", path, {"tags": [], "metadata": []}).json
    assert (cleared["tags"], cleared["metadata"]) == ([], [])
    assert site.call("GET", path).json["title"] == "A video"


def test_default_caption(site: Site) -> None:
    """A caption is no default until it is made one; then no other is."""
    path = f"/videos/{site.video()}/captions"
    for language in ("en", "fr"):
        assert site.upload_form(f"{path}/{language}", VTT).json["default"] is False
        site.call("PATCH", f"{path}/{language}", {"default": True})
    listed = {each["srclang"]: each["default"] for each in site.call("GET", path).json["data"]}
    assert listed == {"en": False, "fr": True}


def test_player_logo(site: Site) -> None:
    """A theme has no logo before it is uploaded and none after it is deleted; in between it has its link."""
    player = site.call("POST", "/players", {}).json
    assert (player["text"], player["assets"]["logo"]) == ("rgba(255, 255, 255, 1)", None)
    path = f"/players/{player['playerId']}"
    shown = site.upload_form(f"{path}/logo", JPEG, link="https://example.test").json
    assert shown["assets"]["link"] == "https://example.test"
    assert fetch(shown["assets"]["logo"]).body == JPEG
    assert site.call("DELETE", f"{path}/logo").status == 204
    assert site.call("GET", path).json["assets"]["logo"] is None


def test_discarded(restoring: Site) -> None:
    """A discarded video is 404 where it was, has no assets, and can be taken back with its file."""
    site = restoring
    video_id = restoring.video()
    site.call("DELETE", f"/videos/{video_id}")
    assert site.call("GET", f"/videos/{video_id}").status == 404
    assert site.call("GET", "/videos").json["data"] == []
    shown = site.call("GET", f"/discarded/videos/{video_id}").json
    assert (shown["discarded"], shown["assets"]) == (True, None)
    assert shown["deletesAt"] > shown["discardedAt"]
    refused = site.call("PATCH", f"/discarded/videos/{video_id}", {"discarded": True})
    assert (refused.status, refused.json["detail"]) == (400, "Value must be false.")
    assert site.call("PATCH", f"/discarded/videos/{video_id}", {"discarded": False}).json["discarded"] is False
    assert site.call("GET", f"/videos/{video_id}").status == 200


def test_discarded_for_ninety_days(restoring: Site) -> None:
    """After ninety days a discarded video is gone for good."""
    video_id = restoring.upload(b"x")
    restoring.call("DELETE", f"/videos/{video_id}")
    restoring.emulated.control("/clock", {"advance_s": 90 * 86_400 - 10})
    assert restoring.call("GET", f"/discarded/videos/{video_id}").status == 200
    restoring.emulated.control("/clock", {"advance_s": 11})
    assert restoring.call("GET", f"/discarded/videos/{video_id}").status == 404
