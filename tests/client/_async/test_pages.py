# SPDX-License-Identifier: Apache-2.0
"""Walks over pages: one page ahead, resumable, and honest about what they were worth."""

from __future__ import annotations

import gc
import warnings
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import pytest
from msgspec.structs import replace

from callwell import errors
from callwell.core.verdict import End
from callwell.observe.notices import CallEnded
from tests.client._async.scripted_client import connect
from tests.client.acme import BASE, KEY, acme
from tests.client.running import run
from tests.client.world import ScriptedProvider, count_held, make_error_response, make_response, query

if TYPE_CHECKING:
    from callwell.transport.base import Request, Response


ACME = acme()


def shelf(count: int, size: int = 2) -> Any:
    """A provider's list of `count` things, page by page."""

    def reply(request: Request) -> Response:
        page = int(query(request.url).get("page", 1))
        things = [{"id": str(number)} for number in range(count)][(page - 1) * size : page * size]
        return make_response(200, {"data": {"items": things, "more": page * size < count, "total": count}})

    return reply


def cursor(*pages: tuple[list[int], str | None]) -> list[Response]:
    """Answers of a list with cursors or links."""
    return [make_response(200, {"items": [{"id": str(n)} for n in numbers], "next": to}) for numbers, to in pages]


def read(pager: Any) -> list[str]:
    """All items of a walk."""

    async def work() -> list[str]:
        return [item["id"] async for item in pager]

    return run(work)


def test_all_items_come_once() -> None:
    """A walk gives every item, and says that it was complete."""
    world = ScriptedProvider(shelf(5))
    pager = connect(world).pages("things.list", colour="red")
    assert pager.verdict.end is End.TRUNCATED
    assert read(pager) == ["0", "1", "2", "3", "4"]
    assert (pager.verdict.end, pager.verdict.pages, pager.verdict.items) == (End.COMPLETE, 3, 5)
    assert [query(url) for url in world.urls] == [
        {"colour": "red", "size": "2", "page": str(page)} for page in (1, 2, 3)
    ]
    assert (pager.walk.pages, pager.walk.totals) == (3, (5,))


def test_one_page_ahead_and_no_further() -> None:
    """A reader that stops after the first page has cost two requests at the most, and leaves nothing behind."""
    world = ScriptedProvider(shelf(100))
    api = connect(world)
    pager = api.pages("things.list")

    async def work() -> None:
        async for page in pager.pages():
            assert len(page) == 2
            break

    run(work)
    gc.collect()
    assert len(world.sent) <= 2
    assert pager.verdict.end is End.TRUNCATED


def test_breaking_out_of_the_items_leaves_nothing() -> None:
    """Leaving a loop over items ends what was begun ahead."""
    world = ScriptedProvider(shelf(100))
    api = connect(world)

    async def work() -> str:
        async for item in api.pages("things.list"):
            return str(item["id"])
        return ""

    assert run(work) == "0"
    gc.collect()
    assert len(world.sent) <= 2


def test_an_error_ahead_that_nobody_wants_is_dropped() -> None:
    """A page that was requested ahead and failed does not matter to a caller that has left."""
    world = ScriptedProvider(shelf(100), make_error_response(403, "X"))
    api = connect(world)
    pager = api.pages("things.list")
    read_pages: list[int] = []

    async def work() -> None:
        async for page in pager.pages():
            read_pages.append(len(page))
            break

    with warnings.catch_warnings(record=True) as complaints:
        run(work)
        gc.collect()
    assert complaints == []
    assert read_pages == [2]
    assert len(world.sent) <= 2
    assert pager.verdict.end is End.TRUNCATED
    assert count_held(api) == 0


def test_an_error_in_the_middle_can_be_walked_over() -> None:
    """An error comes where its page would have, and the walk goes on from there when it is read again."""
    world = ScriptedProvider(shelf(6), make_error_response(403, "X"), shelf(6))
    api = connect(world)
    pager = api.pages("things.list")
    with pytest.raises(errors.Forbidden):
        read(pager)
    assert pager.verdict.reason == "the walk was not read to its end"
    assert read(pager) == ["2", "3", "4", "5"]
    assert pager.verdict.end is End.COMPLETE
    assert count_held(api) == 0


def test_a_walk_is_resumed_by_another_client() -> None:
    """A stored position is all that another process needs, and a key that came before does not come twice."""
    first = connect(ScriptedProvider(shelf(6)))
    second = connect(ScriptedProvider(shelf(6)))
    pager = first.pages("things.list")

    async def work() -> Any:
        async for page in pager.pages():
            return page
        return None

    assert run(work) == [{"id": "0"}, {"id": "1"}]
    position = pager.position
    again = second.pages("things.list").resume(position)
    assert read(again) == ["2", "3", "4", "5"]
    assert (again.verdict.end, again.verdict.items) == (End.COMPLETE, 6)
    assert KEY not in position


@pytest.mark.parametrize("operation", ["things.list", "things.scroll"])
def test_a_walk_that_is_over_stays_over(operation: str) -> None:
    """Resumed at its end, a walk asks for nothing and keeps its verdict."""
    replies = [shelf(1)] if operation == "things.list" else cursor(([0], None))
    world = ScriptedProvider(*replies)
    api = connect(world)
    pager = api.pages(operation)
    assert read(pager) == ["0"]
    again = api.pages(operation).resume(pager.position)
    assert (read(again), again.verdict) == ([], pager.verdict)
    assert len(world.sent) == 1


@pytest.mark.parametrize("text", ["", "{}", "[]", "nonsense", '{"walk":1}', "\ud800"])
def test_a_text_that_is_no_position_is_reported(text: str) -> None:
    """What `position` did not give is refused."""
    with pytest.raises(errors.InvalidOption, match=r"a value of `pager.position`"):
        connect(ScriptedProvider()).pages("things.list").resume(text)


def test_a_walk_can_begin_later() -> None:
    """A first page that the caller names is where the walk begins, and totals are not held against it."""
    world = ScriptedProvider(shelf(6))
    pager = connect(world).pages("things.list", page=2, size=2)
    assert read(pager) == ["2", "3", "4", "5"]
    assert pager.verdict.end is End.COMPLETE


def test_cursors_are_followed() -> None:
    """Each page names the next."""
    world = ScriptedProvider(*cursor(([0, 1], "a"), ([], "b"), ([2], None)))
    assert read(connect(world).pages("things.scroll")) == ["0", "1", "2"]
    assert [query(url) for url in world.urls] == [{}, {"cursor": "a"}, {"cursor": "b"}]


def test_cycles_end() -> None:
    """A list that leads back to itself ends with a verdict."""
    pager = connect(ScriptedProvider(*cursor(([0], "a"), ([1], "a")))).pages("things.scroll")
    assert read(pager) == ["0", "1"]
    assert pager.verdict.end is End.TRUNCATED
    assert pager.verdict.repeated


@pytest.mark.parametrize(
    ("link", "goes_to"),
    [
        (f"{BASE}/links?page=2", f"{BASE}/links?page=2"),
        ("?page=2", f"{BASE}/links?page=2"),
        ("/v1/links?page=2", f"{BASE}/links?page=2"),
        ("more/2", f"{BASE}/more/2"),
        ("https://evil.test\\@api.acme.test/v1/x", f"{BASE}/x"),
    ],
)
def test_links_are_followed_within_the_origin(link: str, goes_to: str) -> None:
    """A link may be whole or relative to the list's own address; its quotas and name are the operation's."""
    world = ScriptedProvider(*cursor(([0], link), ([1], None)))
    assert read(connect(world).pages("things.links", colour="red")) == ["0", "1"]
    assert world.urls == [f"{BASE}/links?colour=red", goes_to]
    assert {notice.operation for notice in world.notices if isinstance(notice, CallEnded)} == {"things.links"}


@pytest.mark.parametrize(
    ("server", "link", "keys"),
    [
        ("https://files.test/v2", "https://files.test/v2/links?page=2", [KEY, KEY]),
        ("https://files.test/v2", "?page=2", [KEY, KEY]),
        ("https://files.test/v2", f"{BASE}/links?page=2", [KEY, KEY]),
        ("https://files.test/v2", "https://files.test/other?page=2", [KEY, ""]),
        ("/v3", "/v3/links?page=2", [KEY, KEY]),
        ("", "/v3/links?page=2", [KEY, ""]),
    ],
)
def test_links_of_operations_with_servers_of_their_own(server: str, link: str, keys: list[str | None]) -> None:
    """They are followed at both addresses of the provider, with the key below them."""
    links = ACME.api.operations["things.links"]
    api = replace(ACME.api, operations={**ACME.api.operations, links.name: replace(links, server=server)})
    world = ScriptedProvider(*cursor(([0], link), ([1], None)))
    assert read(connect(world, provider=replace(ACME, api=api)).pages("things.links")) == ["0", "1"]
    assert world.urls[1] == urljoin(world.urls[0], link)
    assert world.keys == keys


@pytest.mark.parametrize(
    "link",
    ["https://evil.test/v1/x", "//evil.test/v1/x", "http://api.acme.test/v1/x", "https://[::1/x", "/v1/%2e%2e/x"],
)
def test_links_elsewhere_are_refused(link: str) -> None:
    """The key stays at home, and nothing climbs out of the environment's address unseen."""
    world = ScriptedProvider(*cursor(([0], link), ([1], None)))
    with pytest.raises(errors.UnexpectedAnswer):
        read(connect(world).pages("things.links"))
    assert len(world.sent) == 1


def test_link_headers_are_followed() -> None:
    """The `next` relation of a Link header leads on, whatever stands beside it."""
    first = make_response(
        200, {"items": [{"id": "0"}]}, link='</v1/headers?a=1>; rel="prev", </v1/headers?b=2>; rel="next"'
    )
    world = ScriptedProvider(first, make_response(200, {"items": []}, link=""))
    assert read(connect(world).pages("things.headers")) == ["0"]
    assert world.urls[1] == f"{BASE}/headers?b=2"


@pytest.mark.parametrize(
    "body", [[], "text", {"data": {"items": "text"}}, {"data": {"items": 5}}, {"data": {"rows": []}}, {"error": 1}, b""]
)
def test_an_answer_without_a_list_is_reported(body: Any) -> None:
    """A page without items where the profile says is an unexpected response."""
    pager = connect(ScriptedProvider(make_response(200, body))).pages("things.list")
    with pytest.raises(errors.UnexpectedAnswer, match="the response is not a page") as caught:
        read(pager)
    assert (caught.value.operation, caught.value.outcome) == ("things.list", "done")


def test_what_has_no_pages_is_reported() -> None:
    """An operation that is not a list is refused, with those that are."""
    with pytest.raises(errors.InvalidOption, match=r"things\.list"):
        connect(ScriptedProvider()).pages("things.get", thing_id="1")
    with pytest.raises(errors.UnknownName, match="colour"):
        connect(ScriptedProvider()).pages("things.list", color="red")
