# SPDX-License-Identifier: Apache-2.0
"""A page after the last that a provider refuses, where only that tells how long its list is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from callwell.core.rules.operations import OperationRule, PagingRule
from callwell.core.verdict import End
from tests.client._async.scripted_client import connect
from tests.client.acme import acme
from tests.client.running import run
from tests.client.world import ScriptedProvider, make_error_response, make_response, query

if TYPE_CHECKING:
    from callwell.transport.base import Request, Response

NUMBERED = PagingRule(items="items", key="id", size="size", max_size=2, total="total", more="more")


class Shelf:
    """Three things, two on a page, and a refusal beyond them.

    Args:
        refusal: of a page that is not there.
        fields: what a page says besides.
    """

    def __init__(self, refusal: Response, **fields: object) -> None:
        self._refusal = refusal
        self._fields = fields
        self.is_gone = False

    def __call__(self, request: Request) -> Response:
        """A page."""
        number = int(query(request.url)["page"])
        items = {1: ["a", "b"], 2: ["c"]}.get(number)
        if items is None or self.is_gone:
            self.is_gone = self.is_gone or "deleted" in str(self._refusal.body)
            return self._refusal
        return make_response(200, {"items": [{"id": item} for item in items], **self._fields})


def walk(shelf: Shelf | ScriptedProvider, ahead: int = 1) -> tuple[list[str], Any, ScriptedProvider]:
    """What a walk gives, and how it ended."""
    world = shelf if isinstance(shelf, ScriptedProvider) else ScriptedProvider(shelf)
    listed = acme(operations={"things.list": OperationRule(paging=NUMBERED)})
    pager = connect(world, provider=listed).pages("things.list").ahead(ahead)
    got = list[str]()

    async def work() -> None:
        async for item in pager:
            got.append(item["id"])

    try:
        run(work)
    except errors.CallwellError as error:
        return got, error, world
    return got, pager.verdict, world


@pytest.mark.parametrize("status", [404, 416])
@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_a_page_that_is_not_there_is_the_end(status: int, ahead: int) -> None:
    """All items come without an error, once the first page has shown that the list itself is still there."""
    got, verdict, world = walk(Shelf(make_error_response(status, "no_such_page")), ahead)
    assert (got, verdict.end, verdict.pages) == (["a", "b", "c"], End.COMPLETE, 2)
    numbers = [query(url)["page"] for url in world.urls]
    assert (numbers.count("1"), numbers.count("2"), numbers.count("3")) == (2, 1, 2)


def test_a_page_that_is_missing_once_is_no_end() -> None:
    """One server of several has not heard of it yet: it is requested once more."""
    shelf = Shelf(make_error_response(404, "no_such_page"))

    def reply(request: Request) -> Response:
        is_first_try = not any(query(url)["page"] == "2" for url in world.urls)
        return (
            make_error_response(404, "unknown")
            if query(request.url)["page"] == "2" and is_first_try
            else shelf(request)
        )

    world = ScriptedProvider(reply)
    got, verdict, _ = walk(world, 0)
    assert (got, verdict.end) == (["a", "b", "c"], End.COMPLETE)


def test_a_list_that_is_gone_has_no_end() -> None:
    """Its owner was deleted in the middle: the same status, and the first page is missing too."""
    got, failed, _ = walk(Shelf(make_error_response(404, "deleted")))
    assert (got, type(failed)) == (["a", "b", "c"], errors.NotFound)


@pytest.mark.parametrize("status", [400, 403, 422])
def test_a_refusal_for_any_other_reason_is_no_end(status: int) -> None:
    """A bound on how far a list can be read is one, and hides the rest."""
    got, failed, _ = walk(Shelf(make_error_response(status, "too_deep")))
    assert (got, failed.status) == (["a", "b", "c"], status)


@pytest.mark.parametrize("fields", [{"total": 9}, {"more": True}])
def test_a_page_that_was_announced_must_be_there(fields: dict[str, object]) -> None:
    """Its absence contradicts what was said before."""
    got, failed, _ = walk(Shelf(make_error_response(404, "no_such_page"), **fields))
    assert (got, type(failed)) == (["a", "b", "c"], errors.NotFound)


def test_the_first_page_is_never_after_the_last() -> None:
    """A list that is not there is an error at once."""
    shelf = Shelf(make_error_response(404, "deleted"))
    shelf.is_gone = True
    got, failed, world = walk(shelf)
    assert (got, type(failed), len(world.sent)) == ([], errors.NotFound, 1)
