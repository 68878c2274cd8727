# SPDX-License-Identifier: Apache-2.0
"""The description of api.video agrees with the recovered facts in `tests/facts`."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from callwell import providers
from callwell.client.calls.operations import find_operation, plan_undescribed
from callwell.core import paging
from tests.facts.apivideo import FILE

APIVIDEO: Final = providers.load("apivideo")
PROFILE: Final = APIVIDEO.profile
FREE: Final = {"auth.authenticate", "auth.refresh"}
UPLOADS: Final = {"videos.upload", "videos.upload_with_token"}
MIB: Final = 1 << 20


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """The facts about api.video."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def test_quotas(facts: dict[str, Any]) -> None:
    """Each environment has the documented limits, in windows that reset all at once."""
    for name, limits in facts["quotas"].items():
        assert limits.keys() == {"sandbox", "production"}
        for environment, limit in limits.items():
            quota = APIVIDEO.in_environment(environment).profile.quotas[name.lower()]
            assert (quota.limit, quota.window_s, quota.window) == (limit, 60, "fixed")
    assert len(facts["quotas"]) == len(PROFILE.quotas) == 3


def test_codes(facts: dict[str, Any]) -> None:
    """Every documented error code is known with its status, and no other."""
    find_operation = {code: rule.status for code, rule in PROFILE.errors.codes.items()}
    assert find_operation == facts["codes"] | {"invalid-query-parameter": 400}


def test_classes() -> None:
    """Every operation counts against one quota, by its method; uploads of videos have their own, tokens none."""
    for operation in APIVIDEO.api.operations.values():
        quotas = find_operation(APIVIDEO, operation.name).plan.quotas
        if operation.name in FREE:
            assert quotas == ()
        elif operation.name in UPLOADS:
            assert quotas == ("uploads",)
        else:
            assert quotas == (("reads",) if operation.method == "GET" else ("writes",)), operation.name
    assert plan_undescribed(APIVIDEO, "PATCH").quotas == ("writes",)


def test_environments_are_apart() -> None:
    """Each has an address and a key variable, and the sandbox says what happens to files."""
    production, sandbox = (APIVIDEO.in_environment(name) for name in ("production", "sandbox"))
    assert (production.profile.key.env, sandbox.profile.key.env) == ("APIVIDEO_API_KEY", "APIVIDEO_SANDBOX_API_KEY")
    assert APIVIDEO.environment().base_url == "https://ws.api.video"
    assert APIVIDEO.environment("sandbox").base_url == "https://sandbox.api.video"
    rule = PROFILE.environments["sandbox"].sandbox
    assert rule
    assert (rule.cut_s, rule.watermark, rule.kept_s) == (30, True, 86_400)
    assert production is APIVIDEO


def test_what_may_be_repeated() -> None:
    """Creating and renewing a token are never repeated blindly; setting a value is."""
    unsafe = {
        operation.name
        for operation in APIVIDEO.api.operations.values()
        if not find_operation(APIVIDEO, operation.name).plan.traits.repeatable
    }
    assert unsafe == {
        *("auth.refresh", "videos.create", "upload_tokens.create", "live_streams.create", "players.create"),
        *("webhooks.create", "summaries.create", "summaries.update_source", "watermarks.upload"),
        *("videos.upload", "videos.upload_with_token", "captions.upload", "chapters.upload"),
    }


def test_uploads() -> None:
    """Both ways of sending a file have the documented limits."""
    for name in UPLOADS:
        rule = APIVIDEO.rule(name).upload
        assert rule
        assert (rule.min_piece, rule.max_piece, rule.max_pieces) == (5 * MIB, 200 * MIB, 10_000)
        assert (rule.max_bytes, rule.max_duration_s) == (30 << 30, 1440 * 60)
        assert rule.range_format.format(piece=2, pieces=rule.unknown_total) == "part 2/*"
        assert {*rule.received_codes, *rule.complete_codes} <= PROFILE.errors.codes.keys()
    tokened = APIVIDEO.rule("videos.upload_with_token").upload
    assert tokened
    assert (tokened.token, tokened.target_from) == ("token", 2)


@pytest.mark.parametrize("name", [name for name, rule in PROFILE.operations.items() if rule.paging])
def test_lists(name: str) -> None:
    """Every list is read by page up to 100 items, by totals, and by links where these are missing."""
    rule = APIVIDEO.rule(name).paging
    assert rule
    assert (rule.max_size, rule.position, rule.size) == (100, "currentPage", "pageSize")
    links = [{"rel": "self", "uri": "/x"}, {"rel": "next", "uri": "/x?currentPage=2"}]
    body = {"data": [], "pagination": {"itemsTotal": 7, "pagesTotal": 2, "links": links}}
    page = paging.parse_page(rule, paging.start_walk(rule).position, body)
    assert (page.total_items, page.total_pages, page.next_position) == (7, 2, "/x?currentPage=2")
