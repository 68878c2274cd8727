# SPDX-License-Identifier: Apache-2.0
"""Exactly once: a call that loses its response is settled by its mark; nothing is made twice or forgotten."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell import errors
from callwell.client.exactly_once.entry import Status
from callwell.state import MemoryState
from tests.client._async.scripted_client import connect
from tests.client.running import run
from tests.client.shop import FATES, NAME, SIGHTS, DyingState, Killed, Shop, at_work, bury, provider, unsettled
from tests.client.world import count_held

LONG_S = 100_000.0


def connect_shop(shop: Shop, **options: Any) -> Any:
    """A client of the shop that makes its calls exactly once."""
    return connect(shop, provider=provider(), **{"exactly_once": True, "deadline_s": None, **options})


async def tried(one: Any, operation: str = "goods.make", **arguments: Any) -> Any:
    """What a call gives or raises; afterwards nothing is lent to anybody."""
    try:
        return await one.call(operation, **{"title": "t", **arguments})
    except errors.CallwellError as error:
        return error
    finally:
        assert count_held(one) == 0


def make_client(shop: Shop, operation: str = "goods.make", **options: Any) -> Any:
    """What one call gives or raises, and the client."""
    api = connect_shop(shop, **options)
    return run(lambda: tried(api, operation)), api


def test_a_call_that_goes_well_carries_a_mark_and_leaves_no_trace() -> None:
    """One request, with a mark beside the caller's own entries, and nothing in the ledger."""
    shop = Shop()
    api = connect_shop(shop)
    result = run(lambda: tried(api, labels=[{"key": "mine", "value": "1"}]))
    mine, mark = result["tags"]
    assert (mine, mark["key"], len(mark["value"])) == ({"key": "mine", "value": "1"}, NAME, 32)
    assert (len(shop.sent), api.ledger.entries(settled=True)) == (1, ())


def test_two_calls_have_two_marks() -> None:
    """The same arguments twice are two things, unless they have one name."""
    shop = Shop()
    api = connect_shop(shop)
    run(lambda: tried(api))
    run(lambda: tried(api))
    assert len({thing["tags"][0]["value"] for thing in shop.goods}) == 2


@pytest.mark.parametrize("fate", ["lost", "error", "broken"])
def test_what_was_done_is_found(fate: str) -> None:
    """The response was lost after the thing was made: it is found, and is the result."""
    shop = Shop((fate,))
    result, one = make_client(shop)
    assert (result["id"], shop.creations, unsettled(one)) == ("g1", 1, 0)
    assert [sent.request.method for sent in shop.sent] == ["POST", "GET"]


@pytest.mark.parametrize("fate", ["gone", "failed"])
def test_what_was_not_done_is_done_later_with_the_same_mark(fate: str) -> None:
    """Nothing is found twice, the second time when the request can no more commit; then it is sent again."""
    shop = Shop((fate,))
    result, one = make_client(shop)
    assert (result["id"], len(shop.ever), unsettled(one)) == ("g2", 1, 0)
    first, *probes, last = shop.sent
    assert [sent.request.method for sent in probes] == ["GET", "GET"]
    assert probes[1].at >= first.at + shop.took + 90.0
    assert first.request.body == last.request.body


@pytest.mark.parametrize("late_s", [0.0, 1.0, 45.0, 89.9])
def test_a_late_one_is_found_and_not_made_again(late_s: float) -> None:
    """It commits when its connection has long been closed."""
    shop = Shop(("late",), late_s=late_s)
    result, _ = make_client(shop)
    assert (result["id"], len(shop.ever)) == ("g1", 1)


def test_a_deadline_ends_the_search() -> None:
    """A minute does not suffice to know that nothing was done: the ledger keeps the call, and the error says all."""
    shop = Shop(("gone",))
    error, one = make_client(shop, deadline_s=60)
    assert isinstance(error, errors.OutcomeUnknown)
    entry = one.ledger.entries()[0]
    assert (error.entry, error.sent, entry.status, entry.sent) == (entry.name, "POST /goods", "unknown", "POST /goods")
    assert error.at == pytest.approx(shop.sent[0].at + shop.took + 90.0 - 1000.0 + 1_700_000_000.0)
    assert f"callwell ledger resume acme {entry.name}" in str(error)
    assert entry.arguments == {"title": "t"}
    assert run(lambda: one.with_options(deadline_s=None).ledger.resume(entry))["id"] == "g2"
    assert (len(shop.ever), unsettled(one)) == (1, 0)


@pytest.mark.parametrize("sight", ["lost", "error", "missing"])
def test_a_probe_that_fails_leaves_it_unknown(sight: str) -> None:
    """It is never repeated by guess, and can be settled when the provider is back."""
    shop = Shop(("lost",), (sight,) * 6)
    error, one = make_client(shop)
    assert isinstance(error, errors.OutcomeUnknown)
    assert "the lookup failed (acme goods.list" in str(error)
    assert (shop.creations, unsettled(one)) == (1, 1)
    shop.sights = []
    assert run(lambda: one.ledger.resume(one.ledger.entries()[0]))["id"] == "g1"
    assert (shop.creations, unsettled(one)) == (1, 0)


def test_a_list_that_takes_no_notice_of_the_filter() -> None:
    """What is listed counts only if it shows the mark."""
    shop = Shop(("ok", "lost"), deaf=True)
    api = connect_shop(shop)
    run(lambda: tried(api, title="another"))
    assert run(lambda: tried(api))["title"] == "t"


def test_the_callers_own_entry_of_that_name_is_refused() -> None:
    """Before anything is sent, in a sentence."""
    shop = Shop()
    api = connect_shop(shop)
    error = run(lambda: tried(api, labels=[{"key": NAME, "value": "x"}]))
    assert isinstance(error, errors.InvalidOption)
    assert f"entries with names other than '{NAME}'" in str(error)
    assert (shop.sent, api.ledger.entries(settled=True)) == ([], ())


def test_what_was_refused_is_no_longer_in_the_ledger() -> None:
    """A response that says no is known."""
    error, one = make_client(Shop(("bad",)))
    assert isinstance(error, errors.BadRequest)
    assert one.ledger.entries(settled=True) == ()


def test_without_a_mark_the_ledger_says_what_was_sent() -> None:
    """It cannot be looked up: it stays until somebody has looked. Secrets are not written down."""
    shop = Shop(("lost",))
    api = connect_shop(shop)
    error = run(lambda: tried(api, "goods.mint", api_key="verysecret"))
    assert isinstance(error, errors.OutcomeUnknown)
    entry = api.ledger.entries()[0]
    assert f"callwell ledger settle acme {entry.name}" in str(error)
    assert (entry.arguments, entry.marker) == ({"title": "t", "api_key": "[hidden]"}, None)
    with pytest.raises(errors.InvalidOption, match="check whether POST /mint was done, and settle it"):
        run(lambda: api.ledger.resume(entry))
    assert api.ledger.settle(entry, done=True).status is Status.DONE
    assert (api.ledger.entries(settled=True), shop.creations) == ((), 1)


def test_what_may_be_repeated_is_not_written_down() -> None:
    """A read, an update and a deletion are as they were."""
    shop = Shop()
    api = connect_shop(shop)
    run(lambda: api.call("things.put", thing_id="1", name="n"))
    assert api.ledger.entries(settled=True) == ()


def test_a_name_finds_the_earlier_call() -> None:
    """The same program, run again, gets what it has made; another one gets another thing."""
    shop = Shop()
    state = MemoryState()
    names = ("order-1", "order-1", "order-2")
    results = []
    for name in names:
        api = connect_shop(shop, state=state).with_options(exactly_once=name)
        results.append(run(partial(tried, api)))
    assert [result["id"] for result in results] == ["g1", "g1", "g2"]
    assert [(entry.name, entry.status, entry.object_key) for entry in api.ledger.entries(settled=True)] == [
        ("order-1", "done", "g1"),
        ("order-2", "done", "g2"),
    ]


def test_a_name_is_for_one_request() -> None:
    """Other arguments under the same name are refused, and nothing is sent."""
    shop = Shop()
    api = connect_shop(shop).with_options(exactly_once="order-1")
    run(lambda: tried(api))
    error = run(lambda: tried(api, title="other"))
    assert isinstance(error, errors.NameTaken)
    assert (error.name, error.object_key, shop.creations) == ("order-1", "g1", 1)


def test_a_named_thing_that_is_gone_is_not_made_again() -> None:
    """The caller learns it, and may choose another name; so it is where the result cannot be had again."""
    shop = Shop()
    api = connect_shop(shop).with_options(exactly_once="order-1")
    run(lambda: tried(api))
    shop.empty()
    error = run(lambda: tried(api))
    assert isinstance(error, errors.NameTaken)
    assert "g1 is gone" in str(error)
    two = connect_shop(shop).with_options(exactly_once="order-2")
    run(lambda: tried(two, "goods.mint"))
    error = run(lambda: tried(two, "goods.mint"))
    assert isinstance(error, errors.NameTaken)
    assert "its result was not kept" in str(error)


def test_a_named_call_that_was_refused_may_be_made_again() -> None:
    """It is known that nothing was done."""
    shop = Shop(("bad",))
    api = connect_shop(shop).with_options(exactly_once="order-1")
    assert isinstance(run(lambda: tried(api)), errors.BadRequest)
    assert run(lambda: tried(api))["id"] == "g2"


def test_what_was_settled_by_hand_stays_settled() -> None:
    """Done: the name is taken. Not done: it is made."""
    for done, expected in ((True, errors.NameTaken), (False, dict)):
        shop = Shop(("gone",))
        api = connect_shop(shop, deadline_s=60).with_options(exactly_once="order-1")
        assert isinstance(run(partial(tried, api)), errors.OutcomeUnknown)
        api.ledger.settle("order-1", done=done)
        with pytest.raises(errors.NameTaken):
            api.ledger.settle("order-1", done=done)
        assert isinstance(run(partial(tried, api)), expected)
    with pytest.raises(errors.UnknownName):
        api.ledger.get("order-3")


def test_a_name_that_another_one_is_at_work_on() -> None:
    """The second waits until its deadline, and its message says until when the first holds the name."""
    shop = Shop()
    state = MemoryState()
    first = connect_shop(shop, state=DyingState(state, 1, before=False)).with_options(exactly_once="order-1")
    with pytest.raises(Killed):
        run(lambda: tried(first))
    second = connect_shop(shop, state=state, deadline_s=30).with_options(exactly_once="order-1")
    with at_work(state):
        error = run(lambda: tried(second))
        assert isinstance(error, errors.WouldExceedDeadline)
        assert error.at > shop.clock.wall()
        with pytest.raises(errors.NameTaken, match="being made"):
            second.ledger.settle("order-1", done=False)


@given(
    fates=st.lists(st.sampled_from(FATES), max_size=4).map(tuple),
    sights=st.lists(st.sampled_from(SIGHTS), max_size=6).map(tuple),
    late_s=st.floats(0.0, 89.0),
    deadline_s=st.sampled_from([None, 30.0, 200.0]),
)
def test_nothing_is_made_twice_and_nothing_is_lost(
    fates: tuple[str, ...], sights: tuple[str, ...], late_s: float, deadline_s: float | None
) -> None:
    """Whatever befalls requests and answers: a result is one thing, a refusal none, and a doubt can be settled."""
    shop = Shop(fates, sights, late_s=late_s)
    result, one = make_client(shop, deadline_s=deadline_s)
    shop.fates = []
    shop.sights = []
    if isinstance(result, errors.OutcomeUnknown):
        assert len(shop.ever) <= 1
        result = run(lambda: one.with_options(deadline_s=None).ledger.resume(result.entry))
    assert one.ledger.entries(settled=True) == ()
    if isinstance(result, errors.CallwellError):
        assert shop.ever == [] or result.outcome == "done"  # type: ignore[attr-defined] # all of a call have it
        assert len(shop.ever) <= 1
    else:
        assert shop.ever == [result]


@given(
    fates=st.lists(st.sampled_from(FATES), max_size=3).map(tuple),
    late_s=st.floats(0.0, 89.0),
    last=st.integers(0, 12),
    before=st.booleans(),
)
def test_a_process_may_be_killed_at_any_step(fates: tuple[str, ...], late_s: float, last: int, before: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    """The next one that makes the same call under its name ends with one thing, or knows that there is none."""
    shop = Shop(fates, late_s=late_s)
    state = MemoryState()
    first = connect_shop(shop, state=DyingState(state, last, before=before)).with_options(exactly_once="order-1")
    try:
        result = run(lambda: given_or_raised(first))
    except Killed:
        result = None
        bury(state)
    second = connect_shop(shop, state=state).with_options(exactly_once="order-1")
    again = run(lambda: given_or_raised(second))
    if isinstance(again, errors.CallwellError):
        again = run(lambda: given_or_raised(second))
    assert shop.ever == [again]
    assert result is None or isinstance(result, errors.CallwellError) or result == again
    assert unsettled(second) == 0


async def given_or_raised(one: Any) -> Any:
    """What a call gives or raises, though a dead process has permits in hand."""
    try:
        return await one.call("goods.make", title="t")
    except errors.CallwellError as error:
        return error
