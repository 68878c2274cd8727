# SPDX-License-Identifier: Apache-2.0
"""No event loop ever waits for a shared state: every feature that uses one does so in another thread, in order."""

from __future__ import annotations

import ast
import asyncio
import threading
import traceback
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from callwell import errors
from callwell.batch import UploadBatch
from callwell.client.concurrency.primitives import post_to_state, use_state, wait_for_state
from callwell.core.rules.environments import EndUserRule
from callwell.core.rules.operations import OperationRule
from callwell.export import Export
from callwell.keys import Key
from callwell.state import MemoryState
from callwell.state.base import Cell
from tests.client._async.scripted_client import connect
from tests.client.acme import acme
from tests.client.mint import Mint
from tests.client.mint import options as token_options
from tests.client.shop import Shop, provider
from tests.client.studio import Studio, studio
from tests.client.test_batch import planned
from tests.client.vault import PIECE
from tests.client.world import DEAD, OK, ListSource, ScriptedProvider, make_response
from tests.export.test_scopes import provider as exported_provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

SOURCE: Final = Path(__file__).parents[2] / "src" / "callwell"

STORES: Final = {"_ledger", "_store", "_journal", "_position", "_retention", "cache", "_state", "state"}
"""Names of what waits for a state."""

HARMLESS: Final = {"locks", "state", "clock_name", "cell", "has_failed", "hold", "release", "holder", "shared", "check"}
"""What they have besides that waits for nothing."""


class WatchedState(MemoryState):
    """A state that processes could share, which notes by whom it is used.

    Attributes:
        loop_thread: the thread that an event loop runs in.
        on_loop: where it was used in that thread.
        used: the kinds of records that were used elsewhere.
    """

    shared = True

    def __init__(self) -> None:
        super().__init__()
        self.loop_thread = 0
        self.on_loop: list[str] = []
        self.used = set[str]()

    def _note(self, key: str) -> None:
        if threading.get_ident() == self.loop_thread:
            self.on_loop.append("".join(traceback.format_stack(limit=6)))
        self.used.add(key.partition(":")[0])

    def update(self, cell: Any, change: Any) -> Any:
        """Change a record."""
        self._note(cell.key)
        return super().update(cell, change)

    def read(self, cell: Any) -> Any:
        """A record."""
        self._note(cell.key)
        return super().read(cell)

    def keys(self, prefix: str) -> list[str]:
        """Keys."""
        self._note(prefix)
        return super().keys(prefix)

    def remove(self, prefix: str) -> None:
        """Forget records."""
        self._note(prefix)
        super().remove(prefix)

    def close(self) -> None:
        """Close it."""
        self._note("close:")
        super().close()


class Feature(NamedTuple):
    """What uses the state.

    Attributes:
        run: makes a client with the state and options, and calls it, in a loop.
        kinds: the kinds of records that it uses.
    """

    run: Callable[[WatchedState, Path], Coroutine[Any, Any, None]]
    kinds: set[str]


@asynccontextmanager
async def using(state: WatchedState, *args: Any, **options: Any) -> AsyncIterator[Any]:
    """A client, which is made in the loop too."""
    state.loop_thread = threading.get_ident()
    async with connect(*args, state=state, **options) as api:
        yield api


async def call_plainly(state: WatchedState, _folder: Path) -> None:
    """A key is accepted."""
    async with using(state, ScriptedProvider()) as api:
        await api.call("things.get", thing_id="1")


async def replace_key(state: WatchedState, _folder: Path) -> None:
    """A key is refused, the source is read again, and the new one is accepted."""
    world = ScriptedProvider(OK, DEAD, OK)
    async with using(state, world) as api:
        api._engine.keys._source = ListSource((api._engine.keys.newest().reveal(), "other-key-0123456789"), marked=True)
        await api.call("things.get", thing_id="1")
        await asyncio.gather(api.call("things.get", thing_id="1"), return_exceptions=True)


async def refuse_key(state: WatchedState, _folder: Path) -> None:
    """A key that was never accepted is refused."""
    async with using(state, ScriptedProvider(DEAD)) as api:
        with pytest.raises(errors.KeyRefused):
            await api.call("things.get", thing_id="1")


async def call_for_user(state: WatchedState, _folder: Path) -> None:
    """An end user is counted, and after a hundred calls it is checked whether there are others."""
    described = acme(end_user=EndUserRule(header="x-user"))
    secret = Key("0123456789abcdef0123456789abcdef")
    async with using(state, ScriptedProvider(), provider=described, user_secret=secret, for_user="ann") as api:
        for _ in range(100):
            await api.call("things.get", thing_id="1")


async def remember(state: WatchedState, _folder: Path) -> None:
    """A result is stored, and found."""
    described = acme(operations={"things.make": OperationRule(repeatable=True, remember=True)})
    world = ScriptedProvider(lambda _request: make_response(body={"data": {"id": "t1"}}))
    async with using(state, world, provider=described, remember=True) as api:
        for _ in range(2):
            await api.call("things.make", name="n")
    assert len(world.sent) == 1


async def call_once(state: WatchedState, _folder: Path, *, fate: str, name: object) -> None:
    """A call is made exactly once, whatever becomes of its request."""
    shop = Shop((fate,))
    async with using(state, shop, provider=provider(), exactly_once=name, deadline_s=None) as api:
        await asyncio.gather(api.call("goods.make", title="t"), return_exceptions=True)
        await asyncio.gather(api.call("goods.make", title="t"), return_exceptions=True)


async def resume(state: WatchedState, _folder: Path) -> None:
    """An unknown call is taken up again."""
    shop = Shop(("gone",))
    async with using(state, shop, provider=provider(), exactly_once="order-1", deadline_s=60) as api:
        with pytest.raises(errors.OutcomeUnknown):
            await api.call("goods.make", title="t")
        await api.with_options(deadline_s=None).ledger.resume("order-1")
    assert len(shop.ever) == 1


async def cancel_once(state: WatchedState, _folder: Path) -> None:
    """A call that is cancelled after each number of turns of the loop leaves nothing held."""
    for turns in range(30):
        async with using(state, Shop(), provider=provider(), exactly_once=f"order-{turns}", deadline_s=None) as api:
            task = asyncio.create_task(api.call("goods.make", title="t"))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def use_tokens(state: WatchedState, _folder: Path) -> None:
    """Tokens are obtained, renewed in time, and replaced when they are refused."""
    mint = Mint()
    world = ScriptedProvider(mint)
    async with using(state, world, **token_options(mint, world)) as api:
        for seconds in (0.0, 0.0, 541.0, 0.0):
            world.clock.advance(seconds)
            await api.call("things.get", thing_id="1")
    assert mint.asked.count("key") == 1


async def upload_batch(state: WatchedState, folder: Path) -> None:
    """Files are uploaded, each exactly once; then again, which sends nothing."""
    there = Studio()
    for _ in range(2):
        async with using(state, ScriptedProvider(there), provider=studio()) as api:
            options: Any = {"piece_size": PIECE, "check": False}
            batch = UploadBatch(api, "films.send", planned(folder), options=options)
            assert (await batch.run()).verdict == "complete"
            batch.mark_complete()
    assert len(there.films) == len(planned(folder))


async def upload_file(state: WatchedState, folder: Path) -> None:
    """A file is uploaded without a batch."""
    path = folder / "one.bin"
    path.write_bytes(bytes(2 * PIECE))
    async with using(state, ScriptedProvider(Studio()), provider=studio()) as api:
        await api.upload("films.send", path, title="t", piece_size=PIECE, check=False)


async def export(state: WatchedState, folder: Path) -> None:
    """A provider is exported, and again."""

    def reply(request: Any) -> Any:
        if request.url.endswith("/items"):
            return make_response(200, {"items": [{"id": "a"}], "next": None})
        if request.url.endswith("/spaces"):
            return make_response(200, {"items": [{"id": "one"}], "next": None})
        return make_response(200, {"id": "a"})

    for _ in range(2):
        async with using(state, ScriptedProvider(reply), provider=exported_provider(), priority="batch") as api:
            assert (await Export(api, folder / "tree").run()).verdict == "complete"


FEATURES: Final = {
    "a key": Feature(call_plainly, {"key"}),
    "a new key": Feature(replace_key, {"key"}),
    "a refused key": Feature(refuse_key, {"key"}),
    "end users": Feature(call_for_user, {"user"}),
    "results": Feature(remember, {"remember", "remember-old"}),
    **{
        f"once, {name}, {fate}": Feature(partial(call_once, fate=fate, name=name), {"once"})
        for name in (True, "order-1")
        for fate in ("ok", "lost", "gone", "late", "error", "throttled", "bad")
    },
    "once, resumed": Feature(resume, {"once"}),
    "once, cancelled": Feature(cancel_once, {"once"}),
    "tokens": Feature(use_tokens, {"tokens"}),
    "batch": Feature(upload_batch, {"batch", "batch-rounds", "upload", "once"}),
    "upload": Feature(upload_file, {"upload", "once"}),
    "export": Feature(export, {"export"}),
}


@pytest.mark.parametrize("name", FEATURES)
def test_no_feature_uses_a_shared_state_on_an_event_loop(name: str, tmp_path: Path) -> None:
    """Each uses its records in another thread, and leaves no call open."""
    feature = FEATURES[name]
    state = WatchedState()
    asyncio.run(feature.run(state, tmp_path))
    assert state.on_loop == []
    assert feature.kinds <= state.used


def waiting_calls(tree: ast.AST) -> Iterator[str]:
    """The calls of stores that stand in coroutines, not handed over in a `partial` or a `lambda`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.AsyncFunctionDef):
            yield from _store_calls(node)
        else:
            yield from waiting_calls(node)


def _store_calls(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Lambda | ast.FunctionDef):
            continue
        if isinstance(child, ast.Call) and isinstance(child.func, ast.Attribute):
            names = ast.unparse(child.func).split(".")
            if names[-2] in STORES and names[-1] not in HARMLESS:
                yield f"{ast.unparse(child.func)} in line {child.lineno}"
        yield from _store_calls(child)


def test_no_coroutine_calls_a_store_itself() -> None:
    """It hands the work over, so that a new use on the loop is found even where no feature above leads to it."""
    rooms = ("client", "export", "batch", "assess")
    files = [path for room in rooms for path in (SOURCE / room).rglob("*.py") if "_sync" not in path.parts]
    found = {path.name: [*waiting_calls(ast.parse(path.read_text(encoding="utf-8")))] for path in files}
    assert {name: calls for name, calls in found.items() if calls} == {}


NUMBERS: Final = Cell("numbers", list, [])


def test_work_is_done_in_order_whatever_becomes_of_its_tasks() -> None:
    """Each task that is cancelled while it waits loses its result, and no write is lost or overtakes another."""
    state = WatchedState()
    gate = threading.Event()

    def append(number: int) -> None:
        state.update(NUMBERS, lambda numbers: ([*numbers, number], None))

    def wait() -> None:
        assert gate.wait(60)

    async def work() -> None:
        post_to_state(state, wait)
        tasks = []
        for number in range(0, 100, 2):
            tasks.append(asyncio.create_task(use_state(state, partial(append, number))))
            await asyncio.sleep(0)
            post_to_state(state, partial(append, number + 1))
        for task in tasks[::2]:
            task.cancel()
        gate.set()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(result, asyncio.CancelledError) for result in done] == [True, False] * 25
        await wait_for_state(state)
        assert state.read(NUMBERS) == list(range(100))

    asyncio.run(work())


def test_a_state_in_memory_is_used_at_once() -> None:
    """It needs no thread, and its user gives no other task a turn."""
    state = MemoryState()

    async def work() -> None:
        work = use_state(state, threading.get_ident)
        with pytest.raises(StopIteration) as returned:
            work.send(None)
        assert returned.value.value == threading.get_ident()

    asyncio.run(work())


def test_errors_of_the_work_are_raised_where_it_is_awaited() -> None:
    """And those of a task that was cancelled are no one's."""

    def fail() -> None:
        raise errors.StateError("full")

    async def work() -> None:
        with pytest.raises(errors.StateError, match="full"):
            await use_state(WatchedState(), fail)

    asyncio.run(work())
