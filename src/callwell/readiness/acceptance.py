# SPDX-License-Identifier: Apache-2.0
"""Decides which findings count: those that neither a comment nor the baseline accepts today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.readiness.identity import Identity, identify
from callwell.readiness.registry import CHECKS
from callwell.readiness.report import Acceptance, CheckOutcome

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from callwell.readiness.baseline import BaselineEntry
    from callwell.readiness.check import Finding, Place
    from callwell.readiness.comments import IgnoreComment
    from callwell.readiness.report import CheckReport, CheckResult


def accept(
    report: CheckReport,
    baseline: Iterable[BaselineEntry],
    find_comment: Callable[[str, Place], IgnoreComment | None],
    *,
    today: dt.date,
    whole: bool,
) -> CheckReport:
    """Apply comments and a baseline to a report.

    An expired entry no longer accepts its finding, and the finding says so. Of several entries for one finding the last
    one counts, so that an acceptance can be extended.

    Args:
        report: the report of all findings.
        baseline: the entries of the baseline, in the order of the file.
        find_comment: returns the comment that accepts a finding of a check at a place.
        today: the date.
        whole: whether the checks covered the whole project, so that an entry without a finding is stale.
    """
    entries = {entry.identity: entry for entry in baseline}
    results = tuple(_accept_findings(result, entries, find_comment, today) for result in report.results)
    stale = _stale_entries(report, entries) if whole else ()
    return report._replace(results=results, notes=(*report.notes, *stale))


def _accept_findings(
    result: CheckResult,
    entries: Mapping[Identity, BaselineEntry],
    find_comment: Callable[[str, Place], IgnoreComment | None],
    today: dt.date,
) -> CheckResult:
    counted: list[Finding] = []
    accepted = list(result.accepted)
    for finding in result.findings:
        acceptance = _by_comment(result.check.id, finding, find_comment)
        entry = entries.get(identify(result.check.id, finding))
        if acceptance is None and entry is not None and entry.until >= today:
            acceptance = Acceptance(
                finding=finding, reason=entry.reason, until=entry.until.isoformat(), origin=entry.origin
            )
        if acceptance is not None:
            accepted.append(acceptance)
        elif entry is not None:
            counted.append(_expired(finding, entry))
        else:
            counted.append(finding)
    return result._replace(findings=tuple(counted), accepted=tuple(accepted))


def _by_comment(
    check_id: str, finding: Finding, find_comment: Callable[[str, Place], IgnoreComment | None]
) -> Acceptance | None:
    place = finding.place
    if place is None or place.line is None or place.commit is not None:
        return None
    comment = find_comment(check_id, place)
    if comment is None:
        return None
    return Acceptance(finding=finding, reason=comment.reason, until=None, origin=f"{place.path}:{comment.line}")


def _expired(finding: Finding, entry: BaselineEntry) -> Finding:
    what = f"{finding.what}; it was accepted until {entry.until.isoformat()} ({entry.origin}: {entry.reason})"
    return finding._replace(what=what, identity=finding.identity or finding.what)


def _stale_entries(report: CheckReport, entries: Mapping[Identity, BaselineEntry]) -> Iterator[str]:
    """A sentence about each entry that accepts nothing, of complete checks."""
    complete = (CheckOutcome.SKIPPED, CheckOutcome.INCOMPLETE)
    complete_checks = {
        result.check.id for result in report.results if result.outcome not in complete and not result.unchecked
    }
    found = {identify(result.check.id, finding) for result in report.results for finding in result.findings}
    for identity, entry in entries.items():
        if identity.check not in CHECKS:
            yield f"{entry.origin}: there is no check {identity.check}; delete the entry, or correct it"
        elif identity.check in complete_checks and identity not in found:
            place = identity.path or "the project"
            yield f"{entry.origin}: {identity.check} does not find this in {place} any more; delete the entry"
