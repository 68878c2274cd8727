# SPDX-License-Identifier: Apache-2.0
"""Tokens instead of a key: obtained once, renewed in time and once when refused, and never shown."""

from __future__ import annotations

from typing import Any

import pytest

from callwell import errors
from callwell.core.tokens import RETRY_PAUSE_S
from callwell.keys import Key
from callwell.state import MemoryState
from tests.client._async.scripted_client import connect
from tests.client.acme import KEY, TOKENS, acme
from tests.client.mint import PROVIDER, Mint, options
from tests.client.running import run
from tests.client.world import LOST, OK, REFUSED, ListSource, ScriptedProvider, make_error_response, make_response

GET = {"thing_id": "1"}


def make_client(mint: Mint, world: ScriptedProvider | None = None, **more: Any) -> Any:
    """A client that shows tokens."""
    world = world or ScriptedProvider(mint)
    return connect(world, **options(mint, world, **more))


def sourced(mint: Mint, *keys: str) -> Any:
    """The same, with keys from a list."""
    world = ScriptedProvider(mint)
    api = connect(world, **options(mint, world))
    api._engine.keys.keys._source = ListSource(keys, marked=True)
    api._engine.keys.keys._can_change = True
    api._engine.keys.keys._uses.record_accepted(Key(keys[0]).fingerprint, "here")
    return api, world


def left(one: Any) -> int:
    """Permits and keys in hand, and callers that wait for tokens."""
    keys = one._engine.keys
    lent = sum(key.uses for key in keys.keys._ring.keys) + keys.keys._shared_uses
    one.spent()
    record = one._engine.account._account._state.read(one._engine.account._account._cell)
    permits = sum(count for bucket in record.buckets.values() for _, count in bucket.held)
    return int(lent + permits + len(keys._waiting))


async def get(one: Any, times: int = 1) -> None:
    """Make calls that are done."""
    for _ in range(times):
        assert await one.call("things.get", **GET) == {"id": "1"}


def test_the_key_is_traded_once() -> None:
    """Calls show the token that was got for the key, and the key is in the one body alone."""
    mint = Mint()
    api = make_client(mint)
    run(lambda: get(api, 3))
    assert mint.asked == ["key", "1", "1", "1"]
    assert mint.shown == ["", *["Bearer access-1"] * 3]
    assert api.spent() == {"minute": (3, 100)}
    assert left(api) == 0


def test_tokens_are_shown_where_keys_would_be() -> None:
    """In the header that the caller has named, as those are that behind an address of one's own take keys."""
    mint = Mint()
    world = ScriptedProvider(mint)
    api = make_client(mint, world, key_header="X-Gateway")
    mint.instead["1"] = lambda: OK
    run(lambda: get(api))
    assert dict(world.sent[-1].request.headers)["x-gateway"] == "Bearer access-1"
    assert set(mint.shown) == {""}


def test_tokens_are_renewed_before_they_end() -> None:
    """By the token for renewal, one minute early; the call after that shows the new one."""
    mint = Mint()
    world = ScriptedProvider(mint)
    api = make_client(mint, world)

    async def work() -> None:
        await get(api)
        world.clock.advance(539.0)
        await get(api)
        world.clock.advance(2.0)
        await get(api, 2)

    run(work)
    assert mint.asked == ["key", "1", "1", "renew", "1", "1"]
    assert mint.shown[-2:] == ["Bearer access-2"] * 2
    assert left(api) == 0


def test_a_refused_token_is_renewed_once() -> None:
    """The call is sent again with the new token."""
    mint = Mint()
    api = make_client(mint)

    async def work() -> None:
        await get(api)
        mint.end()
        await get(api, 2)

    run(work)
    assert mint.asked == ["key", "1", "1", "renew", "1", "1"]


def test_a_provider_that_refuses_every_token_ends_the_call() -> None:
    """A fresh token that is refused as well is not followed by another; the next call begins again."""
    mint = Mint()
    api = make_client(mint)
    mint.instead["1"] = lambda: make_error_response(401, "TOKEN_DEAD")

    async def work() -> None:
        with pytest.raises(errors.KeyRefused, match="TOKEN_DEAD"):
            await api.call("things.get", **GET)
        assert mint.asked == ["key", "1", "renew", "1"]
        mint.instead.clear()
        await get(api)

    run(work)
    assert mint.asked[4:] == ["renew", "1"]
    assert left(api) == 0


@pytest.mark.parametrize(
    "reply",
    [
        LOST,
        REFUSED,
        make_error_response(400, "NO_SUCH_TOKEN"),
        make_error_response(401, "X"),
        make_response(500),
        make_response(200, {"access": 5}),
    ],
)
def test_a_renewal_that_fails_goes_by_the_key(reply: Any) -> None:
    """Whatever became of the token for renewal, it is not used again, and the call is done."""
    mint = Mint()
    world = ScriptedProvider(mint)
    api = make_client(mint, world)
    mint.instead["renew"] = lambda: reply

    async def work() -> None:
        await get(api)
        world.clock.advance(550.0)
        await get(api)
        mint.end()
        await get(api)

    run(work)
    assert mint.asked.count("key") == 3
    assert mint.asked[-1] == "1"
    assert left(api) == 0


def test_a_good_token_outlives_failed_renewals() -> None:
    """While it is good, no call fails because a new one cannot be had, and it is not requested all the time."""
    mint = Mint()
    world = ScriptedProvider(mint)
    api = make_client(mint, world)

    async def work() -> None:
        await get(api)
        world.clock.advance(541.0)
        mint.instead |= {
            "key": lambda: make_error_response(403, "CLOSED"),
            "renew": lambda: make_error_response(403, "CLOSED"),
        }
        await get(api, 5)
        assert mint.asked == ["key", "1", "renew", "key", *["1"] * 5]
        world.clock.advance(RETRY_PAUSE_S)
        await get(api)
        assert mint.asked[9:] == ["key", "1"]
        world.clock.advance(60.0)
        with pytest.raises(errors.Forbidden, match=r"acme auth\.issue: 403 CLOSED"):
            await api.call("things.get", **GET)
        mint.instead.clear()
        await get(api)

    run(work)
    assert left(api) == 0


def test_a_wrong_key_is_reported_as_such() -> None:
    """Refused where it is traded, it is a refused key, and nothing was sent with it."""
    mint = Mint("acme_other")
    api = make_client(mint)
    with pytest.raises(
        errors.KeyRefused, match=r"auth.issue: the provider refuses the key passed in code \(NO_SUCH_KEY\)"
    ) as caught:
        run(lambda: api.call("things.get", **GET))
    assert (caught.value.code, mint.asked) == ("NO_SUCH_KEY", ["key"])
    assert "passed in code" in str(caught.value)
    assert left(api) == 0


def test_a_new_key_brings_new_tokens() -> None:
    """The tokens of the key before it are not shown any more, and forgotten."""
    mint = Mint(KEY, "acme_second")
    one, world = sourced(mint, "acme_second")

    async def work() -> None:
        await get(one)
        world.clock.advance(1.1)
        await get(one, 2)

    run(work)
    assert mint.asked == ["key", "1", "key", "1", "1"]
    assert mint.shown[-1] == "Bearer access-2"
    assert one.config.state.keys("tokens:") == [f"tokens:{one.config.account_key}:{Key('acme_second').fingerprint}"]
    assert left(one) == 0


def test_a_rotation_without_overlap_costs_no_call() -> None:
    """The old key dies, and its tokens with it, before the new one is written: the call waits, and is sent again."""
    mint = Mint(KEY)
    one, world = sourced(mint, KEY, "", "", "acme_second")

    async def work() -> None:
        await get(one)
        mint.keys = {"acme_second"}
        await get(one)

    run(work)
    assert mint.shown[-1].startswith("Bearer access-")
    assert world.clock.now() > 1000.0
    assert left(one) == 0


def test_two_clients_of_one_state_share_their_tokens() -> None:
    """Also in memory: one trade for both, and one renewal, though both find out that the token has ended."""
    mint = Mint()
    world = None
    state = MemoryState()
    world = ScriptedProvider(mint)
    api = make_client(mint, world, state=state)
    other = make_client(mint, world, state=state)

    async def work() -> None:
        await get(api)
        await get(other)
        mint.end()
        await get(other)
        await get(api)

    run(work)
    assert mint.asked == ["key", "1", "1", "1", "renew", "1", "1", "1"]


def test_calls_without_a_key_need_no_token() -> None:
    """What shows no key does not wait for a trade, and says nothing of the key."""
    mint = Mint("acme_other")
    api = make_client(mint)
    assert run(lambda: api.call_raw("auth.issue", key="acme_other")).status == 200
    assert mint.asked == ["key"]
    assert api._engine.keys.keys._newest_accepted == -1
    plain = connect(ScriptedProvider(OK), provider=PROVIDER)
    run(lambda: plain.call_raw("auth.issue", key="acme_other"))
    assert plain._engine.keys._newest_accepted == -1


def test_an_answer_without_tokens_is_reported() -> None:
    """It is not what the description says, and none of it is repeated."""
    mint = Mint()
    api = make_client(mint)
    for body in ({}, {"access": "a\nb", "seconds": 5}, {"access": "secret", "seconds": 0}, {"access": "secret"}):
        mint.instead["key"] = lambda body=body: make_response(200, body)  # type: ignore[misc]
        with pytest.raises(errors.UnexpectedAnswer, match="does not hold tokens") as caught:
            run(lambda: api.call("things.get", **GET))
        assert "secret" not in str(caught.value)
    assert left(api) == 0


def test_tokens_without_renewal_are_got_by_the_key() -> None:
    """A provider that gives none is asked with the key each time."""
    mint = Mint()
    world = ScriptedProvider(mint)
    api = make_client(mint, world)
    mint.instead["key"] = lambda: make_response(200, {"access": "access-1", "seconds": 600})

    async def work() -> None:
        await get(api)
        world.clock.advance(550.0)
        await get(api)

    run(work)
    assert mint.asked == ["key", "1", "key", "1"]


def test_the_option_is_checked() -> None:
    """Two words, and tokens only where the provider has them."""
    with pytest.raises(errors.InvalidOption, match="auth cannot be 'tokens': expected `key` or `token`"):
        connect(ScriptedProvider(), auth="tokens")
    with pytest.raises(errors.InvalidOption, match="expected `key`: acme has no tokens"):
        connect(ScriptedProvider(), auth="token")
    assert TOKENS.issue in acme().api.operations
