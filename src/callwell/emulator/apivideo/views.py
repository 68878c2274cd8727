# SPDX-License-Identifier: Apache-2.0
"""Views that the account was told about, and what can be counted of them: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

DEFAULT_VIEW_S: Final = 5


class View(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One load of a player.

    Attributes:
        media_id: of a video or live stream.
        media_type: which of them.
        at: when, epoch seconds; None for when it was told.
        viewer: who, for unique counts.
        play: whether it was played.
        end: whether it was watched to the end.
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
    """How views are counted: each viewer once a day, and from which length on."""

    unique: bool = False
    least_s: int = DEFAULT_VIEW_S


def play_count(views: Sequence[View], asked: MetricQuery) -> float:  # noqa: ARG001 - one shape for all metrics
    """How often something was played."""
    return sum(view.play for view in views)


def play_rate(views: Sequence[View], asked: MetricQuery) -> float:
    """Plays per impression."""
    return play_count(views, asked) / len(views) if views else 0.0


def end_count(views: Sequence[View], asked: MetricQuery) -> float:  # noqa: ARG001 - one shape for all metrics
    """How often something was watched to the end."""
    return sum(view.end for view in views)


def impression_count(views: Sequence[View], asked: MetricQuery) -> float:  # noqa: ARG001 - one shape for all metrics
    """How often a player was ready."""
    return len(views)


def loading_ms(views: Sequence[View], asked: MetricQuery) -> float:  # noqa: ARG001 - one shape for all metrics
    """Milliseconds of loading in all."""
    return sum(view.impression_ms for view in views)


def watched_s(views: Sequence[View], asked: MetricQuery) -> float:  # noqa: ARG001 - one shape for all metrics
    """Seconds of watching in all."""
    return sum(view.watch_s for view in views)


def view_count(views: Sequence[View], asked: MetricQuery) -> float:
    """Views that were long enough."""
    fitting = [view for view in views if view.watch_s >= asked.least_s]
    return len({(view.viewer, int((view.at or 0) // 86_400)) for view in fitting}) if asked.unique else len(fitting)


def peak_viewers(views: Sequence[View], asked: MetricQuery) -> float:
    """The most viewers at the same time."""
    return max((_viewers_at(views, view.at or 0.0, asked) for view in views), default=0)


def average_viewers(views: Sequence[View], asked: MetricQuery) -> float:
    """The mean number of viewers over the beginnings of views."""
    return sum(_viewers_at(views, view.at or 0.0, asked) for view in views) / len(views) if views else 0.0


def _viewers_at(views: Sequence[View], moment: float, asked: MetricQuery) -> int:
    there = [view for view in views if (view.at or 0.0) <= moment < (view.at or 0.0) + max(view.watch_s, 1.0)]
    return len({view.viewer for view in there}) if asked.unique else len(there)


def per_view(total: Callable[[Sequence[View], MetricQuery], float]) -> Callable[[Sequence[View], MetricQuery], float]:
    """A total per view."""
    return lambda views, asked: total(views, asked) / len(views) if views else 0.0


METRICS: Final[Mapping[str, Callable[[Sequence[View], MetricQuery], float]]] = {
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
AGGREGATES: Final[Mapping[tuple[str, str], Callable[[Sequence[View], MetricQuery], float]]] = {
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
