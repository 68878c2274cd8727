# SPDX-License-Identifier: Apache-2.0
"""End users by month, as a bar chart in the terminal or as a PNG."""

from __future__ import annotations

import io
import logging
import textwrap
import warnings
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from callwell import folders
from callwell.errors import FileProblem, UsageError
from callwell.extras import install_command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

BAR: Final = 40
"""Characters of the longest bar in a terminal, if there is room."""

MONTH_AND_NUMBER: Final = 24
"""Columns of the month, the number and the gaps, at most."""

MIN_WIDTH: Final = 7.0
MAX_WIDTH: Final = 14.0
HEIGHT: Final = 4.0
"""Inches: what fits a page and a wide slide."""

MONTH_WIDTH: Final = 0.6
"""Inches of a month, until the picture is at its widest."""

MIN_MONTHS: Final = 6
"""The picture has room for at least this many months, so that a single bar does not fill it."""

MAX_NUMBERS: Final = 36
"""Up to this many months, each bar has its number; more would overlap."""

MAX_NAMES: Final = 24
"""Up to this many months, each is named below its bar; then every second one, and so on."""

PAD: Final = 0.12
"""Inches of margin."""

DIGIT_WIDTH: Final = 0.09
"""Inches of a digit above a bar, in 9 points."""

TITLE_WIDTH: Final = 60
"""Characters of a line of the title, in 13 points on the narrowest picture."""

DOTS_PER_INCH: Final = 150
NOT_INSTALLED: Final = "drawing a picture needs matplotlib, and {name} is not installed; run: {install}"


def every_month(months: Mapping[str, int]) -> dict[str, int]:
    """All months from the first to the last, with 0 for a month without users.

    Args:
        months: users by month (`2026-11`).
    """
    if not months:
        return {}
    first = _month_number(min(months))
    last = _month_number(max(months))
    names = [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(first, last + 1)]
    return {name: months.get(name, 0) for name in names}


def bar(users: int, max_users: int, columns: int) -> str:
    """A month's bar in a terminal: in proportion to the largest month, and never empty if there are users.

    Args:
        users: the users of this month.
        max_users: the users of the largest month.
        columns: the width of the terminal.
    """
    longest = max(1, min(BAR, columns - MONTH_AND_NUMBER))
    return "█" * max(1, round(longest * users / max_users)) if users else ""


def draw(path: str, title: str, months: Mapping[str, int]) -> None:
    """Write the picture.

    Args:
        path: the PNG file.
        title: the text above the bars.
        months: users by month.

    Raises:
        UsageError: matplotlib is not installed.
        FileProblem: the file cannot be written.
    """
    # Matplotlib warns about fonts if it cannot write to the home folder; that does not matter here.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ModuleNotFoundError as error:
        raise UsageError(NOT_INSTALLED.format(name=error.name, install=install_command("plot"))) from error
    width = min(MAX_WIDTH, max(MIN_WIDTH, MONTH_WIDTH * len(months) + 1))
    with rc_context({"text.parse_math": False, "font.size": 10}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about letters its font does not have
        layout = ConstrainedLayoutEngine(w_pad=PAD, h_pad=PAD)
        figure = Figure(figsize=(width, HEIGHT), layout=layout)
        figure.suptitle("\n".join(textwrap.wrap(title, TITLE_WIDTH)), fontsize=13)
        axes = figure.add_subplot()
        if months:
            _bars(axes, every_month(months), width)
        else:
            axes.set_axis_off()
            axes.text(0.5, 0.5, "no end users yet", ha="center", transform=axes.transAxes)
        drawn = io.BytesIO()
        figure.savefig(drawn, dpi=DOTS_PER_INCH, format="png")
        try:
            folders.write(Path(path), [drawn.getvalue()])
        except OSError as error:
            raise FileProblem(f"{path} cannot be written: {error.strerror}") from error


def _bars(axes: Axes, months: Mapping[str, int], width: float) -> None:
    from callwell.assess.plots import use_whole_ticks

    positions = range(len(months))
    texts = [f"{users:,}" for users in months.values()]
    room_per_bar = width / max(MIN_MONTHS, len(months))
    upright = max(map(len, texts)) * DIGIT_WIDTH > room_per_bar
    bars = axes.bar(positions, list(months.values()), width=0.7, color="#2a6db0")
    if len(months) <= MAX_NUMBERS:
        axes.bar_label(bars, texts, padding=3, fontsize=9, rotation=90 if upright else 0)
    every = ceil(len(months) / MAX_NAMES)
    axes.set_xticks(positions[::every], list(months)[::every], rotation=45, ha="right", rotation_mode="anchor")
    margin = max(0, MIN_MONTHS - len(months)) / 2
    axes.set_xlim(-0.6 - margin, len(months) - 0.4 + margin)
    axes.set_ylim(0, max(1, *months.values()) * (1.35 if upright else 1.12))
    axes.set_ylabel("end users")
    use_whole_ticks(axes.yaxis)
    axes.spines[["top", "right"]].set_visible(False)


def _month_number(month: str) -> int:
    year, _, number = month.partition("-")
    return int(year) * 12 + int(number) - 1
