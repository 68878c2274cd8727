# SPDX-License-Identifier: Apache-2.0
"""Of a history only what is new is written for kingfisher, and nothing is lost by it."""

from __future__ import annotations

import io
import random
import zipfile
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from callwell.readiness.history.objects import GitObject
from callwell.readiness.shapes.excerpts import NEIGHBORS, ExcerptPlace, Excerpts, TooLarge

if TYPE_CHECKING:
    from pathlib import Path


def blob(name: str, data: bytes) -> GitObject:
    """A content of a file, in two chunks."""
    half = len(data) // 2
    return GitObject(name, "blob", iter(part for part in (data[:half], data[half:]) if part))


def written(folder: Path) -> dict[str, list[bytes]]:
    """The lines of the files of excerpts."""
    return {str(path): path.read_bytes().split(b"\n") for path in sorted(folder.glob("excerpts*"))}


def test_only_what_is_new(tmp_path: Path) -> None:
    """A version adds its new lines and those around them; one that has nothing new adds nothing."""
    lines = [b"line %d" % number for number in range(100)]
    later = [*lines[:40], b"key = new", *lines[40:]]
    with Excerpts(tmp_path) as excerpts:
        for name, content in (("a1", lines), ("a2", later), ("a3", later), ("a4", lines)):
            excerpts.add(blob(name, b"\n".join(content)))
    ((path, found),) = written(tmp_path).items()
    where = found.index(b"key = new")
    assert excerpts.locate(path, where + 1) == ExcerptPlace("a2", 41)
    assert found[where - NEIGHBORS : where + NEIGHBORS + 1] == later[40 - NEIGHBORS : 41 + NEIGHBORS]
    assert found.count(b"line 40") == 2
    assert found.count(b"line 80") == 1


def test_known_lines_in_another_sort_key(tmp_path: Path) -> None:
    """A name and a value that were there before count as new when one follows the other."""
    with Excerpts(tmp_path) as excerpts:
        excerpts.add(blob("a1", b"token:\n  other\n- value\n"))
        excerpts.add(blob("a2", b"token:\n- value\n"))
    ((_, found),) = written(tmp_path).items()
    assert (b"token:", b"- value") in pairwise(found)


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_lost(tmp_path: Path, seed: int) -> None:
    """Each line of each version is written after the line before it, and every written line is found again."""
    dice = random.Random(seed)
    versions = [[b"%d" % dice.randrange(9) for _ in range(60)]]
    for _ in range(30):
        lines = list(versions[dice.randrange(len(versions))])
        for _ in range(dice.randrange(4)):
            start = dice.randrange(len(lines) + 1)
            lines[start : start + dice.randrange(5)] = [b"%d" % dice.randrange(99) for _ in range(dice.randrange(3))]
        versions.append(lines)
    with Excerpts(tmp_path) as excerpts:
        for number, lines in enumerate(versions):
            excerpts.add(blob(str(number), b"\n".join(lines)))
    files = written(tmp_path)
    pairs = {pair for found in files.values() for pair in pairwise(found)}
    assert {pair for lines in versions for pair in pairwise(lines)} <= pairs
    for path, found in files.items():
        for number, line in enumerate(found, 1):
            if line.strip():
                place = excerpts.locate(path, number)
                assert versions[int(place.blob)][place.line - 1] == line


@pytest.mark.parametrize("kind", ["wide", "archive", "key"])
def test_what_is_written_whole(tmp_path: Path, kind: str) -> None:
    """Archives, wide text and blocks of lines are left as they are, under the name of the object."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "a")
    key = b"a = 1\n-----BEGIN PRIVATE " + b"KEY-----\nabc\n-----END\n"
    data = {"wide": "a = 1".encode("utf-16"), "archive": buffer.getvalue(), "key": key}[kind]
    with Excerpts(tmp_path) as excerpts:
        excerpts.add(blob("abcd", data))
        excerpts.add(blob("abce", data))
    assert (tmp_path / "objects/ab/cd").read_bytes() == data
    assert (tmp_path / "objects/ab/ce").read_bytes() == data
    assert written(tmp_path) == {}
    assert not excerpts.has(str(tmp_path / "objects/ab/cd"))


def test_more_than_is_allowed(tmp_path: Path) -> None:
    """It stops before it fills the disk."""
    with Excerpts(tmp_path, max_bytes=1_000) as excerpts:
        excerpts.add(blob("a1", b"a\0" * 400))
        with pytest.raises(TooLarge):
            excerpts.add(blob("a2", b"b\0" * 400))
