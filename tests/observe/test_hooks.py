# SPDX-License-Identifier: Apache-2.0
"""Hooks: what they observe, what they may add to a request, and that they can disturb no call."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import astuple, replace

from callwell.client import Client
from callwell.core.rules.profile import QuotaRule
from callwell.errors import AssetError, InvalidOption, UnknownName
from callwell.extras import install_command
from callwell.observe.hooks import build_hooks
from callwell.observe.notices import AttemptBegan, AttemptEnded, CallBegan, CallEnded, FetchEnded, Waiting
from callwell.testing import Dice
from tests.client._async import scripted_client as asynchronous
from tests.client._sync.scripted_client import connect
from tests.client.acme import BASE, KEY, acme
from tests.client.many_callers import make_client
from tests.client.virtual import run_in_virtual_time
from tests.client.world import LOST, OK, ScriptedProvider, make_error_response, make_response

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from callwell.observe.notices import Notice

SIGNED = "https://storage.test:8443/path/f?X-Amz-Signature=SIGNATURE"


class Recorder:
    """A hook that keeps what it gets.

    Args:
        headers: what it adds to every request.
    """

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        self.reported: list[AttemptBegan | Notice] = []
        self._headers = headers

    def began(self, attempt: AttemptBegan) -> Mapping[str, str] | None:
        """Keep it."""
        self.reported.append(attempt)
        return self._headers

    def notice(self, notice: Notice) -> None:
        """Keep it."""
        self.reported.append(notice)

    @property
    def kinds(self) -> list[str]:
        """The kinds of what it got."""
        return [type(item).__name__ for item in self.reported]

    def all(self, kind: type[Any]) -> list[Any]:
        """What it got of one kind."""
        return [item for item in self.reported if isinstance(item, kind)]


class Broken:
    """A hook that fails wherever it is called."""

    def began(self, attempt: AttemptBegan) -> None:
        """Fail."""
        raise ZeroDivisionError

    def notice(self, notice: Notice) -> None:
        """Fail."""
        raise ZeroDivisionError


def test_a_call_from_its_beginning_to_its_end() -> None:
    """Every attempt is reported before and after, all under the number of the call, which no other call has."""
    hook = Recorder()
    world = ScriptedProvider(make_error_response(500, "X"), OK)
    api = connect(world, hooks=[hook], on_notice=None)
    api.call("things.get", thing_id="a/b")
    api.call("things.list", size=2)
    first = ["CallBegan", "AttemptBegan", "AttemptEnded", "Waiting", "AttemptBegan", "AttemptEnded", "CallEnded"]
    assert hook.kinds == [*first, "CallBegan", "AttemptBegan", "AttemptEnded", "CallEnded"]
    numbers = [item.call for item in hook.reported]  # type: ignore[union-attr] # no key has changed, no file was fetched
    assert len(set(numbers[:7])) == len(set(numbers[7:])) == 1
    assert numbers[7] == numbers[0] + 1 > 1
    began = hook.all(AttemptBegan)
    path = "/v1/things/{thingId}"
    assert astuple(began[0])[3:] == (1, "GET", f"{BASE}/things/a%2Fb", path, "api.acme.test", 443)
    assert began[1].attempt == 2
    assert (began[2].url, began[2].template) == (f"{BASE}/things", "/v1/things")


def test_an_address_is_shown_without_secrets() -> None:
    """Neither the user of a proxy-like address, nor query, nor fragment; and no template where none is known."""
    hook = Recorder()
    world = ScriptedProvider(make_response(302, location="/v1/elsewhere?token=SECRET"), OK)
    api = connect(world, hooks=[hook])
    api.call("things.get", thing_id="1")
    api.request("GET", "/any?secret=SECRET", query={"more": "SECRET"})
    shown = [(began.url, began.template) for began in hook.all(AttemptBegan)]
    assert shown[1:] == [(f"{BASE}/elsewhere", None), (f"{BASE}/any", None)]
    assert "SECRET" not in str(hook.reported)
    assert KEY not in str(hook.reported)
    assert all("SECRET" in world.sent[i].request.url for i in (1, 2))


def test_what_a_hook_adds_is_sent() -> None:
    """Headers of all hooks go with the request; the first to add one is heard."""
    world = ScriptedProvider(OK)
    api = connect(world, hooks=[Recorder({"Traceparent": "1"}), Recorder(), Recorder({"traceparent": "2", "b3": "3"})])
    api.call("things.make", name="n", trace="own")
    assert dict(world.sent[0].request.headers) == {
        "accept": "application/json",
        "authorization": f"Bearer {KEY}",
        "x-trace": "own",
        "content-type": "application/json",
        "traceparent": "1",
        "b3": "3",
    }


@pytest.mark.parametrize("name", ["Authorization", "X-Trace", "accept", "Content-Type", "Host", "Content-Length"])
def test_no_header_of_the_request_is_replaced(name: str) -> None:
    """Not the key's, not an argument's, and none that the transport writes."""
    plain = ScriptedProvider(OK)
    hooked = ScriptedProvider(OK)
    for world, added in ((plain, None), (hooked, {name: "other"})):
        connect(world, hooks=[Recorder(added)]).call("things.make", name="n", trace="own")
    assert hooked.sent[0].request.headers == plain.sent[0].request.headers


@pytest.mark.parametrize("added", [{"a b": "1"}, {"a": "1\r\nhost: x"}, {"a": "ü"}, {"a": 1}, 3, {"": "1"}])
def test_headers_that_cannot_be_sent_are_left_out(caplog: pytest.LogCaptureFixture, added: Any) -> None:
    """They are logged, and the call goes on without."""
    world = ScriptedProvider(OK)
    assert connect(world, hooks=[Recorder(added)]).call("things.get", thing_id="1") == {"id": "1"}
    assert len(list(world.sent[0].request.headers)) == 2
    assert "a hook failed" in caplog.text


def test_a_hook_that_fails_disturbs_neither_the_call_nor_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """What it raises is logged, and the hooks after it are still called."""
    hook = Recorder({"traceparent": "1"})
    world = ScriptedProvider(make_error_response(500, "X"), OK)
    assert connect(world, hooks=[Broken(), hook], on_notice=None).call("things.get", thing_id="1") == {"id": "1"}
    assert len(hook.reported) == 7
    assert dict(world.sent[1].request.headers)["traceparent"] == "1"
    assert caplog.text.count("a hook failed") == 7


def test_a_file_is_reported_without_its_address(tmp_path: Path) -> None:
    """Each request to the storage: its host, status, bytes and why it broke off; nothing is added to it."""
    hook = Recorder({"traceparent": "1"})
    asked = make_response(200, {"data": {"url": SIGNED, "size": 4}})
    broken = make_response(200, b"BO", whole=False, content_length="4", etag='"x"')
    world = ScriptedProvider(
        asked, LOST, broken, make_response(206, b"DY", content_range="bytes 2-3/4", content_length="2")
    )
    connect(world, hooks=[hook]).asset("things.file", thing_id="1").save(tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == b"BODY"
    assert [astuple(item)[2:5] for item in hook.all(FetchEnded)] == [
        (None, "the response broke off", 0),
        (200, "the response broke off", 2),
        (206, "", 2),
    ]
    assert {astuple(item)[6:] for item in hook.all(FetchEnded)} == {("https://storage.test:8443", "storage.test", 8443)}
    assert "SIGNATURE" not in str(hook.reported)
    assert "/path" not in str(hook.reported)
    assert ["traceparent" in dict(sent.request.headers) for sent in world.sent] == [True, False, False, False]


@pytest.mark.parametrize("url", ["https://[storage/f", "https://storage.test:port/f", "f"])
def test_an_address_that_is_none_disturbs_no_hook(url: str) -> None:
    """What a provider gives for an address may be anything: it is refused, and no hook hears of a request."""
    world = ScriptedProvider(make_response(200, {"data": {"url": url, "size": 4}}), make_response(200, b"BODY"))
    hook = Recorder()
    api = connect(world, base_url="http://localhost", hooks=[hook])
    with pytest.raises(AssetError, match="an address that is not http or https"):
        api.asset("things.file", thing_id="1").read()
    assert hook.all(FetchEnded) == []


def test_what_began_ends_also_when_the_caller_leaves() -> None:
    """Cancelled at any moment: in line, in flight, or while it waits for another attempt."""

    async def work(at: float) -> Recorder:
        hook = Recorder()
        one, _ = make_client(
            lambda _: make_error_response(503, "NOT_DONE"),
            provider=acme({"ten": QuotaRule(limit=2, window_s=10)}),
            hooks=[hook],
        )
        one._engine.roll = Dice([0.5])
        task = asyncio.create_task(one.call("things.get", thing_id="1"))
        await asyncio.sleep(at)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return hook

    for at, attempts, outcome in ((0.5, 1, "unknown"), (1.2, 1, "refused"), (2.0, 2, "unknown"), (5.0, 2, "refused")):
        hook = run_in_virtual_time(lambda at=at: work(at))  # type: ignore[misc] # mypy infers no type for a default
        assert len(hook.all(AttemptBegan)) == len(hook.all(AttemptEnded)) == attempts
        assert len(hook.all(CallBegan)) == 1
        assert [(item.attempts, item.outcome) for item in hook.all(CallEnded)] == [(attempts, outcome)]
        assert isinstance(hook.reported[-1], CallEnded)
    assert any(isinstance(item, Waiting) for item in hook.reported)


def test_both_sides_tell_hooks_the_same() -> None:
    """Both sides report the same."""
    reported = []
    for side in (connect, asynchronous.connect):
        hook = Recorder()
        item = side(ScriptedProvider(make_error_response(429, "X", retry_after="2"), LOST, OK), hooks=[hook])
        result = item.call("things.get", thing_id="1")
        assert (asyncio.run(result) if asyncio.iscoroutine(result) else result) == {"id": "1"}
        reported.append([replace(item, call=0) for item in hook.reported])
    assert reported[0] == reported[1]


def test_a_wrong_hook_is_named_at_once() -> None:
    """A name that nothing answers to, a string for a list, a class, and a thing without the methods."""
    with pytest.raises(UnknownName, match="unknown hook 'prometeus': did you mean prometheus"):
        Client("userplane", key=f"env:{KEY}", hooks=["prometeus"])
    with pytest.raises(InvalidOption, match="a list of hooks"):
        build_hooks(None, "prometheus")
    for wrong in (print, Recorder, 3):
        with pytest.raises(InvalidOption, match="`began` and `notice`"):
            build_hooks(None, [wrong])  # type: ignore[list-item] # that is what is tested
    assert build_hooks(None, []) is None


WITHOUT = """
import sys

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("opentelemetry", "prometheus_client"):
            raise ModuleNotFoundError(name, name=name.partition(".")[0])

sys.meta_path.insert(0, Without())
from callwell import Client, CallwellError

for name in ("opentelemetry", "prometheus"):
    try:
        Client("userplane", key=None, hooks=[name])
    except CallwellError as error:
        print(type(error).__name__, error)
"""


def test_a_missing_package_is_named_with_what_installs_it() -> None:
    """Where the extras are not installed, Callwell can be used, and one line says what to install."""
    answer = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == [
        f"UsageError the hook '{name}' needs the package {package}, which is not installed: {install_command(name)}"
        for name, package in (("opentelemetry", "opentelemetry"), ("prometheus", "prometheus_client"))
    ]
