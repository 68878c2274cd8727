# SPDX-License-Identifier: Apache-2.0
"""A report as one JSON document. `docs/how/check.md` describes its fields; fields may be added, none goes away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.readiness.formats.words import fix_of, severity_of
from callwell.readiness.identity import identify, replace_surrogates
from callwell.readiness.report import CheckOutcome
from callwell.version import VERSION

if TYPE_CHECKING:
    from callwell.readiness.check import Check, Finding, Place
    from callwell.readiness.report import CheckReport, CheckResult

FORMAT: Final = 1
"""The version of the document: it changes if a field gets another meaning."""

VERDICTS: Final = {0: "passed", 1: "found", 2: "incomplete"}
"""By exit code."""


def to_document(report: CheckReport) -> dict[str, Any]:
    """The report as values of JSON."""
    counts: dict[str, int] = {outcome.value: len(report.with_outcome(outcome)) for outcome in CheckOutcome}
    counts["findings"] = sum(len(result.findings) for result in report.results)
    counts["left-out"] = report.left_out
    counts["accepted"] = sum(len(result.accepted) for result in report.results)
    return {
        "format": FORMAT,
        "callwell": VERSION,
        "root": replace_surrogates(report.root),
        "accounts": list(report.accounts),
        "files": report.files,
        "verdict": VERDICTS[report.exit_code],
        "exit_code": report.exit_code,
        "counts": counts,
        "took_s": round(report.took_s, 3),
        "notes": list(report.notes),
        "checks": [_result(result) for result in report.results],
    }


def _result(result: CheckResult) -> dict[str, Any]:
    check = result.check
    return {
        "id": check.id,
        "group": check.group.value,
        "title": check.title,
        "severity": check.severity.value,
        "outcome": result.outcome.value,
        "reason": result.reason,
        "why": check.why,
        "fix": check.fix,
        "asked_by": [rule._asdict() for rule in result.asked_by],
        "findings": [_finding(check, finding) for finding in result.findings],
        "accepted": [
            {
                **_finding(check, acceptance.finding),
                "reason": acceptance.reason,
                "until": acceptance.until,
                "origin": replace_surrogates(acceptance.origin),
            }
            for acceptance in result.accepted
        ],
        "unchecked": [
            {"what": replace_surrogates(part.what), **_place(part.place), "fix": replace_surrogates(part.fix)}
            for part in result.unchecked
        ],
        "took_s": round(result.took_s, 3),
    }


def _finding(check: Check, finding: Finding) -> dict[str, Any]:
    return {
        "id": identify(check.id, finding).id,
        "what": replace_surrogates(finding.what),
        "severity": severity_of(check, finding).value,
        **_place(finding.place),
        "fix": fix_of(check, finding),
    }


def _place(place: Place | None) -> dict[str, Any]:
    if place is None:
        return {"path": None, "line": None, "commit": None}
    return {"path": replace_surrogates(place.path), "line": place.line, "commit": place.commit}
