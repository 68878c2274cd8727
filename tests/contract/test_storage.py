# SPDX-License-Identifier: Apache-2.0
"""Files from a real server that does its worst, by clients of both sides: one version, whole, or an error."""

from __future__ import annotations

import gzip
import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from tests.contract import raw_storage
from tests.contract.raw_storage import CONTENT, SPLIT, RawStorage, part, reply, save, wanted
from tests.patience import PATIENCE_S
from tests.processes.program import run

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
SUM = hashlib.sha256(CONTENT).hexdigest()
CUT = reply(200, CONTENT[:4000], 'etag: "one"', announced=len(CONTENT))
CODED = gzip.compress(CONTENT)


@pytest.fixture(params=["sync", "async"])
def side(request: pytest.FixtureRequest) -> str:
    """Of which side the client is."""
    return str(request.param)


@pytest.fixture
def storage() -> Iterator[Callable[..., RawStorage]]:
    """Makes storages, which are closed in the end."""
    running: list[RawStorage] = []

    def begin(answer: Callable[[int, dict[str, str]], bytes | None], **facts: Any) -> RawStorage:
        running.append(RawStorage(answer, **facts))
        return running[-1]

    yield begin
    for item in running:
        item.server.close()


def chunked(body: bytes, *headers: str, status: int = 200) -> bytes:
    """A response that does not say how long it is."""
    lines = [f"HTTP/1.1 {status} X", "transfer-encoding: chunked", *headers]
    return "\r\n".join(lines).encode() + f"\r\n\r\n{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"


def unknown(number: int, headers: dict[str, str]) -> bytes:
    """Parts of a file of unknown size, until there is nothing beyond."""
    if not number and "range" not in headers:
        return chunked(CONTENT[:9000], 'etag: "one"')[:-5]
    start, _ = wanted(headers) or (0, None)
    if start >= len(CONTENT):
        return reply(416, b"", f"content-range: bytes */{len(CONTENT)}")
    body = CONTENT[start : start + 100_000]
    return reply(206, body, f"content-range: bytes {start}-{start + len(body) - 1}/*", 'etag: "one"')


def several_ranges(number: int, headers: dict[str, str]) -> bytes:
    """Answers a request for one range with several at once."""
    if not number:
        return CUT
    if "range" not in headers:
        return reply(200, CONTENT)
    return reply(206, b"--x", "content-type: multipart/byteranges; boundary=x")


def contradictory_range(number: int, headers: dict[str, str]) -> bytes:
    """Names a range that is shorter than the bytes that follow."""
    if not number:
        return CUT
    if "range" not in headers:
        return part(CONTENT, headers)
    return reply(206, CONTENT[4000:], f"content-range: bytes 4000-4999/{len(CONTENT)}")


GOOD: dict[str, Callable[[int, dict[str, str]], bytes | None]] = {
    "parts that are shorter than requested": lambda n, h: part(CONTENT, h, most=50_000) if n else CUT,
    "an unknown size": unknown,
    "no ranges": lambda n, _: reply(200, CONTENT, 'etag: "one"') if n else CUT,
    "several parts in one": several_ranges,
    "parts that contradict themselves": contradictory_range,
    "compressed": lambda _n, h: part(CODED, h, '"one"', "content-encoding: gzip"),
    "compressed, and broken off": lambda n, h: (
        part(CODED, h, '"one"', "content-encoding: gzip")
        if n
        else reply(200, CODED[:100], 'etag: "one"', "content-encoding: gzip", announced=len(CODED))
    ),
    "no tags": lambda n, _: reply(200, CONTENT) if n else reply(200, CONTENT[:9], announced=len(CONTENT)),
}


@pytest.mark.parametrize("mode", ["no size", "announced", "pieces"])
@pytest.mark.parametrize("kind", GOOD)
def test_a_file_is_whole(storage: Callable[..., RawStorage], tmp_path: Path, side: str, kind: str, mode: str) -> None:
    """Whatever storage makes of ranges, sizes and codings, with and without pieces."""
    result = storage(GOOD[kind], size=None if mode == "no size" else str(len(CONTENT)))
    options: dict[str, Any] = {"split": SPLIT} if mode == "pieces" else {}
    assert save(side, result.url, tmp_path / "f", **options).sha256 == SUM
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert [file.name for file in tmp_path.iterdir()] == ["f"]


@pytest.mark.parametrize("pinned", [True, False])
@pytest.mark.parametrize("etags", [('"one"', '"two"'), ('W/"one"', 'W/"two"'), ('W/"one"', 'W/"one"'), ("", "")])
def test_versions_are_never_mixed(
    storage: Callable[..., RawStorage],
    tmp_path: Path,
    side: str,
    etags: tuple[str, str],
    pinned: bool,  # noqa: FBT001 - drawn
) -> None:
    """A file that changes and keeps its size, at a storage that heeds `If-Range` or not: the new one, whole."""
    new = CONTENT[::-1]

    def answer(number: int, headers: dict[str, str]) -> bytes:
        if not number:
            return reply(200, CONTENT[:4000], f"etag: {etags[0]}", announced=len(CONTENT))
        return part(new, headers if pinned else {**headers, "if-range": etags[1]}, etags[1])

    result = storage(answer)
    save(side, result.url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == new


@pytest.mark.parametrize("at", [1, 5])
def test_pieces_are_of_one_version(storage: Callable[..., RawStorage], tmp_path: Path, side: str, at: int) -> None:
    """A file that changes while several pieces of it come, at a storage that does not heed `If-Range`."""
    new = CONTENT[::-1]

    def answer(number: int, headers: dict[str, str]) -> bytes:
        content, etag = (CONTENT, '"one"') if number < at else (new, '"two"')
        return part(content, {**headers, "if-range": etag}, etag)

    result = storage(answer, size=len(CONTENT))
    save(side, result.url, tmp_path / "f", split=SPLIT)
    assert (tmp_path / "f").read_bytes() == new


@pytest.mark.parametrize("changed", [False, True])
def test_another_process_goes_on(
    storage: Callable[..., RawStorage],
    tmp_path: Path,
    side: str,
    changed: bool,  # noqa: FBT001 - drawn
) -> None:
    """Killed half-way and run again: nothing comes twice, unless the file has changed meanwhile."""
    current = [CONTENT, '"one"']

    def answer(_: int, headers: dict[str, str]) -> bytes:
        return part(current[0], headers, current[1])  # type: ignore[arg-type] # bytes first, then a string

    result = storage(answer, size=len(CONTENT))
    path = tmp_path / "f"

    def program(until: int) -> subprocess.CompletedProcess[str]:
        command = ["-m", raw_storage.__name__, side, result.url, str(path), str(until)]
        return run(command, folder=ROOT, timeout=120)

    with pytest.raises(KeyError):
        save(side, result.url, path, split=SPLIT, resume=True, progress=_stop)
    assert (tmp_path / ".f.part.json").exists()
    assert program(len(CONTENT)).returncode == -9
    assert not path.exists()
    if changed:
        current[:] = [CONTENT[::-1], '"two"']
    done = program(0)
    assert (done.returncode, done.stderr) == (0, "")
    assert path.read_bytes() == current[0]
    assert done.stdout == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [file.name for file in tmp_path.iterdir()] == ["f"]


def _stop(size: int) -> None:
    if size >= len(CONTENT) // 2:
        raise KeyError(size)


@pytest.mark.parametrize(
    "name", ["etag", "location", "retry-after", "content-range", "content-encoding", "last-modified", "content-type"]
)
def test_a_header_that_is_no_text_counts_as_not_sent(
    storage: Callable[..., RawStorage], tmp_path: Path, side: str, name: str
) -> None:
    """Raw bytes in whichever header is read: no foreign error, and the file is whole."""
    odd = name.encode() + b": \xe9\xff"
    first = {"location": reply(302, b""), "retry-after": reply(503, b"")}

    def answer(number: int, headers: dict[str, str]) -> bytes:
        good = first.get(name) if not number else None
        return (good or part(CONTENT, headers)).replace(b"\r\n\r\n", b"\r\n" + odd + b"\r\n\r\n", 1)

    result = storage(answer)
    assert save(side, result.url, tmp_path / "f").sha256 == SUM


@pytest.mark.parametrize("status", [403, 500, 302])
def test_an_error_is_not_read_to_its_end(
    storage: Callable[..., RawStorage], tmp_path: Path, side: str, status: int
) -> None:
    """The body of an error may be endless: no download waits for it."""
    endless = reply(status, b"x" * 1_000_000, announced=10**12)
    result = storage(lambda _n, _h: endless, size=9)
    with pytest.raises(errors.AssetError, match=str(status) if status != 500 else "broke off"):
        save(side, result.url, tmp_path / "f")


def test_a_body_that_drips_keeps_the_deadline(storage: Callable[..., RawStorage], tmp_path: Path, side: str) -> None:
    """Storage that stops in the middle holds a download no longer than its time-out."""
    result = storage(lambda _n, _h: None)
    result.server.act = _drip(result)
    began = time.monotonic()
    with pytest.raises(errors.OutOfTime, match="deadline"):
        save(side, result.url, tmp_path / "f", deadline_s=50.0)  # one second on this clock
    assert time.monotonic() - began < PATIENCE_S / 2
    assert list(tmp_path.iterdir()) == []


def _drip(made: RawStorage) -> Callable[[Any], bool]:
    def act(connection: Any) -> bool:
        if b"/v1/things/" in made.server.arrivals[-1].splitlines()[0]:
            return bool(made._act(connection))
        connection.send(reply(200, b"some", announced=1000))
        return bool(connection.hang())

    return act
