# SPDX-License-Identifier: Apache-2.0
"""What was read from a file is used again while the file is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from file_cache import read_files

if TYPE_CHECKING:
    from pathlib import Path

READ: list[str] = []


def length(name: str, text: str) -> int:
    """The length of a text."""
    READ.append(name)
    return len(text)


def test_only_what_has_changed_is_read(tmp_path: Path) -> None:
    """A new file and a new text are read, and nothing else is; a damaged cache is none."""
    cache = tmp_path / "cache"
    files = [tmp_path / name for name in "abc"]
    for file in files:
        file.write_text(file.name)

    def read(*paths: Path) -> tuple[dict[str, int], list[str]]:
        READ.clear()
        return read_files(length, paths, root=tmp_path, cache=cache), [*READ]

    assert read(*files[:2]) == ({"a": 1, "b": 1}, ["a", "b"])
    files[1].write_text("bb")
    assert read(*files) == ({"a": 1, "b": 2, "c": 1}, ["b", "c"])
    assert read(*files) == ({"a": 1, "b": 2, "c": 1}, [])
    [kept] = cache.iterdir()
    kept.write_text("{")
    assert read(files[1]) == ({"b": 2}, ["b"])
