# SPDX-License-Identifier: Apache-2.0
"""After Send: whatever fails on this side, the permit counts as used, and the caller learns what is known."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from callwell import errors
from callwell.core.rules.profile import QuotaRule, RetryRule
from callwell.description.answer_types import classify
from callwell.errors import StateError
from callwell.state import MemoryState
from callwell.transport.base import Request, Response
from tests.client._async.scripted_client import connect
from tests.client.acme import acme
from tests.client.running import run
from tests.client.world import LOST, OK, ScriptedProvider, count_held, make_error_response, make_response

FULL = "cannot write the state: the disk is full"
PAGE = make_response(200, b"<html>Please sign in</html>", content_type="text/html")
ARGUMENTS: dict[str, dict[str, Any]] = {
    "things.get": {"thing_id": "1"},
    "things.put": {"thing_id": "1", "name": "n"},
    "things.make": {"name": "n"},
    "things.remove": {"thing_id": "1"},
}


class FailingState(MemoryState):
    """A state that others see, and that fails for writers on demand.

    Attributes:
        full: nothing can be written.
    """

    shared = True

    def __init__(self) -> None:
        super().__init__()
        self.full = False

    def update(self, cell: Any, change: Any) -> Any:
        """Write, unless that fails."""
        if self.full:
            raise StateError(FULL)
        return super().update(cell, change)


def ended(one: Any, operation: str = "things.make") -> Any:
    """What a call gives or raises."""

    async def work() -> Any:
        return await one.call(operation, **ARGUMENTS[operation])

    try:
        return run(work)
    except errors.CallwellError as error:
        return error


def filled(state: FailingState, *replies: Any) -> list[Any]:
    """Replies during the first of which the disk becomes full."""

    def first(_: Request) -> Any:
        state.full = True
        return replies[0]

    return [first, *replies[1:]]


def single() -> Any:
    """A provider that allows so few calls that each permit comes from the state when it is needed."""
    return acme({"second": QuotaRule(limit=1, window_s=1.0)})


@pytest.mark.parametrize("operation", ["things.get", "things.make"])
def test_a_state_that_fails_after_the_answer_costs_no_answer(operation: str) -> None:
    """The result is given, and the permit is spent until its request is surely over."""
    state = FailingState()
    world = ScriptedProvider(*filled(state, OK))
    api = connect(world, state=state)
    assert ended(api, operation) == {"id": "1"}
    assert api.spent()["minute"][0] == 1
    world.clock.advance(60.0)
    assert api.spent()["minute"][0] > 0
    world.clock.advance(200.0)
    assert api.spent() == {"minute": (0, 100)}


@pytest.mark.parametrize(("status", "cls"), [(404, errors.NotFound), (500, errors.OutcomeUnknown)])
def test_a_state_that_fails_after_an_error_costs_no_truth(status: int, cls: type[Exception]) -> None:
    """An error is reported as what it is, and not as one of the state."""
    state = FailingState()
    assert type(ended(connect(ScriptedProvider(*filled(state, make_error_response(status, "X"))), state=state))) is cls


def test_a_state_that_fails_between_two_attempts_hides_no_doubt() -> None:
    """A call that may have been done ends as unknown, though it was the state that stopped it."""
    state = FailingState()
    world = ScriptedProvider(*filled(state, make_error_response(500, "X"), OK))
    error = ended(connect(world, state=state, provider=single(), retry_unsafe_5xx=True))
    assert isinstance(error, errors.OutcomeUnknown)
    assert FULL in str(error)
    assert isinstance(error.__cause__, StateError)


def test_a_call_that_may_be_repeated_raises_the_states_own_error() -> None:
    """An update that may have been done needs no looking: the error is the one that stopped it."""
    state = FailingState()
    world = ScriptedProvider(*filled(state, make_error_response(500, "X"), OK))
    error = ended(connect(world, state=state, provider=single()), "things.put")
    assert isinstance(error, StateError)


def test_a_state_that_fails_where_nothing_was_done_says_so() -> None:
    """Without doubt the error is the state's own."""
    state = FailingState()
    world = ScriptedProvider(*filled(state, make_error_response(503, "NOT_DONE"), OK))
    error = ended(connect(world, state=state, provider=single()))
    assert isinstance(error, StateError)


def test_a_client_that_is_closed_meanwhile_hides_no_doubt() -> None:
    """Between an attempt that may have been done and the next, closing ends the call as unknown."""

    def close(_: Request) -> Response:
        api._engine.stop()
        return make_error_response(500, "X")

    api = connect(ScriptedProvider(close, OK), retry_unsafe_5xx=True)
    error = ended(api)
    assert isinstance(error, errors.OutcomeUnknown)
    assert isinstance(error.__cause__, errors.ClosedError)
    assert count_held(api) == 0


def test_a_transport_that_raises_has_sent() -> None:
    """An error from inside a transport leaves a creation unknown."""

    def fail(_: Request) -> Response:
        raise ValueError("failed to convert header to a str")

    api = connect(ScriptedProvider(fail))
    error = ended(api)
    assert isinstance(error, errors.OutcomeUnknown)
    assert isinstance(error.__cause__, ValueError)
    assert api.spent() == {"minute": (1, 100)}


def test_a_key_that_is_refused_after_a_doubt_hides_no_doubt() -> None:
    """The first request may have been done: that the second one's key is dead does not change it."""
    world = ScriptedProvider(make_error_response(500, "X"), make_error_response(401, "DEAD"))
    error = ended(connect(world, retry_unsafe_5xx=True))
    assert isinstance(error, errors.OutcomeUnknown)


@pytest.mark.parametrize("content_type", ["text/html", "text/plain; charset=utf-8", "application/xml", "image/png"])
@pytest.mark.parametrize("body", [b"<html>", b"\n <!DOCTYPE html>", b"OK"])
def test_another_type_than_described_proves_nothing(content_type: str, body: bytes) -> None:
    """A creation with such a response is unknown; a read is requested again, and says at last what came."""
    page = make_response(201, body, content_type=content_type)
    error = ended(connect(ScriptedProvider(page)))
    assert isinstance(error, errors.OutcomeUnknown)
    assert (error.status, error.outcome) == (201, "unknown")
    assert content_type.partition(";")[0] in str(error)
    world = ScriptedProvider(page, OK)
    assert ended(connect(world), "things.get") == {"id": "1"}
    failed = ended(connect(ScriptedProvider(page)), "things.get")
    assert isinstance(failed, errors.UnexpectedAnswer)
    assert (failed.attempts, "instead of JSON" in str(failed)) == (6, True)


@pytest.mark.parametrize(
    "reply",
    [
        make_response(201, b'{"data": {"id"', content_type="application/json"),
        make_response(201, b'{"data": {"id"'),
        make_response(201, b'{"data": {"id"', content_type="application/vnd.acme+json"),
        make_response(201, b"", whole=False, content_type="application/json"),
    ],
)
def test_json_that_broke_off_is_the_providers_own(reply: Response) -> None:
    """A creation is done even if its result did not arrive whole."""
    error = ended(connect(ScriptedProvider(reply)))
    assert isinstance(error, errors.UnexpectedAnswer)
    assert error.outcome == "done"


def test_a_type_that_is_described_is_the_providers_own() -> None:
    """A creation that is described to answer with a string is done when it does, and unknown with another type."""
    provider = acme()
    media = (classify("text/plain", {}), classify("application/xml", {}))
    make = replace(provider.api.operations["things.make"], media=media)
    api = replace(provider.api, operations={**provider.api.operations, "things.make": make})
    provider = replace(provider, api=api)
    for body, content_type in ((b"OK", "text/plain; charset=utf-8"), (b"<a/>", "Application/XML")):
        reply = make_response(200, body, content_type=content_type)
        assert ended(connect(ScriptedProvider(reply), provider=provider)) == body.decode()
    page = make_response(200, b"<html>", content_type="text/html")
    assert isinstance(ended(connect(ScriptedProvider(page), provider=provider)), errors.OutcomeUnknown)


def test_json_under_another_name_is_a_result() -> None:
    """A server that calls its JSON a page is understood; an empty response is one whatever it calls itself."""
    assert ended(connect(ScriptedProvider(make_response(200, {"data": {"id": "1"}}, content_type="text/html")))) == {
        "id": "1"
    }
    assert ended(connect(ScriptedProvider(make_response(200, b"", content_type="text/html")))) is None


def test_a_creation_that_points_at_its_result_is_done() -> None:
    """303 after a POST: done, with the place of the result in the message, and never sent again."""
    world = ScriptedProvider(make_response(303, location="https://api.acme.test/v1/things/7"))
    error = ended(connect(world))
    assert isinstance(error, errors.UnexpectedAnswer)
    assert (error.outcome, error.status, len(world.sent)) == ("done", 303, 1)
    assert "https://api.acme.test/v1/things/7" in str(error)


@pytest.mark.parametrize("reply", [PAGE, make_response(401, b"<html>", content_type="text/html"), make_response(407)])
def test_no_key_is_dead_by_a_gateways_page(reply: Response) -> None:
    """Where a status alone says that a key is dead, a page of a proxy's does not say it."""
    from callwell.core.rules.profile import ErrorRule

    provider = acme(errors=ErrorRule(dead_key_statuses=(401, 407)))
    error = ended(connect(ScriptedProvider(reply), provider=provider), "things.get")
    assert not isinstance(error, errors.KeyRefused)
    assert isinstance(
        ended(connect(ScriptedProvider(make_response(401)), provider=provider), "things.get"), errors.KeyRefused
    )


def test_a_proxy_that_asks_for_a_log_in_is_no_provider() -> None:
    """407: no connection to the provider was made, nothing was done, and the message says what to do."""
    error = ended(connect(ScriptedProvider(make_response(407, proxy_authenticate="Basic"))))
    assert isinstance(error, errors.ConnectFailed)
    assert (error.outcome, error.attempts) == ("refused", 1)
    assert "the proxy requires a login" in str(error)


@pytest.mark.parametrize("reply", [PAGE, make_response(408), make_response(425), make_response(511)])
def test_what_no_provider_answered_was_not_billed(reply: Response) -> None:
    """A response that a gateway wrote is not billed."""
    provider = acme(retry=RetryRule(lost_attempts=2))
    error = ended(connect(ScriptedProvider(reply), provider=provider), "things.get")
    assert error.possibly_billed == 0
    assert ended(connect(ScriptedProvider(LOST), provider=provider), "things.get").possibly_billed == 2


def test_a_window_holds_no_more_than_its_limit_when_reading_fails() -> None:
    """Headers that raise in their reader: forty calls through a quota of five take eight windows."""

    class Raising(dict[str, str]):
        def get(self, *_: Any) -> Any:
            raise ValueError("failed to convert header to a str")

    world = ScriptedProvider(Response(200, Raising(), b'{"data": {"id": "1"}}'))
    api = connect(world, provider=acme({"minute": QuotaRule(limit=5, window_s=60)}), deadline_s=None)

    async def work() -> None:
        for _ in range(40):
            await api.call("things.make", name="n")

    run(work)
    times = world.times
    assert min(after - before for before, after in zip(times, times[5:], strict=False)) >= 60


@pytest.mark.parametrize("name", [True, "order-1"])
def test_a_state_that_fails_after_a_call_made_exactly_once(name: bool | str) -> None:  # noqa: FBT001 - a table
    """The result is given though its end cannot be written down, and the call is not made again under its name."""
    state = FailingState()
    world = ScriptedProvider(*filled(state, OK))
    api = connect(world, state=state, exactly_once=name, deadline_s=5.0)
    assert ended(api) == {"id": "1"}
    state.full = False
    if name is not True:
        assert isinstance(ended(api), errors.OutcomeUnknown)
        assert len(world.sent) == 1
