# SPDX-License-Identifier: Apache-2.0
"""The emulated api.video against the recovered facts, row by row: operations, filters and errors.

What a row says is asked of the emulator, here or by the test that is named; a row that nobody looks at fails.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from callwell.emulator.apivideo.problems import SLUGS
from callwell.emulator.apivideo.routes import ROUTES
from tests.emulator.apivideo import test_problems
from tests.emulator.apivideo.papers import part, table
from tests.emulator.apivideo.playing import Site, slug
from tests.emulator.apivideo.test_operations import perform
from tests.emulator.schemas import operations

if TYPE_CHECKING:
    from collections.abc import Callable

WORDS: Final = re.compile(r"GET|POST|PATCH|PUT|DELETE|same|/[\w{}/-]+")
FAMILIES: Final = ("uploaded-file", "video-source", "video-content-range")
"""What the short forms of the table of errors are short for."""


def documented(facts: str) -> dict[tuple[str, str], int]:
    """Section 3: every operation with its status."""
    found: dict[tuple[str, str], int] = {}
    for _, cell, success, _ in table(part(facts, "3. Operations")):
        statuses, places, methods, path = re.findall(r"\d{3}", re.sub(r", or 202.*?\*\*", "", success)), [], [], ""
        for word in WORDS.findall(cell):
            if not (word.startswith("/") or word == "same"):
                methods.append(word)
                continue
            path = path if word == "same" else word.partition("?")[0]
            places += [(method, path) for method in methods]
            methods = []
        assert len(statuses) in (1, len(places)), cell
        each = statuses if len(statuses) > 1 else statuses * len(places)
        found |= {place: int(status) for place, status in zip(places, each, strict=True)}
    return found


def test_every_operation_is_served_and_no_other(facts: str) -> None:
    """59 operations at their paths."""
    assert documented(facts).keys() == {(route.method, route.path) for route in ROUTES}
    assert len(documented(facts)) == 59


def test_every_operation_has_its_status(facts: str, apivideo: Callable[..., Site]) -> None:
    """What each answers with when it succeeds; one status is wrong in no row."""
    site, names = apivideo(video_restore="true"), {(route.method, route.path): route.operation for route in ROUTES}
    for place, status in documented(facts).items():
        assert perform(site, names[place]).status == status, place


def test_what_is_paged_is_what_is_marked(facts: str) -> None:
    """Every operation with a `P` has pages, and no other."""
    cells = " | ".join(row[1] for row in table(part(facts, "3. Operations")))
    marked = set(re.findall(r"GET (/[\w{}/-]+) `P`", cells))
    paged = {
        path
        for (method, path), about in operations("apivideo").items()
        if method == "GET" and any("urrent" in str(one) for one in about.get("parameters", ()))
    }
    assert marked == paged
    assert len(marked) == 13


def test_filters_and_orders(facts: str, site: Site) -> None:
    """Every list takes the orders that are documented and no other; each filter that is named is one of these."""
    text = part(facts, "List filters")
    orders = {
        "/videos": "title|createdAt|publishedAt|updatedAt",
        "/tags": "value|videoCount",
        "/upload-tokens": "createdAt|ttl",
        "/live-streams": "name|createdAt|updatedAt",
        "/watermarks": "createdAt",
        "/summaries": "createdAt|updatedAt|videoId",
    }
    assert all(f"{path}" in text and words in text for path, words in orders.items())
    assert "/players: same sortBy" in text
    for path, words in (orders | {"/players": orders["/live-streams"], "/discarded/videos": orders["/videos"]}).items():
        for word in words.split("|"):
            assert all(
                site.call("GET", f"{path}?sortBy={word}&sortOrder={way}").status == 200 for way in ("asc", "desc")
            )
        assert slug(site.call("GET", f"{path}?sortBy=size")) == "request-invalid-query-parameter"
    named = set(re.findall(r"`([\w\[\]=.]+)`", text))
    of_lists = {"title", "tags[]", "metadata[key]=value", "description", "liveStreamId", "value", "streamKey", "name"}
    of_lists |= {"events", "videoId", "origin", "sourceStatus", "sortBy", "sortOrder"}  # test_lists.py
    of_analytics = {"from", "to", "unique", "viewDuration", "interval", "filterBy[...]"}  # test_analytics.py
    assert named == of_lists | of_analytics | {"filterBy[browser][]="}


def slugs(facts: str) -> dict[str, int]:
    """Section 7: every slug with its status; short forms are spelt out."""
    found: dict[str, int] = {}
    for status, cell, *_ in table(part(facts, "7. Errors")):
        family = ""
        for name in re.findall(r"`(-?[a-z-]+)`", cell.split("(page slug")[0]):
            if name.endswith("-"):
                family = name
            elif name.startswith("-"):
                found[family.rstrip("-") + name] = int(status)
            else:
                found[family + name if family.endswith("-") else name] = int(status)
                family = family or next((one for one in FAMILIES if name.startswith(one)), "")
    return found


def test_every_error_is_known_and_met(facts: str) -> None:
    """Each slug has its status and a case that meets it, and there is no other; the titles that are given are used."""
    assert slugs(facts) == {name: status for name, (status, _) in SLUGS.items()}
    assert len(slugs(facts)) == 52
    assert slugs(facts).keys() == test_problems.CASES.keys() | test_problems.TOO_LONG_FOR_A_SOCKET
    given = {title for row in table(part(facts, "7. Errors")) for title in re.findall(r'"([A-Z][^"]+\.)"', row[2])}
    titles = {title for _, title in SLUGS.values()}
    elsewhere = {
        "An attribute is invalid.", "This attribute must be an array.", "The requested resource was not found.",
        "Only [jpeg, jpg, JPG, JPEG] extensions are supported.",
    }  # fmt: skip
    assert given <= titles | elsewhere
