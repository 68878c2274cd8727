# SPDX-License-Identifier: Apache-2.0
"""Plots as pictures in the text of a page, by matplotlib, where that is installed."""

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
BAR: Final = 0.24
"""Inches of a bar."""

BEST: Final = 100
BINS: Final = 20
LONGEST: Final = 48
"""Characters of a label that is shown whole; names of files and people are shorter."""

SMALL: Final = 9
"""Points of letters."""


def installed() -> bool:
    """Whether plots can be drawn."""
    try:
        import matplotlib.figure  # noqa: F401 - only whether it is there
    except ModuleNotFoundError:
        return False
    return True


def histogram(scores: Sequence[float]) -> str:
    """How scores are distributed, as an address that holds the picture."""
    top = max(BEST, *scores)

    def draw(axes: Axes) -> None:
        axes.hist(scores, bins=BINS, range=(0, top), edgecolor="white")
        axes.set_xlim(0, top)
        axes.set_xlabel("score")
        axes.set_ylabel("recordings")
        whole_numbers(axes.yaxis)

    return _picture(draw, 3.2)


def bars(labels: Sequence[str], values: Sequence[float]) -> str:
    """A bar for each label, the first on top, as an address that holds the picture."""
    places = range(len(values))

    def draw(axes: Axes) -> None:
        axes.bar_label(axes.barh(places, values), fmt="%.1f", padding=3)
        axes.set_yticks(places, [_label(one) for one in labels])
        axes.set_xlim(0, 1.1 * max(BEST, *values))
        axes.set_ylim(len(values) - 0.4, -0.6)
        axes.set_xlabel("mean score")
        whole_numbers(axes.xaxis)

    return _picture(draw, 1.0 + BAR * len(values))


def whole_numbers(axis: Axis) -> None:
    """Ticks where there are whole things to count, and no more of them than can be read."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    axis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 2.5, 5, 10], integer=True, min_n_ticks=1))
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def _label(name: str) -> str:
    """A name, whole unless it is very long: then its beginning and its end, which tells names apart."""
    if len(name) <= LONGEST:
        return name
    half = LONGEST // 2
    return f"{name[: half - 1]}…{name[-half:]}"


def _picture(draw: Callable[[Axes], None], height: float) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    out = io.BytesIO()
    # Text stays text, the same numbers give the same picture, and a dollar sign is one.
    plain = mpl.rc_context(
        {"svg.fonttype": "none", "svg.hashsalt": "callwell", "text.parse_math": False, "font.size": SMALL}
    )
    with plain, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that its own font does not have: the reader's fonts draw them
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        figure.savefig(out, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"
