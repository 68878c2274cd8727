# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_new_key.py by tools/unasync.py; do not edit
"""A new key that is refused while the old one works fails no call, whatever the refusal looks like."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from callwell import errors
from callwell.client._sync.client import attach_credentials
from callwell.client.keys.usage import KeyRealm, KeyUseLog
from callwell.keys import Key
from callwell.observe.notices import KeySetAside
from callwell.state import MemoryState
from tests.client._sync.scripted_client import connect
from tests.client._sync.test_tokens import get, left, sourced
from tests.client.acme import KEY, KEYS, acme
from tests.client.mint import Mint
from tests.client.running import run
from tests.client.world import (
    DEAD,
    LOST,
    OK,
    REFUSED,
    ListSource,
    ScriptedProvider,
    count_held,
    make_error_response,
    make_response,
    tried,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from callwell.transport.base import NoReply, Request, Response

GET = {"thing_id": "1"}
NEW = "acme_new"
CANARY = "things.list"


def canaried() -> Any:
    """A provider with a harmless operation by which keys are tried."""
    return acme(key=replace(KEYS, canary=CANARY))


def shown(request: Request) -> str:
    """The key that a request shows."""
    return dict(request.headers)["authorization"].removeprefix("Bearer ")


def refusing(refusal: Response | NoReply, *keys: str) -> Callable[[Request], Response | NoReply]:
    """A provider that refuses all keys but these."""
    return lambda request: OK if shown(request) in keys else refusal


def rotating(world: ScriptedProvider, *readings: str, canary: bool, **options: Any) -> Any:
    """A client with a source that seems to have changed at every check."""
    api = connect(world, provider=canaried() if canary else None, source=ListSource(readings, marked=True), **options)
    if canary:
        attach_credentials(api._engine, api._engine.keys, api.config)
    return api


REFUSALS = {
    "a dead key": DEAD,
    "401 with a code that the profile does not know": make_error_response(401, "NEW_CODE"),
    "401 without a body": make_response(401),
    "403 with a code": make_error_response(403, "KEY_NOT_ALLOWED"),
    "403 of a page": make_response(403, b"<html>no</html>", content_type="text/html"),
    "400 of a gateway": make_response(400, b"bad request"),
    "404 with a code": make_error_response(404, "NO_SUCH_ROUTE"),
    "404 of a page": make_response(404, b"<html>no</html>", content_type="text/html"),
    "410": make_response(410),
    "a redirect to a log-in": make_response(302, location="/v1/login"),
    "a redirect to a log-in elsewhere": make_response(307, location="https://login.acme.test/"),
    "429 for an hour": make_response(429, retry_after="3600"),
    "429 with nothing left": make_response(429, ratelimit_limit="100", ratelimit_remaining="0", ratelimit_reset="3600"),
    "500": make_response(500),
    "503 with a code that means not done": make_error_response(503, "NOT_DONE"),
    "a page in place of a success": make_response(200, b"<html>log in</html>", content_type="text/html"),
}


@pytest.mark.parametrize("canary", [False, True])
@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_fifty_calls_after_another_all_succeed(refusal: Response, *, canary: bool) -> None:
    """One request tries the new key, and is refused; the old one goes on, at once."""
    login = make_response(200, {"data": {"log in": "please"}})
    world = ScriptedProvider(
        lambda request: login if request.url.endswith("/login") else refusing(refusal, KEY)(request)
    )
    api = rotating(world, KEY, NEW, canary=canary)

    def work() -> None:
        for number in range(50):
            arguments = GET if number % 2 else {**GET, "name": "n"}
            assert api.call("things.get" if number % 2 else "things.put", **arguments) == {"id": "1"}
            world.clock.advance(0.5)

    run(work)
    assert world.keys.count(NEW) == 1
    assert len(world.sent) == 51
    assert world.times[-1] == 24.5
    assert [notice.location for notice in world.notices if isinstance(notice, KeySetAside)] == ["list:keys"]
    assert count_held(api) == 0


def test_a_lost_answer_of_a_new_key_is_repeated_with_the_old_one() -> None:
    """The connection may break off whenever that key is shown."""
    world = ScriptedProvider(refusing(LOST, KEY))
    api = rotating(world, KEY, NEW, canary=False)
    world.clock.advance(1.1)
    assert run(lambda: api.call("things.get", **GET)) == {"id": "1"}
    assert world.keys == [NEW, KEY]


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_what_may_not_be_repeated_tries_no_key(refusal: Response) -> None:
    """A creation that a new key is refused for may have been done. It keeps the old key until that one dies."""
    alive = {KEY}
    world = ScriptedProvider(
        lambda request: OK if shown(request) in alive else make_response(401, b"no", content_type="text/plain")
    )
    api = rotating(world, KEY, NEW, canary=False)

    def work() -> None:
        for _ in range(20):
            assert api.call("things.make", name="n") == {"id": "1"}
            world.clock.advance(1.1)
        alive.symmetric_difference_update({KEY, NEW})
        assert api.call("things.make", name="n") == {"id": "1"}

    run(work)
    assert world.keys == [*[KEY] * 21, NEW]


@pytest.mark.parametrize("canary", [False, True])
def test_a_key_that_is_not_known_yet_is_tried_again(*, canary: bool) -> None:
    """Later and later; when the provider takes it, it is used, and no call has failed."""
    known = {KEY}
    world = ScriptedProvider(lambda request: OK if shown(request) in known else make_error_response(401, "UNKNOWN"))
    api = rotating(world, KEY, NEW, canary=canary)

    def work() -> None:
        for second in range(200):
            if second == 60:
                known.add(NEW)
            assert api.call("things.get", **GET) == {"id": "1"}
            world.clock.advance(1.1)

    run(work)
    tries = [at for at, key in zip(world.times, world.keys, strict=True) if key == NEW]
    assert world.keys[-1] == NEW
    assert 1 < len([at for at in tries if at < 66.0]) < 4
    assert count_held(api) == 0


def test_the_canary_tries_a_key_before_any_call_shows_it() -> None:
    """Accepted, it is used by the very call that has sent it."""
    world = ScriptedProvider(refusing(DEAD, KEY, NEW))
    api = rotating(world, KEY, NEW, canary=True)

    def work() -> None:
        api.call("things.get", **GET)
        world.clock.advance(1.1)
        api.call("things.get", **GET)

    run(work)
    paths = [url.rpartition("/")[2] for url in world.urls]
    assert list(zip(paths, world.keys, strict=True)) == [("1", KEY), ("things", NEW), ("1", NEW)]


@pytest.mark.parametrize("answered", [LOST, REFUSED, make_response(500), make_response(404)])
def test_a_canary_without_a_clear_answer_costs_no_call(answered: Any) -> None:
    """The old key goes on; the new one is tried again later."""
    world = ScriptedProvider(lambda request: answered if shown(request) == NEW else OK)
    api = rotating(world, KEY, NEW, canary=True, deadline_s=20.0)

    def work() -> None:
        for _ in range(5):
            assert api.call("things.get", **GET) == {"id": "1"}
            world.clock.advance(1.1)

    run(work)
    assert count_held(api) == 0


def test_what_neither_key_may_do_is_reported_as_it_is() -> None:
    """A refusal of the operation says nothing of the new key."""
    world = ScriptedProvider(make_error_response(403, "NOT_YOURS"))
    api = rotating(world, KEY, NEW, canary=False)
    world.clock.advance(1.1)
    with pytest.raises(errors.Forbidden) as caught:
        run(lambda: api.call("things.get", **GET))
    assert caught.value.code == "NOT_YOURS"
    assert sorted(world.keys) == [KEY, NEW]


@pytest.mark.parametrize("canary", [False, True])
def test_the_old_key_dies_while_the_new_one_is_refused(*, canary: bool) -> None:
    """The new key is tried once more; then its refusal is raised, with its code and its place."""
    alive = {KEY}

    def reply(request: Request) -> Response:
        if shown(request) in alive:
            return OK
        return make_error_response(401, "DEAD" if shown(request) == KEY else "X9")

    world = ScriptedProvider(reply)
    api = rotating(world, KEY, NEW, canary=canary)

    def work() -> None:
        for _ in range(3):
            api.call("things.get", **GET)
            world.clock.advance(1.1)
        alive.clear()
        with pytest.raises(errors.CallwellError) as caught:
            api.call("things.get", **GET)
        assert "X9" in str(caught.value)
        assert NEW not in str(caught.value)

    run(work)
    assert world.keys[-1] == NEW


@pytest.mark.parametrize("canary", [False, True])
def test_the_old_key_dies_and_the_new_one_works_by_then(*, canary: bool) -> None:
    """No call fails, though the new key was refused before and the time to try it again has not come."""
    alive = {KEY}
    world = ScriptedProvider(lambda request: OK if shown(request) in alive else DEAD)
    api = rotating(world, KEY, NEW, canary=canary)

    def work() -> None:
        for _ in range(3):
            api.call("things.get", **GET)
            world.clock.advance(1.1)
        alive.clear()
        alive.add(NEW)
        for _ in range(3):
            assert api.call("things.get", **GET) == {"id": "1"}

    run(work)
    assert world.keys[-3:] == [NEW] * 3


def test_a_source_that_cannot_be_read_at_the_rotation_is_read_again(tmp_path: Path) -> None:
    """A file that is malformed or gone for a while: the old key goes on, and the new one is found when it is there."""
    file = tmp_path / "key"
    file.write_text(KEY)
    world = ScriptedProvider(refusing(DEAD, KEY, NEW))
    api = connect(world, key=f"file:{file}")
    turns: list[Callable[[], object]] = [
        lambda: file.write_text(""),
        file.unlink,
        lambda: file.write_text("no key\nat all"),
        lambda: file.write_bytes(b"\xff\xfe"),
        lambda: file.write_text(NEW),
    ]

    def work() -> None:
        for turn in turns:
            api.call("things.get", **GET)
            turn()
            world.clock.advance(1.1)
            api.call("things.get", **GET)

    run(work)
    assert world.keys == [*[KEY] * 9, NEW]


def test_a_file_that_may_not_be_read_yet_is_read_when_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its identity, size and time are the same afterwards; so a failed reading is not a reading."""
    source = ListSource([KEY, "", "", NEW])
    marks = itertools.chain(["a"], itertools.repeat("b"))
    monkeypatch.setattr(source, "revision", lambda: next(marks))
    world = ScriptedProvider(refusing(DEAD, KEY, NEW))
    api = connect(world, source=source)

    def work() -> None:
        for _ in range(5):
            api.call("things.get", **GET)
            world.clock.advance(1.1)

    run(work)
    assert world.keys[-1] == NEW


def test_a_new_key_of_another_environment_is_never_sent() -> None:
    """The old one goes on; when it dies, the error says where the new one belongs."""
    state = MemoryState()
    world = ScriptedProvider(refusing(DEAD, KEY))
    homes = {"production": "https-api.acme.test-443", "sandbox": "https-box.acme.test-443"}
    realm = KeyRealm("acme", "production", homes)
    box = replace(realm, environment="sandbox")
    KeyUseLog(f"acme:sandbox:{homes['sandbox']}:own", state, world.clock, box).record_accepted(
        Key(NEW).fingerprint, "here"
    )
    uses = KeyUseLog(f"acme:production:{homes['production']}:own", state, world.clock, realm)
    uses.record_accepted(Key(KEY).fingerprint, "here")
    api = connect(world, source=ListSource([KEY, NEW], marked=True), uses=uses)

    def work() -> None:
        for _ in range(5):
            api.call("things.get", **GET)
            world.clock.advance(1.1)

    run(work)
    assert set(world.keys) == {KEY}
    assert "environment sandbox" in api._engine.keys.location


def test_a_key_that_was_accepted_before_is_still_waited_for() -> None:
    """The first key has nothing to fall back to: it is not tried, and its refusal is a refusal."""
    world = ScriptedProvider(make_error_response(401, "NEW_CODE"))
    api = connect(world, provider=canaried(), source=ListSource([KEY]), uses=tried(KEY))
    attach_credentials(api._engine, api._engine.keys, api.config)
    with pytest.raises(errors.Unauthorized):
        run(lambda: api.call("things.get", **GET))
    assert world.keys == [KEY]


TRADES = {
    "the code that is listed": None,
    "another code": make_error_response(400, "ODD"),
    "401": make_error_response(401, "NO"),
    "403": make_error_response(403, "NO"),
    "an error": make_response(500),
    "nothing": LOST,
}


@pytest.mark.parametrize("trade", TRADES.values(), ids=TRADES)
def test_tokens_of_the_old_key_are_used_while_the_new_one_is_refused(trade: Any) -> None:
    """One trade tries the new key; the calls go on with the token that is there."""
    mint = Mint()
    one, world = sourced(mint, KEY, NEW)

    def work() -> None:
        get(one)
        if trade is not None:
            mint.instead["key"] = lambda: trade
        world.clock.advance(1.1)
        for _ in range(10):
            get(one)
            world.clock.advance(1.1)

    run(work)
    assert mint.asked.count("1") == 11
    assert left(one) == 0
