# SPDX-License-Identifier: Apache-2.0
"""The client and the emulated api.video, which know nothing of each other, agree."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from callwell import Client, errors, providers
from callwell.emulator.options import EmulatorOptions
from callwell.keys import Key
from tests.emulator.harness import fetch
from tests.processes.program import start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.description.provider import Provider
    from callwell.emulator.process import Running
    from callwell.providers.apivideo.client import Apivideo

CAPTIONS = b"WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Running]:
    """Both environments of the provider."""
    with start(EmulatorOptions(provider=("apivideo",))) as running:
        yield running


@pytest.fixture
def api(emulator: Running) -> Iterator[Apivideo]:
    """A client of the sandbox."""
    point = emulator.endpoint("apivideo", "sandbox")
    with Client("apivideo", environment="sandbox", base_url=point.base_url, key=Key(point.key)) as result:
        yield result


def test_a_video_is_found_by_its_mark_at_once(api: Apivideo) -> None:
    """What the profile says of markers holds: metadata and tags filter, and all of them must match."""
    created = api.videos.create(title="t", tags=["a", "b"], metadata=[{"key": "mark", "value": "m 1&"}], language="no")
    walk = api.videos.list(metadata={"mark": "m 1&"}, tags=["a", "b"])
    assert [item["videoId"] for item in walk] == [created["videoId"]]
    assert walk.verdict.end == "complete"
    assert list(api.videos.list(metadata={"mark": "m 2"})) == []
    assert list(api.videos.list(tags=["a", "c"])) == []


def test_files_go_there_and_come_back(api: Apivideo) -> None:
    """A form with a file is understood, and the file behind the response's address is what was sent."""
    video = api.videos.create(title="t")["videoId"]
    assert api.captions.upload(video_id=video, language="en", file=CAPTIONS).get("srclang") == "en"
    assert b"".join(api.captions.file(video_id=video, language="en").iter_bytes()) == CAPTIONS
    assert api.captions.update(video_id=video, language="en", default=True).get("default") is True


def test_an_upload_token_is_enough(api: Apivideo) -> None:
    """The key is not shown, and the token alone is requested."""
    token = api.upload_tokens.create(ttl=60).get("token", "")
    assert api.videos.upload_with_token(b"not a film", token=token, check=False).target
    with pytest.raises(errors.Unauthorized) as caught:
        api.videos.upload_with_token(b"not a film", token="to-no-such", check=False)
    assert caught.value.code == "authentication-invalid-upload-token"


def test_a_token_for_renewal_is_good_once(api: Apivideo, emulator: Running) -> None:
    """Both tokens are new each time; the old one is refused, which says nothing of the key."""
    first = api.auth.authenticate(api_key=emulator.endpoint("apivideo", "sandbox").key)
    second = api.auth.refresh(refresh_token=first.get("refresh_token", ""))
    assert {first.get("access_token"), first.get("refresh_token")}.isdisjoint(second.values())
    with pytest.raises(errors.BadRequest):
        api.auth.refresh(refresh_token=first.get("refresh_token", ""))
    assert list(api.watermarks.list()) == []


def test_errors_have_their_codes(api: Apivideo) -> None:
    """The code is the end of the type, the parameter is named."""
    with pytest.raises(errors.BadRequest) as caught:
        api.videos.create(title="")
    assert caught.value.code == "attribute-required"
    assert "title: " in str(caught.value)
    with pytest.raises(errors.NotFound) as missing:
        api.videos.get(video_id="vi404")
    assert missing.value.code == "resource-not-found"


def test_each_request_counts_in_its_class() -> None:
    """Reads, writes and uploads have permits of their own, getting tokens needs none; no one else spends here."""
    with start(EmulatorOptions(provider=("apivideo",))) as alone:
        point = alone.endpoint("apivideo", "sandbox")
        _count(point.base_url, Key(point.key))


def _count(base_url: str, key: Key) -> None:
    with Client("apivideo", environment="sandbox", base_url=base_url, key=key) as api:
        video = api.videos.create(title="t")["videoId"]
        api.videos.get(video_id=video)
        api.videos.upload(b"not a film", video_id=video, check=False)
        api.auth.authenticate(api_key=key.reveal())
        # The second read asks what has come of the upload.
        assert api.spent() == {"reads": (2, 100), "writes": (1, 40), "uploads": (1, 40)}


def test_a_key_of_the_other_environment_is_refused(emulator: Running) -> None:
    """The sandbox's key opens nothing in production."""
    key = Key(emulator.endpoint("apivideo", "sandbox").key)
    there = emulator.endpoint("apivideo", "production").base_url
    with Client("apivideo", base_url=there, key=key) as api, pytest.raises(errors.KeyProblem):
        list(api.tags.list())


def by_links(provider: Provider) -> Provider:
    """A provider with lists of videos that are read by links alone."""
    rule = provider.rule("videos.list")
    assert rule.paging
    linked = replace(rule, paging=replace(rule.paging, style="next-link"))
    operations = {**provider.profile.operations, "videos.list": linked}
    return replace(provider, profile=replace(provider.profile, operations=operations))


def reset(emulator: Running, **options: Any) -> None:
    """Begin the production again with other options."""
    body = json.dumps({"provider": "apivideo/production", **options}).encode()
    assert fetch(f"{emulator.control}/reset", "POST", body=body).status == 200


@pytest.mark.parametrize("absolute", [True, False])
def test_links_lead_on(emulator: Running, absolute: bool) -> None:  # noqa: FBT001 - drawn
    """Relative links and absolute ones are followed to the end of the list."""
    reset(emulator, absolute_links=absolute, links_origin="")
    point = emulator.endpoint("apivideo", "production")
    with Client(by_links(providers.load("apivideo")), base_url=point.base_url, key=Key(point.key)) as api:
        result = {api.videos.create(title=str(number))["videoId"] for number in range(3)}
        walk = api.videos.list(page_size=1)
        assert ({item["videoId"] for item in walk}, walk.verdict.end, walk.verdict.pages) == (result, "complete", 3)


def test_links_that_lie_get_nothing(emulator: Running) -> None:
    """A link to another origin is refused where links are followed, and not looked at where pages are counted."""
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        reset(emulator, links_origin=f"http://127.0.0.1:{elsewhere.getsockname()[1]}")
        point = emulator.endpoint("apivideo", "production")
        with Client("apivideo", base_url=point.base_url, key=Key(point.key)) as api:
            for number in range(3):
                api.videos.create(title=str(number))
            counted = api.videos.list(page_size=1)
            assert (len(list(counted)), counted.verdict.end) == (3, "complete")
        with Client(by_links(providers.load("apivideo")), base_url=point.base_url, key=Key(point.key)) as api:
            linked = api.videos.list(page_size=1)
            with pytest.raises(errors.UnexpectedAnswer, match="the only origin that receives the key"):
                list(linked)
            assert linked.verdict.end == "truncated"
        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    reset(emulator, links_origin="")
