# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_nested.py by tools/unasync.py; do not edit
"""Of callers inside each other only the outermost retries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from callwell import errors, outer_retries
from callwell.client.calls.options import RETRIES_HEADER
from callwell.core.rules.profile import RetryRule
from callwell.testing import ScriptedTransport
from callwell.transport.base import Response
from tests.client._sync.scripted_client import connect
from tests.client.acme import acme
from tests.client.running import run
from tests.client.world import ScriptedProvider, make_response

if TYPE_CHECKING:
    from callwell.transport.base import NoReply, Request

BUSY = make_response(503, {"error": "BUSY"})
SLOW_DOWN = make_response(429, {"error": "SLOW"})


class Through(ScriptedTransport):
    """A transport that gets its responses through another client.

    Args:
        inner: the other client.
        world: in which both live.
    """

    def __init__(self, inner: Any, world: ScriptedProvider) -> None:
        super().__init__([])
        self._inner = inner
        self._world = world

    def send(self, request: Request) -> Response | NoReply:
        """What the other client gets."""
        self._world.clock.sent()
        try:
            found = self._inner.call_raw("things.get", thing_id="1")
        except errors.ApiError as error:
            return Response(error.status, {}, b"{}")
        return Response(found.status, found.headers, found.body)


@pytest.mark.parametrize("reply", [BUSY, SLOW_DOWN])
def test_three_layers_make_as_many_attempts_as_one(reply: Any) -> None:
    """Six for a 5xx, and no more than one layer for a 429; not the third power of it."""
    alone = ScriptedProvider(reply)
    world = ScriptedProvider(reply)
    with pytest.raises(errors.CallwellError):
        run(lambda: connect(alone).call("things.get", thing_id="1"))
    inner = connect(world)
    for _ in range(2):
        inner = connect(world, transport=Through(inner, world))
    with pytest.raises(errors.CallwellError) as caught:
        run(lambda: inner.call("things.get", thing_id="1"))
    assert len(world.sent) == len(alone.sent) == 6 if reply is BUSY else 1 < len(world.sent) <= len(alone.sent)
    assert "one attempt only" not in str(caught.value)


@pytest.mark.parametrize("reply", [BUSY, SLOW_DOWN])
def test_a_loop_of_ones_own_is_the_outer_one(reply: Any) -> None:
    """Inside of it a call makes one attempt, and its error says why."""
    world = ScriptedProvider(reply)
    api = connect(world)
    with outer_retries(), pytest.raises(errors.ApiError, match="one attempt only"):
        run(lambda: api.call("things.get", thing_id="1"))
    assert len(world.sent) == 1


@pytest.mark.parametrize(
    ("nested", "attempts"),
    [(True, 1), (False, 6), ({"Callwell-Retries": "1"}, 1), ({"Accept": "*/*"}, 6)],
)
def test_a_server_hands_the_header_on(nested: Any, attempts: int) -> None:
    """The option takes the headers of the request that is served."""
    world = ScriptedProvider(BUSY)
    with pytest.raises(errors.ServerError):
        run(lambda: connect(world).with_options(nested=nested).call("things.get", thing_id="1"))
    assert len(world.sent) == attempts


@pytest.mark.parametrize("announced", [True, False])
def test_only_known_servers_get_the_header(announced: bool) -> None:  # noqa: FBT001 - a table
    """The header goes where the profile says so."""
    world = ScriptedProvider()
    provider = acme(retry=replace(RetryRule(), announce_retries=announced))
    run(lambda: connect(world, provider=provider).call("things.get", thing_id="1"))
    assert (RETRIES_HEADER in dict(world.sent[0].request.headers)) == announced
