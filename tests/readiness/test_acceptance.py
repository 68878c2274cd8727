# SPDX-License-Identifier: Apache-2.0
"""Comments and the baseline accept a finding, and nothing else, and not for ever."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.errors import UsageError
from callwell.readiness.acceptance import accept
from callwell.readiness.baseline import BaselineEntry, add_entries, read_baseline
from callwell.readiness.check import Finding, Place, Unchecked
from callwell.readiness.comments import comment_about
from callwell.readiness.identity import Identity, identify
from callwell.readiness.report import CheckOutcome, CheckReport, CheckResult
from tests.readiness.reports import make_check

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.readiness.comments import IgnoreComment

CHECK = make_check("keys.file-mode")
PLAIN = st.text(st.characters(exclude_categories=["Cs"]))
TODAY = dt.date(2027, 1, 15)
FINDING = Finding(what="a key is here", place=Place("a.py", 3), identity="same")
IDENTITY = identify(CHECK.id, FINDING)


def entry(identity: Identity = IDENTITY, until: dt.date = TODAY) -> BaselineEntry:
    """An entry of a baseline."""
    return BaselineEntry(identity=identity, reason="a sample", until=until, origin="base.toml:4")


def report(*findings: Finding, unchecked: tuple[Unchecked, ...] = ()) -> CheckReport:
    """A report of one check."""
    return CheckReport(
        root=".", results=(CheckResult(check=CHECK, findings=findings, unchecked=unchecked),), took_s=0.0
    )


def no_comment(_: str, __: Place) -> IgnoreComment | None:
    """There are no comments."""
    return None


@pytest.mark.parametrize(
    ("entries", "finding", "counts"),
    [
        ([], FINDING, True),
        ([entry()], FINDING, False),
        ([entry()], FINDING._replace(place=Place("a.py", 99)), False),
        ([entry()], FINDING._replace(place=Place("b.py", 3)), True),
        ([entry()], FINDING._replace(identity="other"), True),
        ([entry(until=TODAY - dt.timedelta(days=1))], FINDING, True),
        ([entry(until=TODAY - dt.timedelta(days=1)), entry()], FINDING, False),
        ([entry(IDENTITY._replace(check="keys.age"))], FINDING, True),
    ],
)
def test_what_an_entry_accepts(entries: list[BaselineEntry], finding: Finding, *, counts: bool) -> None:
    """Its check, its path and its identity, wherever the line is, up to its last day; the last entry counts."""
    (result,) = accept(report(finding), entries, no_comment, today=TODAY, whole=True).results
    assert result.outcome is (CheckOutcome.FOUND if counts else CheckOutcome.PASSED)
    assert len(result.accepted) == (not counts)


def test_an_expired_entry_says_so() -> None:
    """The finding counts again, has the same identity, and names the entry."""
    past = entry(until=dt.date(2026, 12, 31))
    (result,) = accept(report(FINDING), [past], no_comment, today=TODAY, whole=True).results
    (finding,) = result.findings
    assert finding.what == "a key is here; it was accepted until 2026-12-31 (base.toml:4: a sample)"
    assert identify(CHECK.id, finding) == IDENTITY


@pytest.mark.parametrize(
    ("found", "identity", "whole", "note"),
    [
        (report(), IDENTITY, True, "base.toml:4: keys.file-mode does not find this in a.py any more; delete the entry"),
        (report(), IDENTITY, False, None),
        (report(FINDING), IDENTITY, True, None),
        (report(unchecked=(Unchecked(what="unreadable"),)), IDENTITY, True, None),
        (report(), IDENTITY._replace(check="keys.age-of-all"), True, "base.toml:4: there is no check keys.age-of-all"),
    ],
)
def test_stale_entries_are_named(found: CheckReport, identity: Identity, *, whole: bool, note: str | None) -> None:
    """Only if the check has looked at everything."""
    notes = accept(found, [entry(identity)], no_comment, today=TODAY, whole=whole).notes
    assert [text.partition("; delete")[0] for text in notes] == ([note.partition("; delete")[0]] if note else [])


@pytest.mark.parametrize(
    ("lines", "line", "reason"),
    [
        (["key = 1  # callwell: ignore=keys.file-mode a sample"], 1, "a sample"),
        (["// callwell: ignore=keys.file-mode a sample", "key"], 2, "a sample"),
        (["<!-- callwell: ignore=keys.file-mode a sample -->", "key"], 2, "a sample"),
        (["/* callwell: ignore=code.x,keys.file-mode a sample */ key"], 1, "a sample"),
        (["{# callwell: ignore=keys.file-mode a sample #}", "key"], 2, "a sample"),
        (["key  # callwell: ignore=keys.file-mode"], 1, None),
        (["key  /* callwell: ignore=keys.file-mode */"], 1, None),
        (["key  # callwell: ignore=keys.file a sample"], 1, None),
        (["# callwell: ignore=keys.file-mode a sample", "", "key"], 3, None),
        (["key", "# callwell: ignore=keys.file-mode a sample"], 1, None),
        ([], 1, None),
    ],
)
def test_what_a_comment_accepts(lines: list[str], line: int, reason: str | None) -> None:
    """Its line and the next one, in any syntax, for the checks that it names, if it gives a reason."""
    comment = comment_about("keys.file-mode", line, lines)
    assert (comment.reason if comment else None) == reason


def test_a_comment_does_not_reach_into_history() -> None:
    """What stands in a commit cannot be ignored by a line of today."""
    comment = comment_about("keys.file-mode", 1, ["# callwell: ignore=keys.file-mode a sample"])
    old = FINDING._replace(place=Place("a.py", 1, commit="c0ffee"))
    for finding, outcome in ((FINDING, CheckOutcome.PASSED), (old, CheckOutcome.FOUND)):
        (result,) = accept(report(finding), [], lambda *_: comment, today=TODAY, whole=True).results
        assert result.outcome is outcome


@given(texts=st.lists(st.tuples(PLAIN, st.text(), st.text(), PLAIN), min_size=1, max_size=3))
def test_entries_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, ...]]
) -> None:
    """Whatever a path or a reason holds, the file stays valid."""
    path = tmp_path_factory.getbasetemp() / "base.toml"
    path.unlink(missing_ok=True)
    written = []
    for check, place, text, reason in texts:
        named = Finding(what=text, place=Place(place))
        written.append(
            BaselineEntry(
                identify(check.encode("utf-8", "replace").decode(), named),
                f"r{reason.encode('utf-8', 'replace').decode()}".strip(),
                TODAY,
                "",
            )
        )
        add_entries(path, written[-1:])
    assert [found._replace(origin="") for found in read_baseline(path)] == written


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x = [", "expected TOML"),
        ("[accepted]\n", "expected a list of tables"),
        ("[[ignored]]\n", "expected a list of tables"),
        ("[[accepted]]\n", "base.toml:1: accepted.check: expected a string, found None"),
        ('[[accepted]]\ncheck=""\npath=""\nidentity=""\nreason="a"\nuntil="2027"\n', "until: expected a date"),
        ('[[accepted]]\ncheck=""\npath=""\nidentity=""\nreason=" "\nuntil=2027-01-01\n', "expected why"),
        ('[[accepted]]\ncheck=""\npath=""\nidentity=""\nreason="a"\nuntil=2027-01-01\nlines=1\n', "accepted.lines"),
    ],
)
def test_a_faulty_baseline_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    """With the place and what was expected: it must not accept anything by mistake."""
    path = tmp_path / "base.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_baseline(path)
    assert complaint in str(caught.value)
