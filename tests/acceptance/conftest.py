# SPDX-License-Identifier: Apache-2.0
"""What all acceptance tests share: they report figures, which are listed together at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from _pytest.terminal import TerminalReporter

FIGURES_PROPERTY = "reported"


class ReportFigures(Protocol):
    """Prints what was measured, also when the test fails afterwards."""

    def __call__(self, what: str, figures: str) -> None:
        """Report the figures of one thing."""
        ...


@pytest.fixture
def report_figures(record_property: Callable[[str, object], None]) -> ReportFigures:
    """For one line of the table at the end."""

    def reported(what: str, figures: str) -> None:
        record_property(FIGURES_PROPERTY, [what, figures])

    return reported


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print the table: a line for every result, with the seconds its test took."""
    lines = [
        (report.outcome, report.duration, *reported)
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, reported in report.user_properties
        if name == FIGURES_PROPERTY and isinstance(reported, list)
    ]
    if lines:
        terminalreporter.write_sep("=", "what was seen")
    width = max((len(what) for _, _, what, _ in lines), default=0)
    for outcome, seconds, what, figures in sorted(lines, key=lambda line: _by_number(line[2])):
        terminalreporter.write_line(f"{outcome}  {seconds:4.0f} s  {what:{width}}  {figures}")


def _by_number(what: str) -> list[tuple[int, str]]:
    return [(int(word), "") if word.isdecimal() else (0, word) for word in what.split()]
