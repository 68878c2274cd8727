# SPDX-License-Identifier: Apache-2.0
"""Analytics of the views that the control port has reported: totals, by dimension, and over time."""

from __future__ import annotations

from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote

from callwell.emulator.apivideo.pages import page_reply, sort_rows
from callwell.emulator.apivideo.records import format_time
from callwell.emulator.apivideo.replies import api_error, success_reply
from callwell.emulator.apivideo.views import AGGREGATES, METRICS, MetricQuery, PlayerView

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.emulator.apivideo.call import ApiVideoCall
    from callwell.emulator.messages import Reply

DAY_S: Final = 86_400.0
# Views are kept for 30 days, in the sandbox for one.
MAX_AGE_S: Final = {"production": 30 * DAY_S, "sandbox": DAY_S}
INTERVALS: Final = {"minute": 60, "hour": 3_600, "day": 86_400}
DURATIONS: Final = ("3s", "5s", "10s", "30s")
MAX_REFERRER_LENGTH: Final = 2_048
# What counts as watching now.
LIVE_WINDOW_S: Final = 20.0
DIMENSIONS: Final[Mapping[str, Callable[[PlayerView], str]]] = {
    "media-id": lambda view: view.media_id,
    "media-type": lambda view: view.media_type,
    "continent": lambda view: view.continent,
    "country": lambda view: view.country,
    "device-type": lambda view: view.device_type,
    "operating-system": lambda view: view.operating_system,
    "browser": lambda view: view.browser,
    "referrer": lambda view: view.referrer,
}
FILTERS: Final[Mapping[str, Callable[[PlayerView], str]]] = {
    "mediaId": DIMENSIONS["media-id"],
    "mediaType": DIMENSIONS["media-type"],
    "continent": DIMENSIONS["continent"],
    "country": DIMENSIONS["country"],
    "deviceType": DIMENSIONS["device-type"],
    "operatingSystem": DIMENSIONS["operating-system"],
    "browser": DIMENSIONS["browser"],
    "referrer": DIMENSIONS["referrer"],
}


class Timeframe(NamedTuple):
    """A time from `start` up to, not including, `end`; epoch seconds."""

    start: float
    end: float

    def to_json(self) -> dict[str, Any]:
        """Return it as the API represents it."""
        return {"from": format_time(self.start), "to": format_time(self.end)}


def aggregate(call: ApiVideoCall) -> Reply:
    """Return one number."""
    metric = call.arguments["metric"]
    aggregation = call.arguments["aggregation"]
    _check_choice(metric, {name for name, _ in AGGREGATES}, "metric")
    _check_choice(aggregation, {kind for name, kind in AGGREGATES if name == metric}, "aggregation")
    requested = _parse_timeframe(call)
    query = _parse_metric_query(call, metric)
    # `live` and `total` look at their own time. Only the response of `total` still names the requested one.
    counted = requested
    reported = requested
    if aggregation == "live":
        counted = Timeframe(call.wall_s - LIVE_WINDOW_S, call.wall_s)
        reported = counted
    if aggregation == "total":
        counted = Timeframe(0.0, float("inf"))
    value = AGGREGATES[metric, aggregation](_matching_views(call, counted), query)
    context = {
        "metric": _metric_label(metric, query),
        "aggregation": aggregation,
        "timeframe": reported.to_json(),
    }
    return success_reply({"context": context, "data": value})


def breakdown(call: ApiVideoCall) -> Reply:
    """Return a number for every value of a dimension."""
    metric = call.arguments["metric"]
    dimension = call.arguments["breakdown"]
    _check_choice(metric, METRICS, "metric")
    _check_choice(dimension, DIMENSIONS, "breakdown")
    timeframe = _parse_timeframe(call)
    query = _parse_metric_query(call, metric)
    groups: dict[str, list[PlayerView]] = {}
    for view in _matching_views(call, timeframe):
        groups.setdefault(DIMENSIONS[dimension](view), []).append(view)
    rows = [{"metricValue": METRICS[metric](views, query), "dimensionValue": key} for key, views in groups.items()]
    rows = sort_rows(call, rows, _sort_keys("metricValue", "dimensionValue"), default="metricValue")
    context = {"metric": _metric_label(metric, query), "breakdown": dimension, "timeframe": timeframe.to_json()}
    return page_reply(call, rows, context=context)


def timeseries(call: ApiVideoCall) -> Reply:
    """Return a number for every interval that had views."""
    metric = call.arguments["metric"]
    _check_choice(metric, METRICS.keys() - {"play-total"}, "metric")
    timeframe = _parse_timeframe(call)
    query = _parse_metric_query(call, metric)
    interval = call.query.choice("interval", INTERVALS, "hour")
    interval_s = INTERVALS[interval]
    groups: dict[float, list[PlayerView]] = {}
    for view in _matching_views(call, timeframe):
        start = (view.at or 0.0) // interval_s * interval_s
        groups.setdefault(start, []).append(view)
    rows = [
        {"emittedAt": format_time(start), "metricValue": METRICS[metric](views, query)}
        for start, views in groups.items()
    ]
    rows = sort_rows(call, rows, _sort_keys("emittedAt", "metricValue"), default="emittedAt")
    context = {"metric": _metric_label(metric, query), "interval": interval, "timeframe": timeframe.to_json()}
    return page_reply(call, rows, context=context)


def _sort_keys(*names: str) -> dict[str, Callable[[Any], Any]]:
    return {name: itemgetter(name) for name in names}


def _check_choice(value: str, choices: Any, name: str) -> None:
    if value not in choices:
        raise api_error("invalid-attribute", name, detail=f"Use one of {', '.join(sorted(choices))}.")


def _metric_label(metric: str, query: MetricQuery) -> str:
    name = f"view-{query.min_s}" if metric == "view" else metric
    return f"unique-{name}" if query.unique else name


def _parse_metric_query(call: ApiVideoCall, metric: str) -> MetricQuery:
    unique = call.query.choice("unique", ("true", "false"), "false") == "true"
    text = call.query.text("viewDuration")
    if text is not None and (metric != "view" or text not in DURATIONS):
        words = ", ".join(f'"{choice}"' for choice in DURATIONS)
        detail = f"This view duration is invalid. Use one of {words}."
        raise api_error("request-invalid-query-parameter", "viewDuration", detail=detail)
    if unique and not metric.startswith(("view", "ccv")):
        raise api_error("request-invalid-query-parameter", "unique", detail="This field was not expected.")
    return MetricQuery(unique, int((text or "5s")[:-1]))


def _parse_timeframe(call: ApiVideoCall) -> Timeframe:
    end = _parse_time(call, "to", call.wall_s)
    start = _parse_time(call, "from", end - DAY_S)
    return Timeframe(max(start, call.wall_s - MAX_AGE_S["sandbox" if call.account.sandbox else "production"]), end)


def _parse_time(call: ApiVideoCall, name: str, default: float) -> float:
    text = call.query.text(name)
    if text is None:
        return default
    try:
        return datetime.fromisoformat(text.replace(" ", "+")).timestamp()
    except ValueError:
        detail = "This value is not a valid date-time."
        raise api_error("request-invalid-query-parameter", name, detail=detail) from None


def _matching_views(call: ApiVideoCall, timeframe: Timeframe) -> list[PlayerView]:
    """Return the views of a time that pass the filters."""
    filters = call.query.mapping("filterBy")
    for name, values in filters.items():
        if name not in FILTERS and name != "tag":
            detail = "This field was not expected."
            raise api_error("request-invalid-query-parameter", f"filterBy[{name}]", detail=detail)
        if name == "referrer" and any(len(value) > MAX_REFERRER_LENGTH for value in values):
            detail = f"This value should not contain more than {MAX_REFERRER_LENGTH} characters."
            raise api_error("request-invalid-query-parameter", "filterBy[referrer]", detail=detail)

    def fits(view: PlayerView) -> bool:
        video = call.account.videos.get(view.media_id)
        tags = video.attributes["tags"] if video else []
        for name, values in filters.items():
            allowed = {unquote(value) for value in values}
            has_value = bool(allowed & set(tags)) if name == "tag" else FILTERS[name](view) in allowed
            if not has_value:
                return False
        return timeframe.start <= (view.at or 0.0) < timeframe.end

    return [view for view in call.account.views if fits(view)]
