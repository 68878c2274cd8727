# SPDX-License-Identifier: Apache-2.0
"""The description of Userplane agrees with the recovered facts in `tests/facts`."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from callwell import providers
from callwell.core import paging
from callwell.description import schemas
from tests.facts.userplane import FILE

USERPLANE: Final = providers.load("userplane")

NAMES: Final = [
    *("me.get", "workspaces.list", "workspaces.get", "workspaces.invite_url", "projects.list", "projects.get"),
    *("links.list", "links.create", "links.get", "links.update", "links.delete", "recordings.list", "recordings.get"),
    *("recordings.delete", "recordings.video", "recordings.thumbnail", "recordings.console_log"),
    *("recordings.network_log", "recordings.action", "search.search", "domains.list", "members.list"),
]
"""The operations, in the order of the papers."""

ASSUMED: Final = {"BAD_REQUEST", "NOT_FOUND", "INTERNAL_SERVER_ERROR"}
"""Codes that the papers guess at: the profile lists documented ones only."""


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """The facts about Userplane."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def test_operations(facts: dict[str, Any]) -> None:
    """All 22 operations have the documented methods and paths."""
    rows = facts["operations"]
    assert [row["number"] for row in rows] == list(range(1, 23))
    expected = [(row["method"], row["path"]) for row in rows]
    operations = [USERPLANE.operation(name) for name in NAMES]
    assert [(item.method, item.path) for item in operations] == expected
    assert set(USERPLANE.api.operations) == set(NAMES)


def test_codes(facts: dict[str, Any]) -> None:
    """All documented codes are there with their statuses, and no other."""
    invented = set(facts["codes_of_clients"])
    assert invented == {"REQUEST_TIMEOUT"}
    expected = {code: status for code, status in facts["codes"].items() if code not in invented | ASSUMED}
    assert {code: rule.status for code, rule in USERPLANE.profile.errors.codes.items()} == expected


def test_quotas(facts: dict[str, Any]) -> None:
    """The quotas are the documented ones."""
    limits = facts["limits"]
    expected = {name: limits[f"Requests per {name}"] for name in ("minute", "day")}
    assert {name: quota.limit for name, quota in USERPLANE.profile.quotas.items()} == expected
    windows = [quota.window_s for quota in USERPLANE.profile.quotas.values()]
    assert windows == limits["Window type"]["seconds"] == [60, 86_400]


def test_dead_keys() -> None:
    """The codes that mean a revoked or expired key are known."""
    codes = USERPLANE.profile.errors.codes
    assert {code for code, rule in codes.items() if rule.dead_key} == {
        *("API_KEY_INVALID", "API_KEY_EXPIRED", "API_KEY_DISABLED")
    }
    assert {code for code, rule in codes.items() if rule.not_done} == {"SERVICE_UNAVAILABLE"}


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("workspaces.list", 20),
        ("projects.list", 10),
        ("links.list", 20),
        ("recordings.list", 20),
        ("domains.list", 10),
        ("members.list", 10),
    ],
)
def test_lists(name: str, most: int) -> None:
    """Every list is read by page, with the largest size allowed."""
    rule = USERPLANE.rule(name).paging
    assert rule
    assert (rule.max_size, rule.position, rule.size) == (most, "page", "per_page")
    taken = {parameter.wire_name: parameter for parameter in USERPLANE.operation(name).parameters}
    assert taken["per_page"].schema["maximum"] == most
    assert not taken["page"].required
    key = rule.items.rpartition(".")[2]
    pages = {"page": 1, "perPage": most, "total": 1, "totalPages": 1, "hasMore": False}
    body = {"data": {key: [{rule.key: "x"}], "pagination": pages}}
    page = paging.parse_page(rule, paging.start_walk(rule).position, body)
    assert (page.keys, page.has_more, page.total_items, page.total_pages) == (("x",), False, 1, 1)


def test_lists_in_queries_are_indexed() -> None:
    """Every parameter with several values says how they are written."""
    several = [
        parameter
        for name in NAMES
        for parameter in USERPLANE.operation(name).parameters
        if "array" in schemas.type_names(parameter.schema)
    ]
    assert {item.name for item in several} == {"created_by", "project_id", "link_id", "domain_id"}
    assert {item.schema["x-array-style"] for item in several} == {"indexed"}


def test_details_of_a_recording_may_be_null() -> None:
    """All details of a recording except IDs can be null."""
    recording = schemas.at_path(USERPLANE.operation("recordings.get").response_schema, "data.recording")
    meta = schemas.at_path(recording or {}, "meta")
    assert recording
    assert meta
    inner = schemas.alternatives(meta)[0]
    for properties in (recording["properties"], inner["properties"]):
        for name, schema in properties.items():
            assert schemas.is_nullable(schema) is not name.endswith("Id"), name


def test_assets_and_export() -> None:
    """A recording has five files, and an export fetches all of them."""
    rule = USERPLANE.profile.export
    assert rule
    assert set(rule.assets) == {name for name in NAMES if USERPLANE.rule(name).asset}
    assert [one.name for name in rule.assets if (one := USERPLANE.rule(name).asset)] == [
        "recordings/{recording_id}/video.webm",
        "recordings/{recording_id}/thumbnail.webp",
        "recordings/{recording_id}/console-log.json",
        "recordings/{recording_id}/network-log.json",
        "recordings/{recording_id}/action.json",
    ]


@pytest.mark.parametrize(
    ("name", "required"),
    [
        ("links.create", ["workspace_id", "domain_id"]),
        ("links.update", ["workspace_id", "link_id"]),
        ("search.search", ["workspace_id", "q", "type"]),
        ("recordings.list", ["workspace_id"]),
        ("me.get", []),
    ],
)
def test_what_must_be_given(name: str, required: list[str]) -> None:
    """The required arguments are the documented ones."""
    assert [parameter.name for parameter in USERPLANE.operation(name).parameters if parameter.required] == required


def test_metadata_of_links_under_both_names() -> None:
    """`linkMeta` is sent; responses may have `linkMeta` or `meta`."""
    for name in ("links.create", "links.update"):
        assert "linkMeta" in {parameter.wire_name for parameter in USERPLANE.operation(name).parameters}
        link = schemas.at_path(USERPLANE.operation(name).response_schema, "data.link")
        assert link
        assert {"linkMeta", "meta"} <= set(link["properties"])
