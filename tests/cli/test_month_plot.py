# SPDX-License-Identifier: Apache-2.0
"""Users by month, drawn: whole numbers, bars of a sensible width, a title that is inside."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from callwell.cli import month_plot
from callwell.errors import FileProblem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def one(_: int) -> int:
    """One user in every month."""
    return 1


def few(month: int) -> int:
    """One more in every month."""
    return month + 1


def millions(month: int) -> int:
    """So many that their numbers are long."""
    return 1_234_567 + 1_000 * month


def months(count: int, users: Callable[[int], int] = few) -> dict[str, int]:
    """So many months from April 2024 on."""
    return {f"{2024 + (3 + n) // 12}-{(3 + n) % 12 + 1:02}": users(n) for n in range(count)}


def figure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, title: str, counted: dict[str, int]) -> Any:
    """The figure as it is drawn, but not rendered to pixels: that takes most of the time."""
    from matplotlib.figure import Figure

    drawn: list[Any] = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *_, **__: drawn.append(self))
    month_plot.draw(str(tmp_path / "users.png"), title, counted)
    drawn[0].draw_without_rendering()
    return drawn[0]


def test_no_month_is_left_out() -> None:
    """A month without users has none; over a year's end too."""
    assert month_plot.every_month({"2024-11": 3, "2025-02": 1}) == {
        "2024-11": 3,
        "2024-12": 0,
        "2025-01": 0,
        "2025-02": 1,
    }
    assert month_plot.every_month({}) == {}


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_bars_fit_a_terminal(columns: int) -> None:
    """The longest fits, the smallest is seen, and a month without users has no bar."""
    longest = month_plot.bar(1_000_000, 1_000_000, columns)
    assert 1 <= len(longest) <= max(1, columns - 20)
    assert month_plot.bar(1, 1_000_000, columns) == "█"
    assert month_plot.bar(0, 5, columns) == ""


@pytest.mark.parametrize(
    ("count", "users"),
    [(1, one), (1, millions), (2, few), (6, one), (12, few), (24, millions), (60, few)],
    ids=["1-one", "1-millions", "2-few", "6-one", "12-few", "24-millions", "60-few"],
)
def test_a_picture_that_can_be_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, count: int, users: Any) -> None:
    """From one month to five years, from one user to millions: everything is inside, and nothing is on another."""
    pytest.importorskip("matplotlib")
    shown = figure(monkeypatch, tmp_path, "Language Confidence: monthly active users", months(count, users))
    [axes] = shown.axes
    paper = shown.bbox
    for text in (shown._suptitle, axes.yaxis.label, *axes.get_xticklabels(), *axes.texts):
        box = text.get_window_extent()
        assert (paper.x0 <= box.x0, box.x1 <= paper.x1, paper.y0 <= box.y0, box.y1 <= paper.y1) == (True,) * 4, text
    numbers = [text.get_window_extent() for text in axes.texts]
    assert not [one for one, other in pairwise(numbers) if one.x1 > other.x0]
    ticks = [yticklabel.get_text() for yticklabel in axes.get_yticklabels()]
    assert len(set(ticks)) == len(ticks)
    assert not [tick for tick in ticks if "." in tick]
    bar = axes.patches[0].get_window_extent()
    assert bar.width < shown.bbox.width / 6


def test_long_titles_are_broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A title in several lines is inside too, and a dollar sign is one."""
    pytest.importorskip("matplotlib")
    title = "A provider with a long title, for $reasons$ " * 4
    shown = figure(monkeypatch, tmp_path, title, months(2))
    box = shown._suptitle.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= shown.bbox.x1
    assert "$reasons$" in shown._suptitle.get_text()


@pytest.mark.parametrize("counted", [{}, months(60)], ids=["nobody", "bars"])
def test_a_picture_is_written(tmp_path: Path, counted: dict[str, int]) -> None:
    """With bars, and without: then it says so."""
    pytest.importorskip("matplotlib")
    month_plot.draw(str(tmp_path / "users.png"), "Title", counted)
    assert (tmp_path / "users.png").read_bytes().startswith(b"\x89PNG")


def test_where_it_cannot_be_written(tmp_path: Path) -> None:
    """One sentence with the reason."""
    pytest.importorskip("matplotlib")
    with pytest.raises(FileProblem, match="cannot be written: No such file or directory"):
        month_plot.draw(str(tmp_path / "no" / "users.png"), "Title", months(1))


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    """Drawing says nothing about it."""
    pytest.importorskip("matplotlib")
    code = "from callwell.cli.month_plot import draw; draw('users.png', 'Title', {'2026-11': 2})"
    home = {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null", "XDG_CONFIG_HOME": "/dev/null"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=home, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
