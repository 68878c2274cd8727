# SPDX-License-Identifier: Apache-2.0
"""The picture of the rooms is what the imports are, and can be read."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import pytest

import rooms
from import_graph import SOURCE, read_imports, read_own_imports
from layered_layout import count_crossings, is_point, lay_out
from tests.docs import pages

if TYPE_CHECKING:
    from pathlib import Path

SVG: Final = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def graph() -> rooms.Graph:
    """Which room of the project imports which."""
    return rooms.room_graph(SOURCE, read_own_imports())


def plant(source: Path, files: dict[str, str]) -> None:
    """Write modules into an otherwise empty source folder."""
    for name, text in files.items():
        file = source / "callwell" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def test_the_picture_is_fresh() -> None:
    """What is checked in is what would be drawn now; else run `make generate`."""
    assert pages.read(pages.ROOT / rooms.PICTURE) == rooms.picture()
    assert "(rooms.svg)" in pages.read(pages.DOCS / "architecture.md")


def test_every_room_is_drawn_with_its_caption() -> None:
    """Every folder and every module of the package is in a box, and every box says what it is for."""
    package = pages.ROOT / "src" / "callwell"
    names = {path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    alone = names - {"__init__", *rooms.BASE_MODULES, *rooms.LEFT_OUT}
    drawn = {text.text for text in ET.fromstring(rooms.picture()).iter(f"{SVG}text") if text.get("class") == "name"}  # noqa: S314 - ours
    assert drawn == alone | {rooms.PUBLIC, rooms.BASE}
    assert {name for name in drawn if not rooms.CAPTIONS.get(str(name))} == set()


def test_every_import_is_in_the_picture(graph: rooms.Graph) -> None:
    """An arrow that is left out follows from those that are drawn."""
    drawn = rooms.without_implied(graph)

    def reachable(room: str) -> set[str]:
        return {room}.union(*(reachable(other) for other in drawn[room]))

    assert {(room, other) for room in graph for other in graph[room] if other not in reachable(room)} == set()
    assert sum(map(len, drawn.values())) < sum(map(len, graph.values())) / 2


def test_imports_become_edges(tmp_path: Path) -> None:
    """Imports between rooms count, however they are written; those inside a room and of others do not."""
    files = {
        "__init__.py": "from callwell.client import Client",
        "errors.py": "import os",
        "client/__init__.py": "",
        "client/calls.py": "from callwell import core, errors\nfrom callwell.client import other",
        "core/__init__.py": "",
        "core/x.py": "if TYPE_CHECKING:\n    from callwell.errors import Problem",
        "cli/main.py": "def f():\n    from callwell import Client",
        "__main__.py": "from callwell.cli.main import main",
    }
    plant(tmp_path, files)
    assert rooms.room_graph(tmp_path, read_imports(tmp_path)) == {
        rooms.BASE: set(),
        "cli": {rooms.PUBLIC},
        "client": {"core", rooms.BASE},
        "core": {rooms.BASE},
        rooms.PUBLIC: {"client"},
    }


def test_an_implied_edge_is_left_out() -> None:
    """The long way says the same."""
    graph = {"a": {"b", "c", "d"}, "b": {"c"}, "c": set(), "d": set()}
    assert rooms.without_implied(graph) == {"a": {"b", "d"}, "b": {"c"}, "c": set(), "d": set()}


@pytest.mark.parametrize(
    "edges",
    [
        {"a": set[str]()},
        {"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": set(), "e": {"d"}, "f": {"d", "e"}, "g": {"a", "f"}},
        {**{name: {"x", "y"} for name in "abcdef"}, "x": set(), "y": set(), "top": {"a", "x"}},
    ],
    ids=["one", "chains", "fan"],
)
def test_a_layout(edges: rooms.Graph) -> None:
    """All edges lead down by one row at a time, no two nodes overlap, and each row keeps its gaps."""
    check_layout(edges)


def test_our_layout(graph: rooms.Graph) -> None:
    """So it is with the rooms of the project."""
    check_layout(rooms.without_implied(graph))


def check_layout(graph: rooms.Graph) -> None:
    """Lay a graph out, and look at every edge and every row."""
    layout = lay_out(graph, width=lambda name: 20.0 + len(name), gap=5.0)
    assert {node[0] for row in layout.rows for node in row if not is_point(node)} == set(graph)
    assert {(edge.nodes[0][0], edge.nodes[-1][0]) for edge in layout.edges} == {
        (name, other) for name, others in graph.items() for other in others
    }
    for edge in layout.edges:
        assert {upper[1] - lower[1] for upper, lower in pairwise(edge.nodes)} == {1}
    for row in layout.rows:
        for left, right in pairwise(row):
            widths = [10.0 if is_point(node) else 20.0 + len(node[0]) for node in (left, right)]
            assert layout.middles[right] - layout.middles[left] >= sum(widths) / 2 + 5.0 - 1e-6


def test_crossings_are_avoided() -> None:
    """Two edges that need not cross do not, whatever their names say."""
    layout = lay_out({"a": {"z"}, "b": {"y"}, "y": set(), "z": set()}, width=lambda _: 10.0, gap=5.0)
    assert count_crossings(layout.rows, layout.edges) == 0
    crossed = [list(layout.rows[0]), list(reversed(layout.rows[1]))]
    assert count_crossings(crossed, layout.edges) == 1


def test_the_picture_is_small_and_harmless() -> None:
    """It loads nothing, runs nothing, and has colours for light and for dark."""
    text = rooms.picture()
    assert len(text) < 40_000
    assert re.findall(r"https?://[^\"']+|<script|url\(|@import|href", text) == ["http://www.w3.org/2000/svg"]
    assert "prefers-color-scheme: dark" in text
