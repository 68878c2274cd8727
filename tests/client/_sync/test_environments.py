# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_environments.py by tools/unasync.py; do not edit
"""Environments with keys of their own: a key belongs to the one that accepted it first, and is sent to no other."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace

from callwell import errors
from callwell.core.rules.environments import EnvironmentRule
from callwell.keys import Key
from callwell.state import MemoryState
from tests.client._sync.scripted_client import connect
from tests.client.acme import BASE, KEY, KEYS, TOKENS, acme
from tests.client.running import run
from tests.client.world import DEAD, LOST, OK, ListSource, ScriptedProvider, make_error_response, make_response

if TYPE_CHECKING:
    from callwell.description.provider import Provider
    from callwell.transport.base import NoReply, Request, Response

GET: Final = {"thing_id": "1"}
SANDBOX: Final = "https://sandbox.acme.test/v1"
TRADED: Final = make_response(200, {"access": "token", "renewal": "other", "seconds": 60})


def two(*, own: bool = True, **key: Any) -> Provider:
    """A provider with two environments, the second of which has keys of its own or not."""
    provider = acme(key=replace(KEYS, **{"token": TOKENS, **key}))
    rule = EnvironmentRule(base_url=SANDBOX, env="ACME_SANDBOX_KEY" if own else None)
    environments = {**provider.profile.environments, "sandbox": rule}
    return replace(provider, profile=replace(provider.profile, environments=environments))


class Hosts:
    """Environments by their hosts, each with its keys.

    Args:
        keys: the keys that a host knows.
    """

    def __init__(self, **keys: str) -> None:
        self.keys = keys
        self.asked: list[str] = []
        self.instead: dict[str, Response | NoReply] = {}

    def __call__(self, request: Request) -> Response | NoReply:
        """The reply to a request."""
        host = (urlsplit(request.url).hostname or "").partition(".")[0]
        self.asked.append(f"{host}{urlsplit(request.url).path.removeprefix('/v1')}")
        if host in self.instead:
            return self.instead[host]
        known = self.keys.get(host, "none").encode()
        if request.url.endswith("/auth/key"):
            assert "authorization" not in dict(request.headers)
            return TRADED if known in (request.body or b"") else make_error_response(400, "NO_SUCH_KEY")
        return OK if known in dict(request.headers)["authorization"].encode() else DEAD


def make_client(hosts: Hosts, environment: str = "production", **options: Any) -> Any:
    """A client."""
    return connect(ScriptedProvider(hosts), **{"provider": two(), "environment": environment, **options})


def get(one: Any) -> None:
    """A call that is done."""
    assert one.call("things.get", **GET) == {"id": "1"}


def refusal(one: Any) -> errors.KeyProblem:
    """How a call is refused."""
    with pytest.raises(errors.KeyProblem) as caught:
        run(lambda: one.call("things.get", **GET))
    assert KEY not in str(caught.value)
    return caught.value


def test_a_key_that_was_accepted_is_sent_nowhere_else() -> None:
    """The other environment's client is not even made, and the sentence names both, and the location of the key."""
    hosts = Hosts(sandbox=KEY)
    state = MemoryState()
    run(lambda: get(make_client(hosts, "sandbox", state=state)))
    with pytest.raises(errors.KeyOfAnotherEnvironment) as caught:
        make_client(hosts, "production", state=state)
    assert str(caught.value) == (
        "acme: the key (given in code) belongs to environment sandbox, but this is production: use a key of "
        "production, or choose environment sandbox"
    )
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert (again.environment, again.belongs_to, again.location) == ("production", "sandbox", "given in code")
    assert hosts.asked == ["sandbox/things/1"]
    run(lambda: get(make_client(hosts, "sandbox", state=state, account="b")))


@pytest.mark.parametrize(
    "reply",
    [
        make_error_response(404, "X"),
        make_error_response(401, "KEY_REQUIRED"),
        make_error_response(429, "X"),
        make_error_response(400, "X"),
        LOST,
    ],
)
def test_only_a_success_binds(reply: Any) -> None:
    """A response that does not need a valid key says nothing of the key."""
    hosts = Hosts(api=KEY)
    state = MemoryState()
    hosts.instead["sandbox"] = reply
    item = make_client(hosts, "sandbox", state=state, deadline_s=5)
    with pytest.raises(errors.CallwellError):
        run(lambda: item.call("things.get", **GET))
    run(lambda: get(make_client(hosts, state=state)))


def test_a_key_that_is_known_here_is_used_here() -> None:
    """One that both have accepted, however that came to be, is refused by neither."""
    hosts = Hosts(sandbox=KEY, api=KEY)
    state = MemoryState()
    item = make_client(hosts, state=state)
    run(lambda: get(make_client(hosts, "sandbox", state=state)))
    run(lambda: get(item))
    run(lambda: get(make_client(hosts, state=state)))
    run(lambda: get(make_client(hosts, "sandbox", state=state)))


def test_environments_that_share_their_keys() -> None:
    """They belong to no single one, and no request is made to find out."""
    hosts = Hosts(sandbox=KEY)
    state = MemoryState()
    run(lambda: get(make_client(hosts, "sandbox", state=state, provider=two(own=False))))
    error = refusal(make_client(hosts, state=state, provider=two(own=False), explain=True))
    assert str(error).endswith("(DEAD); pass a valid one")
    assert hosts.asked == ["sandbox/things/1", "api/things/1"]


def test_doubles_are_a_world_of_their_own() -> None:
    """What a double accepts binds a key among doubles of the same host, and not at the provider's own addresses."""
    hosts = Hosts(api=KEY, localhost=KEY)
    state = MemoryState()
    run(lambda: get(make_client(hosts, "sandbox", state=state, base_url="http://localhost:1/v1")))
    run(lambda: get(make_client(hosts, state=state)))
    with pytest.raises(errors.KeyOfAnotherEnvironment):
        make_client(hosts, state=state, base_url={"production": "http://localhost:2/v1"})
    make_client(hosts, state=state, base_url="http://127.0.0.1:2/v1")


def test_a_refused_key_can_be_explained() -> None:
    """Unless asked to, no client shows it elsewhere, and the message says what could be done."""
    hosts = Hosts(sandbox=KEY)
    error = refusal(make_client(hosts))
    assert isinstance(error, errors.KeyRefused)
    assert str(error).endswith(
        "(DEAD); pass a valid one; if it may belong to environment sandbox, explain=True (--explain) asks there"
    )
    assert hosts.asked == ["api/things/1"]
    alone = connect(ScriptedProvider(DEAD), provider=acme(key=replace(KEYS, token=TOKENS)), explain=True)
    assert str(refusal(alone)).endswith("(DEAD); pass a valid one")
    assert str(refusal(make_client(hosts, provider=two(token=None)))).endswith("(DEAD); pass a valid one")


@pytest.mark.parametrize("auth", ["key", "token"])
def test_where_a_refused_key_belongs(auth: str) -> None:
    """One request to the other environment shows it; from then on nothing is sent with it here."""
    hosts = Hosts(sandbox=KEY)
    state = MemoryState()
    error = refusal(make_client(hosts, explain=True, state=state, auth=auth))
    assert isinstance(error, errors.KeyOfAnotherEnvironment)
    assert (error.environment, error.belongs_to) == ("production", "sandbox")
    assert hosts.asked == [{"key": "api/things/1", "token": "api/auth/key"}[auth], "sandbox/auth/key"]
    with pytest.raises(errors.KeyOfAnotherEnvironment):
        make_client(hosts, state=state)


@pytest.mark.parametrize(
    ("reply", "error_text"),
    [
        (None, "environment sandbox refuses it too"),
        (make_error_response(401, "X"), "environment sandbox refuses it too"),
        (
            make_error_response(403, "CLOSED"),
            "environment sandbox could not be asked (acme auth.issue: 403 CLOSED: because)",
        ),
        (make_response(200, b"<p>Welcome"), "environment sandbox could not be asked (acme auth.issue: 200"),
        (LOST, "environment sandbox could not be asked (acme auth.issue: the response broke off"),
    ],
)
def test_what_the_other_environment_says(reply: Any, error_text: str) -> None:
    """It is added to the refusal, and is not a binding."""
    hosts = Hosts()
    state = MemoryState()
    if reply is not None:
        hosts.instead["sandbox"] = reply
    error = refusal(make_client(hosts, explain=True, state=state))
    assert isinstance(error, errors.KeyRefused)
    assert error_text in str(error)
    assert (error.code, hosts.asked) == ("DEAD", ["api/things/1", "sandbox/auth/key"])
    make_client(hosts, "sandbox", state=state)


def test_a_key_is_shown_where_its_provider_is() -> None:
    """At other addresses only those are asked that were given; without any, the message says that none was."""
    hosts = Hosts(sandbox=KEY)
    error = refusal(make_client(hosts, explain=True, base_url="http://localhost:1/v1"))
    assert str(error).endswith("environment sandbox was not asked: pass its address as base_url")
    both = {"production": "http://localhost:1/v1", "sandbox": "http://localhost:1/v1"}
    assert "was not asked" in str(refusal(make_client(hosts, explain=True, base_url=both)))
    assert hosts.asked == ["localhost/things/1"] * 2
    both["sandbox"] = SANDBOX
    assert isinstance(refusal(make_client(hosts, explain=True, base_url=both)), errors.KeyOfAnotherEnvironment)
    with pytest.raises(errors.UnknownName, match="did you mean sandbox"):
        make_client(hosts, base_url={"sandbx": BASE})


def test_a_key_that_was_accepted_here_is_not_shown_elsewhere() -> None:
    """It was rotated: where it belongs is known."""
    hosts = Hosts(api=KEY)
    item = make_client(hosts, explain=True)
    run(lambda: get(item))
    hosts.keys["api"] = "acme_second"
    assert str(refusal(item)).endswith("(DEAD); pass a valid one")
    assert hosts.asked == ["api/things/1"] * 2


def test_a_new_key_of_another_environment_is_not_taken() -> None:
    """The one in use goes on; when it is dead, what is wrong with the new one is reported."""
    hosts = Hosts(sandbox="acme_second", api=KEY)
    state = MemoryState()
    run(lambda: get(make_client(hosts, "sandbox", state=state, key=Key("acme_second"))))
    item = make_client(hosts, state=state)
    item._engine.keys._source = ListSource(["acme_second"], marked=True)
    item._engine.keys._can_change = True

    def work() -> None:
        get(item)
        item._engine.clock.advance(1.1)
        get(item)
        hosts.keys["api"] = "acme_third"
        with pytest.raises(
            errors.KeyRefused, match=r"at list:keys \(the key there now belongs to environment sandbox\)"
        ):
            item.call("things.get", **GET)

    run(work)
    assert hosts.asked[1:] == ["api/things/1"] * 3
