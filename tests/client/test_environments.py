# SPDX-License-Identifier: Apache-2.0
"""What an environment changes: the key's header, headers beside it, operations that there are; and what is alpha."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from callwell import errors
from callwell.core.rules.environments import EnvironmentRule
from callwell.core.rules.operations import OperationRule
from callwell.core.rules.profile import ErrorRule, KeyRule
from tests.client._sync.scripted_client import client
from tests.client.acme import BASE, KEY, acme
from tests.client.world import OK, World, answer

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


def shown(**options: Any) -> dict[str, str]:
    """The headers of a call."""
    world = World()
    client(world, provider=PROVIDER, **options).call("things.get", thing_id="1")
    return dict(world.sent[0].request.headers)


def test_headers_of_an_environment() -> None:
    """The key stands in its header, and what is fixed goes with it; the host is that of the address in use."""
    plain = shown()
    market = shown(environment="market")
    assert (plain["api-key"], "x-market-key" in plain, "x-market" in plain) == (KEY, False, False)
    assert (market["x-market-key"], "api-key" in market) == (KEY, False)
    assert (market["x-market-host"], market["x-market"]) == ("market.test", "yes")
    assert shown(environment="market", base_url="https://other.test")["x-market-host"] == "other.test"


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
    """They go there with the key, unless the environment or the caller says where they go instead."""
    world = World()
    get = SERVERS.api.operations["things.get"]
    for server in (UPLOADS, "/v3"):
        provider = replace(SERVERS, api=replace(SERVERS.api, operations={get.name: replace(get, server=server)}))
        client(world, provider=provider, **options).call("things.get", thing_id="1")
    assert world.urls == urls
    assert world.keys == [KEY, KEY]


def test_an_address_that_cannot_be_used_is_no_hindrance_to_another() -> None:
    """A profile with http, as its document may have it, serves with the address of the caller."""
    plain = acme(environments={"production": EnvironmentRule(base_url="http://api.acme.test/v1")})
    world = World()
    with pytest.raises(errors.InvalidOption, match="expected an https address"):
        client(world, provider=plain)
    client(world, provider=plain, base_url=BASE).call("things.get", thing_id="1")
    assert world.urls == [f"{BASE}/things/1"]


def test_another_header_for_the_key() -> None:
    """An option names it, for addresses of one's own."""
    headers = shown(key_header="X-Blob-Key", base_url="https://blob.test/x")
    assert (headers["x-blob-key"], "api-key" in headers) == (KEY, False)


def test_operations_of_an_environment() -> None:
    """What is not there is refused before anything is sent."""
    world = World()
    with pytest.raises(errors.InvalidOption, match=r"'things\.make': expected one that this environment has: things"):
        client(world, provider=PROVIDER, environment="market").call("things.make", name="x")
    assert world.sent == []


def test_a_wrong_value_is_not_repeated_at_length() -> None:
    """It may be a whole file."""
    with pytest.raises(errors.InvalidOption) as caught:
        client(World()).call("things.make", name=b"x" * 100_000)
    assert len(str(caught.value)) < 500


def test_alpha_is_off() -> None:
    """An operation that the provider calls alpha says how it is switched on."""
    world = World()
    with pytest.raises(errors.InvalidOption, match="alpha=True"):
        client(world, provider=PROVIDER).call("things.put", thing_id="1", name="x")
    assert world.sent == []
    client(world, provider=PROVIDER, alpha=True).call("things.put", thing_id="1", name="x")
    assert len(world.sent) == 1


def test_a_status_that_means_a_dead_key() -> None:
    """Where there are no codes, the status decides: the key is read again, or the call fails for its key."""
    provider = acme(errors=ErrorRule(code=(), dead_key_statuses=(401,)))
    with pytest.raises(errors.KeyRefused):
        client(World(answer(401, {"detail": "no"})), provider=provider).call("things.get", thing_id="1")


def test_errors_that_name_places_step_by_step() -> None:
    """A list of names and indexes is one name, and each fault is reported."""
    rule = ErrorRule(code=(), message=("detail", "msg"), parameter=("loc",), problems="detail")
    provider = acme(errors=rule)
    wrong = [{"loc": ["body", "tags", 0], "msg": "no text", "type": "x"}, {"loc": ["body"], "msg": "missing"}]
    for body, message in (
        ({"detail": wrong}, r"422: body\.tags\.0: no text; body: missing"),
        ({"detail": "why"}, "why"),
    ):
        with pytest.raises(errors.BadRequest, match=message):
            client(World(answer(422, body), OK), provider=provider).call("things.get", thing_id="1")
