# SPDX-License-Identifier: Apache-2.0
"""Streams the objects of a repository: each file's content, commit and tag once, however many commits have it.

Without a revision, these are all objects in the repository, including those that no branch reaches any more: they are
on this machine, and what was pushed once can still be fetched by its ID. Trees are left out, because they only have
names. Objects are listed in the order of git's packs, which git reads twice as fast as any other order.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from callwell.readiness.git import GitError, last_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from callwell.readiness.history.repository import Repository

CHUNK: Final = 1 << 20
"""How many bytes are read at a time: a large file is never in memory as a whole."""

MAX_STOPS: Final = 20
"""How often the stream resumes after an object that stopped git."""

WANTED: Final = (b"blob", b"commit", b"tag")

NAMED_OBJECTS: Final = ("cat-file", "--batch-check=%(objecttype) %(objectname)")
ALL_OBJECTS: Final = (*NAMED_OBJECTS, "--batch-all-objects", "--unordered")
"""Git commands that print kind and ID of each object, one per line."""

MISSING: Final = b" missing\n"
"""The end of the line of an object that cannot be read."""


class GitObject(NamedTuple):
    """One object.

    Attributes:
        id: its ID.
        kind: `blob`, `commit` or `tag`.
        chunks: its content, to be read before the next object.
    """

    id: str
    kind: str
    chunks: Iterator[bytes]


class ObjectList(NamedTuple):
    """The objects to read.

    Attributes:
        file: the ID of each object, one per line. A large history has millions, so they are not kept in memory.
        missing: the IDs of the objects that cannot be read.
    """

    file: IO[bytes]
    missing: tuple[str, ...]


@contextmanager
def find_missing_objects(repository: Repository) -> Iterator[Callable[[], list[str]]]:
    """Find the objects of a repository that cannot be read, in the background.

    Args:
        repository: the repository.

    Yields:
        a function that waits for the result and returns their IDs.
    """
    with tempfile.TemporaryFile() as listed:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": listed, "stderr": subprocess.DEVNULL}
        with repository.start(ALL_OBJECTS, **pipes) as process:

            def wait() -> list[str]:
                process.wait()
                listed.seek(0)
                return [line.split()[0].decode() for line in listed if line.endswith(MISSING)]

            yield wait


@contextmanager
def list_objects(repository: Repository, since: str | None) -> Iterator[ObjectList]:
    """List objects.

    Args:
        repository: the repository.
        since: only objects added by commits after this revision; all objects if None.

    Raises:
        GitError: there is no such revision, or the repository cannot be read.
    """
    words = NAMED_OBJECTS if since is not None else ALL_OBJECTS
    with tempfile.TemporaryFile() as named, tempfile.TemporaryFile() as wanted:
        if since is not None:
            base = repository.ask("rev-parse", "--verify", "--end-of-options", f"{since}^{{commit}}")
            listing = ["rev-list", "--objects", "--no-object-names", "--all", "--not", base]
            _finish(repository.start(listing, stdout=named, stderr=subprocess.PIPE))
        named.seek(0)
        missing = []
        with repository.start(words, stdin=named, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            for line in _output(process):
                kind, _, name = line.rstrip(b"\n").partition(b" ")
                if kind in WANTED:
                    wanted.write(name + b"\n")
                elif line.endswith(MISSING):
                    missing.append(kind.decode())
        wanted.flush()
        yield ObjectList(wanted, tuple(missing))


def read_objects(repository: Repository, listed: ObjectList) -> Iterator[GitObject | str]:
    """Read the objects of a list.

    Args:
        repository: the repository.
        listed: the objects to read.

    Yields:
        Each object, or why it cannot be read.
    """
    listed.file.seek(0)
    width = len(listed.file.readline())
    total = listed.file.seek(0, os.SEEK_END) // width if width else 0
    done = 0
    for _ in range(MAX_STOPS):
        listed.file.seek(done * width)
        with tempfile.TemporaryFile() as errors:
            for item in _read(repository, listed.file, errors):
                done += 1
                yield item
            errors.seek(0)
            problem = last_line(errors.read())
        if done >= total:
            return
        done += 1
        yield problem or "git ended before it had read everything"
    yield f"git stopped {MAX_STOPS} times; {total - done} objects were not read"


def read_blobs(repository: Repository, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Read whole objects into memory.

    Args:
        repository: the repository.
        blobs: their IDs; missing ones are left out.
    """
    with tempfile.TemporaryFile() as names, tempfile.TemporaryFile() as errors:
        names.writelines(f"{blob}\n".encode() for blob in blobs)
        names.seek(0)
        for one in _read(repository, names, errors):
            if isinstance(one, GitObject):
                yield one.id, b"".join(one.chunks)


def _read(repository: Repository, names: IO[bytes], errors: IO[bytes]) -> Iterator[GitObject | str]:
    """Read objects until git ends."""
    process = repository.start(["cat-file", "--batch", "--buffer"], stdin=names, stdout=subprocess.PIPE, stderr=errors)
    with process:
        out = _output(process)
        try:
            while head := out.readline().split():
                if len(head) != len(("id", "kind", "size")):
                    yield f"the object {head[0].decode()} cannot be read"
                    continue
                chunks = _chunks(out, int(head[2]))
                yield GitObject(head[0].decode(), head[1].decode(), chunks)
                for _ in chunks:
                    pass  # the rest, which the caller did not read
                out.read(1)
        except EOFError:
            return
        finally:
            process.kill()


def _chunks(out: IO[bytes], size: int) -> Iterator[bytes]:
    while size > 0:
        chunk = out.read(min(size, CHUNK))
        if not chunk:
            raise EOFError
        size -= len(chunk)
        yield chunk


def _output(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None  # noqa: S101 - it was asked for
    return process.stdout


def _finish(process: subprocess.Popen[bytes]) -> None:
    """Wait for a command to end.

    Raises:
        GitError: it failed.
    """
    with process:
        errors = process.stderr.read() if process.stderr is not None else b""
    if process.returncode:
        raise GitError(last_line(errors))
