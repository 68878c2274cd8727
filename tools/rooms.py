#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the rooms of the package as docs/rooms.svg: who may know whom, as the imports are today.

Each folder directly below `callwell` is a box, and so are the modules that stand next to the folders. A room stands in
a row above every room that it imports (`layered_layout`), so all arrows point down. An arrow that follows from others
is left out: cli imports client, but cli ─> demo ─> assess ─> … ─> client says so already. Without that, nearly every
room would have an arrow to the core, and the picture could not be read.

The picture depends on the imports alone, needs no font and no script, and follows the reader's light or dark colours.
"""

from __future__ import annotations

import functools
import sys
from collections import defaultdict
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

from import_graph import SOURCE, read_own_imports
from layered_layout import is_point, lay_out

if TYPE_CHECKING:
    from collections.abc import Iterable

    from import_graph import Import
    from layered_layout import Edge, Layout, Node

ROOT: Final = Path(__file__).resolve().parent.parent
PICTURE: Final = Path("docs/rooms.svg")

PUBLIC: Final = "import callwell"
"""The box of the package's own `__init__`: the names that users import."""

BASE: Final = "base"
BASE_MODULES: Final = (
    "errors",
    "clock",
    "folders",
    "staged_files",
    "temporary_names",
    "forks",
    "extras",
    "opaque",
    "lazy_exports",
    "version",
)
"""Single modules that know no room and may be used everywhere; they share a box."""

LEFT_OUT: Final = frozenset({"__main__"})
"""Rooms without a box: `python -m callwell` is the command line."""

CAPTIONS: Final = {
    PUBLIC: "the public names",
    BASE: "single modules that any room may use",
    "adapters": "for httpx, requests, SDKs",
    "assess": "many recordings, each once",
    "batch": "many uploads, resumed",
    "cli": "the commands",
    "client": "calls, pages, files and quotas of one provider",
    "codegen": "typed clients, written",
    "core": "decides: values in, values out, no I/O",
    "demo": "the main job, under faults",
    "description": "OpenAPI + profile, as records",
    "emulator": "the providers, played here",
    "export": "everything, in a folder",
    "gateway": "Callwell as a proxy",
    "jobs": "work that outlives a process",
    "keys": "where keys come from",
    "media": "recordings, made ready",
    "observe": "hooks, logs, metrics",
    "providers": "bundled data, typed clients",
    "readiness": "the check before going live",
    "state": "what calls share and keep",
    "testing": "fakes for your tests",
    "transport": "the only sockets",
    "webhooks": "events, checked",
}

# All lengths are in the units of the picture; a page shows it about as wide as it is.
BOX_HEIGHT: Final = 46
ROOM_HEIGHT: Final = 76
"""The height of a box with the names of inner rooms."""

MIN_BOX_WIDTH: Final = 136
ROW_GAP: Final = 44
BOX_GAP: Final = 20
MARGIN: Final = 24
CAPTION_CHARACTER: Final = 6.1
"""The width of a character of a caption: a little more than the widest common sans-serif at 11 px."""

CHIP_CHARACTER: Final = 5.9
CHIP_PADDING: Final = 14
CHIP_GAP: Final = 6
STYLE: Final = """\
text { font-family: system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; text-anchor: middle }
.name { font-size: 14px; font-weight: 600; fill: var(--ink) }
.caption { font-size: 11px; fill: var(--faint) }
.chip text { font-size: 10.5px; fill: var(--ink) }
.chip rect { fill: var(--paper); stroke: var(--line); stroke-width: .8 }
.box { fill: var(--box); stroke: var(--line); stroke-width: 1.2 }
.box.outer { fill: var(--outer); stroke: var(--outer-line) }
.box.middle { fill: var(--middle); stroke: var(--middle-line) }
.box.inner { fill: var(--inner); stroke: var(--inner-line) }
.edge { fill: none; stroke: var(--edge); stroke-width: 1.4 }
.head { fill: var(--edge) }
svg { --ink: #1c2128; --faint: #59636e; --paper: #ffffff; --line: #c9d1d9; --edge: #8b949e; --box: #f6f8fa;
  --outer: #fff4e5; --outer-line: #e0b070; --middle: #e8f1fe; --middle-line: #7fa8e0;
  --inner: #e7f6ec; --inner-line: #74b68a }
@media (prefers-color-scheme: dark) {
  svg { --ink: #e6edf3; --faint: #9aa5b1; --paper: #12161c; --line: #3d444d; --edge: #7d8590; --box: #1b2128;
    --outer: #33270f; --outer-line: #8a6a33; --middle: #14263f; --middle-line: #3d6aa8;
    --inner: #12301e; --inner-line: #3d7d55 }
}"""

Graph = dict[str, set[str]]
"""Room → the rooms that it imports."""


@functools.cache
def picture() -> str:
    """The text of the picture, which is drawn once."""
    graph = without_implied(room_graph(SOURCE, read_own_imports()))
    return draw(lay_out(graph, width, BOX_GAP))


def room_graph(source: Path, imports: Iterable[Import]) -> Graph:
    """Which room imports which, inner rooms counted as the room around them.

    Args:
        source: the folder that holds the package.
        imports: those of the package.
    """
    graph: Graph = defaultdict(set)
    for found in imports:
        importer = box_of(found.module, source)
        if importer in LEFT_OUT or not found.meanings[0].startswith("callwell"):
            continue
        imported = box_of(found.meanings[-1], source)
        graph[imported] = graph[imported]
        if imported != importer:
            graph[importer].add(imported)
    return {room: graph[room] for room in sorted(graph)}


def box_of(module: str, source: Path) -> str:
    """The box of a module. `from callwell import Client` means a name of the package, not a room."""
    room = module.partition(".")[2].partition(".")[0]
    if room in BASE_MODULES:
        return BASE
    path = source / "callwell" / room
    return room if room and (path.is_dir() or path.with_suffix(".py").is_file()) else PUBLIC


def without_implied(graph: Graph) -> Graph:
    """The graph without edges that lead where a longer way leads as well."""

    def reachable(room: str) -> set[str]:
        rooms: set[str] = set()
        for other in graph[room]:
            rooms |= {other} | reachable(other)
        return rooms

    return {
        room: {other for other in others if not any(other in reachable(third) for third in others)}
        for room, others in graph.items()
    }


def width(name: str) -> float:
    """The width of a room's box."""
    caption = len(CAPTIONS.get(name, "")) * CAPTION_CHARACTER + 24
    chips = sum(chip_width(chip) + CHIP_GAP for chip in inner_rooms(name)) + 24
    return max(MIN_BOX_WIDTH, caption, chips)


def chip_width(name: str) -> float:
    """The width of the small box of an inner room."""
    return len(name) * CHIP_CHARACTER + CHIP_PADDING


def inner_rooms(name: str) -> list[str]:
    """The folders that a box lists: neither generated counterparts nor the data of providers."""
    if name == BASE:
        return list(BASE_MODULES)
    folder = SOURCE / "callwell" / name
    if name in {"providers", "emulator"} or not folder.is_dir():
        return []
    return sorted(path.parent.name for path in folder.glob("*/__init__.py") if path.parent.name != "_sync")


def draw(layout: Layout) -> str:
    """The picture of rooms at their places."""
    heights = [max(_height(name) for name, _ in row) for row in layout.rows]
    tops: dict[int, float] = {}
    y = float(MARGIN)
    for row in range(len(heights) - 1, -1, -1):
        tops[row] = y
        y += heights[row] + ROW_GAP
    middles = {node: middle + MARGIN for node, middle in layout.middles.items()}
    boxes = [node for row in layout.rows for node in row if not is_point(node)]
    total_width = max(middles[node] + width(node[0]) / 2 for node in boxes) + MARGIN
    total_height = y - ROW_GAP + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total_width:.0f} {total_height:.0f}" role="img">',
        "<title>The rooms of Callwell: every arrow is an import, and all point down</title>",
        f"<style>\n{STYLE}\n</style>",
    ]
    ports = _ports(layout.edges, middles)
    lines += [_edge(edge, ports, middles, tops, heights) for edge in layout.edges]
    client = next(row for name, row in boxes if name == "client")
    lines += [_box(node, middles[node], tops[node[1]], _shade(node[1], client)) for node in boxes]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _height(name: str) -> int:
    return ROOM_HEIGHT if inner_rooms(name) else BOX_HEIGHT


def _shade(row: int, client: int) -> str:
    """The colour of a row: of the core, of the client, and of what is outside of it; the rest has none."""
    if row == 0:
        return "inner"
    if row == client:
        return "middle"
    return "outer" if row > client else ""


def _ports(edges: list[Edge], middles: dict[Node, float]) -> dict[tuple[Edge, Node], float]:
    """Where each edge leaves its first node and meets its last: side by side, in the order of where they go."""
    ends: dict[tuple[Node, bool], list[tuple[float, Edge]]] = defaultdict(list)
    for edge in edges:
        ends[edge.nodes[0], True].append((middles[edge.nodes[1]], edge))
        ends[edge.nodes[-1], False].append((middles[edge.nodes[-2]], edge))
    ports = {}
    for (node, _), found in ends.items():
        step = min(22.0, (width(node[0]) - 40) / len(found))
        for index, (_, edge) in enumerate(sorted(found)):
            ports[edge, node] = middles[node] + (index - (len(found) - 1) / 2) * step
    return ports


def _edge(
    edge: Edge,
    ports: dict[tuple[Edge, Node], float],
    middles: dict[Node, float],
    tops: dict[int, float],
    heights: list[int],
) -> str:
    """An arrow: curves between the rows, and straight lines through the rows that it passes."""
    first = edge.nodes[0]
    x = ports[edge, first]
    y = tops[first[1]] + _height(first[0])
    path = [f"M{x:.1f} {y:.1f}"]
    for node in edge.nodes[1:]:
        to_x = ports.get((edge, node), middles[node])
        to_y = tops[node[1]]
        bend = (y + to_y) / 2
        path.append(f"C{x:.1f} {bend:.1f} {to_x:.1f} {bend:.1f} {to_x:.1f} {to_y:.1f}")
        x = to_x
        y = to_y
        if node != edge.nodes[-1]:
            y += heights[node[1]]
            path.append(f"V{y:.1f}")
    head = f"M{x:.1f} {y:.1f}l-3.5 -7h7z"
    return f'<path class="edge" d="{"".join(path)}"/><path class="head" d="{head}"/>'


def _box(node: Node, middle: float, top: float, shade: str) -> str:
    """A room with its name, its caption and the names of what is in it."""
    name = node[0]
    height = _height(name)
    box_width = width(name)
    left = middle - box_width / 2
    parts = [
        f'<rect class="box {shade}" x="{left:.1f}" y="{top:.1f}" width="{box_width:.1f}" height="{height}" rx="8"/>',
        f'<text class="name" x="{middle:.1f}" y="{top + 20:.1f}">{escape(name)}</text>',
        f'<text class="caption" x="{middle:.1f}" y="{top + 36:.1f}">{escape(CAPTIONS.get(name, ""))}</text>',
    ]
    chips = inner_rooms(name)
    x = middle - (sum(chip_width(chip) + CHIP_GAP for chip in chips) - CHIP_GAP) / 2
    for chip in chips:
        chip_middle = x + chip_width(chip) / 2
        rect = f'<rect x="{x:.1f}" y="{top + 47:.1f}" width="{chip_width(chip):.1f}" height="19" rx="9.5"/>'
        text = f'<text x="{chip_middle:.1f}" y="{top + 60:.1f}">{escape(chip)}</text>'
        parts.append(f'<g class="chip">{rect}{text}</g>')
        x += chip_width(chip) + CHIP_GAP
    return "".join(parts)


def main() -> int:
    """Write the picture."""
    (ROOT / PICTURE).write_text(picture(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
