# SPDX-License-Identifier: Apache-2.0
"""What `callwell check` does with accepted findings: it applies them to a report, and adds those of `--accept`."""

from __future__ import annotations

import datetime as dt
import functools
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from callwell.cli import output
from callwell.errors import InvalidOption, UsageError
from callwell.readiness.acceptance import accept
from callwell.readiness.baseline import NAME, BaselineEntry, add_entries, read_baseline
from callwell.readiness.check import CannotCheck
from callwell.readiness.comments import comment_about, read_lines
from callwell.readiness.identity import identify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from callwell.readiness.check import Place
    from callwell.readiness.comments import IgnoreComment
    from callwell.readiness.project import Project
    from callwell.readiness.report import CheckReport


class BaselineChanges(NamedTuple):
    """What `--accept` adds.

    Attributes:
        ids: IDs of findings, or of checks for all their findings.
        reason: why.
        until: the last day.
    """

    ids: tuple[str, ...]
    reason: str
    until: dt.date


def read_changes(ids: Sequence[str], reason: str, until: str) -> BaselineChanges | None:
    """What the options add to a baseline; None if they add nothing.

    Args:
        ids: the values of `--accept`.
        reason: of `--reason`.
        until: of `--until`.

    Raises:
        UsageError: they do not belong together, or the date is not valid or has passed.
    """
    if not ids:
        if reason or until:
            raise UsageError("--reason and --until belong to --accept, which names the findings")
        return None
    if not reason.strip() or not until:
        raise UsageError("--accept needs --reason TEXT and --until DATE: why, and until when the findings are accepted")
    try:
        day = dt.date.fromisoformat(until)
    except ValueError as error:
        raise InvalidOption("--until", until, "a date such as 2027-01-31") from error
    if day < _today():
        raise InvalidOption("--until", until, "a day that has not passed")
    return BaselineChanges(ids=tuple(ids), reason=reason.strip(), until=day)


class Baseline(NamedTuple):
    """A baseline that has been read.

    Attributes:
        path: its file, which need not exist.
        entries: what it accepts.
    """

    path: Path
    entries: tuple[BaselineEntry, ...]


def open_baseline(root: Path, named: Path | None, changes: BaselineChanges | None) -> Baseline:
    """The baseline of a project; it need not exist unless it was named.

    Args:
        root: the project's folder.
        named: the file that `--baseline` names.
        changes: what will be added: then the file may be new.

    Raises:
        UsageError: the named file does not exist, or is not valid.
    """
    path = root / NAME if named is None else named
    if path.exists():
        return Baseline(path=path, entries=read_baseline(path))
    if named is not None and changes is None:
        raise UsageError(f"there is no baseline {named}; --accept makes one")
    return Baseline(path=path, entries=())


def apply_baseline(
    report: CheckReport, project: Project, baseline: Baseline, changes: BaselineChanges | None
) -> CheckReport:
    """Write the changes, and apply baseline and comments to a report.

    Args:
        report: the report of all findings.
        project: the project.
        baseline: the baseline.
        changes: what to add to it.

    Raises:
        UsageError: nothing is found by an ID to accept.
        FileProblem: the baseline cannot be written.
    """
    find_comment = _comment_finder(project)
    whole = not project.scope.staged and project.scope.since is None
    apply = functools.partial(accept, report, find_comment=find_comment, today=_today(), whole=whole)
    counted = apply(baseline=baseline.entries)
    if changes is None:
        return counted
    new = tuple(_new_entries(counted, changes))
    add_entries(baseline.path, new)
    output.say(f"{baseline.path}: {len(new)} added, accepted until {changes.until.isoformat()}")
    return apply(baseline=read_baseline(baseline.path))


def _comment_finder(project: Project) -> Callable[[str, Place], IgnoreComment | None]:
    """Returns the comment that accepts a finding; of staged changes the staged content is read."""
    paths: dict[str, Path] = {}
    with suppress(CannotCheck):  # the checks have reported it
        paths.update((file.name, file.path) for file in project.files)

    @functools.cache
    def lines(path: Path) -> tuple[str, ...]:
        try:
            return read_lines(path)
        except OSError:  # a check says it
            return ()

    def find_comment(check_id: str, place: Place) -> IgnoreComment | None:
        path = paths.get(place.path)
        return None if path is None or place.line is None else comment_about(check_id, place.line, lines(path))

    return find_comment


def _new_entries(report: CheckReport, changes: BaselineChanges) -> Iterator[BaselineEntry]:
    """An entry for each finding that counts and is named.

    Raises:
        UsageError: an ID names none.
    """
    identities = {}
    for result in report.results:
        for finding in result.findings:
            identity = identify(result.check.id, finding)
            identities[identity] = {identity.id, result.check.id}
    for name in changes.ids:
        if not any(name in names for names in identities.values()):
            raise UsageError(f"{name} matches no finding; the ID of a finding is in brackets after it")
    for identity, names in identities.items():
        if names & set(changes.ids):
            yield BaselineEntry(identity=identity, reason=changes.reason, until=changes.until, origin="")


def _today() -> dt.date:
    """Today where the command runs: a reader of the baseline expects the local date."""
    return dt.datetime.now().astimezone().date()
