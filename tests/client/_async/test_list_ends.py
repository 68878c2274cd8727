# SPDX-License-Identifier: Apache-2.0
"""Where lists lead and end, through a client: links of every kind, cursors of every type, answers without content."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from callwell import errors
from callwell.core.rules.operations import OperationRule, PagingRule
from callwell.core.verdict import End
from callwell.transport.base import Response
from tests.client._async.scripted_client import connect
from tests.client.acme import BASE, KEY, KEYS, acme
from tests.client.running import run
from tests.client.world import ScriptedProvider, make_response, query

ROOT = BASE.removesuffix("/v1")
TAKES_NUMBERS = acme(
    operations={
        "things.list": OperationRule(
            paging=PagingRule(style="cursor", items="items", key="id", position="page", next="next")
        )
    }
)


def page(number: int, after: object = None, **headers: Any) -> Response:
    """A page with one item."""
    return make_response(200, {"items": [{"id": str(number)}], "next": after}, **headers)


def read(pager: Any) -> list[str]:
    """All items of a walk."""

    async def work() -> list[str]:
        return [item["id"] async for item in pager]

    return run(work)


class Lines(dict[str, str]):
    """Headers some of which stand on several lines, as transports give them."""

    def __init__(self, *lines: str) -> None:
        super().__init__(link=lines[0])
        self._lines = lines

    def getall(self, _name: str) -> list[str]:
        """All lines."""
        return list(self._lines)


class Unreadable(dict[str, str]):
    """Headers with bytes that are not text."""

    def __init__(self) -> None:
        super().__init__(link="")

    def getall(self, _name: str) -> list[str]:
        """They cannot be given."""
        raise ValueError("failed to convert")


def test_a_relative_link_begins_at_its_own_page() -> None:
    """RFC 3986, section 5.1.3: not at the first page."""
    world = ScriptedProvider(page(1, "links/p/2"), page(2, "3"), page(3, "?part=b"), page(4, "../q"), page(5))
    pager = connect(world).pages("things.links", colour="red")
    assert read(pager) == ["1", "2", "3", "4", "5"]
    assert world.urls[1:] == [f"{BASE}/links/p/2", f"{BASE}/links/p/3", f"{BASE}/links/p/3?part=b", f"{BASE}/links/q"]
    assert pager.verdict.end is End.COMPLETE


def test_a_relative_link_begins_where_a_redirect_led() -> None:
    """The page that holds it is the one that answered."""
    world = ScriptedProvider(make_response(302, location="/v1/new/list"), page(1, "2"), page(2))
    assert read(connect(world).pages("things.links")) == ["1", "2"]
    assert world.urls == [f"{BASE}/links", f"{BASE}/new/list", f"{BASE}/new/2"]


def test_a_walk_over_links_is_resumed_by_another_client() -> None:
    """A relative link that was stored still leads on from the page that held it."""
    first = connect(ScriptedProvider(page(1, "p/2"), page(2, "3"), page(3, "4"))).pages("things.links")

    async def work() -> str:
        async for _ in first.pages():
            if first.walk.pages == 2:
                return str(first.position)
        return ""

    position = run(work)
    world = ScriptedProvider(page(3))
    assert read(connect(world).pages("things.links").resume(position)) == ["3"]
    assert world.urls == [f"{BASE}/p/3"]


@pytest.mark.parametrize(
    "link", ["/v2/things?page=2", f"{ROOT}/v2/things?page=2", "/../v2/things?page=2", "/v1x?page=2"]
)
def test_a_link_outside_of_the_base_path_goes_without_the_key(link: str) -> None:
    """It is the provider's own place, but not one that the key was given for."""
    world = ScriptedProvider(page(1, link), page(2, "/v1/links?page=3"), page(3))
    assert read(connect(world).pages("things.links")) == ["1", "2", "3"]
    assert world.urls[1].startswith(f"{ROOT}/v")
    assert world.keys == [KEY, "", KEY]


def test_a_profile_may_give_its_key_to_the_whole_origin() -> None:
    """Then a link within it is followed with the key, wherever it leads there."""
    world = ScriptedProvider(page(1, "/v2/things?page=2"), page(2))
    whole = acme(key=replace(KEYS, whole_origin=True))
    assert read(connect(world, provider=whole).pages("things.links")) == ["1", "2"]
    assert world.keys == [KEY, KEY]


def test_a_link_with_two_slashes_leads_to_its_own_origin() -> None:
    """As a base address that ends with a slash gives it; what follows is no name of a host."""
    world = ScriptedProvider(page(1, f"{ROOT}//v1/links?page=2"), page(2))
    pager = connect(world).pages("things.links")
    assert read(pager) == ["1", "2"]
    assert (world.urls[1], pager.verdict.end) == (f"{ROOT}//v1/links?page=2", End.COMPLETE)


@pytest.mark.parametrize("link", ["https://evil.test/v1/x", "http://api.acme.test/v1/x", "//evil.test/v1/x"])
def test_a_link_to_another_origin_is_never_followed(link: str) -> None:
    """Neither with the key nor without."""
    world = ScriptedProvider(page(1, link))
    with pytest.raises(errors.UnexpectedAnswer, match="is not followed: expected an address of"):
        read(connect(world).pages("things.links"))
    assert len(world.sent) == 1


def test_several_link_lines_are_one_list() -> None:
    """The next page may stand on any line."""
    headers = Lines('</v1/headers?page=9>; rel="last"', '</v1/headers?page=2>; rel="next"')
    world = ScriptedProvider(
        Response(200, headers, b'{"items":[{"id":"1"}]}'), make_response(200, {"items": [{"id": "2"}]})
    )
    pager = connect(world).pages("things.headers")
    assert read(pager) == ["1", "2"]
    assert (world.urls[1], pager.verdict.end) == (f"{BASE}/headers?page=2", End.COMPLETE)


@pytest.mark.parametrize("anchor", [f"{BASE}/headers", "/v1/headers", ""])
def test_a_link_that_is_anchored_here_is_ours(anchor: str) -> None:
    """An anchor that names the page itself changes nothing; one that names another place makes it another's link."""
    first = make_response(200, {"items": [{"id": "1"}]}, link=f'</v1/headers?page=2>; rel="next"; anchor="{anchor}"')
    assert read(
        connect(ScriptedProvider(first, make_response(200, {"items": [{"id": "2"}]}))).pages("things.headers")
    ) == ["1", "2"]
    other = make_response(200, {"items": [{"id": "1"}]}, link='</v1/headers?page=2>; rel="next"; anchor="/v1/other"')
    assert read(connect(ScriptedProvider(other)).pages("things.headers")) == ["1"]


@pytest.mark.parametrize("headers", [{"link": '<broken; rel="next"'}, {"link": '<>; rel="next"'}, Unreadable()])
def test_a_link_header_that_cannot_be_read_is_no_end(headers: dict[str, str]) -> None:
    """The items come, and the verdict says that there may be more."""
    pager = connect(ScriptedProvider(Response(200, headers, b'{"items":[{"id":"1"}]}'))).pages("things.headers")
    assert read(pager) == ["1"]
    assert pager.verdict.end is End.TRUNCATED
    assert "link" in pager.verdict.reason.lower()


@pytest.mark.parametrize("after", [7, 7.0, "7"])
@pytest.mark.parametrize(("operation", "name"), [("things.scroll", "cursor"), ("things.list", "page")])
def test_a_cursor_is_sent_as_its_parameter_takes_it(operation: str, name: str, after: object) -> None:
    """A number where a string is described, and the other way round."""
    world = ScriptedProvider(page(1, after), page(2))
    pager = connect(world, provider=TAKES_NUMBERS).pages(operation)
    assert read(pager) == ["1", "2"]
    assert (query(world.urls[1])[name], pager.verdict.end) == ("7", End.COMPLETE)


def test_a_cursor_that_is_an_address_is_followed_as_a_link() -> None:
    """Many documents do not say which of the two it is; its parameter could not take it."""
    for operation in ("things.scroll", "things.list"):
        world = ScriptedProvider(page(1, f"{BASE}/odd?page=2"), page(2, f"{BASE}/odd?page=3"), page(3))
        pager = connect(world, provider=TAKES_NUMBERS).pages(operation)
        assert read(pager) == ["1", "2", "3"]
        assert (world.urls[1:], pager.verdict.end) == ([f"{BASE}/odd?page=2", f"{BASE}/odd?page=3"], End.COMPLETE)
    away = ScriptedProvider(page(1, "https://evil.test/v1/x"))
    with pytest.raises(errors.UnexpectedAnswer, match="is not followed"):
        read(connect(away).pages("things.scroll"))
    assert len(away.sent) == 1


@pytest.mark.parametrize(
    "empty",
    [Response(204, {}, b""), make_response(200, b"null"), make_response(200, {}), make_response(200, {"items": None})],
)
def test_an_answer_without_items_may_be_an_empty_list(empty: Response) -> None:
    """No content, null, nothing in an object: the list is empty, and complete."""
    pager = connect(ScriptedProvider(empty)).pages("things.scroll")
    assert read(pager) == []
    assert (pager.verdict.end, pager.verdict.pages) == (End.COMPLETE, 1)


@pytest.mark.parametrize(
    "odd", [make_response(200, b""), make_response(200, ["a"]), make_response(200, {"error": "busy"})]
)
def test_an_answer_that_is_no_page_is_no_empty_list(odd: Response) -> None:
    """A body that was left out, another list, an error in a success."""
    with pytest.raises(errors.UnexpectedAnswer, match="the response is not a page"):
        read(connect(ScriptedProvider(odd)).pages("things.scroll"))


def test_a_walk_by_links_begins_where_its_arguments_say() -> None:
    """The page in the arguments stays in the request: a link takes its place only after the first page."""
    rule = OperationRule(paging=PagingRule(style="link-header", items="items", key="id"))
    shown = acme(operations={"things.list": rule})
    world = ScriptedProvider(page(3))
    assert read(connect(world, provider=shown).pages("things.list", page=3)) == ["3"]
    assert query(world.urls[0]) == {"page": "3"}
