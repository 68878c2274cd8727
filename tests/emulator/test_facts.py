# SPDX-License-Identifier: Apache-2.0
"""The emulated Userplane against the recovered facts, row by row: operations, error codes, limits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

from callwell.emulator.userplane.codes import CODES
from callwell.emulator.userplane.routes import ROUTES
from tests.emulator.operating import perform, resource_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.emulator.playing import Emulated

WORKSPACE: Final = "/public/workspace/{workspaceId}"
RECORDING: Final = f"{WORKSPACE}/recordings/{{recordingId}}"
# Served for what the table has only in words: an unknown route, and what nobody expected.
IN_WORDS: Final = {"NOT_FOUND": 404, "INTERNAL_SERVER_ERROR": 500}
# Made up by a client, so never served.
CLIENTS_OWN: Final = "REQUEST_TIMEOUT"
# A bar without blanks is part of a cell: `str|null`.
CELLS: Final = re.compile(r"(?<= )\|(?= )")
QUOTED: Final = re.compile(r"`([^`]+)`")


class Documented(NamedTuple):
    """One row of the table of operations."""

    method: str
    path: str
    asks: str
    data: frozenset[str]
    errors: dict[str, int]


@pytest.fixture(scope="module")
def facts(shared: Path) -> str:
    """The recovered facts."""
    file = shared / "providers" / "userplane.md"
    if not file.is_file():
        pytest.skip("no recovered facts in ../shared")
    return file.read_text("utf-8")


def table(facts: str, section: int) -> list[list[str]]:
    """The cells of the first table in a section, without its head."""
    text = re.split(rf"^## {section}\. ", facts, flags=re.MULTILINE)[1].split("\n## ")[0]
    lines = [line.removeprefix("|").removesuffix("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in CELLS.split(line)] for line in lines[2:]]


def operations(facts: str) -> dict[str, Documented]:
    """Section 2, by the operation that serves the row."""
    served = {(route.method, route.path): route.operation for route in ROUTES}
    found: dict[str, Documented] = {}
    above = None
    for _, place, _, asks, data, errors, *_ in table(facts, 2):
        method, path = place.replace("`", "").split(" ")
        path = re.sub(r"^W(?=/|$)", WORKSPACE, path).replace("...", RECORDING)
        codes = {code: int(status) for code, status in re.findall(r"`([A-Z_]+)` (\d{3})", errors)}
        names = frozenset(re.match(r"\w+", name)[0] for name in QUOTED.findall(data))  # type: ignore[index]  # begins so
        row = Documented(method, path, asks, names, codes)
        if above is not None and data.startswith("same shape"):
            row = row._replace(data=above.data, errors=above.errors)
        found[served[method, path]] = above = row
    return found


def per_page(facts: str) -> dict[str, tuple[int, int]]:
    """The default and the most of each list, from section 6."""
    rows = {row[0]: row[1] for row in table(facts, 6)}
    sizes = {
        name: (int(usual), int(most))
        for name, usual, most in re.findall(r"(\w+) (\d+)/(\d+)", rows["per_page default/max"])
    }
    assumed = re.search(r"(\d+)/(\d+)", rows["per_page domains, members"])
    assert assumed is not None
    both = int(assumed[1]), int(assumed[2])
    return sizes | {"domains": both, "members": both}


def test_every_operation_is_served_and_no_other(facts: str) -> None:
    """22 rows, 22 routes."""
    assert operations(facts).keys() == {route.operation for route in ROUTES}
    assert len(table(facts, 2)) == len(ROUTES) == 22


def test_every_operation_answers_what_its_row_says(facts: str, emulated: Emulated) -> None:
    """The names in `data`, and 200."""
    for operation, row in operations(facts).items():
        answer = perform(emulated, operation)
        assert answer.status == 200, operation
        assert answer.data.keys() == row.data, operation


def test_specific_errors_have_their_statuses(facts: str) -> None:
    """Every code of section 2 is in the catalogue, with the status that its row gives it."""
    rows = operations(facts).values()
    named = {code: status for row in rows for code, status in row.errors.items()}
    assert len(named) > 15
    assert named.items() <= {code: status for code, (status, _) in CODES.items()}.items()


def test_choices_and_lists_of_the_query(facts: str, emulated: Emulated) -> None:
    """Every value of `sort_by` and `sort_direction` is taken and no other; lists take brackets only."""
    paths = {"links.list": "links", "recordings.list": "recordings"}
    for operation, name in paths.items():
        asks = operations(facts)[operation].asks
        path = f"{emulated.workspaces()[0]}/{name}"
        sorts = re.search(r"`sort_by` = `(\w+)` or `(\w+)`", asks)
        assert sorts is not None
        good = [f"sort_by={each}&sort_direction={way}" for each in sorts.groups() for way in ("asc", "desc")]
        lists = re.findall(r"`(\w+)\[\]`", asks)
        assert len(lists) == 3
        good += [f"{each}{brackets}=x" for each in lists for brackets in ("[0]", "[]")]
        bad = ["sort_by=updated_at", "sort_direction=up", *(f"{each}=x" for each in lists)]
        for query in good + bad:
            assert emulated.call(f"{path}?{query}").status == (200 if query in good else 400), query


def test_the_catalogue_of_errors_is_the_documented_one(facts: str) -> None:
    """Every row of section 4 has its code and status, and there is no other code."""
    rows = [(QUOTED.match(code), status) for code, status, *_ in table(facts, 4)]
    documented = {code[1]: int(status) for code, status in rows if code is not None}
    assert documented.pop(CLIENTS_OWN) == 408
    assert documented | IN_WORDS == {code: status for code, (status, _) in CODES.items()}
    assert sum(code is None for code, _ in rows) == len(IN_WORDS)


def test_every_code_is_served_with_its_status(facts: str, emulated: Emulated) -> None:
    """In the flat envelope, with a pointer to the documentation where keys or quotas are concerned."""
    for code, status, *_ in table(facts, 4):
        name = QUOTED.match(code)
        if name is None or name[1] == CLIENTS_OWN:
            continue
        emulated.faults({"operation": "me.get", "fault": "error_before", "nth": 1, "code": name[1]})
        answer = emulated.call("/public/me")
        assert (answer.status, answer.json["error"]) == (int(status), name[1])
        assert answer.json.keys() == {"error", "message"}
        assert ("See https://" in answer.json["message"]) is (name[1].startswith("API_KEY_") or status == "429")


def test_pages_are_as_large_as_documented(facts: str, emulated: Emulated) -> None:
    """The default without `per_page`, the most with it, and 400 beyond."""
    sizes = per_page(facts)
    assert len(sizes) == 6
    for name, (usual, most) in sizes.items():
        path = "/public/workspaces" if name == "workspaces" else f"{emulated.workspaces()[0]}/{name}"
        assert emulated.call(path).data["pagination"]["perPage"] == usual
        assert emulated.call(f"{path}?per_page={most}").data["pagination"]["perPage"] == most
        assert emulated.call(f"{path}?per_page={most + 1}").status == 400


def test_the_quota_is_the_documented_one(facts: str, emulate: Callable[..., Emulated]) -> None:
    """So many a minute and a day in fixed windows, and not a header that tells of it."""
    rows = {row[0]: row[1] for row in table(facts, 6)}
    minute, day = (int(rows[f"Requests per {window}"].replace(",", "")) for window in ("minute", "day"))
    emulated = emulate()
    options = emulated.control("/health")["options"]["userplane"]
    assert (options["per_minute"], options["per_day"], options["window"]) == (minute, day, "fixed")
    assert "fixed windows of 60 s and 86,400 s from first request" in rows["Window type"]
    answers = [emulated.call("/public/me") for _ in range(minute + 1)]
    assert [each.status for each in answers] == [200] * minute + [429]
    assert rows["Rate headers / Retry-After"].startswith("none documented")
    assert not any("ratelimit" in name or name == "retry-after" for each in answers for name in each.headers)
    emulated.control("/clock", {"advance_s": 60})
    assert emulated.call("/public/me").status == 200


def test_the_limits_of_keys_searches_and_urls(facts: str, emulated: Emulated) -> None:
    """Slots, the longest life of a key, the longest term, the life of a signed URL."""
    rows = {row[0]: row[1] for row in table(facts, 6)}
    lives = [int(each.replace(",", "")) for each in re.findall(r"[\d,]{6,}", rows["Key lifetime choices"])]
    assert emulated.control_answer("/keys/create", {"expires_in_s": max(lives) + 1}).status == 400
    for life_s in (min(lives), max(lives)):
        emulated.control("/keys/create", {"expires_in_s": life_s})
    assert len(emulated.control("/keys")["userplane"]) == int(rows["Keys per user"])
    assert emulated.control_answer("/keys/create", {}).status == 400
    shortest, longest = map(int, rows["search `q` length"].split(".."))
    search = f"{emulated.workspaces()[0]}/search?type=links&q="
    statuses = {length: emulated.call(search + "a" * length).status for length in (0, shortest, longest, longest + 1)}
    assert statuses == {0: 400, shortest: 200, longest: 200, longest + 1: 400}
    life = re.search(r"assumed (\d+) s", rows["Presigned URL life"])
    assert life is not None
    assert parse_qs(urlsplit(resource_of(emulated)["url"]).query)["X-Amz-Expires"] == [life[1]]


def test_no_limit_is_new(facts: str) -> None:
    """A row that nobody looks at would be a limit that nobody emulates."""
    looked_at = {
        "Requests per minute", "Requests per day", "Window type", "Rate headers / Retry-After", "per_page default/max",
        "per_page domains, members", "search `q` length", "Keys per user", "Key lifetime choices", "Presigned URL life",
    }  # fmt: skip
    elsewhere = {"Rate scope": "test_quota", "Link quota": "test_errors"}
    of_clients = {"Retry set", "Client timeout"}
    assert {row[0] for row in table(facts, 6)} == looked_at | elsewhere.keys() | of_clients
