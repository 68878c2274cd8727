# SPDX-License-Identifier: Apache-2.0
"""Analytics count the reported views, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.apivideo.harness import error_slug

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.apivideo.harness import Site

VIEWS: list[dict[str, Any]] = [
    {"viewer": "ann", "country": "FR", "browser": "firefox", "watchS": 40, "end": True, "impressionMs": 100},
    {"viewer": "ann", "country": "FR", "browser": "chrome", "watchS": 4, "impressionMs": 300},
    {"viewer": "bob", "country": "DE", "browser": "firefox", "watchS": 12, "impressionMs": 200},
    {"viewer": "cyd", "country": "DE", "browser": "edge", "play": False, "impressionMs": 400},
]


@pytest.fixture
def viewed(site: Site) -> Site:
    """A production with one video and four views."""
    video_id = site.video(tags=["news"])
    site.post_event("views", [{"mediaId": video_id, **view} for view in VIEWS])
    site.emulated.control("/clock", {"advance_s": 1})
    return site


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("play/count", 3),
        ("play/rate", 0.75),
        ("play/total", 3),
        ("start/count", 3),
        ("end/count", 1),
        ("impression/count", 4),
        ("impression-time/average", 250),
        ("impression-time/sum", 1000),
        ("watch-time/sum", 56),
        ("ccv/peak", 4),
        ("ccv/peak?unique=true", 3),
        ("view/count", 2),
        ("view/count?viewDuration=3s", 3),
        ("view/count?viewDuration=3s&unique=true", 2),
        ("play/count?filterBy[country]=FR", 2),
        ("play/count?filterBy[browser][]=firefox&filterBy[browser][]=chrome", 3),
        ("play/count?filterBy[tag]=news", 3),
        ("play/count?filterBy[tag]=News", 0),
        ("play/count?to=2020-01-01T00:00:00%2B00:00", 0),
    ],
)
def test_one_number(viewed: Site, path: str, expected: float) -> None:
    """Every metric counts what it says, for whom the filters let pass."""
    assert viewed.call("GET", f"/data/metrics/{path}").json["data"] == expected


def test_by_dimension_and_over_time(viewed: Site) -> None:
    """The same by country, greatest first, and in the hour in which it was."""
    reported = viewed.call("GET", "/data/buckets/play/country").json
    assert reported["data"] == [{"metricValue": 2, "dimensionValue": "FR"}, {"metricValue": 1, "dimensionValue": "DE"}]
    assert (reported["context"]["metric"], reported["context"]["breakdown"]) == ("play", "country")
    times = viewed.call("GET", "/data/timeseries/view?interval=day&unique=true").json
    assert [row["metricValue"] for row in times["data"]] == [2]
    assert (times["context"]["metric"], times["context"]["interval"]) == ("unique-view-5", "day")
    assert times["pagination"]["itemsTotal"] == 1


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metrics/fun/count", ("invalid-attribute", "metric")),
        ("metrics/end/rate", ("invalid-attribute", "aggregation")),
        ("buckets/play/shoe-size", ("invalid-attribute", "breakdown")),
        ("timeseries/play-total", ("invalid-attribute", "metric")),
        ("timeseries/play?interval=year", ("request-invalid-query-parameter", "interval")),
        ("metrics/view/count?viewDuration=4s", ("request-invalid-query-parameter", "viewDuration")),
        ("metrics/play/count?unique=true", ("request-invalid-query-parameter", "unique")),
        ("metrics/play/count?from=yesterday", ("request-invalid-query-parameter", "from")),
        ("metrics/play/count?filterBy[mood]=x", ("request-invalid-query-parameter", "filterBy[mood]")),
        (
            f"metrics/play/count?filterBy[referrer]={'x' * 2049}",
            ("request-invalid-query-parameter", "filterBy[referrer]"),
        ),
    ],
)
def test_questions_that_make_no_sense(site: Site, path: str, expected: tuple[str, str]) -> None:
    """What cannot be asked is refused by name."""
    answer = site.call("GET", f"/data/{path}")
    assert (answer.status, error_slug(answer), answer.json["name"]) == (400, *expected)


@pytest.mark.parametrize(("environment", "expected"), [("production", 1), ("sandbox", 0)])
def test_the_sandbox_looks_back_one_day(apivideo: Callable[..., Site], environment: str, expected: int) -> None:
    """In the sandbox only the last day can be asked about."""
    site = apivideo(environment)
    site.post_event("views", [{"mediaId": "viX"}])
    site.emulated.control("/clock", {"advance_s": 2 * 86_400})
    counted = site.call("GET", "/data/metrics/play/count?from=2020-01-01T00:00:00%2B00:00").json["data"]
    assert counted == expected


@pytest.mark.parametrize(("what", "news"), [("views", [{"nobody": 1}]), ("weather", {}), ("broadcast", {})])
def test_news_that_make_no_sense(site: Site, what: str, news: Any) -> None:
    """News that cannot be understood are refused with one sentence."""
    answer = site.emulated.control_response(f"/apivideo/production/{what}", news)
    assert answer.status == 400
    assert answer.json["error"]
