# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_asked_waits.py by tools/unasync.py; do not edit
"""Waits that a provider asks for are kept, in whatever header."""

from __future__ import annotations

from typing import Any

import pytest

from callwell.core.rules.profile import QuotaHeaderRule, QuotaRule
from tests.client._sync.scripted_client import connect
from tests.client.acme import acme
from tests.client.running import run
from tests.client.world import OK, ScriptedProvider, make_response

HOUR = {"hour": QuotaRule(limit=60, window_s=3600.0)}


def request_times(world: ScriptedProvider, **profile: Any) -> list[float]:
    """When the requests of one call arrived."""
    api = connect(world, provider=acme(**profile))

    def work() -> None:
        with api:
            api.call("things.get", thing_id="1")

    run(work)
    return world.times


@pytest.mark.parametrize(
    "response",
    [
        {"retry_after": "9"},
        {"retry_after_ms": "9000"},
        {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "9"},
        {"x_ratelimit_limit": "60", "x_ratelimit_remaining": "0", "x_ratelimit_reset": "9"},
        {"x_ratelimit_remaining": "-1", "x_ratelimit_reset_after": "9.0"},
        {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "1800000009", "date": "Fri, 15 Jan 2027 08:00:00 GMT"},
        {"ratelimit": "limit=60, remaining=0, reset=9"},
        {"ratelimit": '"x";r=0;t=9'},
        {"ratelimit": '"x";r=0;t=9, "y";r=50;t=900'},
    ],
)
@pytest.mark.parametrize("quotas", [{}, HOUR])
def test_a_refusal_is_waited_out(response: dict[str, Any], quotas: dict[str, QuotaRule]) -> None:
    """A 429 with any reset is followed by one request after it, also where the profile counts the quota itself."""
    first, second = request_times(ScriptedProvider(make_response(429, **response), OK), quotas=quotas)
    assert first == 0.0
    assert 9.0 <= second <= 12.0


def test_a_quota_that_is_not_used_up_has_refused_nothing() -> None:
    """Its reset is not waited for: something else was refused."""
    reply = make_response(429, x_ratelimit_remaining="40", x_ratelimit_reset="3000")
    _, second = request_times(ScriptedProvider(reply, OK), quotas={})
    assert second <= 1.0


@pytest.mark.parametrize(("text", "reset_is"), [("9.5", "delta"), ("9500", "delta_ms")])
def test_a_reset_that_the_profile_names_is_waited_for(text: str, reset_is: Any) -> None:
    """With decimals, or in milliseconds where it says so."""
    rule = QuotaHeaderRule(remaining="x-left", reset="x-ends", reset_is=reset_is)
    reply = make_response(429, x_left="0", x_ends=text)
    _, second = request_times(ScriptedProvider(reply, OK), quotas={}, quota_headers=rule)
    assert 9.5 <= second <= 12.0
