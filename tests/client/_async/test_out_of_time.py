# SPDX-License-Identifier: Apache-2.0
"""Time ran out: the error says what kept the call, and when it can be made."""

from __future__ import annotations

from typing import Any

import pytest

from callwell import errors
from callwell.core.rules.profile import QuotaRule
from callwell.core.types import Outcome
from callwell.transport.base import NoReply
from tests.client._async.scripted_client import connect
from tests.client.acme import acme
from tests.client.running import run
from tests.client.world import OK, ScriptedProvider, count_held, make_error_response, make_response

NO_CONNECTION = NoReply(Outcome.REFUSED, "no connection: connection refused")
SILENT = NoReply(Outcome.UNKNOWN, "no response in time")


def ended(one: Any) -> Any:
    """The error of a call."""

    async def work() -> Any:
        return await one.call("things.get", thing_id="1")

    with pytest.raises(errors.OutOfTime) as caught:
        run(work)
    assert count_held(one) == 0
    return caught.value


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (NO_CONNECTION, "last: connection refused to api.acme.test:443"),
        (
            NoReply(Outcome.REFUSED, "the host's name could not be resolved"),
            "name could not be resolved (api.acme.test:443)",
        ),
        (SILENT, "last: no response in time"),
        (make_error_response(503, "BUSY"), "last: 503 BUSY"),
        (make_response(502), "last: 502"),
    ],
)
def test_the_last_failure_is_reported(reply: Any, cause: str) -> None:
    """A pause that does not fit the deadline ends the call with what the last attempt came to."""
    error = ended(connect(ScriptedProvider(reply), deadline_s=3.0))
    assert isinstance(error, errors.WouldExceedDeadline)
    assert cause in str(error)
    assert error.last_error is not None
    assert cause in error.last_error
    assert error.attempts > 1
    assert 0 < error.wait_s < 5.0


def test_a_requested_wait_is_reported() -> None:
    """`wait_s` is what a handler can hand on as its own `Retry-After`."""
    world = ScriptedProvider(make_error_response(429, "SLOW", retry_after="90"))
    error = ended(connect(world, deadline_s=10.0))
    assert error.wait_s == pytest.approx(90.0, abs=0.01)
    assert error.at == pytest.approx(world.clock.wall() + 90.0, abs=0.01)
    assert error.last_error == "last: 429 SLOW"


def test_a_quota_that_is_used_up_is_reported() -> None:
    """With its name, how much of it is used, and when there is more."""
    world = ScriptedProvider(OK)
    api = connect(world, provider=acme({"minute": QuotaRule(limit=2, window_s=60)}))

    async def twice() -> None:
        for _ in range(2):
            await api.call("things.get", thing_id="1")

    run(twice)
    error = ended(api.with_options(deadline_s=5.0))
    assert "(quota `minute`: 2 of 2 used, free in 61 s)" in str(error)
    assert error.last_error == "quota `minute`: 2 of 2 used, free in 61 s"
    assert error.wait_s == pytest.approx(61.0, abs=1.5)
    assert error.attempts == 0


def test_several_quotas_are_distinguished() -> None:
    """Only those that are used up are named."""
    quotas = {"minute": QuotaRule(limit=9, window_s=60), "hour": QuotaRule(limit=1, window_s=3600)}
    api = connect(ScriptedProvider(OK), provider=acme(quotas))

    async def once() -> None:
        await api.call("things.get", thing_id="1")

    run(once)
    error = ended(api.with_options(deadline_s=5.0))
    assert "quota `hour`: 1 of 1 used" in error.last_error
    assert "minute" not in error.last_error


def test_a_provider_that_is_left_alone_is_reported() -> None:
    """While the breaker is open, the error says so, and not that a quota is short."""
    api = connect(ScriptedProvider(make_error_response(500, "X")))

    async def work() -> None:
        for _ in range(2):
            with pytest.raises(errors.CallwellError):
                await api.call("things.get", thing_id="1")

    run(work)
    error = ended(api.with_options(deadline_s=1.0))
    assert "no calls for" in str(error)
    assert "quota" not in str(error)


def test_an_error_of_time_has_no_cause_without_one() -> None:
    """Errors that are made by hand or read from a pickle need none."""
    facts: dict[str, Any] = {"provider": "p", "operation": "o", "attempts": 0, "outcome": "refused"}
    assert errors.DeadlineExceeded("t", **facts).last_error is None
    deadline = errors.WouldExceedDeadline("t", at=5.0, **facts)
    assert (deadline.at, deadline.wait_s, deadline.last_error) == (5.0, 0.0, None)
