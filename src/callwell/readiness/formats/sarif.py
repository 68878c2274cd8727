# SPDX-License-Identifier: Apache-2.0
"""A report in the Static Analysis Results Interchange Format 2.1.0 (OASIS), as code hosts show it next to the code.

A check is a rule, a finding is a result. A part that could not be checked is a notification of the tool, and then the
execution was not successful. An accepted finding is a result with a suppression: in the source by a comment, external
by the baseline.
"""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from callwell.readiness.check import Severity
from callwell.readiness.formats.words import fix_of, printable, severity_of
from callwell.readiness.identity import identify
from callwell.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.check import Check, Finding, Place, Unchecked
    from callwell.readiness.report import CheckReport, CheckResult

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
BASE: Final = "SRCROOT"
"""The name of the project's folder in addresses of files."""

FINGERPRINT: Final = "callwellFinding/v1"
SECURITY_SEVERITY: Final = {Severity.ERROR: "8.0", Severity.WARNING: "5.0", Severity.NOTE: "2.0"}
"""As CVSS scores, which GitHub reads to sort its alerts: in the middle of high, medium and low."""


def to_sarif(report: CheckReport) -> dict[str, Any]:
    """The report as a SARIF log."""
    indexes = {result.check.id: index for index, result in enumerate(report.results)}
    notifications = [
        _notification(result.check, part, indexes) for result in report.results for part in result.unchecked
    ]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "callwell check",
                        "version": VERSION,
                        "rules": [_rule(result) for result in report.results],
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": not notifications,
                        "exitCode": report.exit_code,
                        "toolExecutionNotifications": notifications,
                    }
                ],
                "originalUriBaseIds": {BASE: {"description": {"text": "The folder that was checked."}}},
                "columnKind": "unicodeCodePoints",
                "results": list(_results(report, indexes)),
            }
        ],
    }


def _rule(result: CheckResult) -> dict[str, Any]:
    check = result.check
    pages = "".join(f"\n\nAsked for by {rule.provider}: {rule.text} ({rule.page})" for rule in result.asked_by)
    rule: dict[str, Any] = {
        "id": check.id,
        "name": "".join(word.capitalize() for word in check.id.replace(".", "-").split("-")),
        "shortDescription": {"text": check.title},
        "fullDescription": {"text": check.why},
        "help": {"text": f"{check.why}\n\n{check.fix}{pages}"},
        "defaultConfiguration": {"level": check.severity.value},
        "properties": {
            "tags": ["security", check.group.value],
            "security-severity": SECURITY_SEVERITY[check.severity],
        },
    }
    if result.asked_by:
        rule["helpUri"] = result.asked_by[0].page
    return rule


def _results(report: CheckReport, indexes: dict[str, int]) -> Iterator[dict[str, Any]]:
    seen: Counter[str] = Counter()
    for result in report.results:
        for finding in result.findings:
            yield _result(result.check, finding, indexes, seen)
        for acceptance in result.accepted:
            suppression = {
                "kind": "inSource" if acceptance.until is None else "external",
                "status": "accepted",
                "justification": printable(acceptance.reason),
            }
            yield _result(result.check, acceptance.finding, indexes, seen) | {"suppressions": [suppression]}


def _result(check: Check, finding: Finding, indexes: dict[str, int], seen: Counter[str]) -> dict[str, Any]:
    name = identify(check.id, finding).id
    seen[name] += 1  # the same problem twice in a file: each has its own fingerprint
    commit = f" (in commit {finding.place.commit})" if finding.place and finding.place.commit else ""
    return {
        "ruleId": check.id,
        "ruleIndex": indexes[check.id],
        "level": severity_of(check, finding).value,
        "message": {"text": f"{printable(finding.what)}{commit}. To do: {fix_of(check, finding)}"},
        "locations": [_location(finding.place)],
        "partialFingerprints": {FINGERPRINT: f"{name}:{seen[name]}"},
    }


def _notification(check: Check, part: Unchecked, indexes: dict[str, int]) -> dict[str, Any]:
    fix = f". To do: {printable(part.fix)}" if part.fix else ""
    return {
        "level": "error",
        "message": {"text": f"{check.id} is incomplete: {printable(part.what)}{fix}"},
        "associatedRule": {"id": check.id, "index": indexes[check.id]},
        "locations": [_location(part.place)],
    }


def _location(place: Place | None) -> dict[str, Any]:
    """Where something is. Code hosts refuse a result without a file, so the folder stands for what is in none."""
    if place is None or place.path.startswith(("env:", "-")):
        location: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": ".", "uriBaseId": BASE}}}
        if place is not None:
            location["logicalLocations"] = [{"fullyQualifiedName": printable(place.path)}]
        return location
    if PurePath(place.path).is_absolute():
        artifact = {"uri": f"file://{_quote(place.path)}"}
    else:
        artifact = {"uri": _quote(place.path), "uriBaseId": BASE}
    physical: dict[str, Any] = {"artifactLocation": artifact}
    if place.line is not None:
        physical["region"] = {"startLine": place.line}
    return {"physicalLocation": physical}


def _quote(path: str) -> str:
    """A path as part of an address: each byte of a broken name becomes `%XX`, as it is in the file system."""
    return quote(path.encode("utf-8", "surrogateescape"))
