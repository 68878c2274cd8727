# SPDX-License-Identifier: Apache-2.0
"""Calls of api.video follow its profile, over a scripted transport."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from msgspec.structs import replace

from callwell import Client, errors, providers
from callwell.errors import InvalidOption, UnknownName
from callwell.keys import Key
from callwell.providers.apivideo.client import Code
from callwell.testing import ScriptedTransport
from tests.client.world import ScriptedProvider, make_response

if TYPE_CHECKING:
    from callwell.description.provider import Provider
    from callwell.providers.apivideo.client import Apivideo
    from callwell.providers.typed import DynamicClient
    from callwell.transport.base import Response

MIB: Final = 1 << 20


def client(world: ScriptedProvider) -> Apivideo:
    """A client that sends to a script."""
    return Client("apivideo", key=Key("the-key"), transport=ScriptedTransport(world.reply), clock=world.clock)


def test_a_walk_ends_by_totals_or_by_links() -> None:
    """Totals end a walk; without them, the page without a next link does."""
    known: tuple[dict[str, Any], ...] = ({"itemsTotal": 2, "pagesTotal": 2}, {})
    for totals in known:
        onward = [{"rel": "next", "uri": "/videos?currentPage=2"}]
        pages = [("a", totals | {"links": onward}), ("b", totals | {"links": []})]
        world = ScriptedProvider(
            *(make_response(200, {"data": [{"videoId": one}], "pagination": page}) for one, page in pages)
        )
        with client(world) as api:
            pager = api.videos.list(tags=["x y"], metadata={"k": "v"})
            assert [item["videoId"] for item in pager] == ["a", "b"]
            assert pager.verdict.end == "complete"
        begin = "https://ws.api.video/videos?tags%5B%5D=x%20y&metadata%5Bk%5D=v"
        assert world.urls == [f"{begin}&currentPage={page}&pageSize=100" for page in (1, 2)]


def test_the_key_is_shown_where_it_belongs() -> None:
    """It is the user name of Basic authentication; delegated uploads and requests for tokens do not have it."""
    world = ScriptedProvider(make_response(201, {"videoId": "v"}))
    with client(world) as api:
        api.videos.create(title="t")
        api.call("videos.upload_with_token", token="to1", file=b"film")
        api.auth.refresh(refresh_token="r")
    created, delegated, renewed = (dict(item.request.headers) for item in world.sent)
    assert created["authorization"] == "Basic dGhlLWtleTo="
    assert "authorization" not in delegated | renewed
    assert world.urls[1] == "https://ws.api.video/upload?token=to1"
    assert delegated["content-type"].startswith("multipart/form-data; boundary=")


def test_errors_say_what_is_wrong() -> None:
    """The code is the end of the type's URL; each problem has its parameter."""
    problems = [
        {"type": "https://docs.api.video/reference/attribute-required", "title": "It is required.", "name": "title"},
        {
            "type": "https://docs.api.video/reference/invalid-attribute",
            "title": "Bad.",
            "detail": "Worse.",
            "name": "tags",
        },
    ]
    with client(ScriptedProvider(make_response(400, {**problems[0], "status": 400, "problems": problems}))) as api:
        with pytest.raises(errors.BadRequest) as caught:
            api.videos.create(title="")
        error = caught.value
    assert str(error) == "apivideo videos.create: 400 attribute-required: title: It is required.; tags: Worse."
    assert [(problem.code, problem.parameter) for problem in error.problems] == [
        ("attribute-required", "title"),
        ("invalid-attribute", "tags"),
    ]
    assert error.code == Code.ATTRIBUTE_REQUIRED


def test_errors_without_a_code() -> None:
    """Without a type there is no code, but a message."""
    body = {"title": "Out of range.", "name": "page", "range": {"min": 1}, "status": 400}
    with client(ScriptedProvider(make_response(400, body))) as api, pytest.raises(errors.BadRequest) as caught:
        api.tags.list().pages().__next__()
    assert (caught.value.code, str(caught.value)) == (None, "apivideo tags.list: 400: page: Out of range.")


def test_a_429_waits_for_the_end_of_the_window() -> None:
    """The header counts on a 429 alone."""
    taught: dict[str, Any] = {"x_ratelimit_limit": "500", "x_ratelimit_retry_after": "37"}
    slug = {"type": "https://docs.api.video/reference/too-many-requests", "status": 429}
    refused = make_response(429, slug, x_ratelimit_remaining="0", **taught)
    failed = make_response(503, {}, x_ratelimit_remaining="499", **taught)
    for first, waited in ((refused, True), (failed, False)):
        world = ScriptedProvider(first, make_response(200, {"videoId": "v"}, x_ratelimit_remaining="498", **taught))
        with client(world) as api:
            assert api.videos.get(video_id="v") == {"videoId": "v"}
        assert (world.times[1] >= 37) is waited


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda api: api.videos.create(title="t", language="xx"), "one of ar, ca, cs"),
        (lambda api: api.videos.create(title="t", metadata=[{"key": "a", "valeu": "b"}]), "did you mean value"),
        (lambda api: api.videos.create(), "title"),
        (lambda api: api.videos.upload_thumbnail(video_id="v", file=b"x" * (8 * MIB + 1)), "8388608 bytes"),
        (lambda api: api.players.upload_logo(player_id="p", file=b""), "a file of 1 to 102400 bytes"),
        (lambda api: api.videos.list(page_size=101), "1 to 100"),
        (lambda api: api.analytics.breakdown(metric="play", breakdown="city"), "one of media-id"),
        (lambda api: api.analytics.breakdown(metric="play", breakdown="country", filter_by={"town": "x"}), "country"),
        (lambda api: api.live_streams.create(name="n", restreams=[{"name": "x"}]), "server"),
    ],
)
def test_mistakes_are_found_before_anything_is_sent(call: Any, message: str) -> None:
    """A wrong language, field, size or filter never reaches the provider."""
    world = ScriptedProvider(make_response(200, {}))
    with client(world) as api, pytest.raises((InvalidOption, UnknownName, TypeError), match=message):
        call(api)
    assert world.sent == []


def test_norwegian_is_a_language() -> None:
    """Other clients take it for false."""
    world = ScriptedProvider(make_response(201, {"videoId": "v"}))
    with client(world) as api:
        api.videos.create(title="t", language="no")
    body = world.sent[0].request.body
    assert isinstance(body, bytes)
    assert msgspec.json.decode(body)["language"] == "no"


def by_links() -> Provider:
    """The provider with videos that are paged by links alone."""
    known = providers.load("apivideo")
    rule = known.rule("videos.list")
    assert rule.paging
    linked = replace(rule, paging=replace(rule.paging, style="next-link"))
    operations = {**known.profile.operations, "videos.list": linked}
    return replace(known, profile=replace(known.profile, operations=operations))


def linked(world: ScriptedProvider) -> DynamicClient:
    """A client of it."""
    return Client(by_links(), key=Key("the-key"), transport=ScriptedTransport(world.reply), clock=world.clock)


def page(one: str, *links: dict[str, str]) -> Response:
    """A page with one video."""
    return make_response(200, {"data": [{"videoId": one}], "pagination": {"links": list(links)}})


@pytest.mark.parametrize("base", ["", "https://ws.api.video"])
def test_links_are_followed_relative_and_absolute(base: str) -> None:
    """Both forms of a link lead to the same page."""
    world = ScriptedProvider(page("a", {"rel": "next", "uri": f"{base}/videos?currentPage=2&pageSize=1"}), page("b"))
    with linked(world) as api:
        pager = api.videos.list(page_size=1)
        assert ([item["videoId"] for item in pager], str(pager.verdict.end)) == (["a", "b"], "complete")
    assert world.urls == [
        f"https://ws.api.video/videos?{query}" for query in ("pageSize=1", "currentPage=2&pageSize=1")
    ]


@pytest.mark.parametrize("link", ["https://evil.test/videos", "//evil.test/videos", "https://sandbox.api.video/videos"])
def test_a_link_to_another_origin_is_refused(link: str) -> None:
    """The key is sent to the environment's own address alone."""
    world = ScriptedProvider(page("a", {"rel": "next", "uri": link}))
    with (
        linked(world) as api,
        pytest.raises(errors.UnexpectedAnswer, match="the only origin that receives the key") as caught,
    ):
        list(api.videos.list())
    assert "evil" not in str(caught.value)
    assert len(world.sent) == 1


@pytest.mark.parametrize("auth", ["key", "token"])
@pytest.mark.parametrize("target", [{"title": "t"}, {"video_id": "v"}])
def test_a_key_that_is_refused_for_a_file_is_explained_once(target: dict[str, Any], auth: Any) -> None:
    """With many pieces under way, the other environment is tried once, and the error names where the key belongs."""
    refused = make_response(
        401, {"type": "https://docs.api.video/reference/authentication-invalid-api-key", "status": 401}
    )
    traded = make_response(200, {"access_token": "a", "refresh_token": "r", "expires_in": 3600, "token_type": "Bearer"})
    world = ScriptedProvider(lambda request: traded if "sandbox" in request.url else refused)
    transport = ScriptedTransport(world.reply)
    api = Client(
        "apivideo", key=Key("the-key"), transport=transport, clock=world.clock, explain=True, auth=auth, state="memory:"
    )
    with api, pytest.raises(errors.CallwellError, match="belongs to environment sandbox"):
        api.videos.upload(b"film" * (3 << 20), check=False, piece_size=5 * MIB, **target)
    assert [url for url in world.urls if "sandbox" in url] == ["https://sandbox.api.video/auth/api-key"]
