# SPDX-License-Identifier: Apache-2.0
"""The state in PostgreSQL: what goes wrong is one clear line without a password, and what broke is reopened."""

from __future__ import annotations

import os
import sys
import time
from queue import Queue
from typing import TYPE_CHECKING

import psycopg
import pytest

from callwell.errors import InvalidOption, StateError
from callwell.state import open_state, postgres_connection
from callwell.state.base import Cell
from callwell.state.postgres import PostgresState
from tests.patience import PATIENCE_S
from tests.processes.postgres_proxy import PostgresProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.state.base import State

COUNT = Cell("count", int, 0)


@pytest.fixture
def proxy(postgres_url: str) -> Iterator[PostgresProxy]:
    """A network that can break."""
    with PostgresProxy(postgres_url) as running:
        yield running


def plus(state: State) -> int:
    """One more; what it is then."""
    return state.update(COUNT, lambda count: (count + 1, count + 1))


def complaint(url: str) -> str:
    """What is said about a database that cannot be used."""
    with pytest.raises((StateError, InvalidOption)) as raised:
        open_state(url).close()
    text = str(raised.value)
    assert "\n" not in text
    return text


def test_a_broken_connection_is_opened_anew(proxy: PostgresProxy) -> None:
    """For each kind of use, without a word."""
    state = open_state(proxy.url)
    for use in (plus, lambda state: state.read(COUNT), lambda state: state.keys(""), lambda state: state.notify("x")):
        proxy.break_all()
        use(state)
    proxy.break_all()
    state.remove("nothing")
    assert state.read(COUNT) == 1
    state.close()


def test_a_server_that_says_nothing_is_given_up(proxy: PostgresProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is behind the connection may hang for ever: another one is opened in time."""
    monkeypatch.setattr(postgres_connection, "RESPONSE_TIMEOUT_S", 0.2)
    state = open_state(proxy.url)
    assert plus(state) == 1
    proxy.silence_all()
    assert plus(state) == 2
    proxy.silence_all()
    assert state.read(COUNT) == 2
    state.close()


def test_a_server_that_goes_away_and_comes_back(proxy: PostgresProxy) -> None:
    """Each use fails with one line while it is away; then all goes on, and listeners hear what they missed."""
    state = PostgresState(proxy.url)
    heard: Queue[str] = Queue()
    state.listen(heard.put)
    plus(state)
    proxy.up = False
    proxy.break_all()
    for use in (plus, lambda state: state.read(COUNT), lambda state: state.notify("x")):
        with pytest.raises(StateError, match=rf"the state {state.name}: .*; check that the server runs") as raised:
            use(state)
        assert "\n" not in str(raised.value)
    proxy.up = True
    state.notify("after")
    assert heard.get(timeout=PATIENCE_S) == "after"
    assert plus(state) == 2
    state.close()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_that_breaks_in_a_commit(proxy: PostgresProxy, when: str) -> None:
    """The row says whether the change was made: it is made once, whether the request or its answer was lost."""
    state = open_state(proxy.url)
    assert plus(state) == 1
    for number in (2, 3):
        proxy.lose = (when, b"; COMMIT")
        assert plus(state) == number
        assert state.read(COUNT) == number
    first = Cell("first", int, 0)
    proxy.lose = (when, b"; COMMIT")
    assert state.update(first, lambda count: (count + 1, "made")) == "made"
    assert state.read(first) == 1
    state.close()


def test_a_record_that_others_changed_after_a_broken_commit(proxy: PostgresProxy, postgres_url: str) -> None:
    """Whether the change was made is unknown, and the error says so."""
    state = PostgresState(proxy.url)
    other = open_state(postgres_url)
    plus(state)
    real = state.connect

    def connect() -> psycopg.Connection[tuple[object, ...]]:
        other.update(COUNT, lambda count: (count + 10, None))
        return real()

    state.connect = connect  # type: ignore[method-assign] # the other one is faster
    proxy.lose = ("after", b"; COMMIT")
    with pytest.raises(StateError, match="it is unknown whether the change was made") as raised:
        plus(state)
    assert raised.value.may_pass
    assert other.read(COUNT) == 12
    other.close()
    state.close()


def test_a_server_that_becomes_a_standby(postgres_url: str) -> None:
    """A connection to one that became read-only is given up for a new one, to whichever is the primary by then."""
    state = PostgresState(postgres_url)
    plus(state)
    state._open().execute("SET default_transaction_read_only = on")
    assert plus(state) == 2
    assert complaint(f"{postgres_url}%20-cdefault_transaction_read_only%3Don").endswith(
        "it is a standby: name the primary, or all hosts (postgresql://HOST1,HOST2/DATABASE)"
    )
    state.close()


def test_a_pooler_in_transaction_mode(postgres_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """It forwards no notifications: that is found out and said once, and news is asked for every second."""
    with PostgresProxy(postgres_url, notifications=False) as pooler:
        state = PostgresState(pooler.url)
        heard: Queue[str] = Queue()
        state.listen(heard.put)
        state.notify("before it is found out")
        assert heard.get(timeout=PATIENCE_S) == "before it is found out"
        state.notify("later")
        assert heard.get(timeout=PATIENCE_S) == "later"
        warnings = [record.message for record in caplog.records if "does not forward" in record.message]
        assert len(warnings) == 1
        assert warnings[0].startswith(f"{state.name} does not forward notifications")
        state.close()


def test_a_change_can_ask_the_server_for_the_time(postgres_url: str) -> None:
    """For a new record and for a known one, read after others have released it."""
    state = open_state(postgres_url)
    for _ in range(2):
        asked = state.update(COUNT, lambda count: (count + 1, state.server_wall))
        assert asked is not None
        assert abs(asked - time.time()) < PATIENCE_S
    state.close()


def test_a_fork_opens_its_own(postgres_url: str) -> None:
    """The parent's connections live on, whatever the child does."""
    state = PostgresState(postgres_url)
    heard: Queue[str] = Queue()
    state.listen(heard.put)
    plus(state)
    session = state._open().info.backend_pid
    pid = os.fork()
    if pid == 0:
        try:
            plus(state)
            state.notify("child")
            state.close()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert heard.get(timeout=PATIENCE_S) == "child"
    assert (plus(state), state._open().info.backend_pid) == (3, session)
    state.close()


def test_databases_that_cannot_be_used(postgres_url: str) -> None:
    """Tables of another program, no rights, no such database, no one there: one line each, with what to do."""
    schema = postgres_url.rpartition("%3D")[2]
    with psycopg.connect(postgres_url, autocommit=True) as other:
        role = f"role_{schema}"
        as_role = postgres_url.replace("postgres@", f"{role}@", 1)
        other.execute(f"CREATE ROLE {role} LOGIN")
        assert "the role lacks the privileges; grant it" in complaint(as_role)
        other.execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
        assert "the role lacks the privileges; grant it" in complaint(as_role)
        other.execute("CREATE TABLE callwell_cells (id INT)")
        assert "has a table callwell_cells of another program" in complaint(postgres_url)
        other.execute("CREATE TABLE callwell_schema (id INT)")
        assert "has a table callwell_schema of another program" in complaint(postgres_url)
    missing = complaint(postgres_url.replace("/postgres?", "/nowhere?"))
    assert 'database "nowhere" does not exist; check that the server runs and that the URL is right' in missing
    assert "Connection refused" in complaint("postgresql://u@127.0.0.1:1/x")


@pytest.mark.parametrize(
    "url",
    [
        "postgres:/u:hunter2@host/db",
        "postgresql+psycopg://u:hunter2@host/db",
        "postgresql://u:hunter2@host:notaport/db",
        "postgresql://u:hunter2%zz@host/db",
        "postgresql://u:hunter2@ter@host/db",
        "postgresql://u:hunter2/x@host/db",
        "postgresql://u:hunter2?x@host/db",
        "postgresql://u:hunter2@host/db?nonsense=1",
        "postgresql://u:hunter2@127.0.0.1:1/db",
        "postgresql://u@127.0.0.1:1/db?password=hunter2",
        "postgresql://u:hunter2@no-such-host.invalid/db",
    ],
)
def test_no_message_has_the_password(url: str) -> None:
    """Whatever is wrong with a URL: what is said shows where, and no part of the password."""
    text = complaint(url)
    assert "hunter2" not in text
    assert any(part in text for part in ("host", "127.0.0.1"))


def test_an_open_state_does_not_show_its_password(postgres_url: str) -> None:
    """Neither in its repr, nor in what it complains of later."""
    state = PostgresState(postgres_url.replace("postgres@", "postgres:hunter2@", 1))
    assert "hunter2" not in repr(state) + state.name + repr(state._address)
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute("DROP TABLE callwell_cells")
    with pytest.raises(StateError, match="its tables were removed while it was in use") as raised:
        plus(state)
    assert "hunter2" not in str(raised.value)
    state.close()


def test_without_psycopg(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says what to install."""
    for name in [name for name in sys.modules if name.startswith("callwell.state.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "needs psycopg" in complaint("postgresql://h/x")
    assert "pip install" in complaint("postgresql://h/x")


def test_a_write_that_the_server_refuses(postgres_url: str) -> None:
    """It leaves no transaction behind: the next use goes on at once."""
    state = PostgresState(postgres_url)
    plus(state)
    limit = "ALTER TABLE callwell_cells ADD CONSTRAINT small CHECK (length(value) < 100)"
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute(limit)
        with pytest.raises(StateError, match='violates check constraint "small"'):
            state.update(Cell("long", str, ""), lambda _old: ("x" * 200, None))
        assert plus(state) == 2
        other.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$"
        )
        other.execute("CREATE TRIGGER no_room BEFORE UPDATE ON callwell_cells EXECUTE FUNCTION full_disk()")
        with pytest.raises(StateError, match="the server's disk is full; make room and run the same again"):
            plus(state)
        other.execute("DROP TRIGGER no_room ON callwell_cells")
    assert plus(state) == 3
    state.close()
