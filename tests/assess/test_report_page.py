# SPDX-License-Identifier: Apache-2.0
"""The report: whole in itself, with every text shown as it is and none obeyed."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from callwell.assess import AssessmentReport, AssessmentRow, plots, report_page
from callwell.assess.scores import AnswerScores, ScoreTally, extract_scores, parse_score
from callwell.core.rules.assess import AssessRule
from callwell.errors import FileProblem

EVIL = '<script>alert("$x_1$")</script>'
RULE = AssessRule(score="overall.score", words="words", word="text", word_score="score")


class Seen(HTMLParser):
    """The tags of a page, with what they load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Keep it."""
        self.tags.append(tag)
        self.loaded += [value for name, value in attrs if name in {"src", "href", "action", "data", "srcset"}]


def made(tally: ScoreTally) -> tuple[str, Seen]:
    """A page with one failure, and what is in it."""
    failed = AssessmentRow(Path(f"{EVIL}.wav"), manifest=EVIL, number=7).failed(FileProblem(f"no {EVIL}"))
    text = report_page.render_page(
        f"Title {EVIL}", AssessmentReport(3, 1, 1, (failed,), 90.0, 2_000_000, 500_000, 1), tally
    ).decode()
    seen = Seen()
    seen.feed(text)
    return text, seen


@pytest.mark.parametrize("drawn", [True, False])
def test_texts_are_shown_and_not_obeyed(monkeypatch: pytest.MonkeyPatch, *, drawn: bool) -> None:
    """Titles, users, words, files and reasons, in the page and in its pictures; nothing is loaded from elsewhere."""
    if drawn:
        pytest.importorskip("matplotlib")
    else:
        monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    tally = ScoreTally()
    for user in (EVIL, "日本", None):
        tally.add(user, AnswerScores(71.5, ((EVIL, 40.0), ("Fox", 90.0), ("fox", 80.0))))
    text, seen = made(tally)
    assert "script" not in seen.tags
    assert text.count("&lt;script&gt;") >= 5
    assert all(value.startswith("data:image/svg+xml;base64,") for value in seen.loaded)
    assert "default-src 'none'" in text
    assert (seen.tags.count("img"), "pip install" in text) == ((3, False) if drawn else (0, True))
    assert re.search(r"<td>fox</td>" + "".join(rf'<td class="number">{n}</td>' for n in (6, r"85\.0", r"80\.0")), text)
    for value in seen.loaded:
        picture = ET.fromstring(base64.b64decode(value.partition(",")[2]))  # noqa: S314 - our own
        assert not [item for item in picture.iter() if "script" in item.tag or "image" in item.tag]


def test_nothing_to_show() -> None:
    """Without a score there are no plots, and no mean."""
    _, seen = made(ScoreTally())
    assert "img" not in seen.tags


def test_the_same_scores_give_the_same_picture() -> None:
    """Whenever they are drawn, and however long a label is."""
    pytest.importorskip("matplotlib")
    assert plots.bars(["a" * 99, "b"], [1, 2]) == plots.bars(["a" * 99, "b"], [1, 2])
    assert plots.histogram([1, 120]) == plots.histogram([1, 120])


@pytest.mark.parametrize(
    ("value", "expected"),
    [(7, 7.0), ("7.5", 7.5), (None, None), ("A2", None), (True, None), (float("nan"), None), ("inf", None), ([], None)],
)
def test_numbers(value: object, expected: float | None) -> None:
    """A number may come as a text; anything else is none."""
    assert parse_score(value) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"overall": {"score": "81"}, "words": [{"text": "a", "score": 9}, {"text": None, "score": 1}, 3]}, (81.0, 1)),
        ({"overall": None, "words": None}, (None, 0)),
        ({"words": [{"text": "a", "score": None}]}, (None, 0)),
        (None, (None, 0)),
        ([], (None, 0)),
    ],
)
def test_what_is_missing_has_no_score(answer: Any, expected: tuple[float | None, int]) -> None:
    """Nulls, and parts that are not there, are passed over."""
    found = extract_scores(RULE, answer)
    assert (found.overall, len(found.words)) == expected
