# SPDX-License-Identifier: Apache-2.0
"""The emulated Userplane against the recovered facts, row by row: operations, error codes, limits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

from callwell.emulator.userplane.replies import ERROR_CODES
from callwell.emulator.userplane.routes import ROUTES
from tests.emulator.sample_requests import perform, resource_of
from tests.facts.userplane import FILE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.harness import Emulated

# Served for what the table has only in words: an unknown route, and an unexpected error.
IN_WORDS: Final = {"NOT_FOUND": 404, "INTERNAL_SERVER_ERROR": 500}
# Made up by a client, so never served.
CLIENTS_OWN: Final = "REQUEST_TIMEOUT"


class Documented(NamedTuple):
    """One row of the table of operations."""

    sorts: list[str]
    lists: list[str]
    data: frozenset[str]
    errors: dict[str, int]


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """The recovered facts."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def operations(facts: dict[str, Any]) -> dict[str, Documented]:
    """Section 2, by the operation that serves the row."""
    served = {(route.method, route.path): route.operation for route in ROUTES}
    return {
        served[row["method"], row["path"]]: Documented(
            sorts=row["sorts"],
            lists=row["lists"],
            data=frozenset(row["data"]),
            errors=row["errors"],
        )
        for row in facts["operations"]
    }


def per_page(facts: dict[str, Any]) -> dict[str, list[int]]:
    """The default and the most of each list, from section 6."""
    both = facts["limits"]["per_page domains, members"]
    sizes: dict[str, list[int]] = facts["limits"]["per_page default/max"]
    return sizes | {"domains": both, "members": both}


def test_every_operation_is_served_and_no_other(facts: dict[str, Any]) -> None:
    """22 rows, 22 routes."""
    assert operations(facts).keys() == {route.operation for route in ROUTES}
    assert len(facts["operations"]) == len(ROUTES) == 22


def test_every_operation_answers_what_its_row_says(facts: dict[str, Any], emulated: Emulated) -> None:
    """The names in `data`, and 200."""
    for operation, row in operations(facts).items():
        answer = perform(emulated, operation)
        assert answer.status == 200, operation
        assert answer.data.keys() == row.data, operation


def test_specific_errors_have_their_statuses(facts: dict[str, Any]) -> None:
    """Every code of section 2 is in the catalogue, with the status that its row gives it."""
    catalogue = {code: status for code, (status, _) in ERROR_CODES.items()}
    named = set[str]()
    for operation, row in operations(facts).items():
        assert row.errors.items() <= catalogue.items(), operation
        named |= row.errors.keys()
    assert len(named) > 15


def test_choices_and_lists_of_the_query(facts: dict[str, Any], emulated: Emulated) -> None:
    """Every value of `sort_by` and `sort_direction` is taken and no other; lists take brackets only."""
    paths = {"links.list": "links", "recordings.list": "recordings"}
    for operation, name in paths.items():
        asks = operations(facts)[operation]
        path = f"{emulated.workspaces()[0]}/{name}"
        assert len(asks.sorts) == 2
        good = [f"sort_by={each}&sort_direction={way}" for each in asks.sorts for way in ("asc", "desc")]
        assert len(asks.lists) == 3
        good += [f"{each}{brackets}=x" for each in asks.lists for brackets in ("[0]", "[]")]
        bad = ["sort_by=updated_at", "sort_direction=up", *(f"{each}=x" for each in asks.lists)]
        for query in good + bad:
            assert emulated.call(f"{path}?{query}").status == (200 if query in good else 400), query


def test_the_catalogue_of_errors_is_the_documented_one(facts: dict[str, Any]) -> None:
    """Every row of section 4 has its code and status, and there is no other code."""
    documented = dict(facts["codes"])
    assert documented.pop(CLIENTS_OWN) == 408
    assert documented | IN_WORDS == {code: status for code, (status, _) in ERROR_CODES.items()}
    assert facts["statuses_without_a_code"] == list(IN_WORDS.values())


def test_every_code_is_served_with_its_status(facts: dict[str, Any], emulated: Emulated) -> None:
    """In the flat envelope, with a pointer to the documentation where keys or quotas are concerned."""
    for code, status in facts["codes"].items():
        if code == CLIENTS_OWN:
            continue
        emulated.faults({"operation": "me.get", "fault": "error_before", "nth": 1, "code": code})
        answer = emulated.call("/public/me")
        assert (answer.status, answer.json["error"]) == (status, code)
        assert answer.json.keys() == {"error", "message"}
        assert ("See https://" in answer.json["message"]) is (code.startswith("API_KEY_") or status == 429)


def test_pages_are_as_large_as_documented(facts: dict[str, Any], emulated: Emulated) -> None:
    """The default without `per_page`, the most with it, and 400 beyond."""
    sizes = per_page(facts)
    assert len(sizes) == 6
    for name, (usual, most) in sizes.items():
        path = "/public/workspaces" if name == "workspaces" else f"{emulated.workspaces()[0]}/{name}"
        assert emulated.call(path).data["pagination"]["perPage"] == usual
        assert emulated.call(f"{path}?per_page={most}").data["pagination"]["perPage"] == most
        assert emulated.call(f"{path}?per_page={most + 1}").status == 400


def test_the_quota_is_the_documented_one(facts: dict[str, Any], emulate: Callable[..., Emulated]) -> None:
    """The documented requests a minute and a day in fixed windows, and no header about them."""
    limits = facts["limits"]
    minute = limits["Requests per minute"]
    day = limits["Requests per day"]
    windows = limits["Window type"]
    emulated = emulate()
    options = emulated.control("/health")["options"]["userplane"]
    assert (options["per_minute"], options["per_day"], options["window"]) == (minute, day, windows["window"])
    assert windows == {"window": "fixed", "seconds": [60, 86_400], "from": "first request"}
    answers = [emulated.call("/public/me") for _ in range(minute + 1)]
    assert [each.status for each in answers] == [200] * minute + [429]
    assert limits["Rate headers / Retry-After"] == []
    assert not any("ratelimit" in name or name == "retry-after" for each in answers for name in each.headers)
    emulated.control("/clock", {"advance_s": 60})
    assert emulated.call("/public/me").status == 200


def test_the_limits_of_keys_searches_and_urls(facts: dict[str, Any], emulated: Emulated) -> None:
    """Slots, the longest life of a key, the longest term, the life of a signed URL."""
    limits = facts["limits"]
    lives = limits["Key lifetime choices"]
    assert emulated.control_response("/keys/create", {"expires_in_s": max(lives) + 1}).status == 400
    for life_s in (min(lives), max(lives)):
        emulated.control("/keys/create", {"expires_in_s": life_s})
    assert len(emulated.control("/keys")["userplane"]) == limits["Keys per user"]
    assert emulated.control_response("/keys/create", {}).status == 400
    shortest, longest = limits["search `q` length"]
    search = f"{emulated.workspaces()[0]}/search?type=links&q="
    statuses = {length: emulated.call(search + "a" * length).status for length in (0, shortest, longest, longest + 1)}
    assert statuses == {0: 400, shortest: 200, longest: 200, longest + 1: 400}
    life_s = limits["Presigned URL life"]
    assert parse_qs(urlsplit(resource_of(emulated)["url"]).query)["X-Amz-Expires"] == [str(life_s)]


def test_no_limit_is_new(facts: dict[str, Any]) -> None:
    """A row that no test reads would be a limit that is not emulated."""
    looked_at = {
        "Requests per minute", "Requests per day", "Window type", "Rate headers / Retry-After", "per_page default/max",
        "per_page domains, members", "search `q` length", "Keys per user", "Key lifetime choices", "Presigned URL life",
    }  # fmt: skip
    elsewhere = {"Rate scope": "test_quota", "Link quota": "test_errors"}
    of_clients = {"Retry set", "Client timeout"}
    assert facts["limits"].keys() == looked_at | elsewhere.keys() | of_clients
