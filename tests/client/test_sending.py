# SPDX-License-Identifier: Apache-2.0
"""Pieces of files as they are sent: little at a time, counted, and never a whole one of a file that has changed."""

from __future__ import annotations

import gc
import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from callwell.client.uploads import files
from callwell.client.uploads.files import DiskFile, FileView, MemoryFile, TemporaryPiece
from callwell.client.uploads.piece_reader import READ_BYTES, PieceReader, ProgressMeter, UploadCancelled
from callwell.errors import DiskFull, FileChanged, FileProblem, FileRejected

if TYPE_CHECKING:
    from collections.abc import Callable

CONTENT = os.urandom(3 * READ_BYTES + 5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file."""
    result = tmp_path / "film.mp4"
    result.write_bytes(CONTENT)
    return result


def test_a_piece_is_read_little_by_little_and_counted(path: Path) -> None:
    """From any place, again from its beginning, and what is read again does not count twice."""
    reported: list[int] = []
    region = PieceReader(DiskFile.at(path), 7, 2 * READ_BYTES, ProgressMeter(reported.append))
    for _ in range(2):
        pieces = list(region)
        assert max(map(len, pieces)) <= READ_BYTES
        assert b"".join(pieces) == CONTENT[7 : 7 + 2 * READ_BYTES]
    assert reported == [READ_BYTES, 2 * READ_BYTES, 0, READ_BYTES, 2 * READ_BYTES]
    region.reset()
    assert (reported[-1], region.wasted) == (0, 2 * READ_BYTES)


@pytest.mark.parametrize("kind", ["path", "text", "bytes", "open", "memory"])
def test_what_has_bytes_anywhere(path: Path, kind: str) -> None:
    """Paths, bytes and open files are read alike, wherever an open file stands."""
    with path.open("rb") as opened:
        opened.seek(100)
        given: Any = {"path": path, "text": str(path), "bytes": CONTENT, "open": opened, "memory": bytearray(CONTENT)}
        source = files.open_source(given[kind])
        assert source is not None
        assert FileView(source).read(5) == CONTENT[:5]
        assert opened.tell() == 100
    assert b"".join(PieceReader(source, 0, source.size, ProgressMeter(None))) == CONTENT
    with io.BufferedReader(FileView(source)) as again:
        assert again.read(5) == CONTENT[:5]
        again.seek(-4, os.SEEK_END)
        again.seek(1, os.SEEK_CUR)
        assert (again.read(), again.tell()) == (CONTENT[-3:], len(CONTENT))


def test_what_is_a_stream() -> None:
    """Something to iterate over, a pipe, and a file in memory."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe:
        os.close(writing)
        assert [files.open_source(item) for item in (iter([b"a"]), io.BytesIO(b"a"), pipe)] == [None, None, None]


def test_what_is_no_file(tmp_path: Path) -> None:
    """A directory, a device, a path to nothing: by name, before anything is sent."""
    for wrong in (tmp_path, "/dev/null"):
        with pytest.raises(FileRejected, match=str(wrong)):
            files.open_source(wrong)
    with pytest.raises(FileProblem, match=r"none\.mp4: cannot be read"):
        files.open_source(tmp_path / "none.mp4")
    with pytest.raises(FileProblem):
        files.open_source("\0")


def shrink(path: Path) -> None:
    """Half of it is gone."""
    os.truncate(path, READ_BYTES)


def grow(path: Path) -> None:
    """More of it came."""
    with path.open("ab") as file:
        file.write(b"more")


def replace(path: Path) -> None:
    """Another file is there."""
    other = path.with_name("other")
    other.write_bytes(CONTENT)
    other.replace(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [(shrink, "shorter|changed"), (grow, "changed"), (replace, "another file"), (os.unlink, "vanished")],
)
def test_a_file_that_changes_is_not_sent_whole(path: Path, change: Callable[[Path], None], words: str) -> None:
    """The last of a piece is given out only if the file is still what it was."""
    region = PieceReader(DiskFile.at(path), 0, len(CONTENT), ProgressMeter(None))
    pieces = iter(region)
    next(pieces)
    change(path)
    with pytest.raises(FileChanged, match=words):
        list(pieces)
    assert region.given < len(CONTENT)


def test_a_piece_that_nobody_waits_for_is_broken_off(path: Path) -> None:
    """Whoever reads it stops at once."""
    meter = ProgressMeter(None)
    pieces = iter(PieceReader(DiskFile.at(path), 0, len(CONTENT), meter))
    next(pieces)
    meter.stopped = True
    with pytest.raises(UploadCancelled):
        next(pieces)


def open_files() -> int:
    """How many this process has."""
    return len(list(Path("/dev/fd").iterdir()))


def test_a_file_is_closed_when_nobody_reads_it(path: Path) -> None:
    """It stays open for a transport that still reads, and no longer."""
    gc.collect()
    before = open_files()
    pieces = iter(PieceReader(DiskFile.at(path), 0, len(CONTENT), ProgressMeter(None)))
    next(pieces)
    assert open_files() == before + 1
    del pieces
    gc.collect()
    assert open_files() == before


def test_a_file_is_known_again(path: Path, tmp_path: Path) -> None:
    """By place, size, time and beginning."""
    marks = {DiskFile.at(path).fingerprint(), DiskFile.at(path).fingerprint()}
    assert len(marks) == 1
    os.utime(path, (1, 1))
    marks.add(DiskFile.at(path).fingerprint())
    (tmp_path / "other.mp4").write_bytes(CONTENT)
    marks.add(DiskFile.at(tmp_path / "other.mp4").fingerprint())
    assert len(marks) == 3
    assert MemoryFile(b"a").fingerprint() != MemoryFile(b"b").fingerprint()


def test_a_piece_of_a_stream_is_kept_without_a_name() -> None:
    """It is written, then read, and has the stream's name."""
    with TemporaryPiece("stream.mp4") as spool:
        spool.write(b"abc")
        disk = spool.to_file()
    assert (disk.name, disk.size, disk.read(1, 9)) == ("stream.mp4", 3, b"bc")
    disk.check_unchanged()


def test_no_room_for_a_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message says so if there is none."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(DiskFull, match="none"), TemporaryPiece("stream.mp4"):
        pass
    monkeypatch.undo()
    with TemporaryPiece("stream.mp4") as spool:
        spool._file.close()
        spool._file = Path("/dev/full").open("wb")  # noqa: SIM115 - closed by the spool
        spool.write(b"abc")
        with pytest.raises(DiskFull, match="No space left"):
            spool.to_file()
