# SPDX-License-Identifier: Apache-2.0
"""The report's table of recordings, and plots that count whole things and do not break names."""

from __future__ import annotations

import base64
import re

import pytest

from callwell.assess import AssessmentReport, plots, report_page
from callwell.assess.results import ScoredRecording, scored_recordings
from callwell.assess.scores import ScoreTally


def shown(recordings: list[ScoredRecording]) -> str:
    """A page about them."""
    report = AssessmentReport(len(recordings), len(recordings), 0, (), 1.0, 1, 1, 0)
    return report_page.render_page("Title", report, ScoreTally(), iter(recordings)).decode()


def rows(text: str) -> list[list[str]]:
    """The cells of the first table, row by row."""
    table = text.partition("<table>")[2].partition("</table>")[0]
    return [re.findall(r"<t[hd][^>]*>([^<]*)<", row) for row in table.split("</tr>") if "<t" in row]


def test_each_recording_has_its_score() -> None:
    """In the order of the rows; the folder is said once, and no score is a dash."""
    result = [
        ScoredRecording(file="in/b.wav", status="done", user="ann", score=71.25),
        ScoredRecording(file="in/deep/a.wav", status="done", score=None),
        ScoredRecording(file="in/b.wav", status="done", user="bob", score=100),
    ]
    text = shown(result)
    assert "<p>In in/:</p>" in text
    assert rows(text) == [
        ["recording", "score", "speaker"],
        ["b.wav", "71.2", "ann"],
        ["deep/a.wav", "–", "–"],
        ["b.wav", "100.0", "bob"],
    ]


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["a.wav"], ["a.wav"]),
        (["/x/a.wav"], ["a.wav"]),
        (["/a.wav", "/b/c.wav"], ["a.wav", "b/c.wav"]),
        (["/x/a.wav", "y/a.wav"], ["/x/a.wav", "y/a.wav"]),
        (["x/a.wav", "xy/a.wav"], ["x/a.wav", "xy/a.wav"]),
    ],
)
def test_names_below_a_common_folder(files: list[str], names: list[str]) -> None:
    """Whether it is one file or many, absolute, relative or mixed."""
    reported = rows(shown([ScoredRecording(file=file, status="done", score=1.0) for file in files]))
    assert reported == [["recording", "score"], *([name, "1.0"] for name in names)]


def test_so_many_and_no_more() -> None:
    """A page stays one that a browser opens; the rest is in the table beside it."""
    many = [ScoredRecording(file=f"{n}.wav", status="done", score=1.0) for n in range(report_page.MAX_ROWS + 1)]
    text = shown(many)
    assert len(rows(text)) == report_page.MAX_ROWS + 1
    assert "The first 500 of 501 recordings. scores.csv has all of them." in text


def test_only_those_that_were_assessed() -> None:
    """Of the lines of results, the failed ones have a table of their own."""
    lines = [b'{"file": "a", "status": "done", "score": 5, "answer": {}}', b'{"file": "b", "status": "failed"}']
    assert [(recording.file, recording.score) for recording in scored_recordings(iter(lines))] == [("a", 5.0)]


def texts(picture: str) -> list[str]:
    """All that is written in a picture."""
    svg = base64.b64decode(picture.partition(",")[2]).decode()
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 60, 20_000])
def test_ticks_are_whole_numbers(count: int) -> None:
    """Recordings are counted in whole ones, however few there are."""
    pytest.importorskip("matplotlib")
    written = texts(plots.histogram([50.0] * count))
    assert [item for item in written if re.fullmatch(r"\d[\d.,]*", item) and "." in item] == []
    assert len(written) > 4


def test_names_are_whole() -> None:
    """A name of a usual length stands there as it is; a very long one keeps its beginning and its end."""
    pytest.importorskip("matplotlib")
    usual = "student-04711@evening-class.school.example"
    long = "x" * 60 + "-the-end.wav"
    written = texts(plots.bars([usual, long], [50.0, 60.0]))
    assert usual in written
    assert [item for item in written if item.startswith("xxx") and "…" in item and item.endswith("-the-end.wav")]
    assert "white-space: nowrap" in report_page.HEAD
