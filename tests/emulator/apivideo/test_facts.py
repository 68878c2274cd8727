# SPDX-License-Identifier: Apache-2.0
"""The emulated api.video against the recovered facts, row by row: operations, filters and errors.

What a row says is asked of the emulator, here or by the test that is named; a row that no test reads fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callwell.emulator.apivideo.replies import SLUGS
from callwell.emulator.apivideo.routes import ROUTES
from tests.emulator.apivideo import test_problems
from tests.emulator.apivideo.harness import Site, error_slug
from tests.emulator.apivideo.test_operations import perform
from tests.emulator.schemas import operations

if TYPE_CHECKING:
    from collections.abc import Callable


def documented(facts: dict[str, Any]) -> dict[tuple[str, str], int]:
    """Section 3: every operation with its status."""
    return {(row["method"], row["path"]): row["status"] for row in facts["operations"]}


def test_every_operation_is_served_and_no_other(facts: dict[str, Any]) -> None:
    """59 operations at their paths."""
    assert documented(facts).keys() == {(route.method, route.path) for route in ROUTES}
    assert len(documented(facts)) == len(facts["operations"]) == 59


def test_every_operation_has_its_status(facts: dict[str, Any], apivideo: Callable[..., Site]) -> None:
    """What each answers with when it succeeds; one status is wrong in no row."""
    site = apivideo(video_restore="true")
    names = {(route.method, route.path): route.operation for route in ROUTES}
    for place, status in documented(facts).items():
        assert perform(site, names[place]).status == status, place


def test_what_is_paged_is_what_is_marked(facts: dict[str, Any]) -> None:
    """Every operation with a `P` has pages, and no other."""
    marked = set(facts["paged"])
    paged = {
        path
        for (method, path), about in operations("apivideo").items()
        if method == "GET" and any("urrent" in str(item) for item in about.get("parameters", ()))
    }
    assert marked == paged
    assert len(marked) == 13


def test_filters_and_orders(facts: dict[str, Any], site: Site) -> None:
    """Every list takes the orders that are documented and no other; each filter that is named is one of these."""
    orders = {
        "/videos": ["title", "createdAt", "publishedAt", "updatedAt"],
        "/tags": ["value", "videoCount"],
        "/upload-tokens": ["createdAt", "ttl"],
        "/live-streams": ["name", "createdAt", "updatedAt"],
        "/watermarks": ["createdAt"],
        "/summaries": ["createdAt", "updatedAt", "videoId"],
    }
    orders |= {"/players": orders["/live-streams"], "/discarded/videos": orders["/videos"]}
    assert facts["orders"] == orders
    for path, words in orders.items():
        for word in words:
            assert all(
                site.call("GET", f"{path}?sortBy={word}&sortOrder={way}").status == 200 for way in ("asc", "desc")
            )
        assert error_slug(site.call("GET", f"{path}?sortBy=size")) == "request-invalid-query-parameter"
    of_lists = {"title", "tags[]", "metadata[key]=value", "description", "liveStreamId", "value", "streamKey", "name"}
    of_lists |= {"events", "videoId", "origin", "sourceStatus", "sortBy", "sortOrder"}  # test_lists.py
    of_analytics = {"from", "to", "unique", "viewDuration", "interval", "filterBy[...]"}  # test_analytics.py
    assert set(facts["filters"]) == of_lists | of_analytics | {"filterBy[browser][]="}


def test_every_error_is_known_and_met(facts: dict[str, Any]) -> None:
    """Each slug has its status and a case that meets it, and there is no other; the titles that are given are used."""
    assert facts["codes"] == {name: status for name, (status, _) in SLUGS.items()}
    assert len(facts["codes"]) == 52
    assert facts["codes"].keys() == test_problems.CASES.keys() | test_problems.TOO_LONG_FOR_A_SOCKET
    given = set(facts["titles"])
    titles = {title for _, title in SLUGS.values()}
    elsewhere = {
        "An attribute is invalid.", "This attribute must be an array.", "The requested resource was not found.",
        "Only [jpeg, jpg, JPG, JPEG] extensions are supported.",
    }  # fmt: skip
    assert given <= titles | elsewhere
    assert len(given) == 12
