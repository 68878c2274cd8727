# SPDX-License-Identifier: Apache-2.0
"""Lists: what filters let pass, in which order, and in how many pages."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.apivideo.harness import Site

CATALOGUE = {
    "Red bird": (["Été", "a"], {"k": "1", "l": "x"}),
    "Blue bird": (["été", "b"], {"k": "1", "l": "y"}),
    "Cat": (["a", "b"], {}),
}


@pytest.fixture
def stocked(site: Site) -> Site:
    """A production with three videos, each a second younger than the one before."""
    for title, (tags, metadata) in CATALOGUE.items():
        site.video(title=title, tags=tags, metadata=[{"key": key, "value": value} for key, value in metadata.items()])
        site.emulated.control("/clock", {"advance_s": 1})
    return site


def titles(site: Site, query: str) -> list[str]:
    """The titles of a list."""
    return [video["title"] for video in site.call("GET", f"/videos?{query}").json["data"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Cat", "Blue bird", "Red bird"]),
        ("title=BIRD", ["Blue bird", "Red bird"]),
        ("tags[]=a", ["Cat", "Red bird"]),
        ("tags[]=a&tags[]=b", ["Cat"]),
        ("tags%5B%5D=a&tags%5B%5D=b", ["Cat"]),
        ("tags[0]=a&tags[1]=b", ["Cat"]),
        ("tags[]=A", []),
        ("metadata[k]=1", ["Blue bird", "Red bird"]),
        ("metadata[k]=1&metadata[l]=y", ["Blue bird"]),
        ("metadata[k]=2", []),
        ("sortBy=title", ["Blue bird", "Cat", "Red bird"]),
        ("sortBy=title&sortOrder=desc", ["Red bird", "Cat", "Blue bird"]),
        ("sortBy=createdAt&sortOrder=asc", ["Red bird", "Blue bird", "Cat"]),
        ("title=bird&sortBy=title&sortOrder=desc", ["Red bird", "Blue bird"]),
        ("unknown=1", ["Cat", "Blue bird", "Red bird"]),
    ],
)
def test_filters_and_orders(stocked: Site, query: str, expected: list[str]) -> None:
    """Titles by a part of them; tags and metadata all of them, exactly; the youngest first unless said otherwise."""
    assert titles(stocked, query) == expected


def test_pages(stocked: Site) -> None:
    """Totals and links fit, and following `next` shows everything once."""
    seen = []
    uri = "/videos?pageSize=2&tags[]=b&tags[]=" + quote("été")
    assert titles(stocked, uri.partition("?")[2]) == ["Blue bird"]
    uri = "/videos?pageSize=2"
    walked = []
    while uri:
        answer = stocked.call("GET", uri).json
        seen += [video["title"] for video in answer["data"]]
        links = {link["rel"]: link["uri"] for link in answer["pagination"]["links"]}
        walked.append(sorted(links))
        uri = links.get("next", "")
    assert seen == ["Cat", "Blue bird", "Red bird"]
    assert walked == [["first", "last", "next", "self"], ["first", "last", "previous", "self"]]
    assert answer["pagination"] | {"links": None} == {
        "currentPage": 2,
        "currentPageItems": 1,
        "pageSize": 2,
        "pagesTotal": 2,
        "itemsTotal": 3,
        "links": None,
    }


def test_links_keep_the_filters(stocked: Site) -> None:
    """A link to another page asks the same question."""
    links = stocked.call("GET", "/videos?metadata[k]=1&pageSize=1").json["pagination"]["links"]
    following = next(link["uri"] for link in links if link["rel"] == "next")
    assert [video["title"] for video in stocked.call("GET", following).json["data"]] == ["Red bird"]


@pytest.mark.parametrize("absolute", ["false", "true"])
def test_relative_and_absolute(apivideo: Callable[..., Site], absolute: str) -> None:
    """Links are relative, or name the origin if that is wanted."""
    site = apivideo(absolute_links=absolute)
    links = site.call("GET", "/videos").json["pagination"]["links"]
    start = f"{site.base}/videos?" if absolute == "true" else "/videos?"
    assert all(link["uri"].startswith(start) for link in links)


def test_links_that_lie(apivideo: Callable[..., Site]) -> None:
    """Links can name an origin that is not this one, as no honest page does."""
    site = apivideo(links_origin='"https://elsewhere.test"', absolute_links="true")
    links = site.call("GET", "/videos").json["pagination"]["links"]
    assert all(link["uri"].startswith("https://elsewhere.test/videos?") for link in links)


@pytest.mark.parametrize("part", ["ete", "ÉTÉ", "ét"])
def test_tags_whatever_their_case_and_accents(stocked: Site, part: str) -> None:
    """Tags are found by a part of them; they are counted as they are written."""
    found = stocked.call("GET", f"/tags?value={quote(part)}").json["data"]
    assert {row["value"]: row["videoCount"] for row in found} == {"Été": 1, "été": 1}
    assert [row["value"] for row in stocked.call("GET", "/tags?sortBy=videoCount&sortOrder=desc").json["data"]][:2] == [
        *("a", "b"),
    ]


def test_live_streams_by_name_and_key(site: Site) -> None:
    """Streams are found by a part of their name, or by their whole key."""
    keys = [site.call("POST", "/live-streams", {"name": name}).json["streamKey"] for name in ("One", "Two")]
    for query, expected in (("name=TW", ["Two"]), (f"streamKey={keys[0]}", ["One"]), ("sortBy=name", ["One", "Two"])):
        found = site.call("GET", f"/live-streams?{query}").json["data"]
        assert [stream["name"] for stream in found] == expected


def test_summaries_by_their_state(apivideo: Callable[..., Site]) -> None:
    """A summary by the service waits, then is there; one of the user's is missing until it is written."""
    site = apivideo(ingest_delay_s="60")
    auto = site.video()
    own = site.video()
    site.call("POST", "/summaries", {"videoId": auto, "origin": "auto"})
    mine = site.call("POST", "/summaries", {"videoId": own}).json["summaryId"]

    def states() -> dict[str, str]:
        return {each["videoId"]: each["sourceStatus"] for each in site.call("GET", "/summaries").json["data"]}

    assert states() == {auto: "waiting", own: "missing"}
    assert site.call("GET", f"/summaries/{mine}/source").status == 404
    site.call("PATCH", f"/summaries/{mine}/source", {"abstract": "Mine."})
    site.emulated.control("/clock", {"advance_s": 60})
    assert states() == {auto: "completed", own: "completed"}
    assert site.call("GET", f"/summaries/{mine}/source").json["abstract"] == "Mine."
    listed = site.call("GET", "/summaries?origin=auto").json["data"]
    assert [each["videoId"] for each in listed] == [auto]
