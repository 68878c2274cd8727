# SPDX-License-Identifier: Apache-2.0
"""Views that the control port has reported, and what is counted of them: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# A view of 5 s counts, unless `viewDuration` says otherwise.
DEFAULT_VIEW_S: Final = 5
DAY_S: Final = 86_400


class PlayerView(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One load of a player.

    Attributes:
        media_id: the ID of a video or live stream.
        media_type: which of them it is.
        at: when, epoch seconds; None for when it was reported.
        viewer: the viewer, for unique counts.
        play: it was played.
        end: it was watched to the end.
        impression_ms: how long it took to load.
        watch_s: how long it was watched.
        continent: of the viewer.
        country: the same.
        device_type: the same.
        operating_system: the same.
        browser: the same.
        referrer: where it was embedded.
    """

    media_id: str
    media_type: Literal["video", "live-stream"] = "video"
    at: float | None = None
    viewer: str = ""
    play: bool = True
    end: bool = False
    impression_ms: float = 0.0
    watch_s: float = 0.0
    continent: str = ""
    country: str = ""
    device_type: str = ""
    operating_system: str = ""
    browser: str = ""
    referrer: str = ""


class MetricQuery(msgspec.Struct, frozen=True):
    """How views are counted: whether each viewer counts once a day, and from how many seconds on a view counts."""

    unique: bool = False
    min_s: int = DEFAULT_VIEW_S


def play_count(views: Sequence[PlayerView], query: MetricQuery) -> float:  # noqa: ARG001 - one shape for all metrics
    """Return how many times something was played."""
    return sum(view.play for view in views)


def play_rate(views: Sequence[PlayerView], query: MetricQuery) -> float:
    """Return plays per impression."""
    return play_count(views, query) / len(views) if views else 0.0


def end_count(views: Sequence[PlayerView], query: MetricQuery) -> float:  # noqa: ARG001 - one shape for all metrics
    """Return how many times something was watched to the end."""
    return sum(view.end for view in views)


def impression_count(views: Sequence[PlayerView], query: MetricQuery) -> float:  # noqa: ARG001 - one shape for all metrics
    """Return how many times a player was ready."""
    return len(views)


def loading_ms(views: Sequence[PlayerView], query: MetricQuery) -> float:  # noqa: ARG001 - one shape for all metrics
    """Return the milliseconds of loading in all."""
    return sum(view.impression_ms for view in views)


def watched_s(views: Sequence[PlayerView], query: MetricQuery) -> float:  # noqa: ARG001 - one shape for all metrics
    """Return the seconds of watching in all."""
    return sum(view.watch_s for view in views)


def view_count(views: Sequence[PlayerView], query: MetricQuery) -> float:
    """Return how many views were long enough."""
    counted = [view for view in views if view.watch_s >= query.min_s]
    if not query.unique:
        return len(counted)
    return len({(view.viewer, int((view.at or 0) // DAY_S)) for view in counted})


def peak_viewers(views: Sequence[PlayerView], query: MetricQuery) -> float:
    """Return the most viewers at the same time."""
    return max((_viewers_at(views, view.at or 0.0, query) for view in views), default=0)


def average_viewers(views: Sequence[PlayerView], query: MetricQuery) -> float:
    """Return the mean number of viewers at the moments when views began."""
    return sum(_viewers_at(views, view.at or 0.0, query) for view in views) / len(views) if views else 0.0


def _viewers_at(views: Sequence[PlayerView], moment: float, query: MetricQuery) -> int:
    # A view lasts a second at least, so that one without watching counts at its beginning.
    watching = [view for view in views if (view.at or 0.0) <= moment < (view.at or 0.0) + max(view.watch_s, 1.0)]
    return len({view.viewer for view in watching}) if query.unique else len(watching)


def per_view(
    total: Callable[[Sequence[PlayerView], MetricQuery], float],
) -> Callable[[Sequence[PlayerView], MetricQuery], float]:
    """Return a metric that divides a total by the number of views."""
    return lambda views, query: total(views, query) / len(views) if views else 0.0


METRICS: Final[Mapping[str, Callable[[Sequence[PlayerView], MetricQuery], float]]] = {
    "play": play_count,
    "play-rate": play_rate,
    "play-total": play_count,
    "start": play_count,
    "end": end_count,
    "impression": impression_count,
    "ccv-peak": peak_viewers,
    "ccv-average": average_viewers,
    "view": view_count,
}
AGGREGATES: Final[Mapping[tuple[str, str], Callable[[Sequence[PlayerView], MetricQuery], float]]] = {
    ("play", "count"): play_count,
    ("play", "rate"): play_rate,
    ("play", "total"): play_count,
    ("start", "count"): play_count,
    ("end", "count"): end_count,
    ("impression", "count"): impression_count,
    ("impression-time", "average"): per_view(loading_ms),
    ("impression-time", "sum"): loading_ms,
    ("watch-time", "average"): per_view(watched_s),
    ("watch-time", "sum"): watched_s,
    ("ccv", "peak"): peak_viewers,
    ("ccv", "average"): average_viewers,
    ("ccv", "live"): peak_viewers,
    ("view", "count"): view_count,
}
