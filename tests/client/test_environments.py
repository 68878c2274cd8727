# SPDX-License-Identifier: Apache-2.0
"""An environment may change the header of the key, add headers and restrict operations; alpha operations are off."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from callwell import errors
from callwell.core.rules.environments import EnvironmentRule
from callwell.core.rules.operations import OperationRule
from callwell.core.rules.profile import ErrorRule, KeyRule
from tests.client._sync.scripted_client import connect
from tests.client.acme import BASE, KEY, acme
from tests.client.world import OK, ScriptedProvider, make_response

MARKET = EnvironmentRule(
    base_url="https://market.test/acme",
    key_header="x-market-key",
    headers={"X-Market-Host": "{host}", "x-market": "yes"},
    operations=("things.get",),
)
PROVIDER = acme(
    environments={"production": EnvironmentRule(base_url=BASE, default=True), "market": MARKET},
    key=KeyRule(env="ACME_KEY", scheme="header", header="api-key"),
    operations={"things.put": OperationRule(alpha=True)},
)


def sent_headers(**options: Any) -> dict[str, str]:
    """The headers that a call sends."""
    world = ScriptedProvider()
    connect(world, provider=PROVIDER, **options).call("things.get", thing_id="1")
    return dict(world.sent[0].request.headers)


def test_headers_of_an_environment() -> None:
    """The key has its own header, fixed headers are added, and `{host}` is the host of the address in use."""
    plain = sent_headers()
    market = sent_headers(environment="market")
    assert (plain["api-key"], "x-market-key" in plain, "x-market" in plain) == (KEY, False, False)
    assert (market["x-market-key"], "api-key" in market) == (KEY, False)
    assert (market["x-market-host"], market["x-market"]) == ("market.test", "yes")
    assert sent_headers(environment="market", base_url="https://other.test")["x-market-host"] == "other.test"


UPLOADS = "https://up.test/v2"
SERVERS = acme(
    environments={
        "production": EnvironmentRule(base_url=BASE, default=True),
        "sandbox": EnvironmentRule(base_url="https://sandbox.test/v1", servers={UPLOADS: "https://up.sandbox.test"}),
        "local": EnvironmentRule(base_url="http://127.0.0.1:1/v1", servers={UPLOADS: ""}),
    },
)


@pytest.mark.parametrize(
    ("options", "urls"),
    [
        ({}, ["https://up.test/v2/things/1", f"{BASE.removesuffix('/v1')}/v3/things/1"]),
        ({"environment": "sandbox"}, ["https://up.sandbox.test/things/1", "https://sandbox.test/v3/things/1"]),
        ({"environment": "local"}, ["http://127.0.0.1:1/v1/things/1", "http://127.0.0.1:1/v3/things/1"]),
        ({"base_url": "https://mock.test"}, ["https://mock.test/things/1", "https://mock.test/v3/things/1"]),
    ],
)
def test_operations_with_servers_of_their_own(options: dict[str, Any], urls: list[str]) -> None:
    """They are called there with the key, unless the environment or the caller names another server."""
    world = ScriptedProvider()
    get = SERVERS.api.operations["things.get"]
    for server in (UPLOADS, "/v3"):
        provider = replace(SERVERS, api=replace(SERVERS.api, operations={get.name: replace(get, server=server)}))
        connect(world, provider=provider, **options).call("things.get", thing_id="1")
    assert world.urls == urls
    assert world.keys == [KEY, KEY]


def test_an_address_that_cannot_be_used_is_no_hindrance_to_another() -> None:
    """A profile with an http address is usable with an https address of the caller."""
    plain = acme(environments={"production": EnvironmentRule(base_url="http://api.acme.test/v1")})
    world = ScriptedProvider()
    with pytest.raises(errors.InvalidOption, match="expected an https address"):
        connect(world, provider=plain)
    connect(world, provider=plain, base_url=BASE).call("things.get", thing_id="1")
    assert world.urls == [f"{BASE}/things/1"]


def test_another_header_for_the_key() -> None:
    """An option names the header, for the caller's own addresses."""
    headers = sent_headers(key_header="X-Blob-Key", base_url="https://blob.test/x")
    assert (headers["x-blob-key"], "api-key" in headers) == (KEY, False)


def test_operations_of_an_environment() -> None:
    """An operation that the environment does not have is refused before anything is sent."""
    world = ScriptedProvider()
    with pytest.raises(errors.InvalidOption, match=r"'things\.make': expected one that this environment has: things"):
        connect(world, provider=PROVIDER, environment="market").call("things.make", name="x")
    assert world.sent == []


def test_a_wrong_value_is_not_repeated_at_length() -> None:
    """The message has the beginning of a wrong value, which may be a whole file."""
    with pytest.raises(errors.InvalidOption) as caught:
        connect(ScriptedProvider()).call("things.make", name=b"x" * 100_000)
    assert len(str(caught.value)) < 500


def test_alpha_is_off() -> None:
    """An operation that the provider calls alpha says how it is switched on."""
    world = ScriptedProvider()
    with pytest.raises(errors.InvalidOption, match="alpha=True"):
        connect(world, provider=PROVIDER).call("things.put", thing_id="1", name="x")
    assert world.sent == []
    connect(world, provider=PROVIDER, alpha=True).call("things.put", thing_id="1", name="x")
    assert len(world.sent) == 1


def test_a_status_that_means_a_dead_key() -> None:
    """Where there are no codes, the status decides: the key is read again, or the call fails for its key."""
    provider = acme(errors=ErrorRule(code=(), dead_key_statuses=(401,)))
    with pytest.raises(errors.KeyRefused):
        connect(ScriptedProvider(make_response(401, {"detail": "no"})), provider=provider).call(
            "things.get", thing_id="1"
        )


def test_errors_that_name_places_step_by_step() -> None:
    """A path given as a list becomes one dotted name, and every problem is reported."""
    rule = ErrorRule(code=(), message=("detail", "msg"), parameter=("loc",), problems="detail")
    provider = acme(errors=rule)
    wrong = [{"loc": ["body", "tags", 0], "msg": "no text", "type": "x"}, {"loc": ["body"], "msg": "missing"}]
    for body, message in (
        ({"detail": wrong}, r"422: body\.tags\.0: no text; body: missing"),
        ({"detail": "why"}, "why"),
    ):
        with pytest.raises(errors.BadRequest, match=message):
            connect(ScriptedProvider(make_response(422, body), OK), provider=provider).call("things.get", thing_id="1")
