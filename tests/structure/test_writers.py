# SPDX-License-Identifier: Apache-2.0
"""Files are written by `folders` alone; every other place that writes is listed here with its reason."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from file_cache import read_files
from tests.structure import tree

if TYPE_CHECKING:
    from collections.abc import Iterator

PRIVATE = "in a temporary folder that is made for this run, with mode 700"
EXCLUSIVE = "under a name from mkstemp, linked to its own when it is whole"

IN_MEMORY = "a picture, drawn into memory"

ELSEWHERE = {
    "assess/plots.py": IN_MEMORY,
    "cli/main.py": "nothing but /dev/null",
    "cli/output.py": "nothing but /dev/null",
    "cli/month_plot.py": IN_MEMORY,
    "client/exactly_once/holder.py": "an empty file beside the state, opened without following links",
    "client/uploads/files.py": "a temporary file without a name; what a caller names is only read",
    "demo": PRIVATE,
    "emulator": PRIVATE,
    "folders.py": "this is where it is done",
    "keys/secret.py": EXCLUSIVE,
    "readiness/shapes/scan_history.py": "a temporary folder, gone when kingfisher has read it",
    "readiness/shapes/kingfisher.py": "the same",
    "readiness/contents/parts.py": "nothing: it opens for reading, without following links",
    "readiness/files/staged.py": PRIVATE,
    "readiness/drills/arguments.py": "a recording, made in memory",
    "readiness/drills/injected/sitecustomize.py": "in the folder of a drill, which is made for it",
    "readiness/drills/program.py": PRIVATE,
    "state/sqlite.py": EXCLUSIVE,
}
"""Module or room → why it may write by other means."""

METHODS = {
    "write_text",
    "write_bytes",
    "touch",
    "mkstemp",
    "NamedTemporaryFile",
    "symlink_to",
    "hardlink_to",
    "savefig",
}
WRITING = set("wax+")


def writes(source: str) -> Iterator[int]:
    """The lines of a source in which something may be written to a path."""
    if not any(word in source for word in (*METHODS, "open")):
        return  # parsing all files takes 1.5 s
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        holder = node.func.value if isinstance(node.func, ast.Attribute) else None
        of_os = isinstance(holder, ast.Name) and holder.id == "os"
        modes = [
            item.value
            for item in (*node.args, *(word.value for word in node.keywords))
            if isinstance(item, ast.Constant)
        ]
        mode = any(
            isinstance(item, str) and item and set(item) <= WRITING | set("rbt") and set(item) & WRITING
            for item in modes
        )
        if name in METHODS or (name == "open" and (mode or of_os)):
            yield node.lineno


def find_writes(_: str, text: str) -> list[int]:
    """The lines of a file in which something may be written to a path."""
    return list(writes(text))


def test_every_writer_is_known() -> None:
    """A new one uses `folders`, or is listed here with its reason."""
    places = {
        name.removeprefix("src/callwell/"): lines
        for name, lines in read_files(find_writes, tree.python_files("src/callwell")).items()
    }
    found = {
        place: lines
        for place, lines in places.items()
        if lines and place not in ELSEWHERE and place.partition("/")[0] not in ELSEWHERE
    }
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        "path.write_text('x')",
        "open(path, 'w')",
        "path.open('r+b')",
        "path.open(mode='ab')",
        "os.open(path, flags)",
        "path.touch()",
        "tempfile.mkstemp()",
    ],
)
def test_a_writer_is_noticed(line: str) -> None:
    """Whichever way it takes."""
    assert list(writes(line)) == [1]


@pytest.mark.parametrize("line", ["path.open()", "path.open('rb')", "one.open('name')", "webbrowser.open(url)"])
def test_a_reader_is_none(line: str) -> None:
    """Opening to read is not writing."""
    assert list(writes(line)) == []
