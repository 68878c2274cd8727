# SPDX-License-Identifier: Apache-2.0
"""The result of a run of checks, and its verdict."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from callwell.readiness.check import Severity

if TYPE_CHECKING:
    from callwell.readiness.check import Check, Finding, Unchecked
    from callwell.readiness.practices import Rule


class CheckOutcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FOUND = "found"
    INCOMPLETE = "incomplete"
    NOT_APPLICABLE = "not-applicable"
    SKIPPED = "skipped"


class Acceptance(NamedTuple):
    """Why a finding does not count.

    Attributes:
        finding: the finding.
        reason: why somebody accepted it.
        until: the last day of the acceptance, as `2026-11-29`; None for a comment in the code.
        origin: the baseline file or the comment, as `path:line`.
    """

    finding: Finding
    reason: str
    until: str | None
    origin: str


class CheckResult(NamedTuple):
    """What one check found.

    Attributes:
        check: the check.
        findings: the findings that count.
        unchecked: the parts that it could not check.
        accepted: the accepted findings.
        reason: why it does not apply or was skipped; else empty.
        skipped: whether the user left it out.
        applicable: whether its question arises in this project.
        took_s: its duration in seconds.
        asked_by: the rules of the project's providers that ask for the check.
    """

    check: Check
    findings: tuple[Finding, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()
    accepted: tuple[Acceptance, ...] = ()
    reason: str = ""
    skipped: bool = False
    applicable: bool = True
    took_s: float = 0.0
    asked_by: tuple[Rule, ...] = ()

    @property
    def outcome(self) -> CheckOutcome:
        """How it ended: findings outweigh unchecked parts."""
        if self.skipped:
            return CheckOutcome.SKIPPED
        if not self.applicable:
            return CheckOutcome.NOT_APPLICABLE
        if any((finding.severity or self.check.severity) is not Severity.NOTE for finding in self.findings):
            return CheckOutcome.FOUND
        return CheckOutcome.INCOMPLETE if self.unchecked else CheckOutcome.PASSED


class CheckReport(NamedTuple):
    """The result of all checks.

    Attributes:
        root: the project's folder.
        results: one for each check, in the order of the table.
        took_s: the total duration in seconds.
        accounts: the accounts in use, as `provider/environment`.
        files: the number of files; None if they could not be listed.
        notes: sentences for the person who maintains the baseline, which do not change an outcome.
        left_out: how many checks of the table were not requested.
    """

    root: str
    results: tuple[CheckResult, ...]
    took_s: float
    accounts: tuple[str, ...] = ()
    files: int | None = None
    notes: tuple[str, ...] = ()
    left_out: int = 0

    @property
    def is_full_run(self) -> bool:
        """Whether every check of the table was run, so that a pass means that the project is ready."""
        return self.left_out == 0 and not self.with_outcome(CheckOutcome.SKIPPED)

    def with_outcome(self, outcome: CheckOutcome) -> tuple[CheckResult, ...]:
        """The results with this outcome."""
        return tuple(result for result in self.results if result.outcome is outcome)

    @property
    def exit_code(self) -> int:
        """0 if all passed, 1 with findings, 2 if a check is incomplete."""
        outcomes = {result.outcome for result in self.results}
        if CheckOutcome.FOUND in outcomes:
            return 1
        return 2 if CheckOutcome.INCOMPLETE in outcomes else 0
