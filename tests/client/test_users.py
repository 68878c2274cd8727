# SPDX-License-Identifier: Apache-2.0
"""Calls on behalf of end users: what the provider gets, what is counted, and what is refused."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from callwell import errors
from callwell.client.end_users import CALLS_BEFORE_NOTICE
from callwell.core.rules.environments import EndUserRule
from callwell.core.rules.profile import RetryRule
from callwell.keys import Key
from callwell.observe.notices import CallEnded, OneUser
from callwell.state import MemoryState
from tests.client._async.scripted_client import connect as connect_async
from tests.client._sync.scripted_client import connect
from tests.client.acme import acme
from tests.client.world import LOST, OK, REFUSED, ScriptedProvider, make_response

if TYPE_CHECKING:
    from pathlib import Path

SECRET = Key("0123456789abcdef0123456789abcdef")
RULE = EndUserRule(header="X-User-Id", required_on=("monthly-active-users",))
PROVIDER = acme(end_user=RULE)
DAY_S = 86_400.0


def make_client(world: ScriptedProvider, **options: Any) -> Any:
    """A client of a provider that wants to know end users."""
    return connect(world, **{"provider": PROVIDER, "user_secret": SECRET, **options})


def users(world: ScriptedProvider) -> list[str | None]:
    """The end users that the provider got, call by call."""
    return [dict(item.request.headers).get("x-user-id") for item in world.sent]


def test_the_provider_gets_a_pseudonym() -> None:
    """The same for the same user, by any client with the same secret, and nothing where no user is named."""
    world = ScriptedProvider()
    api = make_client(world)
    api.with_options(for_user="ann").call("things.get", thing_id="1")
    api.with_options(for_user="bob").call("things.get", thing_id="1")
    api.call("things.get", thing_id="1")
    make_client(world, for_user="ann").request("GET", "/things/1")
    make_client(world, for_user="ann", user_secret=Key("f" * 32)).call("things.get", thing_id="1")
    ann, bob, nobody, again, other = users(world)
    assert nobody is None
    assert ann == again != bob
    assert other not in (None, ann, bob)
    assert UUID(ann).version == 4


def test_the_id_itself_goes_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """Not into the request, the log, notices, errors, or what a client shows of itself."""
    caplog.set_level(logging.DEBUG, logger="callwell")
    world = ScriptedProvider(make_response(400, {"message": "no"}))
    secretive = make_client(world, for_user="ann@example.test")
    with pytest.raises(errors.BadRequest) as caught:
        secretive.call("things.get", thing_id="1")
    seen = [caplog.text, repr(world.sent), repr(world.notices), repr(caught.value), repr(secretive._caller.options)]
    assert not any("ann@" in text for text in seen)
    for wrong in ("", "  ", 5):
        with pytest.raises(errors.InvalidOption, match="your own ID of the end user"):
            secretive.with_options(for_user=wrong)


def test_a_plan_by_end_users_takes_no_call_for_nobody() -> None:
    """It fails before anything is sent, whichever way the call is made; with a user it goes."""
    world = ScriptedProvider()
    api = make_client(world, plan="monthly-active-users")
    for call in (api.call, api.call_raw):
        with pytest.raises(errors.EndUserMissing, match=r"acme things\.get: nothing was sent"):
            call("things.get", thing_id="1")
    with pytest.raises(errors.EndUserMissing):
        api.request("GET", "/things/1")
    with pytest.raises(errors.EndUserMissing):
        next(iter(api.pages("things.list")))
    assert world.sent == []
    api.with_options(for_user="ann").call("things.get", thing_id="1")
    always = make_client(ScriptedProvider(), provider=acme(end_user=EndUserRule(header="x-user-id", required=True)))
    with pytest.raises(errors.EndUserMissing):
        always.call("things.get", thing_id="1")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"plan": "monthly"}, "unknown plan 'monthly' of acme: did you mean monthly-active-users"),
        ({"user_secret": "ann's secret"}, "user_secret cannot be a string of 12 characters"),
        ({"user_secret": Key("short")}, "a secret of at least 16"),
        ({"alpha": 1}, "True or False"),
        ({"key_header": "a b"}, "the name of a header"),
        ({"key_header": "Host"}, "that no transport writes"),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str) -> None:
    """Messages name the option, and do not repeat secrets."""
    with pytest.raises(errors.UsageError, match=message):
        make_client(ScriptedProvider(), **{"for_user": "ann", **options})


def test_a_secret_that_is_not_there(tmp_path: Path) -> None:
    """No secret is created at a source that the caller names."""
    with pytest.raises(errors.KeyMissing, match="user_secret: no key: "):
        make_client(ScriptedProvider(), for_user="ann", user_secret=f"file:{tmp_path}/secret")
    (tmp_path / "secret").write_text("0123456789abcdef0123456789abcdef\n")
    world = ScriptedProvider()
    make_client(world, for_user="ann", user_secret=f"file:{tmp_path}/secret").call("things.get", thing_id="1")
    make_client(world, for_user="ann").call("things.get", thing_id="1")
    assert len(set(users(world))) == 1


def test_a_provider_without_end_users() -> None:
    """Neither a plan nor a secret nor a user makes sense."""
    for options in ({"plan": "monthly-active-users"}, {"user_secret": SECRET}, {"for_user": "ann"}):
        with pytest.raises(errors.InvalidOption, match="expected no value: acme has no end users"):
            connect(ScriptedProvider(), **options)


def test_ids_as_they_are() -> None:
    """Where the profile says so, the caller's id is sent; the state has its digest only."""
    world = ScriptedProvider()
    state = MemoryState()
    plain = make_client(world, provider=acme(end_user=EndUserRule(header="x-user-id", pseudonym=False)), state=state)
    plain.with_options(for_user="ann").call("things.get", thing_id="1")
    assert users(world) == ["ann"]
    assert "ann" not in "".join(state.keys("user:"))
    with pytest.raises(errors.InvalidOption, match="printable ASCII"):
        plain.with_options(for_user="añn")


def test_users_are_counted_by_month() -> None:
    """Each once a month, by whomever the state is shared."""
    world = ScriptedProvider()
    state = MemoryState()
    api = make_client(world, state=state)
    two = make_client(world, state=state)
    for user, caller in (("ann", api), ("bob", two), ("ann", two), ("ann", api)):
        caller.with_options(for_user=user).call("things.get", thing_id="1")
    api.call("things.get", thing_id="1")
    assert list(api.config.end_users.monthly_counts().values()) == [2]
    world.clock.advance(32 * DAY_S)
    api.with_options(for_user="ann").call("things.get", thing_id="1")
    assert list(two.config.end_users.monthly_counts().values()) == [2, 1]
    assert api.config.end_users.monthly_counts().keys() == two.config.end_users.monthly_counts().keys()


@pytest.mark.parametrize(
    ("replies", "counted"),
    [([make_response(400, {})], True), ([LOST], True), ([REFUSED], False), ([make_response(503, {})], True)],
    ids=["refused by the provider", "no answer", "no connection", "failed"],
)
def test_who_may_have_arrived_is_counted(replies: list[Any], counted: bool) -> None:  # noqa: FBT001 - a table
    """A user counts if a request may have reached the provider."""
    api = make_client(ScriptedProvider(*replies), for_user="ann")
    with pytest.raises(errors.CallwellError):
        api.call("things.get", thing_id="1")
    assert list(api.config.end_users.monthly_counts().values()) == [1] * counted


def test_a_state_that_fails_costs_no_result(caplog: pytest.LogCaptureFixture) -> None:
    """What was paid for is returned; that it is not counted is logged."""

    class Failing(MemoryState):
        def update(self, cell: Any, change: Any) -> Any:
            if cell.key.startswith("user:"):
                raise errors.StateError("the disk is full")
            return super().update(cell, change)

    api = make_client(ScriptedProvider(), for_user="ann", state=Failing())
    assert api.call("things.get", thing_id="1") == {"id": "1"}
    assert "is not counted: the disk is full" in caplog.text


def calls(one: Any, *names: str) -> None:
    """A call for each user."""
    for name in names:
        one.with_options(for_user=name).call("things.get", thing_id="1")


def test_one_id_for_everybody_is_noticed_once() -> None:
    """After a hundred calls for the same user and none for another, by the log and by a notice."""
    world = ScriptedProvider()
    api = make_client(world, provider=acme({}, end_user=RULE))
    calls(api, *["everybody"] * (CALLS_BEFORE_NOTICE - 1))
    assert not any(isinstance(notice, OneUser) for notice in world.notices)
    calls(api, *["everybody"] * (CALLS_BEFORE_NOTICE + 1))
    [notice] = [notice for notice in world.notices if isinstance(notice, OneUser)]
    assert (notice.calls, notice.user) == (CALLS_BEFORE_NOTICE, users(world)[0])


def test_who_serves_several_is_left_alone() -> None:
    """A client with two users, and one with others in its state, give no warning."""
    world = ScriptedProvider()
    state = MemoryState()
    api = make_client(world, provider=acme({}, end_user=RULE), state=state)
    calls(api, "ann", "bob", *["ann"] * CALLS_BEFORE_NOTICE)
    two = make_client(world, provider=acme({}, end_user=RULE), state=state)
    calls(two, *["ann"] * (CALLS_BEFORE_NOTICE + 1))
    assert not any(isinstance(notice, OneUser) for notice in world.notices)


def test_what_may_be_billed_is_reported() -> None:
    """On the response, on the notice and in the error; and it is repeated once only."""
    provider = acme(retry=RetryRule(lost_attempts=2))
    world = ScriptedProvider(LOST, OK)
    got = connect(world, provider=provider).call_raw("things.get", thing_id="1")
    assert (got.attempts, got.possibly_billed) == (2, 1)
    assert [notice.possibly_billed for notice in world.notices if isinstance(notice, CallEnded)] == [1]
    with pytest.raises(errors.ConnectionLost, match="2 attempts, 2 of them possibly billed") as caught:
        connect(ScriptedProvider(LOST), provider=provider).call("things.get", thing_id="1")
    assert (caught.value.attempts, caught.value.possibly_billed) == (2, 2)
    plain = ScriptedProvider(LOST, OK)
    assert (connect(plain).call_raw("things.get", thing_id="1")).possibly_billed == 0


def test_async_clients_do_the_same() -> None:
    """What is sent and counted is the same as of sync clients."""
    world = ScriptedProvider()

    async def work() -> Any:
        async with connect_async(world, provider=PROVIDER, user_secret=SECRET, plan="monthly-active-users") as api:
            with pytest.raises(errors.EndUserMissing):
                await api.call("things.get", thing_id="1")
            await api.with_options(for_user="ann").call("things.get", thing_id="1")
            return api.config.end_users.monthly_counts()

    assert list(asyncio.run(work()).values()) == [1]
    make_client(world, for_user="ann").call("things.get", thing_id="1")
    assert len(set(users(world))) == 1
