# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_upload_streams.py by tools/unasync.py; do not edit
"""Streams and memory that are uploaded: every byte of them, or an error."""

from __future__ import annotations

import array
import io
import os
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from tests.client._sync.test_upload import sent
from tests.client.vault import SMALL, Vault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NUMBERS = array.array("h", range(len(SMALL) // 2))


def refilled() -> Iterator[bytearray]:
    """The stream through one buffer, which is emptied before it is filled again."""
    buffer = bytearray()
    for start in range(0, len(SMALL), 700):
        del buffer[:]
        buffer += SMALL[start : start + 700]
        yield buffer


def paused() -> Iterator[Any]:
    """A stream that gives None where it has nothing yet."""
    yield SMALL[:2000]
    yield None
    yield SMALL[2000:]


class Hesitant(io.RawIOBase):
    """A file in non-blocking mode: now and then it has nothing yet."""

    def __init__(self) -> None:
        self._answers = iter([SMALL[:2000], None, SMALL[2000:], b""])

    def read(self, _size: int = -1) -> Any:
        """The next bytes, or None."""
        return next(self._answers)


class Broken(io.RawIOBase):
    """A file that cannot be read."""

    def read(self, _size: int = -1) -> Any:
        """Fail, as a device that was removed does."""
        raise OSError("no such device")


@pytest.mark.parametrize(
    "make",
    [
        Hesitant,
        lambda: iter([SMALL[:2000], None, SMALL[2000:]]),
        paused,
        lambda: iter(["text"]),
        lambda: iter([1, 2]),
        lambda: io.StringIO("text"),
    ],
    ids=["non-blocking", "None", "awaited None", "text", "numbers", "text file"],
)
def test_what_is_no_bytes_is_refused(make: Any) -> None:
    """It neither ends the stream, so that a part would pass for the whole, nor raises an error of Python's."""
    failed = sent(Vault(), make())
    cause = failed.__cause__ if isinstance(failed, errors.UploadStopped) else failed
    assert isinstance(cause, errors.InvalidOption)
    assert "a stream of bytes" in str(failed)


def test_a_pipe_that_has_nothing_yet_is_refused(tmp_path: Path) -> None:
    """The same for a real one: nothing is in it, and its writer may write later."""
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    descriptor = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        assert isinstance(sent(Vault(), pipe), errors.InvalidOption)


@pytest.mark.parametrize(
    ("make", "content"),
    [
        (lambda: iter([NUMBERS[:1000], NUMBERS[1000:]]), NUMBERS.tobytes()),
        (lambda: iter([memoryview(SMALL)[::2]]), SMALL[::2]),
        (refilled, SMALL),
        (lambda: memoryview(NUMBERS), NUMBERS.tobytes()),
        (lambda: memoryview(SMALL)[::2], SMALL[::2]),
    ],
    ids=["items of two bytes", "every other byte", "one buffer", "memory of two-byte items", "memory with gaps"],
)
def test_memory_of_any_kind_is_sent_whole(make: Any, content: bytes) -> None:
    """Items of several bytes count as so many, and memory that its owner changes was copied before."""
    there = Vault()
    done = sent(there, make())
    assert (there.whole("f1"), done.size) == (content, len(content))


def test_a_file_that_cannot_be_read_is_reported() -> None:
    """As an error of this library's, before anything is made."""
    closed = io.BytesIO(SMALL)
    closed.close()
    with tempfile.TemporaryFile() as shut:
        pass
    for file in (Broken(), closed, shut):
        there = Vault()
        assert isinstance(sent(there, file), errors.FileProblem)
        assert not there.asked


def test_memory_that_changes_is_noticed() -> None:
    """Its owner wrote into it while it was sent: what arrived is neither the old nor the new content."""
    content = bytearray(SMALL)

    def change(reply: Any) -> Any:
        content[0:4] = b"edit"
        return reply

    failed = sent(Vault({("send", 2): change}), content, pieces=1)
    assert isinstance(failed, errors.FileChanged)
    assert (failed.target, "send it again from a copy" in str(failed)) == ("f1", True)
    assert sent(Vault(), bytearray(SMALL)).size == len(SMALL)
