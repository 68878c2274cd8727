# SPDX-License-Identifier: Apache-2.0
"""Places the nodes of a graph without circles in rows, so that all edges point down and few cross.

    1. Rows       A node's row is the longest way from it down to a node without edges.
    2. Points     An edge over several rows gets an invisible point in each row between, so that it has room to pass.
    3. Order      Each row is sorted by the mean position of its neighbours, down and up again, and the order with the
                  fewest crossings is kept (the method of Sugiyama, Tagawa and Toda, 1981).
    4. Places     Nodes move towards their neighbours as far as the order and the gaps allow.

Nothing is left to chance, so a graph has one layout.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Node = tuple[str, int]
"""A node of the graph, or a point of a passing edge: its name (`from>to` for a point), and its row from the bottom."""

SWEEPS: Final = 24
"""More sweeps change nothing any more in a graph of some forty nodes."""

POINT_WIDTH: Final = 10.0
STRAIGHTNESS: Final = 6
"""How much more a point follows the points of its own edge than other nodes: long edges become straight."""


class Edge(NamedTuple):
    """One arrow.

    Attributes:
        nodes: from its first node, over the points in the rows between, to its last.
    """

    nodes: tuple[Node, ...]


class Layout(NamedTuple):
    """Where everything is.

    Attributes:
        rows: the nodes of each row from left to right; the rows from the bottom.
        middles: how far to the right the middle of each node is.
        edges: the arrows.
    """

    rows: list[list[Node]]
    middles: dict[Node, float]
    edges: list[Edge]


def lay_out(graph: Mapping[str, set[str]], width: Callable[[str], float], gap: float) -> Layout:
    """Place the nodes of a graph.

    Args:
        graph: node → the nodes that its edges lead to; without circles.
        width: the width of a node.
        gap: the least room between two nodes.
    """
    rows = rows_of(graph)
    edges = split_edges(graph, rows)
    order = sort_rows(rows, edges)
    widths = {node: POINT_WIDTH if is_point(node) else width(node[0]) for row in order for node in row}
    return Layout(rows=order, middles=place_nodes(order, edges, widths, gap), edges=edges)


def is_point(node: Node) -> bool:
    """Whether a node is only the point of a passing edge."""
    return ">" in node[0]


def rows_of(graph: Mapping[str, set[str]]) -> dict[str, int]:
    """The row of each node, from 0 at the bottom: the length of the longest way down."""
    rows: dict[str, int] = {}

    def row(name: str) -> int:
        if name not in rows:
            rows[name] = 1 + max((row(other) for other in sorted(graph[name])), default=-1)
        return rows[name]

    for name in graph:
        row(name)
    return rows


def split_edges(graph: Mapping[str, set[str]], rows: dict[str, int]) -> list[Edge]:
    """The edges, each with a point in every row that it passes."""
    edges = []
    for name, others in graph.items():
        for other in sorted(others):
            points = [(f"{name}>{other}", row) for row in range(rows[name] - 1, rows[other], -1)]
            edges.append(Edge(nodes=((name, rows[name]), *points, (other, rows[other]))))
    return edges


def sort_rows(rows: dict[str, int], edges: list[Edge]) -> list[list[Node]]:
    """The nodes of each row from left to right, with as few crossings as the sweeps find."""
    order: list[list[Node]] = [[] for _ in range(max(rows.values()) + 1)]
    for name, row in rows.items():
        order[row].append((name, row))
    for edge in edges:
        for point in edge.nodes[1:-1]:
            order[point[1]].append(point)
    below, above = _neighbours(edges)
    best = [list(row) for row in order]
    for sweep in range(SWEEPS):
        is_upward = sweep % 2 == 0
        neighbours = below if is_upward else above
        numbers = range(len(order)) if is_upward else range(len(order) - 1, -1, -1)
        for number in numbers:
            positions = _relative_positions(order)
            order[number] = sorted(order[number], key=partial(_sort_key, neighbours, positions))
        if count_crossings(order, edges) < count_crossings(best, edges):
            best = [list(row) for row in order]
    return best


def _neighbours(edges: list[Edge]) -> tuple[dict[Node, list[Node]], dict[Node, list[Node]]]:
    """The neighbours of each node in the row below, and in the row above."""
    below: dict[Node, list[Node]] = defaultdict(list)
    above: dict[Node, list[Node]] = defaultdict(list)
    for edge in edges:
        for upper, lower in pairwise(edge.nodes):
            below[upper].append(lower)
            above[lower].append(upper)
    return below, above


def _relative_positions(order: list[list[Node]]) -> dict[Node, float]:
    """How far to the right each node is in its row, from 0 to 1, so that rows of any length can be compared."""
    return {node: (index + 0.5) / len(row) for row in order for index, node in enumerate(row)}


def _sort_key(neighbours: dict[Node, list[Node]], positions: dict[Node, float], node: Node) -> tuple[float, Node]:
    """Where a node should be in its row: at the mean of its neighbours, or where it is; then by name."""
    near = neighbours.get(node, [node])
    return fmean(positions[neighbour] for neighbour in near), node


def count_crossings(order: list[list[Node]], edges: list[Edge]) -> int:
    """How many pairs of edges cross between two rows."""
    index = {node: position for row in order for position, node in enumerate(row)}
    steps: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for edge in edges:
        for upper, lower in pairwise(edge.nodes):
            steps[upper[1]].append((index[upper], index[lower]))
    return sum(
        (pair[0] - other_pair[0]) * (pair[1] - other_pair[1]) < 0
        for pairs in steps.values()
        for number, pair in enumerate(pairs)
        for other_pair in pairs[:number]
    )


def place_nodes(order: list[list[Node]], edges: list[Edge], widths: dict[Node, float], gap: float) -> dict[Node, float]:
    """The middle of each node, from 0 at the left: close to its neighbours, in the order of its row."""
    below, above = _neighbours(edges)
    middles: dict[Node, float] = {}
    for row in order:
        middles |= _without_overlap(row, dict.fromkeys(row, 0.0), widths, gap)
    for sweep in range(SWEEPS):
        for row in order if sweep % 2 == 0 else reversed(order):
            wanted = {node: _wanted(node, [*below.get(node, []), *above.get(node, [])], middles) for node in row}
            middles |= _without_overlap(row, wanted, widths, gap)
    left = min(middle - widths[node] / 2 for node, middle in middles.items())
    return {node: middle - left for node, middle in middles.items()}


def _wanted(node: Node, neighbours: list[Node], middles: dict[Node, float]) -> float:
    """Where a node would be best."""
    places = [middles[node]] if not neighbours else []
    for other in neighbours:
        places += [middles[other]] * (STRAIGHTNESS if is_point(node) and is_point(other) else 1)
    return fmean(places)


def _without_overlap(
    row: list[Node], wanted: dict[Node, float], widths: dict[Node, float], gap: float
) -> dict[Node, float]:
    """The places nearest to the wanted ones that keep the order and the gaps.

    Pushing to the right and pushing to the left each give places that fit; so does their mean, which favours no side.
    """
    steps = [(widths[node] + widths[next_node]) / 2 + gap for node, next_node in pairwise(row)]
    to_right = [wanted[node] for node in row]
    to_left = list(to_right)
    for index, step in enumerate(steps):
        to_right[index + 1] = max(to_right[index + 1], to_right[index] + step)
    for index in range(len(steps) - 1, -1, -1):
        to_left[index] = min(to_left[index], to_left[index + 1] - steps[index])
    return {node: (right + left) / 2 for node, right, left in zip(row, to_right, to_left, strict=True)}
