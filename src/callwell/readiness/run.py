# SPDX-License-Identifier: Apache-2.0
"""Runs checks, one after the other, and makes the report."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, TypeVar

from callwell.errors import CallwellError
from callwell.readiness.check import CannotCheck, Finding, Group, NotApplicable, Unchecked
from callwell.readiness.practices import find_rules
from callwell.readiness.registry import CHECKS
from callwell.readiness.report import CheckReport, CheckResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from callwell.readiness.check import Check, Place
    from callwell.readiness.known_keys.keys_in_use import KeysInUse
    from callwell.readiness.project import Project

T = TypeVar("T", Finding, Unchecked)

REDACTED: Final = "(a name with the key in it)"
REDACTED_PATH: Final = "a path with the key in it"
SKIPPED_OFFLINE = "it sends requests to the provider, and --offline was given"

EXPECTED_ERRORS: Final = (NotApplicable, CannotCheck, CallwellError, OSError)
"""Errors that may stop the preparation of a check. They stop the check itself again, which reports them."""


def run_checks(project: Project, checks: Iterable[Check], begin: Callable[[Check], None] | None = None) -> CheckReport:
    """Run checks on a project.

    Args:
        project: the project.
        checks: the checks, in the order of the report.
        begin: called before each check, for progress.
    """
    started = time.monotonic()
    chosen = tuple(checks)
    results = []
    try:
        for check in chosen:
            prepare(project, check)
        with suppress(*EXPECTED_ERRORS):
            project.begin()
        for check in chosen:
            if begin is not None:
                begin(check)
            results.append(run_check(project, check))
    finally:
        project.close()
    groups = list(Group)
    results.sort(key=lambda result: groups.index(result.check.group))  # stable: the order of the run within a group
    return CheckReport(
        root=str(project.root),
        results=tuple(results),
        took_s=time.monotonic() - started,
        accounts=tuple(
            f"{account.provider.name}/{account.environment}" for account in project.accounts if account.in_use
        ),
        files=_count_files(project),
        left_out=len(CHECKS) - len(results),
    )


def prepare(project: Project, check: Check) -> None:
    """Let a check start its slow work. Errors are ignored: they stop the check itself again, which reports them.

    Args:
        project: the project.
        check: the check.
    """
    if check.prepare is None or (check.online and project.scope.offline):
        return
    with suppress(*EXPECTED_ERRORS):
        check.prepare(project)


def _count_files(project: Project) -> int | None:
    try:
        return sum(1 for _ in project.files)
    except CannotCheck:  # the checks have reported it
        return None


def run_check(project: Project, check: Check) -> CheckResult:
    """Run one check. Whatever stops it is in the result, so it never passes silently.

    Args:
        project: the project.
        check: the check.
    """
    asked_by = find_rules(check.id, [account.provider for account in project.accounts])
    if check.online and project.scope.offline:
        return CheckResult(check=check, skipped=True, reason=SKIPPED_OFFLINE, asked_by=asked_by)
    started = time.monotonic()
    findings: list[Finding] = []
    unchecked: list[Unchecked] = []
    try:
        for item in check.run(project):
            if isinstance(item, Finding):
                findings.append(_redact_finding(project, item._replace(place=_relative(item.place, project.root))))
            else:
                unchecked.append(_redact_finding(project, item._replace(place=_relative(item.place, project.root))))
    except NotApplicable as none:
        return CheckResult(check=check, applicable=False, reason=none.reason, asked_by=asked_by)
    except CannotCheck as stopped:
        unchecked.append(_redact_finding(project, Unchecked(what=stopped.reason, fix=stopped.fix)))
    except (CallwellError, OSError, RecursionError, MemoryError) as error:
        unchecked.append(_redact_finding(project, Unchecked(what=f"stopped by {type(error).__name__}: {error}")))
    return CheckResult(
        check=check,
        findings=tuple(findings),
        unchecked=tuple(unchecked),
        took_s=time.monotonic() - started,
        asked_by=asked_by,
    )


def _redact_finding(project: Project, item: T) -> T:
    """Redact names in a finding that contain a key, if the keys in use were read: a file name may contain a key."""
    keys = vars(project).get("keys_in_use")
    texts = (item.place.path if item.place is not None else "", item.what, getattr(item, "identity", ""))
    if keys is None or not keys.is_in("\n".join(texts)):
        return item
    if item.place is not None and keys.is_in(item.place.path):
        item = item._replace(place=item.place._replace(path=REDACTED_PATH))
    item = item._replace(what=_without_keys(keys, item.what))
    if isinstance(item, Finding):
        item = item._replace(identity=_without_keys(keys, item.identity))
    return item


def _without_keys(keys: KeysInUse, text: str) -> str:
    if not keys.is_in(text):
        return text
    return " ".join(REDACTED if keys.is_in(word) else word for word in text.split(" "))


def _relative(place: Place | None, root: Path) -> Place | None:
    """Make the path of a place relative to the project."""
    if place is None:
        return None
    path = PurePath(place.path)
    return place._replace(path=path.relative_to(root).as_posix()) if path.is_relative_to(root) else place
