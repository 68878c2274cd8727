# SPDX-License-Identifier: Apache-2.0
"""Assessments against an emulated service: billed once, rows that fail alone, and what a second run does."""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from callwell.assess import AssessmentRow
from callwell.assess.rows import AssessmentRules
from callwell.providers import load
from tests.assess.emulated import NAME, TEXT, assessed, counts, tone, tones

if TYPE_CHECKING:
    from callwell.assess import AssessmentProgress
    from tests.emulator.harness import Emulated


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the extra for plots is not installed: what is in the report is for the tests of the report."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)


def lines(folder: Path) -> list[dict[str, Any]]:
    """The results."""
    return [json.loads(line) for line in (folder / "results.jsonl").read_bytes().splitlines()]


def test_a_second_run_sends_nothing(emulated: Emulated, tmp_path: Path) -> None:
    """The results are those of the first run, in the order of the rows, and in the table."""
    rows = tones(tmp_path, 12)
    state = f"sqlite:///{tmp_path / 'state.db'}"
    shown = list["AssessmentProgress"]()
    first = assessed(emulated, rows, tmp_path / "out", state=state, on_progress=shown.append)
    assert (first.rows, first.assessed, first.remembered, first.failed) == (12, 12, 0, ())
    assert (shown[-1].done, shown[-1].rows, counts(emulated)["billed"]) == (12, 12, 12)
    before = lines(tmp_path / "out")
    second = assessed(emulated, rows, tmp_path / "out", state=state)
    after = lines(tmp_path / "out")
    assert (second.assessed, second.remembered, counts(emulated)["billed"]) == (0, 12, 12)
    assert [item.pop("remembered") for item in (*before, *after)] == [False] * 12 + [True] * 12
    assert before == after
    assert [item["file"] for item in before] == [str(row.file) for row in rows]
    assert all(item["answer"]["overall"]["overall_score"] == item["score"] for item in before)
    with (tmp_path / "out/scores.csv").open(newline="") as file:
        assert [float(item["score"]) for item in csv.DictReader(file)] == [item["score"] for item in before]


def test_the_same_content_is_billed_once(emulated: Emulated, tmp_path: Path) -> None:
    """However often it is there, under whatever name, and by whoever it is said; unless it is forced, and then once."""
    file = tone(tmp_path / "a.wav")
    os.link(file, tmp_path / "b.wav")
    rows = [
        AssessmentRow(tmp_path / name, TEXT, user, "us")
        for name in ("a.wav", "b.wav")
        for user in ("ann", "bob", "cem")
    ]
    state = f"sqlite:///{tmp_path / 'state.db'}"
    assert assessed(emulated, rows, tmp_path / "out", state=state)[:3] == (6, 1, 5)
    assert assessed(emulated, rows, tmp_path / "out", state=state, force=True)[:3] == (6, 1, 5)
    assert counts(emulated)["billed"] == 2
    other = [
        rows[0]._replace(text="Another text."),
        rows[0]._replace(accent="uk"),
        rows[0]._replace(operation="unscripted"),
    ]
    assert assessed(emulated, other, tmp_path / "out", state=state)[:3] == (3, 3, 0)


def test_rows_fail_alone(emulated: Emulated, tmp_path: Path) -> None:
    """What is wrong is reported by file and row with a typed cause, before anything of it is sent; the others go on."""
    good = tones(tmp_path, 2)
    spoken = tmp_path / "said.wav"
    tone(spoken)
    (tmp_path / "junk.wav").write_bytes(b"It was a dark and stormy night.")
    (tmp_path / "empty.wav").touch()
    (tmp_path / "half.wav").write_bytes(spoken.read_bytes()[:9_000])
    tone(tmp_path / "long.wav", seconds=7_200, rate=100)
    tone(tmp_path / "minutes.wav", seconds=70)
    mixed = "payp\N{CYRILLIC SMALL LETTER A}l"
    wrong: list[tuple[AssessmentRow, type[Exception], str]] = [
        (AssessmentRow(tmp_path / "gone.wav", TEXT), errors.FileProblem, "no such file"),
        (AssessmentRow(tmp_path, TEXT), errors.FileProblem, "is a folder"),
        (AssessmentRow(spoken), errors.InvalidOption, "expected_text"),
        (AssessmentRow(spoken, "12 + 5"), errors.InvalidOption, "a text with words in it"),
        (AssessmentRow(spoken, "Привет"), errors.InvalidOption, "'П' is Cyrillic"),
        (AssessmentRow(spoken, mixed), errors.InvalidOption, "is Cyrillic"),
        (AssessmentRow(spoken, TEXT, accent="gb"), errors.InvalidOption, "expected one of us, uk"),
        (AssessmentRow(spoken, TEXT, operation="sung"), errors.InvalidOption, "expected one of assess.pronunciation"),
        (AssessmentRow(tmp_path / "junk.wav", TEXT), errors.AudioRefused, "it is not a recording"),
        (AssessmentRow(tmp_path / "empty.wav", TEXT), errors.AudioRefused, "the file is empty"),
        (AssessmentRow(tmp_path / "half.wav", TEXT), errors.AudioRefused, "cut short"),
        (AssessmentRow(tmp_path / "long.wav", TEXT), errors.AudioRefused, "7200.0 s long"),
        (AssessmentRow(tmp_path / "minutes.wav", TEXT), errors.AudioRefused, "70.0 s long"),
    ]
    numbered = [row._replace(manifest="class.csv", number=n) for n, (row, _, _) in enumerate(wrong, 10)]
    rows = [good[0], *numbered, good[1]]
    report = assessed(emulated, rows, tmp_path / "out", accent="us")
    assert (report.assessed, len(report.failed), counts(emulated)["attempts"]) == (2, len(wrong), 2)
    for error, row, (_, cause, text) in zip(report.failed, numbered, wrong, strict=True):
        assert (type(error.cause), error.file, error.row) == (cause, str(row.file), row.number)
        assert str(error).startswith(f"class.csv:{row.number}: {row.file}: ")
        assert text in str(error)
    reported = lines(tmp_path / "out")
    assert [item["status"] for item in reported] == ["done", *["failed"] * len(wrong), "done"]
    assert reported[-2]["error"]["code"] == "too-long"


def test_a_second_run_does_what_has_failed(emulated: Emulated, tmp_path: Path) -> None:
    """A recording that was put right is sent, and nothing else; neither is what the provider has refused forgotten."""
    rows = tones(tmp_path, 3)
    state = f"sqlite:///{tmp_path / 'state.db'}"
    sound = rows[1].file.read_bytes()
    rows[1].file.write_bytes(b"")
    emulated.faults(
        {"operation": "*", "provider": f"{NAME}/production", "fault": "error_before", "nth": 1, "status": 422}
    )
    first = assessed(emulated, rows, tmp_path / "out", state=state)
    assert sorted(type(item.cause).__name__ for item in first.failed) == ["AudioRefused", "BadRequest"]
    rows[1].file.write_bytes(sound)
    assert assessed(emulated, rows, tmp_path / "out", state=state)[:3] == (3, 2, 1)
    assert counts(emulated)["billed"] == 3


def test_lost_answers_are_counted(emulated: Emulated, tmp_path: Path) -> None:
    """What may be billed twice is reported, and nothing is lost by it."""
    where = {"operation": "*", "provider": f"{NAME}/production"}
    emulated.faults({**where, "fault": "lost_reply", "nth": [2, 5]}, {**where, "fault": "throttle", "nth": [7]})
    report = assessed(emulated, tones(tmp_path, 8), tmp_path / "out")
    reported = counts(emulated)
    assert (report.assessed, report.possibly_billed, reported["billed"], reported["billed_again"]) == (8, 2, 10, 0)


def test_what_is_wrong_with_everything_ends_it(emulated: Emulated, tmp_path: Path) -> None:
    """A dead key, an operation that there is not, a folder with other things: reported once, and nothing is written."""
    rows = tones(tmp_path, 3)
    with pytest.raises(errors.DirectoryNotOurs, match="has no Callwell assessment"):
        assessed(emulated, rows, tmp_path)
    with pytest.raises(errors.InvalidOption, match="operation cannot be 'sung'"):
        assessed(emulated, rows, tmp_path / "out", operation="sung")
    with pytest.raises(errors.InvalidOption, match="accent cannot be 'gb'"):
        assessed(emulated, rows, tmp_path / "out", accent="gb")
    emulated.control("/keys/revoke", {"provider": f"{NAME}/production"})
    with pytest.raises(errors.KeyRefused):
        assessed(emulated, rows, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["callwell-assessment.json"]


def test_names_may_be_any_bytes(emulated: Emulated, tmp_path: Path) -> None:
    """A file's name that is not UTF-8 is shown with marks in place of what it is not."""
    file = tone(tmp_path / os.fsdecode(b"caf\xe9.wav"))
    report = assessed(
        emulated, [AssessmentRow(file, TEXT), AssessmentRow(Path(f"{file}x"), TEXT)], tmp_path / "out", accent="us"
    )
    assert (report.assessed, len(report.failed)) == (1, 1)
    assert lines(tmp_path / "out")[0]["file"].endswith("caf?.wav")


def test_providers_without_assessments_are_reported() -> None:
    """By a sentence, before anything else."""
    with pytest.raises(errors.UsageError, match="userplane has no assessments"):
        AssessmentRules(load("userplane"))


def test_no_raw_user_is_kept(emulated: Emulated, tmp_path: Path) -> None:
    """The caller's ids are in the results, which are the caller's, and nowhere in the state."""
    state = tmp_path / "state.db"
    assessed(emulated, tones(tmp_path, 2), tmp_path / "out", state=f"sqlite:///{state}")
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("state.db*"))
    assert (b"speaker-0" in kept, lines(tmp_path / "out")[0]["user"]) == (False, "speaker-0")
    assert not any("speaker" in user for user in counts(emulated)["calls_by_user"])
