# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_transport_limits.py by tools/unasync.py; do not edit
"""What a call makes of what its transport says: answers too large, failures that last, dead connections, redirects."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from callwell import errors
from callwell.core.types import Outcome
from callwell.transport.base import NoReply, Response
from tests.client._sync.scripted_client import connect
from tests.client.acme import BASE, KEYS, acme
from tests.client.running import run
from tests.client.world import LOST, OK, ScriptedProvider, make_error_response, make_response

TOO_LARGE = Response(200, {}, b"", whole=False, too_large=True)
LASTING = NoReply(Outcome.REFUSED, "name the authority with ca_file=…", permanent=True)


def failed(world: ScriptedProvider, operation: str, provider: Any = None) -> errors.CallError:
    """What a call raises."""
    arguments: dict[str, Any] = {"name": "n"} if operation == "things.make" else {"thing_id": "1"}
    api = connect(world, provider=provider or acme())
    with pytest.raises(errors.CallError) as caught:
        run(lambda: api.call(operation, **arguments))
    return caught.value


@pytest.mark.parametrize("operation", ["things.get", "things.make"])
def test_a_response_that_is_too_large_is_not_requested_again(operation: str) -> None:
    """The next would be as large: the call is done, and its result lost."""
    world = ScriptedProvider(TOO_LARGE)
    error = failed(world, operation)
    assert isinstance(error, errors.AnswerTooLarge)
    assert (error.outcome, error.attempts, len(world.sent)) == ("done", 1, 1)
    assert "max_answer_bytes" in str(error)


def test_an_error_that_is_too_large_is_what_its_status_says() -> None:
    """A long page of a server in trouble is a server in trouble."""
    world = ScriptedProvider(Response(503, {}, b"<html>", whole=False, too_large=True), OK)
    api = connect(world)
    assert run(lambda: api.call("things.get", thing_id="1")) == {"id": "1"}
    assert len(world.sent) == 2


@pytest.mark.parametrize("given", [0, -1, 1.5, True, "64"])
def test_a_bound_that_is_none(given: Any) -> None:
    """Bytes are counted by whole numbers."""
    with pytest.raises(errors.InvalidOption, match="max_answer_bytes"):
        connect(ScriptedProvider(OK), max_answer_bytes=given)


def test_the_profile_has_a_bound_and_the_caller_another() -> None:
    """The caller's counts."""
    small = acme(max_answer_bytes=10)
    assert connect(ScriptedProvider(OK), provider=small).config.network.max_answer_bytes == 10
    assert connect(ScriptedProvider(OK), provider=small, max_answer_bytes=20).config.network.max_answer_bytes == 20
    assert connect(ScriptedProvider(OK)).config.network.max_answer_bytes == 64 << 20


@pytest.mark.parametrize("operation", ["things.get", "things.make"])
def test_a_failure_that_lasts_ends_the_call_at_once(operation: str) -> None:
    """Before anything was sent: with the remedy in the message."""
    world = ScriptedProvider(LASTING)
    error = failed(world, operation)
    assert isinstance(error, errors.ConnectFailed)
    assert (error.outcome, error.attempts, len(world.sent)) == ("refused", 1, 1)
    assert "ca_file=…" in str(error)


def test_a_failure_that_lasts_after_sending_leaves_the_outcome_open() -> None:
    """A server that wants a certificate says so when the request is on its way."""
    late = replace(LASTING, outcome=Outcome.UNKNOWN)
    assert isinstance(failed(ScriptedProvider(late), "things.make"), errors.OutcomeUnknown)
    world = ScriptedProvider(late)
    assert isinstance(failed(world, "things.get"), errors.ConnectionLost)
    assert len(world.sent) == 1


def test_a_connection_that_died_is_not_used_again() -> None:
    """After an attempt without a response the next has a connection of its own; after a response it needs none."""
    world = ScriptedProvider(LOST, make_error_response(500, "X"), OK)
    api = connect(world)
    assert run(lambda: api.call("things.get", thing_id="1")) == {"id": "1"}
    assert [sent.request.new_connection for sent in world.sent] == [False, True, False]


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("/v1/elsewhere", True),
        (f"{BASE}/a/b?c=d", True),
        ("/v1", True),
        ("/v2/elsewhere", False),
        ("/v10/elsewhere", False),
        ("/", False),
        ("/v1/../admin", False),
        ("/v1/%2e%2e/admin", False),
        ("/v1/x/..%2f..%2fadmin", False),
        ("/v1/%252e%252e/admin", False),
        ("/v1/..;/admin", False),
        ("/v1/..\\admin", False),
    ],
)
def test_a_redirect_out_of_the_path_carries_no_key(location: str, shown: bool) -> None:  # noqa: FBT001 - drawn
    """Another program may be there; whatever the spelling of the way out, and unless the profile says otherwise."""
    for whole_origin in (False, True):
        world = ScriptedProvider(make_response(302, location=location), OK)
        api = connect(world, provider=acme(key=replace(KEYS, whole_origin=whole_origin)))
        run(lambda: api.call("things.get", thing_id="1"))  # noqa: B023 - it is run at once
        assert ["authorization" in dict(sent.request.headers) for sent in world.sent] == [True, shown or whole_origin]


@pytest.mark.parametrize("name", [1, None, b"a", ("a", "b")])
def test_a_query_by_names_that_are_no_texts(name: Any) -> None:
    """It is the caller's to fix, and nothing is sent."""
    world = ScriptedProvider(OK)
    api = connect(world)
    with pytest.raises(errors.InvalidOption, match="query cannot be"):
        run(lambda: api.request("GET", "/things", query={name: "1"}))
    assert not world.sent


@pytest.mark.parametrize("given", [f" {BASE}/ ", f"{BASE}\n"])
def test_white_space_around_an_address_is_nothing(given: str) -> None:
    """It comes with files and variables."""
    world = ScriptedProvider(OK)
    api = connect(world, base_url=given)
    run(lambda: api.call("things.get", thing_id="1"))
    assert world.urls == [f"{BASE}/things/1"]


@pytest.mark.parametrize(
    "given",
    [
        "https://user:sesame@api.acme.test",
        "https://user:ses/ame@api.acme.test",
        "https://user:ses?ame@api.acme.test",
        "https://:sesame@api.acme.test:x",
        "user:sesame@api.acme.test",
        "https://api.acme.test/?key=sesame",
        "https://api.acme .test",
        "https://api.acme.test\\@other.test",
        "ftp://api.acme.test",
        "",
        5,
    ],
)
def test_an_address_that_cannot_be_shows_no_password(given: Any) -> None:
    """Whatever is wrong with it."""
    with pytest.raises(errors.InvalidOption) as caught:
        connect(ScriptedProvider(OK), base_url={"production": given})
    assert "ame@" not in str(caught.value)
    assert "sesame" not in str(caught.value)
