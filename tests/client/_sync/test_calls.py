# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_calls.py by tools/unasync.py; do not edit
"""One call: what is repeated, what it waits for, and that nothing stays lent."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from callwell.core.rules.profile import QuotaRule, RetryRule
from callwell.keys import Key
from callwell.observe.notices import CallEnded, Waiting
from callwell.transport.base import Response
from tests.client._sync.scripted_client import connect
from tests.client.acme import BASE, KEY, acme
from tests.client.running import run
from tests.client.world import LOST, OK, REFUSED, ScriptedProvider, count_held, make_error_response, make_response

if TYPE_CHECKING:
    from callwell.transport.base import Request

ARGUMENTS: dict[str, dict[str, Any]] = {
    "things.get": {"thing_id": "1"},
    "things.put": {"thing_id": "1", "name": "n"},
    "things.make": {"name": "n"},
    "things.remove": {"thing_id": "1"},
}


def called(world: ScriptedProvider, operation: str = "things.get", **options: Any) -> Any:
    """What a call gives or raises; afterwards nothing is lent to anybody."""
    api = connect(world, **options)

    def work() -> Any:
        with api:
            return api.call(operation, **ARGUMENTS[operation])

    try:
        return run(work)
    except errors.CallwellError as error:
        return error
    finally:
        assert count_held(api) == 0


def test_a_call_is_one_request() -> None:
    """A call sends its method, address, key and body, and gives the part of the body that the profile names."""
    world = ScriptedProvider()
    assert called(world, "things.make") == {"id": "1"}
    request = world.sent[0].request
    assert (request.method, request.url, request.body) == ("POST", f"{BASE}/things", b'{"name":"n"}')
    assert dict(request.headers) == {
        "accept": "application/json",
        "authorization": f"Bearer {KEY}",
        "content-type": "application/json",
    }
    assert request.keep_status


def test_requests_beyond_the_description_may_bring_anything() -> None:
    """A success that is not JSON is a response like any other to `request`, and broken for a described operation."""
    captions = Response(200, {"content-type": "text/vtt"}, b"WEBVTT")
    world = ScriptedProvider(captions)
    found = run(lambda: connect(world).request("GET", "/captions"))
    assert (found.status, found.body, found.json, len(world.sent)) == (200, b"WEBVTT", None, 1)
    assert isinstance(called(ScriptedProvider(captions)), errors.UnexpectedAnswer)


@pytest.mark.parametrize("scheme", ["bearer", "basic", "header"])
def test_a_key_is_shown_as_the_profile_says(scheme: Any) -> None:
    """Bearer, basic (the key as user name), or the bare key in a header of its own."""
    from callwell.core.rules.profile import KeyRule

    world = ScriptedProvider()
    called(world, provider=acme(key=KeyRule(env="X", scheme=scheme, header="x-key")))
    expected = {"bearer": f"Bearer {KEY}", "basic": "Basic YWNtZV9maXJzdDo=", "header": KEY}[scheme]
    assert dict(world.sent[0].request.headers)["x-key"] == expected


@pytest.mark.parametrize("operation", ["things.get", "things.put", "things.remove"])
@pytest.mark.parametrize(
    "bad",
    [
        make_error_response(500, "X"),
        make_error_response(503, "X"),
        LOST,
        REFUSED,
        make_response(200, b"{", whole=False),
    ],
)
def test_what_may_be_repeated_is(operation: str, bad: Response) -> None:
    """5xx, no connection, no response and broken bodies are repeated after a growing wait."""
    world = ScriptedProvider(bad, bad, OK)
    assert called(world, operation) == {"id": "1"}
    assert world.times == pytest.approx([0.0, 0.375, 0.375 + 0.75])


@pytest.mark.parametrize("bad", [make_error_response(500, "X"), make_error_response(503, "X"), LOST])
def test_what_may_not_be_repeated_is_not(bad: Response) -> None:
    """An unsafe operation that may have been done is never sent again, and the message says to look first."""
    world = ScriptedProvider(bad, OK)
    error = called(world, "things.make")
    assert isinstance(error, errors.OutcomeUnknown)
    assert (error.outcome, error.attempts, len(world.sent)) == ("unknown", 1, 1)
    assert "check before you repeat it" in str(error)


def test_what_was_surely_not_done_is_repeated() -> None:
    """An unsafe operation is sent again where nothing can have been done."""
    world = ScriptedProvider(REFUSED, make_error_response(503, "NOT_DONE"), make_error_response(429, "X"), OK)
    assert called(world, "things.make") == {"id": "1"}


def test_unsafe_repetition_is_the_callers_choice() -> None:
    """With `retry_unsafe_5xx` a 5xx is repeated, but a lost response is not."""
    assert called(ScriptedProvider(make_error_response(500, "X"), OK), "things.make", retry_unsafe_5xx=True) == {
        "id": "1"
    }
    assert isinstance(called(ScriptedProvider(LOST, OK), "things.make", retry_unsafe_5xx=True), errors.OutcomeUnknown)


def test_a_lost_result_is_reported() -> None:
    """A 2xx without its body means that an unsafe operation was done: it is not repeated."""
    world = ScriptedProvider(make_response(201, b"{", whole=False), OK)
    error = called(world, "things.make")
    assert isinstance(error, errors.UnexpectedAnswer)
    assert (error.outcome, error.status, len(world.sent)) == ("done", 201, 1)


@pytest.mark.parametrize("status", [404, 410])
def test_a_missing_thing_was_deleted(status: int) -> None:
    """A DELETE that lost its response and then finds nothing has done its work."""
    assert called(ScriptedProvider(LOST, make_error_response(status, "X")), "things.remove") is None
    assert isinstance(called(ScriptedProvider(make_error_response(status, "X")), "things.remove"), errors.Missing)


def test_attempts_end() -> None:
    """Six arrivals, and the last error is reported with how many there were."""
    world = ScriptedProvider(make_response(502, b"<html>"))
    error = called(world)
    assert isinstance(error, errors.ServerError)
    assert (error.attempts, len(world.sent), error.code) == (6, 6, None)
    world = ScriptedProvider(REFUSED)
    assert isinstance(called(world), errors.ConnectFailed)
    assert isinstance(called(ScriptedProvider(LOST)), errors.ConnectionLost)
    ended = world.notices[-1]
    assert isinstance(ended, CallEnded)
    assert (ended.attempts, ended.outcome) == (6, "refused")


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_never_undercut(status: int) -> None:
    """The response's own time is waited for, and counts nothing on other responses."""
    world = ScriptedProvider(make_error_response(status, "X", retry_after="7"), OK)
    assert called(world) == {"id": "1"}
    assert world.times[1] >= 7.0
    world = ScriptedProvider(make_error_response(500, "X", retry_after="7"), OK)
    assert called(world) == {"id": "1"}
    assert world.times[1] < 7.0


def test_a_wait_that_cannot_fit_ends_at_once() -> None:
    """A `Retry-After` beyond the deadline is reported with the time at which the call could go on."""
    world = ScriptedProvider(make_error_response(429, "X", retry_after="90"), OK)
    began = world.clock.wall()
    error = called(world)
    assert isinstance(error, errors.WouldExceedDeadline)
    assert error.at == pytest.approx(began + 90.0)
    assert (world.clock.wall(), len(world.sent)) == (began, 1)
    assert called(ScriptedProvider(make_error_response(429, "X", retry_after="90"), OK), priority="batch") == {
        "id": "1"
    }


def test_a_quota_is_waited_for_or_reported() -> None:
    """The call after the last permit waits for the first one to cool, or says at once when that will be."""
    provider = acme({"ten": QuotaRule(limit=2, window_s=10)})
    world = ScriptedProvider(took=1.0)
    api = connect(world, provider=provider)

    def work() -> None:
        with api:
            for _ in range(4):
                api.call("things.get", thing_id="1")
            with pytest.raises(errors.WouldExceedDeadline) as caught:
                api.with_options(deadline_s=0.5).call("things.get", thing_id="1")
            assert caught.value.at == pytest.approx(world.clock.wall() - world.clock.now() + 1022.0, abs=0.1)

    run(work)
    assert world.times == pytest.approx([0.0, 1.0, 11.0, 12.0], abs=0.1)
    waits = [notice for notice in world.notices if isinstance(notice, Waiting)]
    assert waits[0].reason == "quota"
    assert waits[0].seconds == pytest.approx(9.0, abs=0.1)
    assert api.spent() == {"ten": (2, 2)}
    assert count_held(api) == 0


def test_a_passed_deadline_is_reported() -> None:
    """A deadline that passes while the call is under way ends it before the next attempt."""
    error = called(ScriptedProvider(LOST, took=61.0))
    assert isinstance(error, errors.OutOfTime)
    assert error.attempts == 1


def test_a_closed_client_sends_nothing() -> None:
    """After closing, every call says so, also through clients with other options, and nothing stays lent."""
    world = ScriptedProvider()
    api = connect(world)
    other = api.with_options(deadline_s=5)

    def work() -> None:
        with other:
            assert other.call("things.get", thing_id="1") == {"id": "1"}
        for closed in (api, other):
            with pytest.raises(errors.ClosedError, match=r"acme things\.get: the client was closed"):
                closed.call("things.get", thing_id="1")
            with pytest.raises(errors.ClosedError):
                closed.request("GET", "/x")

    run(work)
    assert (len(world.sent), count_held(api)) == (1, 0)


def test_closing_ends_a_call_that_waits() -> None:
    """A call that is repeated after the client was closed sends nothing more."""

    def close(_: Request) -> Response:
        api._engine.stop()
        return make_error_response(500, "X")

    world = ScriptedProvider(close, OK)
    api = connect(world)
    with pytest.raises(errors.ClosedError):
        run(lambda: api.call("things.get", thing_id="1"))
    assert (len(world.sent), count_held(api)) == (1, 0)


def test_a_broken_transport_keeps_nothing() -> None:
    """What a transport should never raise is a lost response: permit and key are settled as unknown, each time."""

    def fail(_: Request) -> Response:
        raise ZeroDivisionError

    api = connect(ScriptedProvider(fail))
    with pytest.raises(errors.ConnectionLost) as caught:
        run(lambda: api.call("things.get", thing_id="1"))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert count_held(api) == 0
    assert api.spent() == {"minute": (6, 100)}


def test_the_retry_budget_binds_while_the_provider_is_dead() -> None:
    """After many failures hardly any call is repeated: at most 1.1 attempts each."""
    world = ScriptedProvider(make_error_response(500, "X"))
    api = connect(world, provider=acme({}, retry=RetryRule(base_s=0.001)))

    def work() -> None:
        for _ in range(300):
            with pytest.raises(errors.CallwellError):
                api.call("things.get", thing_id="1")

    run(work)
    assert len(world.sent) < 300 * 1.1 + 50


def test_the_retry_budget_binds_before_the_breaker() -> None:
    """A provider that fails three times of four is never dead for long, but looks it: its retries are rationed."""
    world = ScriptedProvider(lambda _: OK if len(world.sent) % 4 == 3 else make_error_response(500, "X"))
    api = connect(world, provider=acme({}, retry=RetryRule(base_s=0.001)))

    def work() -> None:
        for _ in range(400):
            with suppress(errors.ServerError):
                api.call("things.get", thing_id="1")

    run(work)
    assert 400 < len(world.sent) < 400 * 1.1 + 60


def test_a_key_given_as_text_is_not_repeated() -> None:
    """A string that is not a source may be a key: it is not in the message."""
    with pytest.raises(errors.InvalidOption) as caught:
        connect(ScriptedProvider(), key="acme_secret")
    assert "acme_secret" not in str(caught.value)
    with pytest.raises(errors.KeyMalformed, match="a string that begins with acme_") as malformed:
        connect(ScriptedProvider(), key=Key("other_secret"))
    assert "other_secret" not in str(malformed.value)
