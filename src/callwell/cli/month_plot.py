# SPDX-License-Identifier: Apache-2.0
"""End users by month, as bars in a terminal and as a picture that can be shown."""

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
"""Characters of the longest bar in a terminal, where there is room for it."""

BESIDE: Final = 24
"""Columns that month, number and the space between them take at most."""

NARROWEST: Final = 7.0
WIDEST: Final = 14.0
HEIGHT: Final = 4.0
"""Inches of a picture."""

MONTH: Final = 0.6
"""Inches of a month, as long as the picture is not at its widest."""

FEWEST: Final = 6
"""Months that a picture has room for at least, so that a single one is no wall."""

MOST_NUMBERS: Final = 36
"""Months up to which each bar has its number."""

MOST_NAMES: Final = 24
"""Months that are named below their bars; of more, every second, and so on."""

PAD: Final = 0.12
"""Inches around everything."""

CHARACTER: Final = 0.09
"""Inches of a digit above a bar."""

TITLE: Final = 60
"""Characters of a line of the title."""

DOTS_PER_INCH: Final = 150
MISSING: Final = "a picture needs matplotlib, which is not installed (no {name}): {install}"


def every_month(months: Mapping[str, int]) -> dict[str, int]:
    """All months from the first to the last: one without a user has none, and is not left out.

    Args:
        months: users by month, `2026-11`, in order.
    """
    if not months:
        return {}
    first = _number(min(months))
    last = _number(max(months))
    named = [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(first, last + 1)]
    return {name: months.get(name, 0) for name in named}


def bar(users: int, most: int, columns: int) -> str:
    """A bar for a terminal: as long as its share of the largest, and never nothing where there is somebody.

    Args:
        users: of the month.
        most: of the month with the most.
        columns: of the terminal.
    """
    longest = max(1, min(BAR, columns - BESIDE))
    return "█" * max(1, round(longest * users / most)) if users else ""


def draw(path: str, title: str, months: Mapping[str, int]) -> None:
    """Write a picture.

    Args:
        path: of the file, a PNG.
        title: what is above the bars.
        months: users by month.

    Raises:
        UsageError: matplotlib is not installed.
        FileProblem: the file cannot be written.
    """
    # A home that cannot be written is no news here: it would tell about its fonts.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ModuleNotFoundError as error:
        raise UsageError(MISSING.format(name=error.name, install=install_command("plot"))) from error
    width = min(WIDEST, max(NARROWEST, MONTH * len(months) + 1))
    with rc_context({"text.parse_math": False, "font.size": 10}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that its font does not have
        layout = ConstrainedLayoutEngine(w_pad=PAD, h_pad=PAD)
        figure = Figure(figsize=(width, HEIGHT), layout=layout)
        figure.suptitle("\n".join(textwrap.wrap(title, TITLE)), fontsize=13)
        axes = figure.add_subplot()
        if months:
            _bars(axes, every_month(months), width)
        else:
            axes.set_axis_off()
            axes.text(0.5, 0.5, "no end user was seen yet", ha="center", transform=axes.transAxes)
        drawn = io.BytesIO()
        figure.savefig(drawn, dpi=DOTS_PER_INCH, format="png")
        try:
            folders.write(Path(path), [drawn.getvalue()])
        except OSError as error:
            raise FileProblem(f"{path} cannot be written: {error.strerror}") from error


def _bars(axes: Axes, months: Mapping[str, int], width: float) -> None:
    from callwell.assess.plots import whole_numbers

    places = range(len(months))
    texts = [f"{users:,}" for users in months.values()]
    room = width / max(FEWEST, len(months))
    upright = max(map(len, texts)) * CHARACTER > room
    bars = axes.bar(places, list(months.values()), width=0.7, color="#2a6db0")
    if len(months) <= MOST_NUMBERS:
        axes.bar_label(bars, texts, padding=3, fontsize=9, rotation=90 if upright else 0)
    every = ceil(len(months) / MOST_NAMES)
    axes.set_xticks(places[::every], list(months)[::every], rotation=45, ha="right", rotation_mode="anchor")
    beside = max(0, FEWEST - len(months)) / 2
    axes.set_xlim(-0.6 - beside, len(months) - 0.4 + beside)
    axes.set_ylim(0, max(1, *months.values()) * (1.35 if upright else 1.12))
    axes.set_ylabel("end users")
    whole_numbers(axes.yaxis)
    axes.spines[["top", "right"]].set_visible(False)


def _number(month: str) -> int:
    year, _, of_year = month.partition("-")
    return int(year) * 12 + int(of_year) - 1
