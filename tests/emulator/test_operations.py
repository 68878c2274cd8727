# SPDX-License-Identifier: Apache-2.0
"""Every operation answers in the documented shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from callwell.emulator.userplane.routes import ROUTES
from tests.emulator.harness import fetch
from tests.emulator.sample_requests import perform, verified_domain

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.harness import Emulated

PAGINATION: Final = {"page": int, "perPage": int, "total": int, "totalPages": int, "hasMore": bool}
TEXT_OR_NONE: Final = (str, type(None))
WORKSPACE: Final = {"workspaceId": str, "workspaceName": str, "createdAt": str, "updatedAt": str}
PROJECT: Final = {
    "projectId": str, "projectTitle": str, "isDefault": bool, "recordingRetentionDays": int, "createdAt": str,
    "updatedAt": str,
}  # fmt: skip
DOMAIN: Final = {"domainId": str, "domainUrl": str, "domainStatus": str, "createdAt": str, "updatedAt": str}
MEMBER: Final = {"workspaceMemberId": str, "memberName": str, "memberEmail": str, "workspaceRole": str}
CREATOR: Final = {"workspaceMemberId": str, "name": str}
LINK: Final = {
    "linkId": str, "linkTitle": TEXT_OR_NONE, "linkType": str, "linkReusable": bool, "linkProviderType": str,
    "linkProviderId": TEXT_OR_NONE, "linkProviderReference": TEXT_OR_NONE, "linkURL": str,
    "linkMeta": (dict, type(None)), "createdAt": str, "project": {"projectId": str, "title": str},
    "creator": CREATOR, "domain": {"domainId": str, "url": str, "status": str},
}  # fmt: skip
RECORDING: Final = {
    "recordingId": str, "recordingThumbnail": TEXT_OR_NONE, "recordingDurationMs": (int, type(None)),
    "expiresAt": TEXT_OR_NONE, "createdAt": str, "creator": CREATOR, "linkTitle": TEXT_OR_NONE,
}  # fmt: skip
DETAIL: Final = {
    "recordingId": str, "recordingDurationMs": (int, type(None)), "recordingStartedAt": str,
    "meta": {
        "link": {
            "linkId": str, "title": TEXT_OR_NONE, "providerType": str, "providerId": TEXT_OR_NONE,
            "providerRef": TEXT_OR_NONE, "createdAt": str, "providerData": type(None),
        },
        "creator": CREATOR, "project": {"projectId": str, "title": str}, "domain": {"domainId": str, "url": str},
        "workspaceId": str, "status": str, "systemMeta": dict, "customMeta": dict, "notes": TEXT_OR_NONE,
        "expiresAt": TEXT_OR_NONE, "createdAt": str, "updatedAt": str,
    },
}  # fmt: skip
RESOURCE: Final = {"url": TEXT_OR_NONE, "message": str, "type": str, "size": int, "captureEnabled": bool}
VIDEO: Final = {**RESOURCE, "durationMs": int, "sources": [{"url": str, "type": str}]}
FOUND_LINK: Final = {
    "linkId": str, "linkTitle": TEXT_OR_NONE, "linkType": str, "createdAt": str, "projectId": str, "projectTitle": str,
    "domainId": str, "domainUrl": str,
}  # fmt: skip
USER: Final = {"id": str, "name": str, "email": str, "emailVerified": bool, "image": type(None), "createdAt": str}

SHAPES: Final[dict[str, Any]] = {
    "me.get": {"user": USER, "stats": {"workspaces": int, "recordings": int, "links": int}},
    "workspaces.list": {"workspaces": [WORKSPACE], "total": int, "pagination": PAGINATION},
    "workspaces.get": {"workspace": WORKSPACE},
    "workspaces.invite_url": {"inviteUrl": str, "workspaceId": str},
    "projects.list": {"workspaceId": str, "projects": [PROJECT], "pagination": PAGINATION},
    "projects.get": {"workspaceId": str, "project": PROJECT},
    "links.list": {"workspaceId": str, "links": [LINK], "pagination": PAGINATION},
    "links.create": {"workspaceId": str, "link": LINK},
    "links.get": {"workspaceId": str, "link": LINK},
    "links.update": {"workspaceId": str, "link": LINK},
    "links.delete": {"workspaceId": str, "linkId": str},
    "recordings.list": {"workspaceId": str, "recordings": [RECORDING], "pagination": PAGINATION},
    "recordings.get": {"workspaceId": str, "recording": DETAIL},
    "recordings.delete": {"workspaceId": str, "recordingId": str},
    "recordings.video": {"recordingId": str, "resource": VIDEO},
    "recordings.thumbnail": {"recordingId": str, "resource": RESOURCE},
    "recordings.console_log": {"recordingId": str, "resource": RESOURCE},
    "recordings.network_log": {"recordingId": str, "resource": RESOURCE},
    "recordings.action": {"recordingId": str, "resource": RESOURCE},
    "search.search": {"type": str, "results": [PROJECT]},
    "domains.list": {"workspaceId": str, "domains": [DOMAIN], "pagination": PAGINATION},
    "members.list": {"workspaceId": str, "workspaceMembers": [MEMBER], "pagination": PAGINATION},
}


def fits(value: Any, shape: Any) -> bool:
    """Whether a value has exactly the keys and types of a shape."""
    if isinstance(shape, dict):
        return isinstance(value, dict) and value.keys() == shape.keys() and all(fits(value[k], shape[k]) for k in shape)
    if isinstance(shape, list):
        return isinstance(value, list) and bool(value) and all(fits(each, shape[0]) for each in value)
    return isinstance(value, shape) and (shape is not int or not isinstance(value, bool))


@pytest.mark.parametrize("operation", [route.operation for route in ROUTES])
def test_answers_in_the_documented_shape(emulated: Emulated, operation: str) -> None:
    """Each of the 22 operations: envelope, exact keys, types."""
    answer = perform(emulated, operation)
    assert answer.status == 200
    assert answer.json.keys() == {"message", "data"}
    assert fits(answer.data, SHAPES[operation]), answer.data
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


def test_there_are_22_operations() -> None:
    """The table is whole."""
    assert len(SHAPES) == len({route.operation for route in ROUTES}) == len(ROUTES) == 22


@pytest.mark.parametrize(
    ("kind", "term", "shape"),
    [
        ("members", "ada", MEMBER),
        ("projects", "BILL", PROJECT),
        ("domains", "app0", DOMAIN),
        ("links", "t", FOUND_LINK),
    ],
)
def test_search_by_each_type(emulated: Emulated, kind: str, term: str, shape: Any) -> None:
    """All four types are found, with at most `limit` results."""
    root = emulated.workspaces()[0]
    answer = emulated.call(f"{root}/search?q={term}&type={kind}&limit=3")
    assert answer.data["type"] == kind
    assert 0 < len(answer.data["results"]) <= 3
    assert fits(answer.data["results"], [shape])


def test_links_are_found_by_the_beginnings_of_their_words(emulated: Emulated) -> None:
    """A whole word ranks before a beginning; the middle of a word finds nothing."""
    root = emulated.workspaces()[0]
    link = emulated.call(f"{root}/links").data["links"][0]["linkId"]
    emulated.call(f"{root}/links/{link}", "PUT", body={"linkTitle": "Zebra crossing"})
    found = emulated.call(f"{root}/search?q=zeb%20cross&type=links").data["results"]
    assert [each["linkId"] for each in found] == [link]
    assert emulated.call(f"{root}/search?q=ebra&type=links").data["results"] == []


def test_links_take_both_names_of_meta(emulated: Emulated) -> None:
    """`linkMeta` and `meta` are read, `linkMeta` wins and is answered, unless the old name is switched on."""
    root = emulated.workspaces()[0]
    body = {"domainId": verified_domain(emulated, root), "linkReference": "T-1", "linkReusable": True}
    for meta in ({"meta": {"a": "1"}}, {"linkMeta": {"a": "1"}, "meta": {"b": "2"}}):
        link = emulated.call(f"{root}/links", "POST", body=body | meta).data["link"]
        assert link["linkMeta"] == {"a": "1"}
    assert (link["linkProviderReference"], link["linkReusable"], link["linkTitle"]) == ("T-1", True, None)
    assert (link["linkType"], link["linkProviderType"]) == ("recording", "others")
    emulated.control("/reset", {"old_meta_name": True})
    link = emulated.call(f"{root}/links").data["links"][0]
    assert "meta" in link
    assert "linkMeta" not in link


def test_update_changes_only_what_is_sent(emulated: Emulated) -> None:
    """Absent fields stay, null clears, a title too long is cut."""
    root = emulated.workspaces()[0]
    before = emulated.call(f"{root}/links").data["links"][0]
    path = f"{root}/links/{before['linkId']}"
    after = emulated.call(path, "PUT", body={"linkTitle": "x" * 300, "linkProviderRef": None}).data["link"]
    assert after == before | {"linkTitle": "x" * 255, "linkProviderReference": None}
    assert emulated.call(path).data["link"] == after


def test_memberships_come_on_request(emulated: Emulated) -> None:
    """The role is in the list only with `include_workspace_membership=true`."""
    plain = emulated.call("/public/workspaces?include_workspace_membership=false").data["workspaces"]
    asked = emulated.call("/public/workspaces?include_workspace_membership=true").data["workspaces"]
    assert all("workspaceMembership" not in each for each in plain)
    assert [each["workspaceMembership"]["workspaceRole"] for each in asked] == ["admin", "member"]


def test_lists_are_filtered_and_sorted(emulated: Emulated) -> None:
    """Array filters narrow, sorting orders, both directions; newest first by default."""
    root = emulated.workspaces()[0]
    everything = emulated.call(f"{root}/recordings?per_page=20").data["recordings"]
    dates = [each["createdAt"] for each in everything]
    assert dates == sorted(dates, reverse=True)
    creators = sorted({each["creator"]["workspaceMemberId"] for each in everything})[:2]
    query = "&".join(f"created_by[{index}]={creator}" for index, creator in enumerate(creators))
    narrowed = emulated.call(f"{root}/recordings?per_page=20&{query}").data["recordings"]
    assert {each["creator"]["workspaceMemberId"] for each in narrowed} == set(creators)
    rising = emulated.call(f"{root}/recordings?per_page=20&sort_by=recording_duration&sort_direction=asc")
    lengths = [each["recordingDurationMs"] or 0 for each in rising.data["recordings"]]
    assert lengths == sorted(lengths)
    titles = [each["linkTitle"] or "" for each in emulated.call(f"{root}/links?sort_by=link_title").data["links"]]
    assert titles == sorted(titles, key=str.lower, reverse=True)


def test_pages_hold_everything_once(emulated: Emulated) -> None:
    """Going on while `hasMore` is true shows every recording once; past the end there is an empty page."""
    root = emulated.workspaces()[0]
    seen = []
    page = 0
    more = True
    while more:
        page += 1
        data = emulated.call(f"{root}/recordings?per_page=5&page={page}").data
        seen += [each["recordingId"] for each in data["recordings"]]
        more = data["pagination"]["hasMore"]
    assert data["pagination"] == {"page": 6, "perPage": 5, "total": 28, "totalPages": 6, "hasMore": False}
    assert len(seen) == len(set(seen)) == 28
    past = emulated.call(f"{root}/recordings?per_page=5&page=7").data
    assert (past["recordings"], past["pagination"]["hasMore"]) == ([], False)


def test_deleted_things_are_gone_for_ever(emulated: Emulated) -> None:
    """410 for the thing and all below it, also for a second DELETE; gone from lists, counts and searches."""
    root = emulated.workspaces()[0]
    before = emulated.call("/public/me").data["stats"]
    recording = emulated.call(f"{root}/recordings").data["recordings"][0]["recordingId"]
    link = emulated.call(f"{root}/links").data["links"][0]["linkId"]
    for path in (f"{root}/recordings/{recording}", f"{root}/links/{link}"):
        assert emulated.call(path, "DELETE").status == 200
        assert emulated.call(path, "DELETE").status == emulated.call(path).status == 410
    for kind in ("video", "thumbnail", "console-log", "network-log", "action"):
        answer = emulated.call(f"{root}/recordings/{recording}/{kind}")
        assert (answer.status, answer.json["error"]) == (410, "RECORDING_GONE")
    assert emulated.call("/public/me").data["stats"] == before | {"recordings": 39, "links": before["links"] - 1}
    assert recording not in str(emulated.call(f"{root}/recordings").data)


def test_preflights_and_unknown_routes(emulated: Emulated) -> None:
    """OPTIONS is answered 204 without a key; what is not in the table is 404 with the error envelope."""
    preflight = fetch(f"{emulated.base}/public/me", "OPTIONS", headers={"Origin": "https://example.test"})
    assert (preflight.status, preflight.body) == (204, b"")
    assert preflight.headers["access-control-allow-methods"] == "GET, POST, PUT, DELETE, OPTIONS"
    assert preflight.headers["access-control-allow-headers"] == "Authorization, Content-Type"
    for path, method in (("/public/nothing", "GET"), ("/public/me", "POST"), ("/public/workspace//links", "GET")):
        answer = emulated.call(path, method)
        assert (answer.status, answer.json["error"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "query",
    [
        "per_page=0", "per_page=21", "per_page=x", "page=0", "page=-1", "page=1&page=2", "project_id=a",
        "project_id=a&project_id=b", "project_id[0]=", "sort_by=size", "sort_direction=up", "page[0]=1",
    ],
)  # fmt: skip
def test_bad_parameters_are_refused(emulated: Emulated, query: str) -> None:
    """Limits are not clamped, plain arrays are no arrays."""
    answer = emulated.call(f"{emulated.workspaces()[0]}/recordings?{query}")
    assert (answer.status, answer.json) == (400, {"error": "BAD_REQUEST", "message": "Input validation failed"})


def test_expired_and_uncaptured_recordings_have_no_urls(emulate: Callable[..., Emulated]) -> None:
    """Expired: 200, captured, no URL. Not captured: 200, captureEnabled false, no URL."""
    emulated = emulate(recordings=60, per_minute=10_000)
    missing = {False: 0, True: 0}
    for path in _resource_paths(emulated):
        resource = emulated.call(path).data["resource"]
        if resource["url"] is None:
            missing[resource["captureEnabled"]] += 1
            assert resource["size"] == 0
    assert missing == {True: 2 * 5, False: 2}


def _resource_paths(emulated: Emulated) -> list[str]:
    pages = [f"{root}/recordings?per_page=20&page={page}" for root in emulated.workspaces() for page in (1, 2, 3)]
    return [
        f"{page.partition('?')[0]}/{recording['recordingId']}/{kind}"
        for page in pages
        for recording in emulated.call(page).data["recordings"]
        for kind in ("video", "thumbnail", "console-log", "network-log", "action")
    ]
