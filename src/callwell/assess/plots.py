# SPDX-License-Identifier: Apache-2.0
"""Plots as SVG images inside an HTML page, drawn by matplotlib if it is installed."""

from __future__ import annotations

import base64
import io
import warnings
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

WIDTH: Final = 8.0
"""Inches."""

BAR_HEIGHT: Final = 0.24
"""Inches per bar, so that its label in `FONT_SIZE` gets its own line."""

HISTOGRAM_HEIGHT: Final = 3.2
"""Inches: the image is two and a half times as wide as it is high."""

AXIS_HEIGHT: Final = 1.0
"""Inches of the axis below the bars and its label."""

BEST_SCORE: Final = 100
BINS: Final = 20
"""Bins of five points each."""

MAX_LABEL: Final = 48
"""The longest label that is not cut; most names of files and people are shorter."""

FONT_SIZE: Final = 9
"""Points."""


def is_installed() -> bool:
    """Whether plots can be drawn."""
    try:
        import matplotlib.figure  # noqa: F401 - only whether it is there
    except ModuleNotFoundError:
        return False
    return True


def histogram(scores: Sequence[float]) -> str:
    """A histogram of scores, as a `data:` URL."""
    top = max(BEST_SCORE, *scores)

    def draw(axes: Axes) -> None:
        axes.hist(scores, bins=BINS, range=(0, top), edgecolor="white")
        axes.set_xlim(0, top)
        axes.set_xlabel("score")
        axes.set_ylabel("recordings")
        use_whole_ticks(axes.yaxis)

    return _data_url(draw, HISTOGRAM_HEIGHT)


def bars(labels: Sequence[str], values: Sequence[float]) -> str:
    """A bar for each label, the first on top, as a `data:` URL."""
    positions = range(len(values))

    def draw(axes: Axes) -> None:
        axes.bar_label(axes.barh(positions, values), fmt="%.1f", padding=3)
        axes.set_yticks(positions, [_shorten(label) for label in labels])
        axes.set_xlim(0, 1.1 * max(BEST_SCORE, *values))
        axes.set_ylim(len(values) - 0.4, -0.6)
        axes.set_xlabel("mean score")
        use_whole_ticks(axes.xaxis)

    return _data_url(draw, AXIS_HEIGHT + BAR_HEIGHT * len(values))


def use_whole_ticks(axis: Axis) -> None:
    """Put ticks at whole numbers only, at most eight of them."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    axis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 2.5, 5, 10], integer=True, min_n_ticks=1))
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def _shorten(name: str) -> str:
    """Cut the middle out of a very long name, since names differ at their ends."""
    if len(name) <= MAX_LABEL:
        return name
    half = MAX_LABEL // 2
    return f"{name[: half - 1]}…{name[-half:]}"


def _data_url(draw: Callable[[Axes], None], height: float) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    out = io.BytesIO()
    # Text stays text, the same numbers give the same bytes, and a dollar sign does not start a formula.
    style = mpl.rc_context(
        {"svg.fonttype": "none", "svg.hashsalt": "callwell", "text.parse_math": False, "font.size": FONT_SIZE}
    )
    with style, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about missing glyphs: the text stays text, and the browser has the fonts
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        figure.savefig(out, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"
