# SPDX-License-Identifier: Apache-2.0
"""Words that all formats use, and strings that are safe for terminals, browsers and parsers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.readiness.check import Group, Severity
from callwell.readiness.practices import Rule
from callwell.readiness.report import CheckOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callwell.readiness.check import Check, Finding
    from callwell.readiness.report import CheckReport

GROUP_TITLES: Final = {
    Group.LEAKS: "Leaks",
    Group.KEYS: "Keys",
    Group.CODE: "Code",
    Group.LIFE: "Configuration and life",
    Group.DRILLS: "Drills",
}

READY: Final = "ready: every check that applies has passed"
VERDICTS: Final = {
    0: "passed, but not every check of the list was run",
    1: "not ready: there are findings",
    2: "not shown to be ready: some checks are incomplete",
}
"""By exit code, unless the whole list has passed."""


def verdict_of(report: CheckReport) -> str:
    """The verdict in words. Only the whole list shows that a project is ready."""
    if report.exit_code == 0 and report.is_full_run:
        return READY
    return VERDICTS[report.exit_code]


def printable(text: str) -> str:
    """Make a string printable on one line, without control characters.

    Control characters, line breaks, characters that change the direction of text, and halves of a broken file name
    become the escapes that Python writes for them.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def severity_of(check: Check, finding: Finding) -> Severity:
    """The severity of a finding."""
    return finding.severity or check.severity


def place_of(finding: Finding) -> str:
    """Where a finding is; empty if it is nowhere in the files."""
    return printable(str(finding.place)) if finding.place else ""


def fix_of(check: Check, finding: Finding) -> str:
    """What to do about a finding."""
    return printable(finding.fix or check.fix)


def subject_of(report: CheckReport) -> str:
    """What was checked: the accounts in use, and the number of files."""
    accounts = ", ".join(report.accounts)
    return accounts if report.files is None else f"{accounts}; {_plural(report.files, 'file')}"


def summarize_counts(report: CheckReport) -> str:
    """The counts of a report, as `3 findings in 2 checks, 20 passed`."""
    findings = sum(len(result.findings) for result in report.results)
    accepted = sum(len(result.accepted) for result in report.results)
    with_findings = sum(bool(result.findings) for result in report.results)
    counts = {outcome: len(report.with_outcome(outcome)) for outcome in CheckOutcome}
    words = [f"{_plural(findings, 'finding')} in {_plural(with_findings, 'check')}"] if findings else []
    words += [
        f"{count} {phrase}"
        for count, phrase in (
            (accepted, "accepted"),
            (counts[CheckOutcome.INCOMPLETE], "incomplete"),
            (counts[CheckOutcome.PASSED], "passed"),
            (counts[CheckOutcome.NOT_APPLICABLE], "not applicable"),
            (counts[CheckOutcome.SKIPPED], "skipped"),
            (report.left_out, "left out"),
        )
        if count
    ]
    return ", ".join(words)


def rules_by_page(rules: Iterable[Rule]) -> Iterator[Rule]:
    """Merge the rules of a page into one rule, with their texts joined."""
    texts: dict[tuple[str, str], list[str]] = {}
    for rule in rules:
        texts.setdefault((rule.provider, rule.page), []).append(rule.text)
    for (provider, page), parts in texts.items():
        yield Rule(provider=provider, text="; ".join(parts), page=page)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
