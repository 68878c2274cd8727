# SPDX-License-Identifier: Apache-2.0
"""One contract for every state."""

from __future__ import annotations

import math
import os
import threading
from functools import partial
from queue import Queue
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from callwell.core.paging import Walk
from callwell.core.quota.permits import Bucket
from callwell.core.quota.record import AccountRecord
from callwell.core.retry import RetryBudget
from callwell.core.verdict import End
from callwell.errors import InvalidOption
from callwell.export.journal import JournalEntry, ScopeWalks
from callwell.export.walks import WalkResult
from callwell.state import open_state
from callwell.state.base import DELETE, Cell
from tests.patience import PATIENCE_S
from tests.processes.program import popen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.state.base import State

COUNT = Cell("count", int, 0)

INCREMENT = """
import sys
from callwell.state import open_state
from callwell.state.base import DELETE, Cell
state = open_state(sys.argv[1])
for _ in range(int(sys.argv[2])):
    state.update(Cell("count", int, 0), lambda count: (count + 1, None))
"""


def _url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if kind == "postgresql":
        found: str = request.getfixturevalue("postgres_url")
        return found
    return "memory:" if kind == "memory" else f"sqlite:///{tmp_path / 'below' / 'state.db'}"


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[State]:
    """An open state of each kind."""
    opened = open_state(_url(request.param, request, tmp_path))
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A state that processes share."""
    return _url(request.param, request, tmp_path)


def plus(state: State, cell: Cell[int] = COUNT) -> int:
    """One more; what it was before."""
    return state.update(cell, lambda count: (count + 1, count))


def _replaced(value: object, _old: object) -> tuple[object, object]:
    return value, value


class Fails(Exception):
    """A change that fails."""


def test_a_record_is_empty_until_it_is_written(state: State) -> None:
    """A read gives the empty value and writes nothing; an update gives its response and keeps its record."""
    cell = Cell("a:b", tuple[int, ...], (7,))
    assert state.read(cell) == (7,)
    assert state.keys("") == []
    assert state.update(cell, lambda old: ((*old, 8), "answer")) == "answer"
    assert state.read(cell) == (7, 8)
    assert state.keys("") == ["a:b"]


def test_a_falsy_record_is_not_an_empty_one(state: State) -> None:
    """Zero, an empty string and None are records like others."""
    for kind, value in ((int, 0), (str, ""), (tuple, ()), (dict, {}), (type(None), None)):
        cell: Cell[Any] = Cell(kind.__name__, kind, "empty")
        written = state.update(cell, partial(_replaced, value))
        assert (written, state.read(cell)) == (value, value)


def test_a_change_may_forget_its_record(state: State) -> None:
    """In the same step in which it has seen the record; others with the same beginning stay."""
    for name in ("a", "ab"):
        plus(state, Cell(name, int, 0))
    a = Cell("a", int, 0)
    assert state.update(a, lambda count: (DELETE if count == 2 else count, count)) == 1
    assert state.keys("") == ["a", "ab"]
    assert state.update(a, lambda count: (DELETE if count == 1 else count, "gone")) == "gone"
    assert (state.keys(""), state.read(a)) == (["ab"], 0)
    state.update(a, lambda count: (DELETE, count))  # it was not there
    assert state.keys("") == ["ab"]


@pytest.mark.parametrize("error", [Fails, KeyboardInterrupt, SystemExit])
def test_a_change_that_fails_changes_nothing(state: State, error: type[BaseException]) -> None:
    """What it raises comes through, the record is as before, and the next update works."""
    plus(state)

    def fail(_: int) -> tuple[int, None]:
        raise error

    with pytest.raises(error):
        state.update(COUNT, fail)
    with pytest.raises(error):
        state.update(Cell("other", int, 0), fail)
    assert state.keys("") == ["count"]
    assert (plus(state), state.read(COUNT)) == (1, 2)


def test_a_record_that_cannot_be_stored_changes_nothing(url: str) -> None:
    """A value that no record can be is an error of the caller, and leaves no transaction behind."""
    state = open_state(url)
    with pytest.raises(TypeError):
        state.update(Cell("x", object, None), lambda _old: (object(), None))
    assert (plus(state), state.keys("")) == (0, ["count"])
    state.close()


def test_threads_take_turns(state: State) -> None:
    """No update is lost, and each sees its own predecessor."""
    answers: list[int] = []

    def work() -> None:
        answers.extend([plus(state) for _ in range(100)])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sorted(answers), state.read(COUNT)) == (list(range(800)), 800)


def test_processes_take_turns(url: str) -> None:
    """Four processes that open the state at once and count in one record lose nothing."""
    processes = [popen(["-c", INCREMENT, url, "150"]) for _ in range(4)]
    assert [(process.communicate(timeout=60)[1], process.returncode) for process in processes] == [("", 0)] * 4
    state = open_state(url)
    assert state.read(COUNT) == 600
    state.close()


def test_keys_are_in_order_and_prefixes_are_exact(state: State) -> None:
    """`a:1` is below `a:` and not below `b`, whatever else is in a key; the order is that of code points."""
    keys = ["a:", "a:1", "a:10", "a:2", "a:é", "a:\U0001f600", "a", "b", "a%", "a_", "A:1", "a:\x00", "ab", " ", ""]
    for key in keys:
        plus(state, Cell(key, int, 0))
    assert state.keys("") == sorted(keys)
    assert state.keys("a:") == sorted(key for key in keys if key.startswith("a:"))
    assert state.keys("a%") == ["a%"]
    assert state.keys("c") == []
    state.remove("a:1")
    assert state.keys("a:") == sorted({key for key in keys if key.startswith("a:")} - {"a:1", "a:10"})
    state.remove("nothing")
    state.remove("")
    assert (state.keys(""), state.read(COUNT)) == ([], 0)


@pytest.mark.parametrize("key", ["'; DROP TABLE cells; --", "x" * 10_000, "\u202e", "ключ", "a\nb", "a\x00b"])
def test_odd_keys(state: State, key: str) -> None:
    """A key is any string."""
    plus(state, Cell(key, int, 0))
    assert (state.keys(key[:1]), state.read(Cell(key, int, 0))) == ([key], 1)


def test_big_records(state: State) -> None:
    """A record of megabytes comes back."""
    cell = Cell("big", bytes, b"")
    value = os.urandom(5_000_000)
    state.update(cell, lambda _old: (value, None))
    assert state.read(cell) == value


class Odd(NamedTuple):
    """Nested plain values."""

    inner: tuple[tuple[int, float], ...] = ()
    by_name: dict[str, tuple[int, str | None]] = {}  # noqa: RUF012 - never changed in place
    limit: float = -math.inf
    later: int = 5


BUCKET = Bucket(3, ((5, 1), (1 << 60, 2)), ((7, 1),), (), -math.inf, math.inf, 1e-9, 2, 12.5)


@pytest.mark.parametrize(
    "value",
    [
        Odd(),
        Odd(((1, math.inf), (-(2**63), 0.1)), {"ü": (2**64 - 1, None), "": (0, "x")}, math.inf),
        AccountRecord({"minute": BUCKET, "day": Bucket(0)}, RetryBudget(), "boot", 1e9, -1.5, past_known=False),
        Walk(position="next", pages=3, totals=(4, 5), repeated=("a", "b")),
        JournalEntry(b'{"a":1}', {"key": "k", "status": 410}),
        ScopeWalks(((End.DRIFTED, "the total changed"),), "position", 4),
        WalkResult(End.TRUNCATED, frozenset({"a"}), "a cycle"),
    ],
)
def test_records_come_back_as_they_were(state: State, value: NamedTuple) -> None:
    """Named tuples of nested tuples, mappings, sets, enumerations and infinite numbers, of the same types."""
    cell: Cell[Any] = Cell("x", type(value), None)
    state.update(cell, lambda _old: (value, None))
    assert state.read(cell) == value
    assert repr(state.read(cell)) == repr(value)
    assert state.update(cell, lambda old: (old, type(old))) is type(value)


def test_a_record_may_grow(url: str) -> None:
    """A record of an older version lacks the fields that came later: they have their defaults."""
    state = open_state(url)
    state.update(Cell("x", tuple, ()), lambda _old: (([[1, 2.0]], {"a": [1, "b"]}), None))
    assert state.read(Cell("x", Odd, Odd())) == Odd(((1, 2.0),), {"a": (1, "b")})
    state.close()


def test_a_topic_reaches_all_who_listen(state: State) -> None:
    """Each callback gets each topic, in order, until it is stopped or the state is closed."""
    state.notify("nobody listens")
    first: Queue[str] = Queue()
    second: Queue[str] = Queue()
    stop_first = state.listen(first.put)
    stop_second = state.listen(second.put)
    for topic in ("quota:acme", "ключ", "a:b c"):
        state.notify(topic)
    for queue in (first, second):
        assert [queue.get(timeout=PATIENCE_S) for _ in range(3)] == ["quota:acme", "ключ", "a:b c"]
    stop_first()
    stop_first()
    state.notify("later")
    assert second.get(timeout=PATIENCE_S) == "later"
    stop_second()
    state.listen(second.put)
    state.close()
    state.notify("closed")
    assert (first.empty(), second.empty()) == (True, True)


def test_a_callback_that_fails_stops_no_other(state: State, caplog: pytest.LogCaptureFixture) -> None:
    """What it raises is logged."""
    heard: Queue[str] = Queue()

    def fail(_topic: str) -> None:
        raise Fails

    state.listen(fail)
    state.listen(heard.put)
    state.notify("x")
    assert heard.get(timeout=PATIENCE_S) == "x"
    assert "a callback for x failed" in caplog.text


def test_a_topic_reaches_other_states_of_the_same_records(url: str) -> None:
    """As it would another process, whichever of them was opened first."""
    states = [open_state(url) for _ in range(3)]
    heard: Queue[str] = Queue()
    for state in states:
        state.listen(heard.put)
    states[1].notify("x")
    assert [heard.get(timeout=PATIENCE_S) for _ in states] == ["x"] * 3
    for state in states:
        state.close()


def test_a_fork_listens_to_nothing_until_it_asks(url: str) -> None:
    """The parent still hears what the child notifies, and the child hears what it listens to itself."""
    state = open_state(url)
    heard: Queue[str] = Queue()
    state.listen(heard.put)
    pid = os.fork()
    if pid == 0:
        try:
            mine: Queue[str] = Queue()
            state.listen(mine.put)
            state.notify("from the child")
            good = mine.get(timeout=PATIENCE_S) == "from the child" and heard.empty()
            state.close()
            os._exit(0 if good else 2)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert heard.get(timeout=PATIENCE_S) == "from the child"
    state.notify("to myself")
    assert heard.get(timeout=PATIENCE_S) == "to myself"
    state.close()


def test_closing_twice_and_going_on(state: State) -> None:
    """What a call settles after the state was closed is still recorded."""
    plus(state)
    state.close()
    state.close()
    assert (plus(state), state.read(COUNT)) == (1, 2)


def test_only_memory_ends_with_its_state(url: str) -> None:
    """What is in a file is there for the next one."""
    for kind, found in ((url, 1), ("memory:", 0)):
        first = open_state(kind)
        plus(first)
        first.close()
        second = open_state(kind)
        assert (second.read(COUNT), second.shared) == (found, found == 1)
        second.close()


@pytest.mark.parametrize("name", ["", "sqlite:", "sqlite:///", "sqlite://x", "redis://x", "/x/y", "postgresql:/x"])
def test_urls_that_name_no_state(name: str) -> None:
    """One sentence that says what is taken."""
    with pytest.raises(InvalidOption, match=r"`memory:`, `sqlite:///PATH` or `postgresql:"):
        open_state(name)
