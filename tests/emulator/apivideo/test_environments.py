# SPDX-License-Identifier: Apache-2.0
"""Two environments that share nothing: keys, tokens, quotas and videos of one are nothing to the other."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING

import pytest

from tests.emulator.apivideo.harness import Site, basic_header, error_slug
from tests.emulator.harness import fetch

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.harness import Emulated


@pytest.fixture
def pair(emulate: Callable[..., Emulated]) -> dict[str, Site]:
    """Both environments with their own quotas."""
    emulated = emulate(provider=("apivideo",))
    return {name: Site(emulated, name) for name in ("production", "sandbox")}


def test_a_key_opens_its_own_environment_only(pair: dict[str, Site]) -> None:
    """A key of the sandbox is unknown to the production, in a header and for a token."""
    production, sandbox = pair.values()
    assert sandbox.call("GET", "/videos").status == 200
    strange = fetch(production.base + "/videos", headers=basic_header(sandbox.key))
    assert (strange.status, error_slug(strange)) == (401, "authentication-invalid-api-key")
    asked = production.call("POST", "/auth/api-key", {"apiKey": sandbox.key})
    assert (asked.status, error_slug(asked)) == (400, "authentication-invalid-user-credentials")


@pytest.mark.parametrize(("name", "limits"), [("production", ("100", "200", "500")), ("sandbox", ("40", "40", "100"))])
def test_three_quotas(pair: dict[str, Site], name: str, limits: tuple[str, str, str]) -> None:
    """Uploads, writes and reads are counted apart, each by its environment's limit."""
    site = pair[name]
    video_id = site.video()
    reported = [
        site.upload_form(f"/videos/{video_id}/source", b"x").headers,
        site.call("POST", "/upload-tokens", {}).headers,
        site.call("GET", "/videos").headers,
    ]
    assert tuple(headers["x-ratelimit-limit"] for headers in reported) == limits
    lefts = tuple(
        int(limit) - int(headers["x-ratelimit-remaining"]) for limit, headers in zip(limits, reported, strict=True)
    )
    assert lefts == (1, 2, 1)


def test_a_full_window(pair: dict[str, Site]) -> None:
    """Beyond the limit everything of the class is 429 until the window ends, and nothing of another class."""
    site = pair["sandbox"]
    answers = [site.call("POST", "/upload-tokens", {}) for _ in range(41)]
    assert [answer.status for answer in answers] == [200] * 40 + [429]
    refused = answers[-1]
    assert refused.json == {
        "type": "https://docs.api.video/reference/too-many-requests",
        "title": "Too many requests.",
        "status": 429,
    }
    assert site.call("GET", "/videos").status == 200
    wait = int(refused.headers["x-ratelimit-retry-after"])
    site.emulated.control("/clock", {"advance_s": wait})
    assert site.call("POST", "/upload-tokens", {}).status == 200
    counts = site.counts()
    assert (counts["over_quota"], counts["over_quota_by"]["writes"]) == (1, 1)


def test_coming_back_early_is_counted(pair: dict[str, Site]) -> None:
    """Who comes back before the window ends is counted, though the header is there on every response."""
    site = pair["sandbox"]
    site.reset(reads=1)
    for _ in range(2):
        site.call("GET", "/videos")
    site.emulated.control("/clock", {"advance_s": 1})
    rows = [row for row in site.emulated.rows() if row["status"] == 429]
    assert rows[0]["retry_until_s"] > rows[0]["arrived_s"]


def test_bearer_tokens(pair: dict[str, Site]) -> None:
    """Tokens look like JWTs; a refresh makes both new and uses the old one up; they end when they say."""
    site = pair["production"]
    first = site.call("POST", "/auth/api-key", {"apiKey": site.key}, without_key=True).json
    assert (first["token_type"], first["expires_in"]) == ("Bearer", 3600)
    claims = first["access_token"].split(".")[1]
    reported = json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert reported["exp"] - reported["iat"] == 3600
    assert reported["projectId"].startswith("pr")
    text = {"Content-Type": "text/plain;charset=UTF-8"}
    body = {"refreshToken": first["refresh_token"]}
    second = site.call("POST", "/auth/refresh", body, headers=text, without_key=True).json
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    again = site.call("POST", "/auth/refresh", body, without_key=True)
    assert (again.status, error_slug(again)) == (400, "authentication-invalid-user-credentials")
    bearer = {"Authorization": f"Bearer {second['access_token']}"}
    assert site.call("GET", "/videos", headers=bearer, without_key=True).status == 200
    site.emulated.control("/clock", {"advance_s": 3600})
    assert (
        error_slug(site.call("GET", "/videos", headers=bearer, without_key=True))
        == "authentication-invalid-access-token"
    )


def test_tokens_die_with_their_key(pair: dict[str, Site]) -> None:
    """A key that was rotated takes its tokens with it."""
    site = pair["production"]
    token = site.call("POST", "/auth/api-key", {"apiKey": site.key}, without_key=True).json["access_token"]
    site.emulated.control("/keys/rotate", {"provider": "apivideo/production"})
    bearer = {"Authorization": f"Bearer {token}"}
    assert site.call("GET", "/videos", headers=bearer, without_key=True).status == 401


def test_the_control_port_wants_to_know_which(pair: dict[str, Site]) -> None:
    """Where two environments could be meant, one must be named."""
    answer = pair["production"].emulated.control_response("/keys/rotate", {"provider": "apivideo"})
    assert answer.status == 400
    assert "apivideo/production, apivideo/sandbox" in answer.json["error"]


def test_browsers_may_ask(pair: dict[str, Site]) -> None:
    """A preflight is answered, and every response may be read from any page."""
    site = pair["sandbox"]
    preflight = site.call("OPTIONS", "/upload", without_key=True)
    assert (preflight.status, preflight.headers["access-control-allow-origin"]) == (204, "*")
    assert site.call("GET", "/videos").headers["access-control-allow-origin"] == "*"
