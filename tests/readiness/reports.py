# SPDX-License-Identifier: Apache-2.0
"""Reports for tests of what is made of them: one of each outcome, and names that try to break out of the text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.readiness.check import Check, Finding, Group, Place, Severity, Unchecked
from callwell.readiness.practices import Rule
from callwell.readiness.report import Acceptance, CheckReport, CheckResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.project import Project

HOSTILE: Final = 'a\x1b[31m<script>"&\u202e\udce9\n]]>.py'
"""A file name with a colour, markup, a change of direction, a byte that is not UTF-8, and a line break."""


def run(_: Project) -> Iterator[Finding | Unchecked]:
    """Look at nothing."""
    return iter(())


def make_check(check_id: str, severity: Severity = Severity.ERROR) -> Check:
    """A check of this ID."""
    return Check(
        id=check_id,
        group=Group(check_id.partition(".")[0]),
        title=f"The title of {check_id}",
        severity=severity,
        why="It matters <because> & so on.",
        fix="Mend it & run again.",
        run=run,
    )


RULES: Final = (Rule(provider="Shop & <Co>", text="never do <this>", page="https://docs.example/best?a=1&b=2"),)
FINDINGS: Final = (
    Finding(what="a key is here", place=Place("app/my settings.py", 3), identity="0123456789ab"),
    Finding(what="a key was here", place=Place("old.py", 7, commit="c0ffee" * 6 + "abcd"), fix="Rewrite history."),
    Finding(what=f"the name is {HOSTILE}", place=Place(HOSTILE, 1), severity=Severity.WARNING),
    Finding(what="nothing is set", place=Place("env:EXAMPLE_DEADLINE"), severity=Severity.NOTE),
    Finding(what="there is no place"),
    Finding(what="a key file is readable", place=Place("/etc/shop/key file")),
)

REPORT: Final = CheckReport(
    root="/srv/shop <1>",
    results=(
        CheckResult(check=make_check("leaks.everything"), findings=FINDINGS, took_s=1.25, asked_by=RULES),
        CheckResult(
            check=make_check("keys.unchecked", Severity.WARNING),
            unchecked=(
                Unchecked(what=f"{HOSTILE} is not readable", place=Place(HOSTILE), fix="chmod u+r it"),
                Unchecked(what="there is no git here"),
            ),
        ),
        CheckResult(
            check=make_check("code.accepted"),
            accepted=(
                Acceptance(FINDINGS[0], "a sample & <more>", "2027-01-31", ".callwell-baseline.toml:4"),
                Acceptance(FINDINGS[2], "by comment", None, f"{HOSTILE}:1"),
            ),
        ),
        CheckResult(check=make_check("life.passed")),
        CheckResult(check=make_check("life.not-here"), applicable=False, reason="no front end <here>"),
        CheckResult(check=make_check("drills.skipped"), skipped=True, reason="--offline was given"),
    ),
    took_s=2.5,
    accounts=("shop/production",),
    notes=("an entry is stale: <it>\x07",),
)
"""Every outcome, every kind of place, and what tries to break out."""

PASSED: Final = CheckReport(root="/srv/shop", results=(CheckResult(check=make_check("life.passed")),), took_s=0.1)
EMPTY_HANDED: Final = PASSED._replace(results=(REPORT.results[1],))
