# SPDX-License-Identifier: Apache-2.0
"""Rules for every response of every provider: content types, empty bodies, allowed methods, required bodies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from callwell.emulator.apivideo.options import ApiVideoOptions
from callwell.emulator.apivideo.routes import ROUTES, match_path
from callwell.emulator.fault_effects import to_outgoing
from callwell.emulator.messages import IncomingRequest, Reply
from callwell.emulator.storage import StoredObject, serve_object
from tests.emulator.apivideo.harness import VTT, Site
from tests.emulator.harness import fetch
from tests.emulator.language_confidence.harness import NAME, AssessmentService, problems
from tests.emulator.sample_requests import resource_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.harness import Emulated

ROOMY = {f"apivideo.{name}": "10000" for name in ("uploads", "writes", "reads")}
TAKE_JSON = sorted(
    route.operation
    for route in ROUTES
    if route.method in ("POST", "PATCH") and not route.operation.rpartition(".")[2].startswith("upload")
)


@pytest.fixture
def site(emulate: Callable[..., Emulated]) -> Site:
    """A production of api.video without a quota to speak of."""
    return Site(emulate(provider=("apivideo",), settings=ROOMY))


@pytest.mark.parametrize("status", [201, 202, 204, 302, 304, 404, 416, 500])
def test_nothing_has_no_type(status: int) -> None:
    """A response without a body has no content type."""
    names = {name for name, _ in to_outgoing(Reply(status), head=False, wall_s=0.0).headers}
    assert "content-type" not in {name.decode() for name in names}


@pytest.mark.parametrize("head", [False, True])
def test_an_empty_object_keeps_its_type(*, head: bool) -> None:
    """An empty stored object keeps its content type; HEAD sends the headers of GET."""
    from datetime import UTC, datetime

    asset = StoredObject(b"", "text/vtt", "0" * 64, datetime.fromtimestamp(0, UTC))
    reply = serve_object(IncomingRequest("GET", "/", "", {}), asset)
    assert (b"content-type", b"text/vtt") in to_outgoing(reply, head=head, wall_s=0.0).headers
    assert (b"content-type", b"application/json") in to_outgoing(Reply(404, b"{}"), head=head, wall_s=0.0).headers


def test_deleted_and_completed(site: Site) -> None:
    """204 and 202 come without a body and without its type."""
    video = site.video()
    stream = site.call("POST", "/live-streams", {"name": "s"}).json["liveStreamId"]
    for method, path in (("DELETE", f"/videos/{video}"), ("PUT", f"/live-streams/{stream}/complete")):
        answer = site.call(method, path)
        assert (answer.status in (202, 204), answer.body) == (True, b"")
        assert "content-type" not in answer.headers


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation)
def test_allowed_methods(site: Site, route: Any) -> None:
    """A 405 names every method that the path has, and no other."""
    path = route.path.replace("{", "x").replace("}", "")
    answer = site.call("TRACE", path)
    assert answer.status == 405
    assert answer.headers["allow"].split(", ") == sorted([*match_path(path), "OPTIONS"])


def test_allowed_methods_elsewhere(emulate: Callable[..., Emulated]) -> None:
    """At a speech service, at a storage, and at the assets of an API's own origin."""
    played = emulate(provider=("userplane", NAME, "apivideo"), settings=ROOMY)
    speech = fetch(
        f"{AssessmentService(played).base}/pronunciation/us", headers={"api-key": AssessmentService(played).key}
    )
    assert (speech.status, speech.headers["allow"]) == (405, "POST")
    stored = fetch(resource_of(played)["url"], "PUT", body=b"x")
    assert (stored.status, stored.headers["allow"]) == (405, "GET, HEAD")
    asset = fetch(f"{Site(played).base}/vod/viNone/mp4/source.mp4", "DELETE")
    assert (asset.status, asset.headers["allow"]) == (405, "GET, HEAD")


def _path_of(site: Site, operation: str) -> tuple[str, str]:
    """Method and path of an operation, with ids that exist."""
    route = next(route for route in ROUTES if route.operation == operation)
    video = site.video()
    ids = {"videoId": video, "language": "en", "uploadToken": "to"}
    if "{liveStreamId}" in route.path:
        ids["liveStreamId"] = site.call("POST", "/live-streams", {"name": "s"}).json["liveStreamId"]
    if "{playerId}" in route.path:
        ids["playerId"] = site.call("POST", "/players", {"name": "p"}).json["playerId"]
    if "{summaryId}" in route.path:
        ids["summaryId"] = site.call("POST", "/summaries", {"videoId": video}).json["summaryId"]
    if operation == "captions.update":
        site.upload_form(f"/videos/{video}/captions/en", VTT)
    if operation == "discarded_videos.update":
        site.call("DELETE", f"/videos/{video}")
    return route.method, route.path.format(**ids)


@pytest.mark.parametrize("operation", TAKE_JSON)
@pytest.mark.parametrize("body", [None, b"", b"  \n"])
def test_a_body_that_must_be_there(emulate: Callable[..., Emulated], operation: str, body: bytes | None) -> None:
    """Every operation that takes a body is refused without one; an empty object is a body."""
    site = Site(emulate(provider=("apivideo",), settings=ROOMY | {"apivideo.video_restore": "true"}))
    method, path = _path_of(site, operation)
    answer = site.call(method, path, body)
    assert answer.status == 400, answer.body
    assert answer.json["type"].rpartition("/")[2] in ("invalid-payload", "attribute-required")


def test_an_empty_object_is_a_body(site: Site) -> None:
    """What requires no attribute takes none."""
    assert site.call("POST", "/upload-tokens", {}).status == 200
    assert site.call("PATCH", f"/videos/{site.video()}", {}).status == 200


def test_speech_without_a_body(emulate: Callable[..., Emulated]) -> None:
    """A missing body is one missing field, not malformed JSON."""
    service = AssessmentService(emulate(provider=(NAME,)))
    assert problems(service.post("/pronunciation/us", b"")) == [("body", "missing")]


@pytest.mark.parametrize("kind", ["application/json", "application/problem+json"])
def test_the_type_of_errors(emulate: Callable[..., Emulated], kind: str) -> None:
    """The documented type, or on demand that of RFC 9457; successes are JSON either way."""
    settings = ROOMY | {"apivideo.problem_json": json.dumps(kind != "application/json"), "apivideo.reads": "2"}
    site = Site(emulate(provider=("apivideo",), settings=settings))
    site.emulated.faults({"operation": "videos.create", "fault": "error_before", "nth": 2, "status": 500})
    assert site.call("GET", "/videos").headers["content-type"] == "application/json"
    wrong = [
        site.call("GET", "/videos?pageSize=0"),
        site.call("GET", "/videos"),
        site.call("GET", "/nothing"),
        site.call("PUT", "/videos"),
        site.call("POST", "/videos", {}),
        site.call("POST", "/videos", {"title": "t"}),
        site.call("GET", "/videos", without_key=True),
    ]
    assert [answer.status for answer in wrong] == [400, 429, 404, 405, 400, 500, 401]
    assert {answer.headers["content-type"] for answer in wrong} == {kind}
    assert ApiVideoOptions().problem_json is False
