# SPDX-License-Identifier: Apache-2.0
"""The sync side is the async side with other words, and no manual edit can hide in it."""

from __future__ import annotations

from pathlib import Path

import pytest

import unasync

SOURCE = '''\
# SPDX-License-Identifier: Apache-2.0
"""Pages of an `AsyncClient`."""

from callwell.client.concurrency.primitives import Lock
from callwell.client import AsyncClient


async def first(client: AsyncClient) -> int:
    async with client as one:
        return await one.get(1)
'''

TWIN = '''\
# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/pages.py by tools/unasync.py; do not edit
"""Pages of an `Client`."""

from callwell.client import Client
from callwell.client._sync.concurrency.primitives import Lock


def first(client: Client) -> int:
    with client as one:
        return one.get(1)
'''

TARGET = Path("src/callwell/client/_sync")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("async def f(): await g()\n", "def f(): g()\n"),
        ("x = await  f(await g())\n", "x = f(g())\n"),
        ("x = (await\n f())\n", "x = (\n f())\n"),
        ("[x async for x in y]\n", "[x for x in y]\n"),
        ("class AsyncPager(_AsyncBase): ...\n", "class Pager(_Base): ...\n"),
        ("Asynchronous = AsyncIterator\n", "Asynchronous = Iterator\n"),
        ("await c.aclose(); await anext(aiter(c))\n", "c.close(); next(iter(c))\n"),
        ("@asynccontextmanager\n", "@contextmanager\n"),
        (
            "def __aenter__(s) -> AbstractAsyncContextManager[C]: ...\n",
            "def __enter__(s) -> AbstractContextManager[C]: ...\n",
        ),
        ("except StopAsyncIteration:\n", "except StopIteration:\n"),
        ("m = 'callwell.client._async'  # the _async side\n", "m = 'callwell.client._sync'  # the _sync side\n"),
        ('"""async with AsyncClient() as c: await c.call(1)"""\n', '"""with Client() as c: c.call(1)"""\n'),
        ('"""Others await the answer of async code."""\n', '"""Others await the answer of async code."""\n'),
        ("f'{AsyncClient} {aclose:{f\"{_async}\"}}' + await_\n", "f'{Client} {close:{f\"{_sync}\"}}' + await_\n"),
        ("s = '\u2028é'; await f()\n", "s = '\u2028é'; f()\n"),
    ],
)
def test_words(text: str, expected: str) -> None:
    """Code loses its async words, names get their twins, and prose in strings stays prose."""
    assert unasync.convert(text) == expected


def test_an_await_in_an_f_string_is_refused() -> None:
    """What would stay async is not written."""
    with pytest.raises(SystemExit, match="f-string"):
        unasync.to_sync_file("async def f():\n    return f'{await x}'\n", "x.py")


def project(root: Path) -> Path:
    """A project with one async file and its hand-written primitives, already generated."""
    unasync.put(root / TARGET.parent / "pages.py", SOURCE.encode())
    unasync.put(root / TARGET.parent / "shared.py", b"LIMIT = 1\n")
    unasync.put(root / TARGET.parent / "concurrency/primitives.py", b"async def sleep(): ...\n")
    unasync.put(root / TARGET / "concurrency/primitives.py", b"")
    assert unasync.write(root) == []
    return root


def test_the_twin_is_formatted_and_fresh(tmp_path: Path) -> None:
    """A generated file is sorted and formatted, names its source, and passes the check."""
    root = project(tmp_path)
    assert (root / TARGET / "pages.py").read_text() == TWIN
    assert unasync.differences(root) == []


def test_no_source_is_nothing_to_do(tmp_path: Path) -> None:
    """Without async files nothing is written and nothing is wrong."""
    assert unasync.write(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("pages.py", TWIN + "\n# more\n", "differs"),
        ("old.py", TWIN, "extra"),
        ("notes.txt", "", "extra"),
        ("deep/primitives.py", "", "extra"),
        ("pages.py", None, "missing"),
    ],
)
def test_nothing_hides(tmp_path: Path, name: str, content: str | None, complaint: str) -> None:
    """An edited line, a file left over, a file of another kind and a missing one are all reported."""
    root = project(tmp_path)
    if content is None:
        (root / TARGET / name).unlink()
    else:
        unasync.put(root / TARGET / name, content.encode())
    [line] = unasync.differences(root)
    assert complaint in line
    assert name in line


def test_writing_anew_mends(tmp_path: Path) -> None:
    """Writing restores an edited file and removes one that was left over, but no file that it never wrote."""
    root = project(tmp_path)
    for name, content in (("pages.py", TWIN + "x"), ("old.py", TWIN), ("mine.py", "X = 1\n")):
        unasync.put(root / TARGET / name, content.encode())
    [line] = unasync.write(root)
    assert "mine.py" in line
    assert sorted(path.name for path in (root / TARGET).iterdir()) == ["concurrency", "mine.py", "pages.py"]


def test_a_folder_left_over_from_a_move_is_no_source(tmp_path: Path) -> None:
    """An `_async` that holds byte code alone, as an old clone keeps it, hides no source and costs no twin."""
    root = project(tmp_path)
    unasync.put(root / TARGET.parent / "_async" / "__pycache__" / "engine.cpython-311.pyc", b"")
    assert unasync.write(root) == []
    assert (root / TARGET / "pages.py").read_text() == TWIN
