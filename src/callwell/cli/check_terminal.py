# SPDX-License-Identifier: Apache-2.0
"""A report for a terminal: the checks by group, each finding with its fix, and the verdict last."""

from __future__ import annotations

import io
from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from callwell.readiness.check import Severity
from callwell.readiness.formats.words import (
    GROUP_TITLES,
    fix_of,
    place_of,
    printable,
    rules_by_page,
    severity_of,
    subject_of,
    summarize_counts,
    verdict_of,
)
from callwell.readiness.identity import identify
from callwell.readiness.report import CheckOutcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from callwell.readiness.check import Check, Finding
    from callwell.readiness.report import CheckReport, CheckResult

MAX_FINDINGS: Final = 20
"""How many findings of one check are shown: more would push the others off the screen; the file formats have all."""

MARKS: Final = {
    CheckOutcome.PASSED: ("✓", "green"),
    CheckOutcome.FOUND: ("✗", "bold red"),
    CheckOutcome.INCOMPLETE: ("?", "bold yellow"),
    CheckOutcome.NOT_APPLICABLE: ("–", "dim"),
    CheckOutcome.SKIPPED: ("–", "dim"),
}
SEVERITY_STYLES: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
VERDICT_STYLES: Final = {0: "bold green", 1: "bold red", 2: "bold yellow"}


def render_report(report: CheckReport, *, width: int, color: bool) -> str:
    """Render the report.

    Args:
        report: the report.
        width: columns of the terminal.
        color: use colours.
    """
    sink = io.StringIO()
    console = Console(
        file=sink,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    for part in _parts(report):
        console.print(part)
    return "\n".join(line.rstrip() for line in sink.getvalue().splitlines()) + "\n"


def _parts(report: CheckReport) -> Iterator[RenderableType]:
    yield Text(f"{printable(report.root)}: {subject_of(report)}", style="bold")
    for group, results in groupby(report.results, key=lambda result: result.check.group):
        yield Text(f"\n{GROUP_TITLES[group]}", style="bold")
        for result in results:
            yield from _result_parts(result)
    yield Text()
    for note in report.notes:
        yield Text(f"note: {printable(note)}", style="cyan")
    verdict = f"{verdict_of(report)} ({summarize_counts(report)}; {report.took_s:.1f} s)"
    yield Text(verdict, style=VERDICT_STYLES[report.exit_code])


def _result_parts(result: CheckResult) -> Iterator[RenderableType]:
    check = result.check
    mark, style = MARKS[result.outcome]
    dim = "dim" if result.outcome in (CheckOutcome.NOT_APPLICABLE, CheckOutcome.SKIPPED) else ""
    line = Text.assemble((f"{mark} ", style), (check.title, dim), (f"  {check.id}", "dim"))
    if result.reason:
        line.append(f": {printable(result.reason)}", "dim")
    yield _indented(line, 2)
    for finding in result.findings[:MAX_FINDINGS]:
        yield from _finding_parts(check, finding)
    hidden = len(result.findings) - MAX_FINDINGS
    if hidden > 0:
        yield _indented(Text(f"and {hidden} more: --json, --html and --sarif have all of them"), 4)
    for part in result.unchecked:
        where = f"{printable(str(part.place))}: " if part.place else ""
        yield _indented(Text.assemble(("not checked: ", "yellow"), f"{where}{printable(part.what)}"), 4)
        if part.fix:
            yield _indented(Text.assemble(("fix: ", "dim"), printable(part.fix)), 6)
    for acceptance in result.accepted:
        until = f"until {acceptance.until}" if acceptance.until else "by a comment"
        text = f"accepted {until}: {place_of(acceptance.finding) or acceptance.finding.what}: {acceptance.reason}"
        yield _indented(Text(printable(text), style="dim"), 4)
    if result.findings:
        yield from _reasons(result)


def _finding_parts(check: Check, finding: Finding) -> Iterator[RenderableType]:
    severity = severity_of(check, finding)
    place = place_of(finding)
    line = Text.assemble(
        (f"{severity.value} ", SEVERITY_STYLES[severity]),
        (f"{place}: " if place else "", "bold"),
        printable(finding.what),
        (f"  [{identify(check.id, finding).id}]", "dim"),
    )
    yield _indented(line, 4)
    if finding.fix:
        yield _indented(Text.assemble(("fix: ", "dim"), fix_of(check, finding)), 6)


def _reasons(result: CheckResult) -> Iterator[RenderableType]:
    """Why the check is made, what to do if a finding does not say it, and who asks for it."""
    yield _indented(Text.assemble(("why: ", "dim"), result.check.why), 4)
    yield _indented(Text.assemble(("how to fix it: ", "dim"), result.check.fix), 4)
    for rule in rules_by_page(result.asked_by):
        yield _indented(
            Text.assemble(("asked for by ", "dim"), f"{rule.provider}: {rule.text}  ", (rule.page, "dim")), 4
        )


def _indented(text: Text, columns: int) -> Padding:
    """A string with a margin."""
    return Padding(text, (0, 0, 0, columns))
