# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_own_servers.py by tools/unasync.py; do not edit
"""An operation with a server of its own is called there, also where the client itself calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace

from callwell import errors
from callwell.client._sync.keys.single_trial import try_one_key
from callwell.core.rules.environments import EnvironmentRule
from callwell.core.rules.operations import OperationRule
from callwell.keys import Key
from tests.client._sync.scripted_client import StreamingTransport, connect
from tests.client.acme import BASE, KEY, KEYS, TOKENS, acme
from tests.client.running import run
from tests.client.world import OK, ScriptedProvider, make_error_response, make_response

if TYPE_CHECKING:
    from callwell.description.provider import Provider
    from callwell.transport.base import Request, Response

GET: Final = {"thing_id": "1"}
OWN: Final = "https://own.test/v2"
SANDBOX: Final = EnvironmentRule(
    base_url="https://sandbox.test/v1", env="ACME_SANDBOX_KEY", servers={OWN: "https://own.sandbox.test"}
)
TOKEN: Final = make_response(200, {"access": "token", "renewal": "other", "seconds": 60})


def moved(operation: str, **rules: Any) -> Provider:
    """A provider with one operation on another server."""
    production = EnvironmentRule(base_url=BASE, default=True)
    provider = acme(environments={"production": production, "sandbox": SANDBOX}, **rules)
    operations = provider.api.operations
    moved_operation = replace(operations[operation], server=OWN)
    return replace(provider, api=replace(provider.api, operations={**operations, operation: moved_operation}))


def test_the_lookup_of_deleted_objects() -> None:
    """The second call of a 404 goes to the server of its own operation."""
    provider = moved("things.file", operations={"things.get": OperationRule(gone_if="things.file")})
    world = ScriptedProvider(lambda request: OK if request.url.startswith(OWN) else make_error_response(404, "NONE"))
    api = connect(world, provider=provider)
    with pytest.raises(errors.Gone):
        run(lambda: api.call("things.get", **GET))
    assert world.urls == [f"{BASE}/things/1", f"{OWN}/things/1/file"]


def test_the_canary() -> None:
    """A key is tried where the operation is, since nobody else may know it."""
    provider = moved("things.list", key=replace(KEYS, canary="things.list"))
    world = ScriptedProvider()
    options: Any = {"transport": StreamingTransport(world.reply), "clock": world.clock}
    assert run(lambda: try_one_key(provider, options, Key(KEY))) is None
    assert world.urls == [f"{OWN}/things"]


def test_the_exchange_of_a_key() -> None:
    """A key is exchanged at the operation's server, and the calls go to the environment's."""
    provider = moved("auth.issue", key=replace(KEYS, token=TOKENS))
    world = ScriptedProvider(lambda request: TOKEN if request.url.endswith("/key") else OK)
    api = connect(world, provider=provider, auth="token")
    run(lambda: api.call("things.get", **GET))
    assert world.urls == [f"{OWN}/auth/key", f"{BASE}/things/1"]


def test_the_environment_of_a_refused_key() -> None:
    """Another environment is asked at the server that it has for the operation, never at this environment's."""

    def reply(request: Request) -> Response:
        return (
            TOKEN if urlsplit(request.url).hostname == "own.sandbox.test" else make_error_response(400, "NO_SUCH_KEY")
        )

    provider = moved("auth.issue", key=replace(KEYS, token=TOKENS))
    world = ScriptedProvider(reply)
    api = connect(world, provider=provider, auth="token", explain=True)
    with pytest.raises(errors.KeyOfAnotherEnvironment):
        run(lambda: api.call("things.get", **GET))
    assert world.urls == [f"{OWN}/auth/key", "https://own.sandbox.test/auth/key"]
