# SPDX-License-Identifier: Apache-2.0
"""A 401 or 403 that a proxy, gateway or portal wrote rejects no key; the provider's own does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from callwell.core.rules.profile import ErrorRule
from tests.client._async.scripted_client import connect
from tests.client.acme import KEY, acme
from tests.client.mint import Mint, options
from tests.client.running import run
from tests.client.world import OK, ListSource, ScriptedProvider, count_held, make_response, tried

if TYPE_CHECKING:
    from callwell.transport.base import Response

GET = {"thing_id": "1"}
PROVIDER = acme(errors=ErrorRule(dead_key_statuses=(401,)))

GATEWAYS = {
    "HTML": make_response(401, b"<html>log in</html>", content_type="text/html"),
    "HTML without a type": make_response(401, b"\r\n<!DOCTYPE html><p>log in"),
    "plain text": make_response(401, b"Unauthorized\n", content_type="text/plain"),
    "plain text without a type": make_response(401, b"Unauthorized"),
    "JSON of another shape": make_response(
        401, {"fault": {"faultstring": "Invalid ApiKey"}}, content_type="application/json"
    ),
    "a JSON text": make_response(401, "Unauthorized", content_type="application/json"),
    "empty with Via": make_response(401, via="1.1 proxy.example.test (squid/5.7)"),
    "empty, from a proxy": make_response(401, server="Squid/5.7"),
    "empty, from a load balancer": make_response(401, server="awselb/2.0"),
    "blank, from a firewall": make_response(401, b" \r\n", server="FortiGate"),
    "empty with Proxy-Authenticate": make_response(401, proxy_authenticate='Basic realm="proxy"'),
    "empty with an error of Proxy-Status": make_response(401, proxy_status="edge; error=http_request_denied"),
}

PROVIDERS = {
    "the described shape": make_response(401, {"message": "no such key"}, content_type="application/json"),
    "the described shape through a gateway": make_response(
        401, {"code": "NO_KEY"}, via="1.1 edge", server="cloudflare"
    ),
    "empty": make_response(401),
    "empty, from a web server": make_response(401, server="nginx/1.27.0", www_authenticate="Bearer"),
}


def failed(one: Any, operation: str = "things.get", **arguments: Any) -> Any:
    """The error that a call ends with."""
    with pytest.raises(errors.CallwellError) as caught:
        run(lambda: one.call(operation, **(arguments or GET)))
    return caught.value


@pytest.mark.parametrize("reply", GATEWAYS.values(), ids=GATEWAYS)
def test_a_gateways_401_rejects_no_key(reply: Response) -> None:
    """The call fails at once, its message names the gateway, and the next call still has the key."""
    world = ScriptedProvider(reply, OK)
    api = connect(world, provider=PROVIDER, source=ListSource([KEY]), uses=tried(KEY))
    error = failed(api)
    assert type(error) is errors.Unauthorized
    assert error.from_gateway
    assert "it may not be the provider's" in str(error)
    assert (len(world.sent), count_held(api)) == (1, 0)
    assert run(lambda: api.call("things.get", **GET)) == {"id": "1"}
    assert world.keys == [KEY, KEY]


@pytest.mark.parametrize("reply", PROVIDERS.values(), ids=PROVIDERS)
def test_the_providers_401_rejects_the_key(reply: Response) -> None:
    """Its source is read until it gives another key, and the call is sent once more."""
    world = ScriptedProvider(lambda request: reply if dict(request.headers)["authorization"].endswith(KEY) else OK)
    api = connect(world, provider=PROVIDER, source=ListSource([KEY, KEY, "acme_second"]), uses=tried(KEY))
    assert run(lambda: api.call("things.get", **GET)) == {"id": "1"}
    assert world.keys == [KEY, "acme_second"]


def test_a_407_rejects_no_key() -> None:
    """Even where a profile lists it: the proxy refuses its own user, and the provider was not asked."""
    world = ScriptedProvider(make_response(407, b"log in", content_type="text/plain"), OK)
    api = connect(world, provider=acme(errors=ErrorRule(dead_key_statuses=(401, 407))), source=ListSource([KEY]))
    assert isinstance(failed(api), errors.ConnectFailed)
    assert run(lambda: api.call("things.get", **GET)) == {"id": "1"}


@pytest.mark.parametrize("reply", GATEWAYS.values(), ids=GATEWAYS)
def test_a_gateways_401_in_a_token_exchange_rejects_no_key(reply: Response) -> None:
    """The exchange fails as an `Unauthorized` of the gateway, not as a refused key, and the next one succeeds."""
    mint = Mint()
    world = ScriptedProvider(mint)
    api = connect(world, **options(mint, world))
    mint.instead["key"] = lambda: reply
    error = failed(api)
    assert type(error) is errors.Unauthorized
    assert error.from_gateway
    mint.instead.clear()
    assert run(lambda: api.call("things.get", **GET)) == {"id": "1"}


@pytest.mark.parametrize("reply", PROVIDERS.values(), ids=PROVIDERS)
def test_the_providers_401_in_a_token_exchange_rejects_the_key(reply: Response) -> None:
    """A key that was never accepted is reported at once, with the place to fix."""
    mint = Mint()
    world = ScriptedProvider(mint)
    api = connect(world, **options(mint, world))
    mint.instead["key"] = lambda: reply
    assert isinstance(failed(api), errors.KeyRefused)


@pytest.mark.parametrize("body", [b"Forbidden", b"<html>", b'{"fault":1}'])
def test_a_403_without_the_providers_shape_is_marked(body: bytes) -> None:
    """Firewalls answer so; the error says that it may not be the provider's."""
    error = failed(connect(ScriptedProvider(make_response(403, body)), provider=PROVIDER))
    assert type(error) is errors.Forbidden
    assert error.from_gateway
    assert not failed(connect(ScriptedProvider(make_response(403, {"message": "no"})), provider=PROVIDER)).from_gateway
