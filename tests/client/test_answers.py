# SPDX-License-Identifier: Apache-2.0
"""What comes back, however odd, becomes a result or one of our own errors."""

from __future__ import annotations

import json
import pickle
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell import errors
from callwell.client import Client
from callwell.client.calls import responses
from callwell.core.types import Outcome
from callwell.keys import Key
from callwell.testing import ScriptedTransport
from callwell.transport.base import NoReply, Response
from tests.client._sync.scripted_client import connect
from tests.client.acme import BASE, ERRORS, KEY, acme
from tests.client.world import ScriptedProvider, make_error_response, make_response

CLASSES = {
    400: errors.BadRequest,
    401: errors.Unauthorized,
    402: errors.BadRequest,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    410: errors.Gone,
    418: errors.BadRequest,
    422: errors.BadRequest,
    429: errors.RateLimited,
    500: errors.ServerError,
    503: errors.ServerError,
    599: errors.ServerError,
    300: errors.UnexpectedAnswer,
    302: errors.UnexpectedAnswer,
    304: errors.UnexpectedAnswer,
    600: errors.ServerError,
}

ODD = [
    b"",
    b"null",
    b"[]",
    b"5",
    b'"text"',
    b"<html>Bad Gateway</html>",
    b"{",
    b"\xff\xfe",
    b'"\xff"',
    b'{"code":NaN}',
    b'{"code":1e999}',
    b'{"code":null,"message":5}',
    b'{"code":["X"],"message":{"a":1}}',
    b'{"code":"","error":{"code":"X"}}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'"' + b"x" * 1_000_000 + b'"',
    b'{"code":"X","code":"Y"}',
    b'{"code":"' + b"C" * 100_000 + b'","message":"' + b"m" * 100_000 + b'"}',
    b'{"code":"\\ud800","message":"\\ud800"}',
]


def ended(world: ScriptedProvider, operation: str, **options: Any) -> Any:
    """The error of a call, or None."""
    arguments = {"name": "n"} if operation == "things.make" else {"thing_id": "1"}
    try:
        connect(world, **options).call(operation, **arguments)
    except errors.CallwellError as error:
        return error
    return None


def failed(reply: Any, **options: Any) -> Any:
    """The error of a call that always gets the same reply."""
    error = ended(ScriptedProvider(reply), "things.get", **options)
    assert error is not None
    return error


@pytest.mark.parametrize(("status", "cls"), CLASSES.items())
def test_every_status_has_its_class(status: int, cls: type[errors.ApiError]) -> None:
    """The class of an error follows from the status, and the facts are in its attributes."""
    error = failed(make_error_response(status, "X", x_request_id="r1"), deadline_s=None)
    assert type(error) is cls
    assert (error.status, error.code, error.message, error.request_id) == (status, "X", "because", "r1")
    assert (error.provider, error.operation, error.outcome) == ("acme", "things.get", "refused")
    assert error.attempts == {429: 21}.get(status, 6 if status >= 500 else 1)
    assert str(error).startswith(f"acme things.get: {status} X: because")


def test_an_undocumented_code_is_a_text() -> None:
    """A code that the profile does not know arrives as it was sent."""
    assert failed(make_error_response(409, "NEVER_HEARD_OF")).code == "NEVER_HEARD_OF"
    assert failed(make_response(409, {"error": "IN_ERROR"})).code == "IN_ERROR"


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("status", [200, 404, 500])
def test_odd_bodies_become_our_own_errors(status: int, body: bytes) -> None:
    """No body makes a foreign exception, an endless message or a wrong class."""
    error = ended(ScriptedProvider(make_response(status, body)), "things.get")
    if error is None:
        assert status == 200
    else:
        assert type(error) is {200: errors.UnexpectedAnswer, 404: errors.NotFound, 500: errors.ServerError}[status]
        assert len(str(error)) < 1000
        assert len(error.code or "") < 400
        assert pickle.loads(pickle.dumps(error)).args == error.args  # noqa: S301 - our own


@given(status=st.integers(100, 999), body=st.binary(max_size=40), names=st.sampled_from(["things.get", "things.make"]))
def test_no_foreign_exception_escapes(status: int, body: bytes, names: str) -> None:
    """Any status with any body is a result or one of ours."""
    error = ended(ScriptedProvider(make_response(status, body)), names, deadline_s=None)
    assert KEY not in str(error)


HEADER = st.text(max_size=30)


@given(
    status=st.sampled_from([301, 429, 503, 404]),
    headers=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("location", "retry-after", "date", "x-request-id", "link"), HEADER)
    ),
)
def test_no_header_makes_a_foreign_exception(status: int, headers: dict[str, str]) -> None:
    """Headers may hold anything."""
    reading = responses.parse_response(ERRORS, Response(status, headers, b"{}"), f"{BASE}/x", lambda: 1e9, None)
    assert reading.moved_to is None or reading.moved_to.startswith("https://api.acme.test/")
    assert reading.wait_s is None or reading.wait_s >= 0.0


def test_an_empty_2xx_is_a_result() -> None:
    """204 and an empty 200 give None."""
    assert connect(ScriptedProvider(make_response(204))).call("things.remove", thing_id="1") is None
    assert connect(ScriptedProvider(make_response(200))).call_raw("things.get", thing_id="1").json is None


def test_the_whole_answer_can_be_had() -> None:
    """`call_raw` gives status, headers, body, the body as read and the number of attempts."""
    world = ScriptedProvider(make_error_response(500, "X"), make_response(200, {"data": 1}, x_a="b"))
    raw = connect(world).call_raw("things.get", thing_id="1")
    assert (raw.status, raw.headers["x-a"], raw.json, raw.attempts) == (200, "b", {"data": 1}, 2)
    assert json.loads(raw.body) == {"data": 1}


CALL: dict[str, Any] = {"provider": "p", "operation": "o", "attempts": 2, "outcome": "unknown"}
ALL = [
    errors.UnknownName("option", "colr", ["colour"], owner="here"),
    errors.InvalidOption("option", 5, "six"),
    errors.ProfileError("f.toml", "a.b", "more", line=3),
    errors.ClosedError("closed"),
    errors.KeyMissing("none"),
    errors.KeyRefused("dead", code="DEAD"),
    errors.NotFound("t", status=404, code="X", message="m", request_id="r", **CALL),
    errors.ConnectionLost("t", **CALL),
    errors.OutcomeUnknown("t", status=500, code="X", **CALL),
    errors.WouldExceedDeadline("t", at=5.0, **CALL),
    errors.AssetUnavailable("t", captured=False),
    errors.DiskFull("t"),
]


@pytest.mark.parametrize("error", ALL, ids=lambda error: type(error).__name__)
def test_errors_are_pickled_whole(error: errors.CallwellError) -> None:
    """Another process gets the same error: class, text and attributes."""
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (type(again), str(again)) == (type(error), str(error))
    names = [*vars(error), *(["name"] if isinstance(error, errors.UnknownName) else [])]
    assert [getattr(again, name) for name in names] == [getattr(error, name) for name in names]


def test_the_cause_is_kept() -> None:
    """The foreign exception behind a lost response is the cause of ours, and is not raised itself."""
    cause = OSError("reset")
    error = failed(NoReply(Outcome.UNKNOWN, "the connection was closed", cause))
    assert (type(error), error.__cause__) == (errors.ConnectionLost, cause)
    assert "the connection was closed after 6 attempts" in str(error)


def test_no_key_in_tracebacks() -> None:
    """A whole traceback with the locals of every frame does not show the key: `tests/contract` has real failures."""

    class Telling(ScriptedTransport):
        def send(self, request: Any) -> Any:
            raise RuntimeError("what a transport should never raise")

    api = Client(acme(), key=Key(KEY), transport=Telling([]))
    with pytest.raises((RuntimeError, errors.CallError)) as caught:
        api.call("things.get", thing_id="1")
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "request = Request(GET" in shown
    assert KEY not in shown


def test_renamed_fields_are_found_under_their_new_names() -> None:
    """Whichever name the provider sends, the new one is there."""
    assert responses.rename_fields({"a": {"old": 1}}, {"a.old": "new"}) == {"a": {"old": 1, "new": 1}}
    assert responses.rename_fields({"old": 1, "new": 2}, {"old": "new"}) == {"old": 1, "new": 2}
    odds: list[Any] = [None, 5, [], "text", {"a": None}]
    for odd in odds:
        assert responses.rename_fields(odd, {"a.old": "new"}) == odd
