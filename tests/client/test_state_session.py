# SPDX-License-Identifier: Apache-2.0
"""What a client uses of a shared state: it is opened when that may wait, and given back, closed or not, hung or not."""

from __future__ import annotations

import asyncio
import gc
import socket
import sqlite3
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
import pytest

from callwell import AsyncClient, Client, Key
from callwell.client import state_session
from callwell.errors import InvalidOption, KeyMissing, KeyRevoked, StateError
from callwell.state import open_state
from callwell.testing import AsyncScriptedTransport, ScriptedTransport
from tests.client.acme import KEY, acme
from tests.client.world import OK
from tests.patience import PATIENCE_S
from tests.processes.postgres_proxy import PostgresProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SIDES: list[Any] = [Client, AsyncClient]


def make_client(side: Any, url: str, **options: Any) -> Any:
    """A client of either side."""
    transport = ScriptedTransport(lambda _: OK) if side is Client else AsyncScriptedTransport(lambda _: OK)
    return side(acme(), **{"key": Key(KEY), "transport": transport, "state": url, **options})


def called(client: Any) -> Any:
    """A call."""
    answer = client.call("things.get", thing_id="1")
    return asyncio.run(answer) if asyncio.iscoroutine(answer) else answer


def threads(name: str) -> list[threading.Thread]:
    """The threads of this name."""
    return [thread for thread in threading.enumerate() if thread.name == name]


class Store(Protocol):
    """A store that can hang.

    Attributes:
        url: names it.
    """

    url: str

    def hang(self) -> None:
        """Answer nothing from now on."""

    def go_on(self) -> None:
        """Answer again."""


class LockedFile:
    """A file that another program locks."""

    def __init__(self, path: Path) -> None:
        self.url = f"sqlite:///{path}"
        self._other = sqlite3.connect(path, isolation_level=None)

    def hang(self) -> None:
        """Lock it."""
        self._other.execute("BEGIN IMMEDIATE")

    def go_on(self) -> None:
        """Unlock it."""
        self._other.close()


class SilentServer:
    """A server behind a proxy that swallows what is sent."""

    def __init__(self, proxy: PostgresProxy) -> None:
        self.url = proxy.url
        self._proxy = proxy

    def hang(self) -> None:
        """Swallow all."""
        self._proxy.silence_all()

    def go_on(self) -> None:
        """Answers that were swallowed never come."""
        self._proxy.break_all()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each kind."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            open_state(f"sqlite:///{tmp_path}/calls.db").close()
            yield LockedFile(tmp_path / "calls.db")
        else:
            yield SilentServer(stack.enter_context(PostgresProxy(request.getfixturevalue("postgres_url"))))


@pytest.mark.parametrize("side", SIDES)
def test_closing_does_not_wait_for_a_store_that_hangs(store: Store, side: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given back in a thread, as soon as the store goes on; while a look at keys hangs too."""
    monkeypatch.setattr(state_session, "CLOSE_S", 0.1)
    client = make_client(side, store.url)
    called(client)
    store.hang()
    client._engine.keys.poller.start()
    client.close()
    left = threads("callwell-closing")
    store.go_on()
    assert len(left) == 1
    left[0].join(PATIENCE_S)
    assert not left[0].is_alive()


@pytest.mark.parametrize("side", SIDES)
def test_a_collected_client_gives_everything_back(side: Any, tmp_path: Path) -> None:
    """In a thread, with a warning; the threads of its process end."""
    url = f"sqlite:///{tmp_path}/calls.db"
    before = set(threading.enumerate())
    client = make_client(side, url)
    called(client)
    client._engine.keys.poller.start()
    other = client.with_options(deadline_s=9.0)
    cell = client._account_handle.account._account.cell
    del client
    gc.collect()
    called(other)  # as long as anybody can call, nothing is given back
    begun = set(threading.enumerate()) - before
    assert {thread.name for thread in begun} >= {"callwell-keeper"}
    for poll in threads("callwell-keys"):
        poll.join(PATIENCE_S)  # as long as one looks, it has the keys
    with pytest.warns(ResourceWarning, match="a client of acme was not closed"):  # noqa: PT031 - the last reference goes here
        del other
        gc.collect()
    for thread in begun | set(threads("callwell-closing")):
        thread.join(PATIENCE_S)
    assert set(threading.enumerate()) <= before
    state = open_state(url)
    assert not state.read(cell).leases
    state.close()


def test_a_client_that_was_closed_is_collected_in_silence(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    """There is nothing left to give back."""
    client = make_client(Client, f"sqlite:///{tmp_path}/calls.db")
    client.close()
    del client
    gc.collect()
    assert [str(warning.message) for warning in recwarn if "was not closed" in str(warning.message)] == []


def test_a_process_has_two_connections_for_all_clients(postgres_url: str) -> None:
    """One exchanges permits and looks at keys, one listens; a call needs no other."""
    url = f"{postgres_url}&application_name=two-connections"
    with ExitStack() as stack:
        for _ in range(4):
            client = stack.enter_context(make_client(Client, url))
            called(client)
            client._engine.keys.poller.poll()
            client._engine.keys.poller.start()
        count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'two-connections'"
        with psycopg.connect(postgres_url) as server:
            assert server.execute(count).fetchone() == (2,)


def test_a_client_that_is_made_in_a_loop_opens_nothing(tmp_path: Path) -> None:
    """Its first call does, in a thread: neither a file nor a server that does not answer holds up the loop."""
    path = tmp_path / "calls.db"

    async def work() -> None:
        client = make_client(AsyncClient, f"sqlite:///{path}")
        assert not path.exists()
        await client.call("things.get", thing_id="1")
        assert path.exists()
        await client.aclose()
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"postgresql://127.0.0.1:{server.getsockname()[1]}/x?connect_timeout=2&sslmode=disable"
            client = make_client(AsyncClient, url)
            call = asyncio.create_task(client.call("things.get", thing_id="1"))
            connection, _ = await asyncio.to_thread(server.accept)  # the loop goes on until the call has come here
            connection.close()
            with pytest.raises(StateError, match=r"cannot open the state postgresql://127\.0\.0\.1"):
                await call
            await client.aclose()

    asyncio.run(work())


async def refused(client: Any) -> StateError:
    """The error of a first call, and of a block: the same one, more than once."""
    found = []
    for _ in range(2):
        with pytest.raises(StateError) as raised:
            await client.call("things.get", thing_id="1")
        found.append(raised.value)
    with pytest.raises(StateError) as raised:
        async with client:
            pass
    assert {str(error) for error in found} == {str(raised.value)}
    return raised.value


def of_another_program(path: Path) -> None:
    """A database that is none of ours."""
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE cells (key TEXT PRIMARY KEY, value BLOB)")
    other.close()


def of_a_later_version(path: Path) -> None:
    """A state that needs newer code."""
    open_state(f"sqlite:///{path}").close()
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 99")
    other.close()


def missing_folder(path: Path) -> None:
    """A file where a folder must be."""
    path.parent.rmdir()
    path.parent.write_text("")


@pytest.mark.parametrize("prepare", [of_another_program, of_a_later_version, missing_folder])
def test_a_state_that_cannot_be_used_is_said_by_the_first_call(prepare: Callable[[Path], None], tmp_path: Path) -> None:
    """In a loop, in the words with which a constructor says it elsewhere."""
    path = tmp_path / "there" / "calls.db"
    path.parent.mkdir()
    prepare(path)
    url = f"sqlite:///{path}"
    with pytest.raises(StateError) as raised:
        make_client(Client, url)

    async def work() -> None:
        assert str(await refused(make_client(AsyncClient, url))) == str(raised.value)

    asyncio.run(work())


def test_what_needs_no_store_is_said_at_once() -> None:
    """In a loop as elsewhere: a wrong URL, a missing key."""

    async def work() -> None:
        for url in ("sqlite:/x", "postgresql://u@h@x/d"):
            with pytest.raises(InvalidOption):
                make_client(AsyncClient, url)
        with pytest.raises(KeyMissing):
            make_client(AsyncClient, "postgresql://127.0.0.1:1/none", key="env:NO_SUCH_KEY_HERE")

    asyncio.run(work())


def test_a_revoked_key_is_said_by_the_first_call_until_there_is_another(tmp_path: Path) -> None:
    """In a loop. The source is read again for each call."""
    url = f"sqlite:///{tmp_path}/calls.db"
    file = tmp_path / "key"
    file.touch(mode=0o600)
    file.write_text(KEY)
    with make_client(Client, url) as client:
        client.config.key_uses().set_revoked(Key(KEY).fingerprint, revoked=True)

    async def work() -> None:
        client = make_client(AsyncClient, url, key=f"file:{file}")
        for _ in range(2):
            with pytest.raises(KeyRevoked):
                await client.call("things.get", thing_id="1")
        file.write_text("acme_second_key")
        await client.call("things.get", thing_id="1")
        await client.aclose()

    asyncio.run(work())
