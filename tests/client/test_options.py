# SPDX-License-Identifier: Apache-2.0
"""What a client is made of: options, environments, addresses and requests outside the description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callwell import AsyncClient, Client, errors
from callwell.client.calls.options import ResolvedOptions, resolve_options
from callwell.core.rules.environments import EnvironmentRule
from callwell.core.rules.profile import QuotaRule
from callwell.keys import Key
from callwell.state import MemoryState
from callwell.testing import AsyncScriptedTransport, ScriptedTransport
from tests.client._sync.scripted_client import connect
from tests.client.acme import BASE, acme
from tests.client.world import ScriptedProvider, make_response

if TYPE_CHECKING:
    from pathlib import Path


def test_other_options_share_the_engine() -> None:
    """`with_options` changes what was asked and nothing else; connections, quotas and keys are shared."""
    api = connect(ScriptedProvider(), deadline_s=7)
    other = api.with_options(priority="batch", retry_unsafe_5xx=True)
    third = other.with_options(deadline_s=3)
    assert api._engine is other._engine is third._engine
    assert api._caller.options == ResolvedOptions(deadline_s=7.0, explicit_deadline_s=7.0)
    assert other._caller.options == ResolvedOptions(deadline_s=float("inf"), priority="batch", retry_unsafe_5xx=True)
    assert third._caller.options == ResolvedOptions(
        deadline_s=3.0, explicit_deadline_s=3.0, priority="batch", retry_unsafe_5xx=True
    )
    other.call("things.get", thing_id="1")
    assert api.spent() == third.spent() == {"minute": (1, 100)}


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_typed_client_keeps_its_type_and_its_groups_their_options(kind: Any) -> None:
    """Groups that were made before belong to the client that made them."""
    transport = ScriptedTransport([]) if kind is Client else AsyncScriptedTransport([])
    api = kind("userplane", key=Key("uspl_x"), transport=transport)
    assert api.recordings._client is api
    other = api.with_options(deadline_s=3)
    assert type(other) is type(api) is not kind
    assert other.recordings._client is other


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"deadlin_s": 5}, "unknown option 'deadlin_s': did you mean deadline_s"),
        ({"key": "env:X"}, "unknown option 'key'"),
        ({"deadline_s": 0}, "seconds above zero"),
        ({"deadline_s": float("nan")}, "seconds above zero"),
        ({"deadline_s": True}, "seconds above zero"),
        ({"deadline_s": "5"}, "seconds above zero"),
        ({"priority": "urgent"}, "`interactive` or `batch`"),
        ({"for_user": "ann"}, "for_user cannot be a string of 3 characters: expected no value: acme has no end users"),
    ],
)
def test_wrong_options_of_a_call_are_reported(options: dict[str, Any], message: str) -> None:
    """Misspelt names and values that make no sense are refused, by the client and by `with_options` alike."""
    with pytest.raises(errors.UsageError, match=message):
        connect(ScriptedProvider()).with_options(**options)
    if "key" not in options:
        with pytest.raises(errors.UsageError, match=message):
            connect(ScriptedProvider(), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keey": "x"}, r"did you mean key\?"),
        ({"environment": "prod"}, r"unknown environment 'prod' of acme: did you mean production\?"),
        ({"base_url": "ftp://h"}, "an address such as"),
        ({"base_url": "h/v1"}, "an address such as"),
        ({"base_url": "https://h?a=b"}, "an address such as"),
        ({"base_url": "https://h#f"}, "an address such as"),
        ({"base_url": "https://["}, "an address such as"),
        ({"base_url": "https://h:99999"}, "an address such as"),
        ({"base_url": "http://api.acme.test"}, "an https address"),
        ({"base_url": "https://me:secret@h"}, "an address without a password"),
        ({"state": "redis://h"}, "sqlite"),
        ({"connect_s": 0}, "seconds above zero"),
        ({"connect_s": -1}, "seconds above zero"),
        ({"proxy": {"https": "http://me:secret@h"}}, "proxy cannot be 'dict': expected the address of a proxy"),
        ({"ca_file": False}, "ca_file cannot be 'bool': expected the path of a file"),
        ({"environment": 1}, "environment cannot be 'int'"),
        ({"account": 7}, "account cannot be 'int'"),
        ({"state": None}, "state cannot be 'NoneType': expected the address of a state"),
        ({"state": 5}, "state cannot be 'int'"),
        ({"key": 5}, "key cannot be 'int': expected env:NAME"),
        ({"key": b"secret"}, "key cannot be 'bytes'"),
    ],
)
def test_wrong_options_of_a_client_are_reported(options: dict[str, Any], message: str) -> None:
    """Each is refused with what it takes, and passwords are not repeated."""
    with pytest.raises(errors.UsageError, match=message) as caught:
        connect(ScriptedProvider(), **options)
    assert "secret" not in str(caught.value)


def test_an_unknown_provider_is_reported() -> None:
    """The nearest name is in the message."""
    with pytest.raises(errors.UnknownName, match="userplane"):
        Client("userplan", key=Key("x"))


def test_deadlines_follow_the_priority() -> None:
    """Sixty seconds for who is waited for, none for batch, unless said; the later word counts."""
    assert ResolvedOptions().deadline_s == 60.0
    batch = resolve_options(ResolvedOptions(), {"priority": "batch"})
    assert batch.deadline_s == float("inf")
    assert resolve_options(batch, {"priority": "interactive"}).deadline_s == 60.0
    assert resolve_options(batch, {"deadline_s": 5}).deadline_s == 5.0
    assert resolve_options(ResolvedOptions(), {"priority": "batch", "deadline_s": 9}).deadline_s == 9.0
    assert resolve_options(ResolvedOptions(), {"deadline_s": None}).deadline_s == float("inf")


def test_accounts_are_kept_apart() -> None:
    """Another account, environment or address has a quota of its own; another key has not."""
    provider = acme({"ten": QuotaRule(limit=5, window_s=10)})
    provider.profile.environments["sandbox"] = EnvironmentRule(base_url="https://sandbox.acme.test/v1")
    state = MemoryState()
    world = ScriptedProvider()
    given = {"provider": provider, "state": state}
    first = connect(world, **given)
    first.call("things.get", thing_id="1")
    assert connect(world, **given, key=Key("acme_other")).spent() == {"ten": (1, 5)}
    for options in ({"account": "b"}, {"environment": "sandbox"}, {"base_url": "http://127.0.0.1:5/v1/"}):
        assert connect(world, **given, **options).spent() == {"ten": (0, 5)}
    assert connect(world, provider=provider).spent() == {"ten": (0, 5)}


def test_addresses_are_joined_with_one_slash() -> None:
    """A slash at the end of the address makes no second one."""
    world = ScriptedProvider()
    connect(world, base_url="http://localhost:8080/v9/").call("things.get", thing_id="1")
    assert world.urls == ["http://localhost:8080/v9/things/1"]


@pytest.mark.parametrize(
    ("path", "query", "url"),
    [
        ("/x", None, f"{BASE}/x"),
        ("x", {}, f"{BASE}/x"),
        ("", None, f"{BASE}/"),
        ("/x?a=1", {"b": "2 3"}, f"{BASE}/x?a=1&b=2+3"),
        ("/x", {"a": "ü&="}, f"{BASE}/x?a=%C3%BC%26%3D"),
        ("/x#f", {"a": "1"}, f"{BASE}/x?a=1"),
        (f"{BASE}/x?a=1#f", {"b": "2"}, f"{BASE}/x?a=1&b=2"),
        ("https://API.acme.test:443/v1/x", None, f"{BASE}/x"),
        ("https://me@api.acme.test/v1/x", None, f"{BASE}/x"),
        ("/x..y/...", None, f"{BASE}/x..y/..."),
        ("@evil.test/x", None, f"{BASE}/@evil.test/x"),
        ("/\\evil.test/x", None, f"{BASE}/\\evil.test/x"),
        (" https://evil.test", None, f"{BASE}/ https://evil.test"),
    ],
)
def test_any_request_can_be_made(path: str, query: Any, url: str) -> None:
    """A path below the address or a whole address; the query is merged."""
    world = ScriptedProvider()
    connect(world).request("get", path, query=query)
    assert (world.urls, world.sent[0].request.method) == ([url], "GET")


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.test/v1/x",
        "//evil.test/v1/x",
        "HTTPS:evil.test",
        "https://api.acme.test@evil.test/v1/x",
        "https://api.acme.test/v2/x",
        "https://api.acme.test/v1",
        "https://api.acme.test/v1x",
        "/../x",
        "/a/../../x",
        "/a/..",
        "..",
        "/%2e%2e/x",
        "/%2E./x",
        "/a\\..\\..\\x",
        "/.\t./x",
        "/a\nb",
        f"{BASE}/../v2",
        "javascript:alert(1)",
        "https://[::1/v1/x",
    ],
)
def test_requests_that_leave_the_address_are_refused(path: str) -> None:
    """Neither another origin nor a climb, in any spelling that an HTTP library may resolve."""
    world = ScriptedProvider()
    with pytest.raises(errors.InvalidOption):
        connect(world).request("GET", path)
    assert world.sent == []


def test_requests_have_bodies_and_methods() -> None:
    """JSON goes out as such, what is not JSON or no method is reported, and PUT is repeated where POST is not."""
    world = ScriptedProvider(make_response(500), make_response(200))
    connect(world).request("put", "/x", json=[1, None])
    assert [sent.request.body for sent in world.sent] == [b"[1,null]", b"[1,null]"]
    with pytest.raises(errors.OutcomeUnknown):
        connect(ScriptedProvider(make_response(500))).request("POST", "/x", json={})
    for wrong in ("GET /x", "", "G\r\n"):
        with pytest.raises(errors.InvalidOption, match="an HTTP method"):
            connect(ScriptedProvider()).request(wrong, "/x")
    with pytest.raises(errors.InvalidOption, match="what JSON can hold"):
        connect(ScriptedProvider()).request("POST", "/x", json=object())


def test_operations_are_attributes() -> None:
    """A described provider's operations are called as attributes; those that are not there are reported."""
    world = ScriptedProvider()
    api = connect(world)
    assert api.things.get(thing_id="1") == {"id": "1"}
    assert api.things.list().verdict.pages == 0
    assert api.things.file(thing_id="1").facts is None
    with pytest.raises(errors.UnknownName, match="did you mean things"):
        _ = api.thing
    with pytest.raises(errors.UnknownName, match=r"did you mean things\.get"):
        _ = api.things.gett
    assert not hasattr(api, "thingy")
    assert not hasattr(api, "_nothing")
    assert not hasattr(api.things, "_nothing")
    with pytest.raises(errors.UnknownName):
        api.call("things.gte", thing_id="1")


def test_a_state_is_closed_by_who_opened_it(tmp_path: Path) -> None:
    """A client closes the state that it opened, and leaves one alone that it was given."""
    with connect(ScriptedProvider(), state=f"sqlite:///{tmp_path / 'state'}") as api:
        api.call("things.get", thing_id="1")
    state = MemoryState()
    with connect(ScriptedProvider(), state=state) as api:
        api.call("things.get", thing_id="1")
    assert state.keys("account:")
