# SPDX-License-Identifier: Apache-2.0
"""A report in the XML of JUnit, as Jenkins and GitLab read it: a group is a suite, a check is a test case.

A check with findings is a failure, an incomplete one is an error, and one that does not apply is skipped.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from callwell.readiness.formats.words import GROUP_TITLES, fix_of, place_of, printable, severity_of
from callwell.readiness.report import CheckOutcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from callwell.readiness.report import CheckReport, CheckResult


def render_junit(report: CheckReport) -> str:
    """Render the report."""
    suites = Element("testsuites", {"name": "callwell check", **_counts(report.results)})
    for group, members in groupby(report.results, key=lambda result: result.check.group):
        results = tuple(members)
        suite = SubElement(suites, "testsuite", {"name": GROUP_TITLES[group], **_counts(results)})
        for result in results:
            _add_case(suite, result)
    indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(suites, encoding="unicode")}\n'


def _counts(results: Sequence[CheckResult]) -> dict[str, str]:
    outcomes = [result.outcome for result in results]
    return {
        "tests": str(len(outcomes)),
        "failures": str(outcomes.count(CheckOutcome.FOUND)),
        "errors": str(outcomes.count(CheckOutcome.INCOMPLETE)),
        "time": f"{sum(result.took_s for result in results):.3f}",
    }


def _add_case(suite: Element, result: CheckResult) -> None:
    check = result.check
    case = SubElement(
        suite,
        "testcase",
        {"name": check.title, "classname": f"callwell.{check.id}", "time": f"{result.took_s:.3f}"},
    )
    match result.outcome:
        case CheckOutcome.FOUND:
            message = _count_findings(result)
            failure = SubElement(case, "failure", {"message": message, "type": check.id})
            failure.text = "\n".join((*_findings(result), *_unseen(result), f"why: {check.why}"))
        case CheckOutcome.INCOMPLETE:
            error = SubElement(case, "error", {"message": printable(result.unchecked[0].what), "type": check.id})
            error.text = "\n".join(_unseen(result))
        case CheckOutcome.SKIPPED | CheckOutcome.NOT_APPLICABLE:
            SubElement(case, "skipped", {"message": printable(result.reason)})
        case CheckOutcome.PASSED:
            pass
    if notes := [*_accepted(result), *(_findings(result) if result.outcome is CheckOutcome.PASSED else ())]:
        SubElement(case, "system-out").text = "\n".join(notes)


def _count_findings(result: CheckResult) -> str:
    """How many findings a check has."""
    count = len(result.findings)
    return "1 finding" if count == 1 else f"{count} findings"


def _findings(result: CheckResult) -> Iterator[str]:
    for finding in result.findings:
        where = f"{place}: " if (place := place_of(finding)) else ""
        yield f"{severity_of(result.check, finding).value}: {where}{printable(finding.what)}"
        yield f"  fix: {fix_of(result.check, finding)}"


def _unseen(result: CheckResult) -> Iterator[str]:
    for part in result.unchecked:
        where = f"{printable(str(part.place))}: " if part.place else ""
        fix = f"; fix: {printable(part.fix)}" if part.fix else ""
        yield f"not checked: {where}{printable(part.what)}{fix}"


def _accepted(result: CheckResult) -> Iterator[str]:
    for acceptance in result.accepted:
        until = f" until {acceptance.until}" if acceptance.until else ""
        yield f"accepted{until}: {place_of(acceptance.finding)}: {printable(acceptance.reason)}"
