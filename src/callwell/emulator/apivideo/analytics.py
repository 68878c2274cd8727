# SPDX-License-Identifier: Apache-2.0
"""Analytics of the views that the account was told about: totals, by dimension, and over time."""

from __future__ import annotations

from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote

from callwell.emulator.apivideo.pages import answer, ordered
from callwell.emulator.apivideo.records import iso
from callwell.emulator.apivideo.replies import refuse, success
from callwell.emulator.apivideo.views import AGGREGATES, METRICS, Asked, View

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.emulator.apivideo.call import Call
    from callwell.emulator.messages import Reply

DAY_S: Final = 86_400.0
BACK_S: Final = {"production": 30 * DAY_S, "sandbox": DAY_S}
INTERVALS: Final = {"minute": 60, "hour": 3_600, "day": 86_400}
DURATIONS: Final = ("3s", "5s", "10s", "30s")
LONGEST_REFERRER: Final = 2_048
AT_THIS_TIME_S: Final = 20.0
DIMENSIONS: Final[Mapping[str, Callable[[View], str]]] = {
    "media-id": lambda view: view.media_id,
    "media-type": lambda view: view.media_type,
    "continent": lambda view: view.continent,
    "country": lambda view: view.country,
    "device-type": lambda view: view.device_type,
    "operating-system": lambda view: view.operating_system,
    "browser": lambda view: view.browser,
    "referrer": lambda view: view.referrer,
}
FILTERS: Final[Mapping[str, Callable[[View], str]]] = {
    "mediaId": DIMENSIONS["media-id"],
    "mediaType": DIMENSIONS["media-type"],
    "continent": DIMENSIONS["continent"],
    "country": DIMENSIONS["country"],
    "deviceType": DIMENSIONS["device-type"],
    "operatingSystem": DIMENSIONS["operating-system"],
    "browser": DIMENSIONS["browser"],
    "referrer": DIMENSIONS["referrer"],
}


class Span(NamedTuple):
    """From when to when, the end not included; epoch seconds."""

    start: float
    end: float

    def shown(self) -> dict[str, Any]:
        """As the API tells it."""
        return {"from": iso(self.start), "to": iso(self.end)}


def aggregate(call: Call) -> Reply:
    """One number."""
    metric, aggregation = call.arguments["metric"], call.arguments["aggregation"]
    _known(metric, {name for name, _ in AGGREGATES}, "metric")
    _known(aggregation, {kind for name, kind in AGGREGATES if name == metric}, "aggregation")
    span, asked = _span(call), _asked(call, metric)
    if aggregation == "live":
        span = Span(call.wall - AT_THIS_TIME_S, call.wall)
    if aggregation == "total":
        span = Span(0.0, float("inf"))
    value = AGGREGATES[metric, aggregation](_views(call, span), asked)
    shown = span.shown() if aggregation != "total" else _span(call).shown()
    context = {"metric": _told(metric, asked), "aggregation": aggregation, "timeframe": shown}
    return success({"context": context, "data": value})


def breakdown(call: Call) -> Reply:
    """A number for every value of a dimension."""
    metric, dimension = call.arguments["metric"], call.arguments["breakdown"]
    _known(metric, METRICS, "metric")
    _known(dimension, DIMENSIONS, "breakdown")
    span, asked = _span(call), _asked(call, metric)
    groups: dict[str, list[View]] = {}
    for view in _views(call, span):
        groups.setdefault(DIMENSIONS[dimension](view), []).append(view)
    rows = [{"metricValue": METRICS[metric](views, asked), "dimensionValue": key} for key, views in groups.items()]
    rows = ordered(call, rows, _by("metricValue", "dimensionValue"), default="metricValue")
    context = {"metric": _told(metric, asked), "breakdown": dimension, "timeframe": span.shown()}
    return answer(call, rows, context=context)


def over_time(call: Call) -> Reply:
    """A number for every interval in which there was something."""
    metric = call.arguments["metric"]
    _known(metric, METRICS.keys() - {"play-total"}, "metric")
    span, asked = _span(call), _asked(call, metric)
    interval = call.query.choice("interval", INTERVALS, "hour")
    groups: dict[float, list[View]] = {}
    for view in _views(call, span):
        groups.setdefault((view.at or 0.0) // INTERVALS[interval] * INTERVALS[interval], []).append(view)
    rows = [{"emittedAt": iso(at), "metricValue": METRICS[metric](views, asked)} for at, views in groups.items()]
    rows = ordered(call, rows, _by("emittedAt", "metricValue"), default="emittedAt")
    context = {"metric": _told(metric, asked), "interval": interval, "timeframe": span.shown()}
    return answer(call, rows, context=context)


def _by(*names: str) -> dict[str, Callable[[Any], Any]]:
    return {name: itemgetter(name) for name in names}


def _known(value: str, choices: Any, name: str) -> None:
    if value not in choices:
        raise refuse("invalid-attribute", name, detail=f"Use one of {', '.join(sorted(choices))}.")


def _told(metric: str, asked: Asked) -> str:
    name = f"view-{asked.least_s}" if metric == "view" else metric
    return f"unique-{name}" if asked.unique else name


def _asked(call: Call, metric: str) -> Asked:
    unique = call.query.choice("unique", ("true", "false"), "false") == "true"
    text = call.query.text("viewDuration")
    if text is not None and (metric != "view" or text not in DURATIONS):
        words = ", ".join(f'"{each}"' for each in DURATIONS)
        detail = f"This view duration is invalid. Use one of {words}."
        raise refuse("request-invalid-query-parameter", "viewDuration", detail=detail)
    if unique and not metric.startswith(("view", "ccv")):
        raise refuse("request-invalid-query-parameter", "unique", detail="This field was not expected.")
    return Asked(unique, int((text or "5s")[:-1]))


def _span(call: Call) -> Span:
    end = _time(call, "to", call.wall)
    start = _time(call, "from", end - DAY_S)
    return Span(max(start, call.wall - BACK_S["sandbox" if call.account.sandbox else "production"]), end)


def _time(call: Call, name: str, default: float) -> float:
    text = call.query.text(name)
    if text is None:
        return default
    try:
        return datetime.fromisoformat(text.replace(" ", "+")).timestamp()
    except ValueError:
        detail = "This value is not a valid date-time."
        raise refuse("request-invalid-query-parameter", name, detail=detail) from None


def _views(call: Call, span: Span) -> list[View]:
    """The views of a time that the filters let pass."""
    filters = call.query.mapped("filterBy")
    for name, values in filters.items():
        if name not in FILTERS and name != "tag":
            detail = "This field was not expected."
            raise refuse("request-invalid-query-parameter", f"filterBy[{name}]", detail=detail)
        if name == "referrer" and any(len(value) > LONGEST_REFERRER for value in values):
            detail = f"This value should not contain more than {LONGEST_REFERRER} characters."
            raise refuse("request-invalid-query-parameter", "filterBy[referrer]", detail=detail)

    def fits(view: View) -> bool:
        video = call.account.videos.get(view.media_id)
        tags = video.told["tags"] if video else []
        for name, values in filters.items():
            allowed = [unquote(value) for value in values]
            if not (set(tags) & set(allowed) if name == "tag" else FILTERS[name](view) in allowed):
                return False
        return span.start <= (view.at or 0.0) < span.end

    return [view for view in call.account.views if fits(view)]
